// The command line: each refusal beside what is taken.
#include <vector>

#include "check.hpp"
#include "options.hpp"

namespace {

using namespace echo;

using Words = std::vector<const char*>;

Words withRequired(const Words& more) {
  Words words = {"--key", "file", "--name", "echo", "--port", "0"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

// Empty when the words are taken.
std::string problem(const Words& words) {
  try {
    readOptions(words);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

void takesAll() {
  const Options few = readOptions(withRequired({}));
  CHECK(few.key == "file" && few.name == "echo" && few.port == 0 && few.host == "127.0.0.1");
  CHECK(few.connections == 256 && few.idle == std::chrono::seconds(60));
  const Options all =
      readOptions(Words{"--idle-seconds", "86400", "--max-connections=65535", "--host", "::1",
                        "--port=65535", "--name", "a", "--key=a=b"});
  CHECK(all.key == "a=b" && all.name == "a" && all.port == 65'535 && all.host == "::1");
  CHECK(all.connections == 65'535 && all.idle == std::chrono::seconds(86'400));
  CHECK(readOptions(withRequired({"--port", "1", "--port=2"})).port == 2);
}

void refusesMissing() {
  CHECK(problem({"--name", "echo", "--port", "0"}) == "--key is missing");
  CHECK(problem({"--key", "file", "--port", "0"}) == "--name is missing");
  CHECK(problem({"--key", "file", "--name", "echo"}) == "--port is missing");
  CHECK(problem({"--key", "file", "--name", "echo", "--port"}) == "--port needs a value");
  CHECK(problem({"--key", "--name", "echo", "--port", "0"}) == "--key needs a value");
}

void refusesOthers() {
  CHECK(problem(withRequired({"stray"})) == "unexpected argument stray");
  CHECK(problem(withRequired({"--"})) == "unexpected argument --");
  CHECK(problem(withRequired({"--help"})) == "unexpected argument --help");
  CHECK(problem(withRequired({"--nothing=1"})) == "unexpected argument --nothing");
}

void numbers() {
  for (const char* good : {"1", "007", "65535"}) {
    CHECK(problem(withRequired({"--max-connections", good})).empty());
  }
  for (const char* bad : {"0", "65536", "1.5", "1e3", "0x10", " 1", "+1", "1 ", "9999999999", ""}) {
    CHECK(problem(withRequired({"--max-connections", bad})) ==
          "--max-connections: expected a whole number from 1 to 65535");
  }
  CHECK(problem(withRequired({"--idle-seconds", "86400"})).empty());
  CHECK(problem(withRequired({"--idle-seconds", "86401"})).starts_with("--idle-seconds: expected"));
  CHECK(problem({"--key", "k", "--name", "n", "--port", "65535"}).empty());
  CHECK(problem({"--key", "k", "--name", "n", "--port", "65536"}).starts_with("--port: expected"));
}

void names() {
  CHECK(problem({"--key", "k", "--name", "0.a_b-c", "--port", "0"}).empty());
  CHECK(problem({"--key", "k", "--name", "Echo", "--port", "0"}).starts_with("--name: expected"));
}

}  // namespace

void test::options() {
  takesAll();
  refusesMissing();
  refusesOthers();
  numbers();
  names();
}
