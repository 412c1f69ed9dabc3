#include "hex.hpp"

namespace echo {

namespace {

constexpr std::string_view alphabet = "0123456789abcdef";

// -1 for what is no digit.
int digitValue(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  return -1;
}

}  // namespace

std::string toHex(Bytes bytes) {
  std::string out;
  out.reserve(2 * bytes.size());
  for (const unsigned byte : bytes) {
    out += alphabet[byte >> 4];
    out += alphabet[byte & 15];
  }
  return out;
}

bool fromHex(std::string_view digits, std::span<std::uint8_t> out) {
  if (digits.size() != 2 * out.size()) return false;
  for (std::size_t i = 0; i < out.size(); i++) {
    const int high = digitValue(digits[2 * i]);
    const int low = digitValue(digits[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return true;
}

}  // namespace echo
