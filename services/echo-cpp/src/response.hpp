// A response that a service signs with its measured key (protocol, "Signed response").
#pragma once

#include <optional>
#include <string>

#include "signer.hpp"

namespace echo {

// 32 bytes of the client; all zero when it gave none.
using Nonce = ByteArray<32>;

struct ResponseContent {
  // Name of the service.
  std::string_view service;
  Nonce nonce;
  // The service's clock: Unix seconds, below 2^53.
  std::uint64_t time;
  Bytes request;
  Bytes body;
};

constexpr std::size_t maxServiceNameLength = 64;

// name matches [a-z0-9][a-z0-9._-]{0,63}
bool isServiceName(std::string_view name);

constexpr std::size_t responseMessageLength = 158;

// message = tag(response) ‖ service id ‖ nonce ‖ time ‖ SHA-256(request) ‖ SHA-256(body): always 158 bytes.
// Throws std::invalid_argument for a name that no service can have, std::out_of_range for a time of 2^53 or more.
ByteArray<responseMessageLength> responseMessage(const ResponseContent& content);

// response hash = SHA-256(message)
Hash responseHash(const ResponseContent& content);

// JSON: `version` 1 · `service` (name) · `nonce` · `time` · `request` · `body` (base64) · `signature` (hex), in this
// order, no spaces.
std::string encodeResponse(const ResponseContent& content, const Signature& signature);

}  // namespace echo
