#include "connection.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>

namespace echo {

namespace {

constexpr std::size_t maxUnsent = 65'536;
static_assert(maxUnsent >= maxAnswerLength + badRequest.size() + busy.size());

bool isPassing(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

}  // namespace

bool Connection::receive(std::span<std::uint8_t> scratch) {
  const ssize_t count = recv(socket_.number(), scratch.data(), scratch.size(), 0);
  if (count < 0) return isPassing(errno);
  if (count == 0) peerEnded_ = true;
  else if (phase_ == Phase::serving) input_.append(scratch.first(static_cast<std::size_t>(count)));
  return true;
}

std::optional<Line> Connection::line() const {
  return phase_ == Phase::serving ? frontLine(input_) : std::nullopt;
}

bool Connection::hasRoom() const {
  return output_.size() + maxAnswerLength + badRequest.size() <= maxUnsent;
}

bool Connection::send() {
  while (!output_.empty()) {
    const Bytes bytes = output_.bytes();
    const ssize_t count = ::send(socket_.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0) return isPassing(errno);
    output_.consume(static_cast<std::size_t>(count));
  }
  return true;
}

void Connection::leave(std::string_view words) {
  input_.clear();
  add(words);
  phase_ = Phase::leaving;
}

bool Connection::linger() {
  phase_ = Phase::lingering;
  return shutdown(socket_.number(), SHUT_WR) == 0;
}

std::uint32_t Connection::wantedEvents(bool mayRead) const {
  std::uint32_t wanted = 0;
  if (!output_.empty()) wanted |= EPOLLOUT;
  const bool canTakeMore = phase_ != Phase::serving || (mayRead && hasRoom() && !frontLine(input_));
  if (canTakeMore && !peerEnded_) wanted |= EPOLLIN;
  return wanted;
}

}  // namespace echo
