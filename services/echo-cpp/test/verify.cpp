// For tests alone: checks signatures with libsecp256k1. Reads lines `<x ‖ y, 128 hex> <hash, 64 hex> <r ‖ s, 128 hex>`
// and prints for each `ok`, or `refused`: malformed, no point of the curve, a high s, or not signed by this key.
#include <secp256k1.h>

#include <iostream>
#include <string>

#include "hex.hpp"

namespace {

using echo::ByteArray;

constexpr std::size_t keyDigits = 128;
constexpr std::size_t hashDigits = 64;
constexpr std::size_t signatureDigits = 128;
constexpr std::size_t hashStart = keyDigits + 1;
constexpr std::size_t signatureStart = hashStart + hashDigits + 1;

struct Claim {
  // As the library reads it: 4 ‖ x ‖ y.
  ByteArray<65> key = {4};
  ByteArray<32> hash = {};
  ByteArray<64> signature = {};
};

bool parse(std::string_view line, Claim& out) {
  return line.size() == signatureStart + signatureDigits && line[hashStart - 1] == ' ' &&
         line[signatureStart - 1] == ' ' &&
         echo::fromHex(line.substr(0, keyDigits), std::span(out.key).subspan(1)) &&
         echo::fromHex(line.substr(hashStart, hashDigits), out.hash) &&
         echo::fromHex(line.substr(signatureStart), out.signature);
}

// The library refuses a high s by itself; it is asked again, so that this does not rest on one line of its manual.
bool holds(const secp256k1_context* context, const Claim& claim) {
  secp256k1_pubkey key;
  secp256k1_ecdsa_signature signature;
  if (secp256k1_ec_pubkey_parse(context, &key, claim.key.data(), claim.key.size()) != 1) {
    return false;
  }
  if (secp256k1_ecdsa_signature_parse_compact(context, &signature, claim.signature.data()) != 1) {
    return false;
  }
  if (secp256k1_ecdsa_signature_normalize(context, nullptr, &signature) == 1) return false;
  return secp256k1_ecdsa_verify(context, &signature, claim.hash.data(), &key) == 1;
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    Claim claim;
    const bool isGood = parse(line, claim) && holds(secp256k1_context_static, claim);
    std::cout << (isGood ? "ok" : "refused") << std::endl;
  }
}
