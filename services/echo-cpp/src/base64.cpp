#include "base64.hpp"

namespace echo {

namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// One to three bytes become four characters: 6 bits each, then `=` for what has no bits.
void appendGroup(std::string& out, Bytes group) {
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < 3; i++) bits = bits << 8 | (i < group.size() ? group[i] : 0U);
  for (std::size_t i = 0; i < 4; i++) {
    out += i <= group.size() ? alphabet[bits >> (18 - 6 * i) & 63] : '=';
  }
}

}  // namespace

std::string toBase64(Bytes bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  while (bytes.size() > 3) {
    appendGroup(out, bytes.first(3));
    bytes = bytes.subspan(3);
  }
  if (!bytes.empty()) appendGroup(out, bytes);
  return out;
}

}  // namespace echo
