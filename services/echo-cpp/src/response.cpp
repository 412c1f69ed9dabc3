#include "response.hpp"

#include <algorithm>
#include <stdexcept>

#include "base64.hpp"
#include "hex.hpp"

namespace echo {

namespace {

using namespace std::string_view_literals;

// tag(x) = ASCII affidavit/x/v1 and one zero byte
constexpr std::string_view responseTag = "affidavit/response/v1\0"sv;
constexpr std::string_view serviceTag = "affidavit/service/v1\0"sv;
constexpr std::uint64_t timeLimit = std::uint64_t{1} << 53;

bool isLetterOrDigit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool isNameCharacter(char c) { return isLetterOrDigit(c) || c == '.' || c == '_' || c == '-'; }

// service id = SHA-256(tag(service) ‖ name)
Hash serviceId(std::string_view name) {
  return Sha256().update(asBytes(serviceTag)).update(asBytes(name)).finish();
}

ByteArray<8> bigEndian(std::uint64_t value) {
  ByteArray<8> out;
  for (std::size_t i = 0; i < 8; i++) out[i] = static_cast<std::uint8_t>(value >> (56 - 8 * i));
  return out;
}

bool areSame(Bytes a, Bytes b) { return a.data() == b.data() && a.size() == b.size(); }

}  // namespace

bool isServiceName(std::string_view name) {
  return !name.empty() && name.size() <= maxServiceNameLength && isLetterOrDigit(name[0]) &&
         std::all_of(name.begin(), name.end(), isNameCharacter);
}

ByteArray<responseMessageLength> responseMessage(const ResponseContent& content) {
  if (!isServiceName(content.service)) {
    throw std::invalid_argument("no service can have this name");
  }
  if (content.time >= timeLimit) throw std::out_of_range("the clock is past 2^53 seconds");
  const Hash request = sha256(content.request);
  const Hash body = areSame(content.request, content.body) ? request : sha256(content.body);
  ByteArray<responseMessageLength> out;
  auto end = out.begin();
  const auto append = [&end](Bytes part) { end = std::copy(part.begin(), part.end(), end); };
  append(asBytes(responseTag));
  append(serviceId(content.service));
  append(content.nonce);
  append(bigEndian(content.time));
  append(request);
  append(body);
  static_assert(responseTag.size() + 32 + 32 + 8 + 32 + 32 == responseMessageLength);
  return out;
}

Hash responseHash(const ResponseContent& content) { return sha256(responseMessage(content)); }

std::string encodeResponse(const ResponseContent& content, const Signature& signature) {
  const std::string request = toBase64(content.request);
  const bool same = areSame(content.request, content.body);
  const std::string body = same ? request : toBase64(content.body);
  std::string out = R"({"version":1,"service":")";
  out.append(content.service).append(R"(","nonce":")").append(toHex(content.nonce));
  out.append(R"(","time":)").append(std::to_string(content.time));
  out.append(R"(,"request":")").append(request).append(R"(","body":")").append(body);
  out.append(R"(","signature":")").append(toHex(signature)).append(R"("})");
  return out;
}

}  // namespace echo
