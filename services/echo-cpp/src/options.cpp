#include "options.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <optional>

#include "response.hpp"

namespace echo {

namespace {

using Values = std::map<std::string, std::string, std::less<>>;

constexpr std::array<std::string_view, 6> known = {
    "--key", "--name", "--host", "--port", "--max-connections", "--idle-seconds"};

void add(Values& values, std::string_view option, std::string_view value) {
  if (std::find(known.begin(), known.end(), option) == known.end()) {
    throw UsageError("unexpected argument " + std::string(option));
  }
  values.insert_or_assign(std::string(option), std::string(value));
}

Values collect(std::span<const char* const> arguments) {
  Values values;
  for (std::size_t i = 0; i < arguments.size(); i++) {
    const std::string_view argument = arguments[i];
    const std::size_t equals = argument.find('=');
    if (argument.starts_with("--") && equals != std::string_view::npos) {
      add(values, argument.substr(0, equals), argument.substr(equals + 1));
      continue;
    }
    const bool hasValue = i + 1 < arguments.size();
    // A value that looks like an option is more often a forgotten value.
    if (std::find(known.begin(), known.end(), argument) != known.end() &&
        (!hasValue || std::string_view(arguments[i + 1]).starts_with('-'))) {
      throw UsageError(std::string(argument) + " needs a value");
    }
    add(values, argument, hasValue ? arguments[++i] : "");
  }
  return values;
}

std::optional<std::string> optional(const Values& values, std::string_view option) {
  const auto found = values.find(option);
  if (found == values.end()) return std::nullopt;
  return found->second;
}

std::string required(const Values& values, std::string_view option) {
  const std::optional<std::string> found = optional(values, option);
  if (!found) throw UsageError(std::string(option) + " is missing");
  return *found;
}

bool isDigit(char c) { return c >= '0' && c <= '9'; }

// Nine digits at most: they cannot overflow.
std::uint32_t wholeNumber(std::string_view option, const std::string& text, std::uint32_t min,
                          std::uint32_t max) {
  if (!text.empty() && text.size() <= 9 && std::all_of(text.begin(), text.end(), isDigit)) {
    const auto value = static_cast<std::uint32_t>(std::stoul(text));
    if (value >= min && value <= max) return value;
  }
  throw UsageError(std::string(option) + ": expected a whole number from " + std::to_string(min) +
                   " to " + std::to_string(max));
}

}  // namespace

Options readOptions(std::span<const char* const> arguments) {
  const Values values = collect(arguments);
  Options options;
  options.key = required(values, "--key");
  options.name = required(values, "--name");
  const std::string port = required(values, "--port");
  if (!isServiceName(options.name)) {
    throw UsageError("--name: expected 1 to 64 of a-z 0-9 . _ - with one of a-z 0-9 as the first");
  }
  options.port = static_cast<std::uint16_t>(wholeNumber("--port", port, 0, 65'535));
  options.host = optional(values, "--host").value_or(options.host);
  if (const auto text = optional(values, "--max-connections")) {
    options.connections = wholeNumber("--max-connections", *text, 1, 65'535);
  }
  if (const auto text = optional(values, "--idle-seconds")) {
    options.idle = std::chrono::seconds(wholeNumber("--idle-seconds", *text, 1, 86'400));
  }
  return options;
}

}  // namespace echo
