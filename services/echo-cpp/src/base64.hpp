// Base64 of RFC 4648, section 4: the standard alphabet, with padding.
#pragma once

#include <string>

#include "bytes.hpp"

namespace echo {

std::string toBase64(Bytes bytes);

}  // namespace echo
