// Log lines, and how often they may come.
#include "check.hpp"
#include "log.hpp"

namespace {

using namespace echo;

void members() {
  CHECK(logLine(1'700'000'002, Level::info, "echo-cpp", "listening",
                {{"address", "::1"}, {"port", std::uint64_t{4000}}}) ==
        R"({"time":"2023-11-14T22:13:22Z","level":"info","service":"echo-cpp",)"
        R"("event":"listening","address":"::1","port":4000})"
        "\n");
  CHECK(logLine(0, Level::warn, "a", "busy", {{"connections", std::uint64_t{256}}}) ==
        R"({"time":"1970-01-01T00:00:00Z","level":"warn","service":"a","event":"busy",)"
        R"("connections":256})"
        "\n");
}

void textIsEscaped() {
  const std::string_view reason = "\"\\\n\x7f\xc3\xa4";
  const std::string line = logLine(0, Level::error, "a", "fault", {{"reason", reason}});
  CHECK(line.ends_with(R"("level":"error","service":"a","event":"fault","reason":"\"\\\u000a???"})"
                       "\n"));
}

void pace() {
  OncePerSecond pace;
  CHECK(pace.isDue(Milliseconds(5'000)));
  CHECK(!pace.isDue(Milliseconds(5'000)));
  CHECK(!pace.isDue(Milliseconds(5'999)));
  CHECK(pace.isDue(Milliseconds(6'000)));
}

}  // namespace

void test::log() {
  members();
  textIsEscaped();
  pace();
}
