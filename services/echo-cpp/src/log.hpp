// Structured log: one JSON object a line. It is given what happened to the service, never anything of a request or key.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "clock.hpp"

namespace echo {

enum class Level { info, warn, error };

struct LogMember {
  std::string_view name;
  std::variant<std::uint64_t, std::string_view> value;
};

// A line with its LF: `time` (RFC 3339 UTC, from Unix seconds), `level`, `service`, `event`, then the event's own
// members in the order given.
std::string logLine(std::int64_t time, Level level, std::string_view service,
                    std::string_view event, std::initializer_list<LogMember> members);

class Log {
 public:
  Log(int file, std::string service) : file_(file), service_(std::move(service)) {}

  // Never waits: a line that its reader does not take is lost, and the service goes on.
  void write(std::int64_t time, Level level, std::string_view event,
             std::initializer_list<LogMember> members) const;

 private:
  int file_;
  std::string service_;
};

// What may happen thousands of times a second is told once a second.
class OncePerSecond {
 public:
  bool isDue(Milliseconds now) {
    if (now < next_) return false;
    next_ = now + Milliseconds(1000);
    return true;
  }

 private:
  Milliseconds next_{0};
};

}  // namespace echo
