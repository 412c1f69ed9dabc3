// Echo services: what a line asks for, and what is answered (protocol, "Signed response"). Pure.
#pragma once

#include <optional>
#include <string>

#include "buffer.hpp"
#include "response.hpp"

namespace echo {

// Bytes of a line, LF not counted.
constexpr std::size_t maxLineLength = 4096;

// No answer is longer, LF counted: the JSON's own text, a name, a nonce, a time of 16 digits, a request twice in
// base64, a signature.
constexpr std::size_t maxAnswerLength =
    96 + maxServiceNameLength + 64 + 16 + 2 * ((maxLineLength + 2) / 3 * 4) + 128 + 1;

// The first line of a queue.
struct Line {
  // More than `maxLineLength` bytes came without LF. The stream cannot be read any further.
  bool tooLong;
  // Without LF; good until the next `append`.
  Bytes bytes;
};

// Nothing when no whole line is there yet.
std::optional<Line> frontLine(const Buffer& buffer);

// Drops the line, which must be the first one and not too long, and its LF.
void dropLine(Buffer& buffer, const Line& line);

struct EchoRequest {
  // All zero when the client gave none.
  Nonce nonce;
  // Part of the line that was parsed.
  Bytes request;
};

// `@<nonce, 64 hex> <request>` or, with zero nonce, any line not beginning with `@`. The request is bytes: a CR belongs
// to it, and it need not be UTF-8. Takes the line without its LF; nothing for a bad line.
std::optional<EchoRequest> parseLine(Bytes line);

// body = request; answer = that JSON in the order above, no spaces, and LF.
// Throws what `responseMessage` and `Signer::sign` throw.
std::string answerLine(const EchoRequest& request, std::string_view service, const Signer& signer,
                       std::uint64_t time);

constexpr std::string_view badRequest = "{\"error\":\"bad-request\"}\n";

// Not of the protocol: for a connection over the limit.
constexpr std::string_view busy = "{\"error\":\"busy\"}\n";

}  // namespace echo
