// Hex in lower case, without prefix.
#pragma once

#include <string>

#include "bytes.hpp"

namespace echo {

std::string toHex(Bytes bytes);

// Decodes exactly as many digits as `out` needs. Returns false, with `out` in no stated condition, for another length
// and for anything but 0-9 and a-f. Leaves no copy behind, so it may be used for a secret.
bool fromHex(std::string_view digits, std::span<std::uint8_t> out);

}  // namespace echo
