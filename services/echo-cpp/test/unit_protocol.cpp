// Lines: how they are cut from a stream, and what each form asks for.
#include <random>
#include <string>
#include <vector>

#include "check.hpp"
#include "hex.hpp"
#include "protocol.hpp"

namespace {

using namespace echo;

const std::string digits = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

bool asks(std::string_view line, std::string_view nonce, std::string_view request) {
  const auto found = parseLine(asBytes(line));
  return found && toHex(found->nonce) == nonce && asText(found->request) == request;
}

bool isRefused(std::string_view line) { return !parseLine(asBytes(line)); }

void goodLines() {
  const std::string zero(64, '0');
  CHECK(asks("hello", zero, "hello"));
  CHECK(asks("", zero, ""));
  CHECK(asks("hello\r", zero, "hello\r"));
  CHECK(asks("a@b", zero, "a@b"));
  CHECK(asks(" @", zero, " @"));
  CHECK(asks("@" + digits + " hello", digits, "hello"));
  CHECK(asks("@" + digits + " ", digits, ""));
  CHECK(asks("@" + digits + "  x", digits, " x"));
  CHECK(asks("@" + digits + " @" + digits + " x", digits, "@" + digits + " x"));
  CHECK(asks("@" + zero + " hello", zero, "hello"));
  const std::string anyBytes("\xff\0\xc0\x80", 4);
  CHECK(asks(anyBytes, zero, anyBytes));
}

void badLines() {
  CHECK(isRefused("@"));
  CHECK(isRefused("@ "));
  CHECK(isRefused("@hello"));
  CHECK(isRefused("@ hello"));
  CHECK(isRefused("@" + digits));
  CHECK(isRefused("@" + digits + "\thello"));
  CHECK(isRefused("@" + digits + "\r"));
  CHECK(isRefused("@" + digits.substr(1) + " hello"));
  CHECK(isRefused("@" + digits.substr(2) + " hello"));
  CHECK(isRefused("@" + digits + "0 hello"));
  CHECK(isRefused("@" + digits + "00 hello"));
  CHECK(isRefused("@ " + digits + " hello"));
  CHECK(isRefused("@@" + digits.substr(1) + " hello"));
  CHECK(isRefused("@" + std::string(64, 'A') + " hello"));
  CHECK(isRefused("@" + std::string(64, 'g') + " hello"));
  CHECK(isRefused("@" + std::string(64, '\0') + " hello"));
  CHECK(isRefused("@" + std::string(64, '\xb1') + " hello"));
  CHECK(isRefused("@" + std::string(62, '0') + "0x hello"));
}

void longLines() {
  const std::string prefix = "@" + digits + " ";
  CHECK(asks(prefix + std::string(maxLineLength - 66, 'a'), digits, std::string(4096 - 66, 'a')));
  CHECK(isRefused(prefix + std::string(maxLineLength - 65, 'a')));
  CHECK(!isRefused(std::string(4096, 'a')));
  CHECK(isRefused(std::string(4097, 'a')));
}

// What a stream gives, line by line; `!` stands for one that is too long.
std::vector<std::string> cut(const std::vector<std::string>& parts) {
  Buffer buffer;
  std::vector<std::string> lines;
  for (const std::string& part : parts) {
    buffer.append(asBytes(part));
    while (const auto line = frontLine(buffer)) {
      lines.push_back(line->tooLong ? "!" : std::string(asText(line->bytes)));
      if (line->tooLong) return lines;
      dropLine(buffer, *line);
    }
  }
  return lines;
}

void linesOfAStream() {
  using Lines = std::vector<std::string>;
  const std::string full(maxLineLength, 'x');
  CHECK(cut({"a\n\nb\r\nrest"}) == (Lines{"a", "", "b\r"}));
  CHECK(cut({full, "\n"}) == Lines{full});
  CHECK(cut({full}).empty());
  CHECK(cut({full, "x"}) == Lines{"!"});
  CHECK(cut({"a\n" + full + "x\nb\n"}) == (Lines{"a", "!"}));
  CHECK(cut({"a\n" + full + "\nb\n"}) == (Lines{"a", full, "b"}));
}

// The same lines however the stream is cut.
void randomCuts() {
  std::mt19937 random(1);
  for (int round = 0; round < 200; round++) {
    std::vector<std::string> wanted(random() % 12);
    std::string stream;
    for (std::string& line : wanted) {
      line.assign(random() % 50, static_cast<char>('a' + random() % 26));
      stream += line + "\n";
    }
    std::vector<std::string> parts;
    for (std::size_t at = 0; at < stream.size();) {
      const std::size_t length = 1 + random() % 40;
      parts.push_back(stream.substr(at, length));
      at += length;
    }
    CHECK(cut(parts) == wanted);
  }
}

}  // namespace

void test::protocol() {
  goodLines();
  badLines();
  longLines();
  linesOfAStream();
  randomCuts();
}
