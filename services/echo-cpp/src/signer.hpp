// The one place that holds the secret key and the context of libsecp256k1.
#pragma once

#include <secp256k1.h>

#include <memory>

#include "secret_key.hpp"
#include "sha256.hpp"

namespace echo {

// r ‖ s.
using Signature = ByteArray<64>;

// 0 < key < order
bool isSecretKey(const SecretKey& key);

class Signer {
 public:
  // Throws std::invalid_argument for a key that is none, std::system_error when the system gives no random bytes.
  explicit Signer(SecretKey key);

  // ECDSA secp256k1 over the hash as it is, 64 bytes r ‖ s, 0 < r < order, 0 < s ≤ (order − 1)/2, made with RFC 6979.
  // Throws std::runtime_error when the library cannot.
  Signature sign(const Hash& hash) const;

 private:
  struct DestroyContext {
    void operator()(secp256k1_context* context) const { secp256k1_context_destroy(context); }
  };

  std::unique_ptr<secp256k1_context, DestroyContext> context_;
  SecretKey key_;
};

}  // namespace echo
