// SHA-256, hex, base64, and the queue of bytes.
#include <string>
#include <utility>
#include <vector>

#include "base64.hpp"
#include "buffer.hpp"
#include "check.hpp"
#include "hex.hpp"
#include "sha256.hpp"

namespace {

using namespace echo;

// Examples of NIST for SHA-256 (FIPS 180-4), and its test of a million letters.
void nistVectors() {
  const std::vector<std::pair<std::string, std::string>> vectors = {
      {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
       "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
       "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
      {std::string(1'000'000, 'a'),
       "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"}};
  for (const auto& [message, hash] : vectors) CHECK(toHex(sha256(asBytes(message))) == hash);
}

// The parts count as one message, wherever it is cut; lengths on both sides of one and two blocks.
void hashesInParts() {
  for (std::size_t length = 0; length <= 130; length++) {
    const std::vector<std::uint8_t> message(length, static_cast<std::uint8_t>(length));
    const Hash whole = sha256(message);
    for (std::size_t cut = 0; cut <= length; cut++) {
      const Bytes bytes(message);
      CHECK(Sha256().update(bytes.first(cut)).update(bytes.subspan(cut)).finish() == whole);
    }
  }
}

void hexDigits() {
  const ByteArray<4> bytes = {0x00, 0x0f, 0xa5, 0xff};
  CHECK(toHex(bytes) == "000fa5ff");
  ByteArray<4> read;
  CHECK(fromHex("000fa5ff", read) && read == bytes);
  for (const std::string_view bad : {"", "000fa5f", "000fa5fff", "000FA5FF", "000fa5fg", " 00fa5ff",
                                     "0x0fa5ff", "000fa5f\xff"}) {
    CHECK(!fromHex(bad, read));
  }
}

// RFC 4648, section 10, and the two characters that are special to this alphabet.
void base64Groups() {
  const std::vector<std::pair<std::string, std::string>> vectors = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
      {"\xfb\xff\xbf", "+/+/"},
      {std::string(1, '\0'), "AA=="}};
  for (const auto& [bytes, text] : vectors) CHECK(toBase64(asBytes(bytes)) == text);
}

void queueOfBytes() {
  Buffer buffer;
  CHECK(buffer.empty());
  buffer.append(asBytes("hello"));
  buffer.consume(2);
  CHECK(asText(buffer.bytes()) == "llo");
  buffer.consume(2);
  buffer.append(asBytes(" world"));
  CHECK(asText(buffer.bytes()) == "o world" && buffer.size() == 7);
  buffer.consume(7);
  CHECK(buffer.empty() && buffer.bytes().empty());
  buffer.append(asBytes("again"));
  buffer.clear();
  CHECK(buffer.empty());
}

}  // namespace

void test::bytes() {
  nistVectors();
  hashesInParts();
  hexDigits();
  base64Groups();
  queueOfBytes();
}
