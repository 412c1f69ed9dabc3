// The command line.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace echo {

constexpr std::string_view usage =
    "usage: echo-cpp --key FILE --name NAME --port N [--host ADDRESS] [--max-connections N] "
    "[--idle-seconds N]";

class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Options {
  std::string key;
  std::string name;
  // 0 for any.
  std::uint16_t port = 0;
  std::string host = "127.0.0.1";
  std::size_t connections = 256;
  std::chrono::seconds idle{60};
};

// Arguments without the program's name, each `--option VALUE` or `--option=VALUE`; of the same option the last counts.
// Throws UsageError for anything else, a missing option, a value out of range, or a name that no service can have.
Options readOptions(std::span<const char* const> arguments);

}  // namespace echo
