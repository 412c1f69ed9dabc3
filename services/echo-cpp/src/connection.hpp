// One client: its socket, what came and is not yet answered, what is answered and not yet sent. Both are bounded.
#pragma once

#include <list>
#include <optional>
#include <utility>

#include "buffer.hpp"
#include "clock.hpp"
#include "fd.hpp"
#include "protocol.hpp"

namespace echo {

enum class Phase {
  // Lines are answered.
  serving,
  // The last words are being sent; what comes in is thrown away.
  leaving,
  // All is said. Waits for the client to go: closing over unread bytes would reset the connection, and the client would
  // never read the words.
  lingering,
};

class Connection {
 public:
  // `refused`: over the limit, here only to be told so.
  Connection(Fd socket, bool refused) : isRefused(refused), socket_(std::move(socket)) {}

  int descriptor() const { return socket_.number(); }
  Phase phase() const { return phase_; }
  bool peerEnded() const { return peerEnded_; }
  bool isAllSent() const { return output_.empty(); }

  // Reads once, into `scratch` first. False when the connection is broken.
  bool receive(std::span<std::uint8_t> scratch);

  // The line to be answered next; nothing when none is whole, or in another phase than serving.
  std::optional<Line> line() const;
  void drop(const Line& line) { dropLine(input_, line); }

  // Whether another answer may be added to what is not yet sent.
  bool hasRoom() const;
  void add(std::string_view answer) { output_.append(asBytes(answer)); }

  // Sends what the socket takes. False when the connection is broken.
  bool send();

  // Gives up what came in, and says the last words.
  void leave(std::string_view words);

  // For a connection that leaves, when all is sent. False when it is broken.
  bool linger();

  // What epoll shall wait for; `mayRead` is false when the service stops.
  std::uint32_t wantedEvents(bool mayRead) const;

  // What the server notes about it.
  const bool isRefused;
  std::list<Connection>* list = nullptr;
  std::list<Connection>::iterator self = {};
  std::list<Connection*>::iterator place = {};
  bool isQueued = false;
  std::uint32_t watchedEvents = 0;
  Milliseconds deadline{0};

 private:
  Fd socket_;
  Buffer input_;
  Buffer output_;
  Phase phase_ = Phase::serving;
  bool peerEnded_ = false;
};

}  // namespace echo
