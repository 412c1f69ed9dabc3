#include "log.hpp"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <ctime>

namespace echo {

namespace {

constexpr std::string_view levelName(Level level) {
  switch (level) {
    case Level::info:
      return "info";
    case Level::warn:
      return "warn";
    case Level::error:
      return "error";
  }
  return "error";
}

std::string rfc3339(std::int64_t time) {
  const std::time_t seconds = time;
  std::tm parts;
  std::array<char, 40> text;
  if (gmtime_r(&seconds, &parts) == nullptr ||
      std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts) == 0) {
    return "0000-00-00T00:00:00Z";
  }
  return text.data();
}

// Bytes that are not ASCII become `?`: what is logged need not be UTF-8, the log is.
void appendString(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      std::array<char, 8> escaped;
      std::snprintf(escaped.data(), escaped.size(), "\\u%04x", byte);
      out += escaped.data();
    } else {
      out += byte < 0x7f ? c : '?';
    }
  }
  out += '"';
}

void appendMember(std::string& out, const LogMember& member) {
  out += out.empty() ? '{' : ',';
  appendString(out, member.name);
  out += ':';
  if (const auto* number = std::get_if<std::uint64_t>(&member.value)) {
    out += std::to_string(*number);
  } else {
    appendString(out, std::get<std::string_view>(member.value));
  }
}

}  // namespace

std::string logLine(std::int64_t time, Level level, std::string_view service,
                    std::string_view event, std::initializer_list<LogMember> members) {
  const std::string when = rfc3339(time);
  std::string out;
  appendMember(out, {"time", when});
  appendMember(out, {"level", levelName(level)});
  appendMember(out, {"service", service});
  appendMember(out, {"event", event});
  for (const LogMember& member : members) appendMember(out, member);
  out += "}\n";
  return out;
}

void Log::write(std::int64_t time, Level level, std::string_view event,
                std::initializer_list<LogMember> members) const {
  const std::string line = logLine(time, level, service_, event, members);
  pollfd writable{.fd = file_, .events = POLLOUT, .revents = 0};
  if (poll(&writable, 1, 0) != 1) return;
  // A pipe that can be written takes a line of this length whole. If it fails after all, nobody can be told.
  [[maybe_unused]] const ssize_t written = ::write(file_, line.data(), line.size());
}

}  // namespace echo
