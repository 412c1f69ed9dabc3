// Runs the tests of the pure parts. Prints each expression that does not hold; the exit code is 1 when there is one.
#include "check.hpp"

int main() {
  test::bytes();
  test::log();
  test::options();
  test::protocol();
  test::response();
  if (test::failures == 0) return 0;
  std::fprintf(stderr, "%d failed\n", test::failures);
  return 1;
}
