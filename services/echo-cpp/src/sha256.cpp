#include "sha256.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace echo {

namespace {

// FIPS 180-4, 4.2.2.
constexpr std::array<std::uint32_t, 64> roundConstants = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

std::uint32_t readBigEndian(const std::uint8_t* bytes) {
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 |
         std::uint32_t{bytes[2]} << 8 | std::uint32_t{bytes[3]};
}

// FIPS 180-4, 6.2.2, step 1, with the functions of 4.1.2.
std::array<std::uint32_t, 64> messageSchedule(const std::uint8_t* block) {
  std::array<std::uint32_t, 64> w;
  for (std::size_t t = 0; t < 16; t++) w[t] = readBigEndian(block + 4 * t);
  for (std::size_t t = 16; t < 64; t++) {
    const std::uint32_t a = w[t - 15];
    const std::uint32_t b = w[t - 2];
    const std::uint32_t sigma0 = std::rotr(a, 7) ^ std::rotr(a, 18) ^ a >> 3;
    const std::uint32_t sigma1 = std::rotr(b, 17) ^ std::rotr(b, 19) ^ b >> 10;
    w[t] = sigma1 + w[t - 7] + sigma0 + w[t - 16];
  }
  return w;
}

}  // namespace

// FIPS 180-4, 6.2.2, steps 2 to 4; the letters are the standard's.
void Sha256::compress(const std::uint8_t* block) {
  const std::array<std::uint32_t, 64> w = messageSchedule(block);
  auto [a, b, c, d, e, f, g, h] = state_;
  for (std::size_t t = 0; t < 64; t++) {
    const std::uint32_t sum1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
    const std::uint32_t choice = (e & f) ^ (~e & g);
    const std::uint32_t t1 = h + sum1 + choice + roundConstants[t] + w[t];
    const std::uint32_t sum0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
    const std::uint32_t majority = (a & b) ^ (a & c) ^ (b & c);
    h = g;
    g = f;
    f = e;
    e = d + t1;
    d = c;
    c = b;
    b = a;
    a = t1 + sum0 + majority;
  }
  const std::array<std::uint32_t, 8> added = {a, b, c, d, e, f, g, h};
  for (std::size_t i = 0; i < 8; i++) state_[i] += added[i];
}

Sha256& Sha256::update(Bytes part) {
  length_ += part.size();
  while (!part.empty()) {
    if (used_ == 0 && part.size() >= blockLength) {
      compress(part.data());
      part = part.subspan(blockLength);
      continue;
    }
    const std::size_t taken = std::min(blockLength - used_, part.size());
    std::memcpy(block_.data() + used_, part.data(), taken);
    used_ += taken;
    part = part.subspan(taken);
    if (used_ < blockLength) break;
    compress(block_.data());
    used_ = 0;
  }
  return *this;
}

Hash Sha256::finish() {
  // FIPS 180-4, 5.1.1: a one bit, zeros, and the length in bits as the last 8 bytes of a block.
  ByteArray<blockLength + 8> padding = {0x80};
  const std::size_t zeros = (2 * blockLength - 9 - used_) % blockLength;
  const std::uint64_t bits = 8 * length_;
  for (std::size_t i = 0; i < 8; i++) {
    padding[1 + zeros + i] = static_cast<std::uint8_t>(bits >> (56 - 8 * i));
  }
  update(Bytes(padding).first(1 + zeros + 8));
  Hash out;
  for (std::size_t i = 0; i < 32; i++) {
    out[i] = static_cast<std::uint8_t>(state_[i / 4] >> (24 - 8 * (i % 4)));
  }
  return out;
}

Hash sha256(Bytes message) { return Sha256().update(message).finish(); }

}  // namespace echo
