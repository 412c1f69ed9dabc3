// What the unit tests check with.
#pragma once

#include <cstdio>
#include <string>

namespace test {

inline int failures = 0;

inline void check(bool holds, const char* expression, const char* file, int line) {
  if (holds) return;
  failures++;
  std::fprintf(stderr, "%s:%d: failed: %s\n", file, line, expression);
}

// Whether the call throws just this type, or one below it.
template <typename Error, typename Call>
bool throws(Call call) {
  try {
    call();
  } catch (const Error&) {
    return true;
  }
  return false;
}

// One for each file of tests.
void bytes();
void log();
void options();
void protocol();
void response();

}  // namespace test

#define CHECK(expression) test::check(static_cast<bool>(expression), #expression, __FILE__, __LINE__)
