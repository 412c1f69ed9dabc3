// SHA-256 of FIPS 180-4. For public data: it does not wipe what it worked on.
#pragma once

#include "bytes.hpp"

namespace echo {

using Hash = ByteArray<32>;

class Sha256 {
 public:
  // May be called any number of times: the parts count as one message.
  Sha256& update(Bytes part);

  // Once, as the last call.
  Hash finish();

 private:
  static constexpr std::size_t blockLength = 64;

  void compress(const std::uint8_t* block);

  // FIPS 180-4, 5.3.3.
  std::array<std::uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  ByteArray<blockLength> block_ = {};
  std::size_t used_ = 0;
  std::uint64_t length_ = 0;
};

Hash sha256(Bytes message);

}  // namespace echo
