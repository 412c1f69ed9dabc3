// Time as one turn of the server's loop sees it: each of the two clocks is read once a turn at most.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace echo {

using Milliseconds = std::chrono::milliseconds;

class TurnClock {
 public:
  void nextTurn() {
    now_ = monotonic();
    unixTime_.reset();
  }

  // For limits: since some moment in the past.
  Milliseconds now() const { return now_; }

  // Unix seconds. Read when a turn first asks, after it has read from its connections: so an answer's time is never
  // before its request.
  std::int64_t unixTime() {
    if (!unixTime_) {
      const auto time = std::chrono::system_clock::now().time_since_epoch();
      unixTime_ = std::chrono::floor<std::chrono::seconds>(time).count();
    }
    return *unixTime_;
  }

 private:
  static Milliseconds monotonic() {
    const auto time = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration_cast<Milliseconds>(time);
  }

  Milliseconds now_ = monotonic();
  std::optional<std::int64_t> unixTime_;
};

}  // namespace echo
