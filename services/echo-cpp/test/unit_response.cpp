// The signed response: the protocol's vector, and the keys and names that cannot be.
#include <stdexcept>
#include <string>
#include <utility>

#include "check.hpp"
#include "hex.hpp"
#include "protocol.hpp"

namespace {

using namespace echo;

const std::string order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";

SecretKey secretKey(const std::string& digits) {
  SecretKey key;
  CHECK(fromHex(digits, key.bytes));
  return key;
}

SecretKey one() { return secretKey(std::string(63, '0') + "1"); }

Nonce countingNonce() {
  Nonce nonce;
  for (std::size_t i = 0; i < nonce.size(); i++) nonce[i] = static_cast<std::uint8_t>(i);
  return nonce;
}

ResponseContent vector() {
  return {.service = "echo-node",
          .nonce = countingNonce(),
          .time = 1'700'000'002,
          .request = asBytes("hello"),
          .body = asBytes("hello")};
}

const std::string vectorSignature =
    "5c7743b586ad0bd470658e00b82e604a7daf5556092a42eae0fbee60b06659b5"
    "1a5b83a099277a6f412c4e8d060f8ab439cc3a948959ed8f33accd35764a00a1";

void vectorOfTheProtocol() {
  const Signer signer(one());
  const Hash hash = responseHash(vector());
  CHECK(toHex(hash) == "6c80c31871af7a4a3de2a2198dfe2dea9a71780e161180a1b357471d40b16e34");
  CHECK(toHex(signer.sign(hash)) == vectorSignature);
  // Another blinding, the same signature.
  CHECK(toHex(Signer(one()).sign(hash)) == vectorSignature);
}

void answer() {
  const Signer signer(one());
  const EchoRequest request = {.nonce = countingNonce(), .request = asBytes("hello")};
  CHECK(answerLine(request, "echo-node", signer, 1'700'000'002) ==
        R"({"version":1,"service":"echo-node",)"
        R"("nonce":"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",)"
        R"("time":1700000002,"request":"aGVsbG8=","body":"aGVsbG8=","signature":")" +
            vectorSignature + "\"}\n");
}

// The bound on what is kept unsent counts with it.
void longestAnswer() {
  const std::string request(maxLineLength, 'x');
  const std::string name(maxServiceNameLength, 'n');
  const std::uint64_t time = (std::uint64_t{1} << 53) - 1;
  const Signer signer(one());
  const std::string answer =
      answerLine({.nonce = {}, .request = asBytes(request)}, name, signer, time);
  CHECK(answer.size() <= maxAnswerLength && answer.size() + 32 > maxAnswerLength);
}

void bodyOfItsOwn() {
  ResponseContent content = vector();
  const std::string copy = "hello";
  content.body = asBytes(copy);
  CHECK(responseHash(content) == responseHash(vector()));
  content.body = asBytes("other");
  CHECK(responseHash(content) != responseHash(vector()));
  CHECK(encodeResponse(content, {}).find(R"("request":"aGVsbG8=","body":"b3RoZXI=")") !=
        std::string::npos);
}

void keys() {
  CHECK(isSecretKey(one()));
  CHECK(isSecretKey(secretKey(order.substr(0, 63) + "0")));
  for (const std::string& bad : {std::string(64, '0'), order, std::string(64, 'f')}) {
    CHECK(!isSecretKey(secretKey(bad)));
    CHECK(test::throws<std::invalid_argument>([&] { Signer(secretKey(bad)); }));
  }
  SecretKey first = one();
  const SecretKey second(std::move(first));
  CHECK(isSecretKey(second) && !isSecretKey(first));
}

void names() {
  for (const std::string_view good : {"a", "0", "echo-cpp", "a.b_c-d"}) CHECK(isServiceName(good));
  CHECK(isServiceName(std::string(64, 'a')));
  for (const std::string_view bad : {"", "-a", ".a", "_a", "A", "a b", "a/b", "a\n", "\xc3\xa4"}) {
    CHECK(!isServiceName(bad));
  }
  CHECK(!isServiceName(std::string(65, 'a')));
  ResponseContent content = vector();
  content.service = "Echo";
  CHECK(test::throws<std::invalid_argument>([&] { responseMessage(content); }));
}

void times() {
  ResponseContent content = vector();
  content.time = (std::uint64_t{1} << 53) - 1;
  CHECK(responseMessage(content).size() == responseMessageLength);
  content.time = std::uint64_t{1} << 53;
  CHECK(test::throws<std::out_of_range>([&] { responseMessage(content); }));
}

}  // namespace

void test::response() {
  vectorOfTheProtocol();
  answer();
  longestAnswer();
  bodyOfItsOwn();
  keys();
  names();
  times();
}
