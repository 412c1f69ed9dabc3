#include "signer.hpp"

#include <sys/random.h>

#include <cerrno>
#include <new>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace echo {

namespace {

ByteArray<32> randomBytes() {
  ByteArray<32> out;
  ssize_t filled;
  do {
    filled = getrandom(out.data(), out.size(), 0);
  } while (filled < 0 && errno == EINTR);
  // Requests of 256 bytes at most are filled whole.
  if (filled != static_cast<ssize_t>(out.size())) {
    throw std::system_error(errno, std::generic_category(), "getrandom");
  }
  return out;
}

}  // namespace

bool isSecretKey(const SecretKey& key) {
  return secp256k1_ec_seckey_verify(secp256k1_context_static, key.bytes.data()) == 1;
}

Signer::Signer(SecretKey key)
    : context_(secp256k1_context_create(SECP256K1_CONTEXT_NONE)), key_(std::move(key)) {
  if (context_ == nullptr) throw std::bad_alloc();
  if (!isSecretKey(key_)) {
    throw std::invalid_argument("not a secp256k1 secret key (0 < key < order)");
  }
  // Blinds the computation with the key against side channels; it does not change the signatures.
  ByteArray<32> seed = randomBytes();
  const int blinded = secp256k1_context_randomize(context_.get(), seed.data());
  explicit_bzero(seed.data(), seed.size());
  if (blinded != 1) throw std::runtime_error("libsecp256k1 cannot blind its context");
}

Signature Signer::sign(const Hash& hash) const {
  secp256k1_ecdsa_signature made;
  const int signedIt = secp256k1_ecdsa_sign(context_.get(), &made, hash.data(), key_.bytes.data(),
                                            secp256k1_nonce_function_rfc6979, nullptr);
  if (signedIt != 1) throw std::runtime_error("libsecp256k1 cannot sign");
  Signature out;
  secp256k1_ecdsa_signature_serialize_compact(context_.get(), out.data(), &made);
  return out;
}

}  // namespace echo
