// Errors of the system in words.
#pragma once

#include <string>
#include <string_view>
#include <system_error>

namespace echo {

// "accept: Too many open files"
inline std::string systemText(std::string_view call, int error) {
  return std::string(call) + ": " + std::generic_category().message(error);
}

}  // namespace echo
