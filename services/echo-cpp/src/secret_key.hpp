// A secp256k1 secret key. Exists once, and is wiped when it goes.
#pragma once

#include <cstring>

#include "bytes.hpp"

namespace echo {

class SecretKey {
 public:
  SecretKey() = default;
  SecretKey(const SecretKey&) = delete;
  SecretKey& operator=(const SecretKey&) = delete;
  SecretKey(SecretKey&& other) noexcept : bytes(other.bytes) { other.wipe(); }
  SecretKey& operator=(SecretKey&&) = delete;
  ~SecretKey() { wipe(); }

  // Big-endian.
  ByteArray<32> bytes = {};

 private:
  void wipe() { explicit_bzero(bytes.data(), bytes.size()); }
};

}  // namespace echo
