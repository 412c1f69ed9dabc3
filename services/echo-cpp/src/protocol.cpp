#include "protocol.hpp"

#include <algorithm>
#include <cstring>

#include "hex.hpp"

namespace echo {

namespace {

constexpr std::size_t nonceDigits = 64;
constexpr std::size_t requestStart = 1 + nonceDigits + 1;

}  // namespace

std::optional<Line> frontLine(const Buffer& buffer) {
  const Bytes bytes = buffer.bytes();
  const std::size_t seen = std::min(bytes.size(), maxLineLength + 1);
  const void* lineFeed = seen == 0 ? nullptr : std::memchr(bytes.data(), '\n', seen);
  if (lineFeed != nullptr) {
    const auto length = static_cast<const std::uint8_t*>(lineFeed) - bytes.data();
    return Line{.tooLong = false, .bytes = bytes.first(static_cast<std::size_t>(length))};
  }
  if (seen > maxLineLength) return Line{.tooLong = true, .bytes = {}};
  return std::nullopt;
}

void dropLine(Buffer& buffer, const Line& line) { buffer.consume(line.bytes.size() + 1); }

std::optional<EchoRequest> parseLine(Bytes line) {
  if (line.size() > maxLineLength) return std::nullopt;
  if (line.empty() || line[0] != '@') return EchoRequest{.nonce = {}, .request = line};
  if (line.size() < requestStart || line[requestStart - 1] != ' ') return std::nullopt;
  EchoRequest found{.nonce = {}, .request = line.subspan(requestStart)};
  if (!fromHex(asText(line.subspan(1, nonceDigits)), found.nonce)) return std::nullopt;
  return found;
}

std::string answerLine(const EchoRequest& request, std::string_view service, const Signer& signer,
                       std::uint64_t time) {
  const ResponseContent content{.service = service,
                                .nonce = request.nonce,
                                .time = time,
                                .request = request.request,
                                .body = request.request};
  std::string answer = encodeResponse(content, signer.sign(responseHash(content)));
  answer += '\n';
  return answer;
}

}  // namespace echo
