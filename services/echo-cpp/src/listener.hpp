// The socket on which the service is reached.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

#include "fd.hpp"

namespace echo {

// The address cannot be had; the message says why.
class ListenError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Address {
  // IPv4 or IPv6, as numbers.
  std::string host;
  std::uint16_t port;
};

struct Accepted {
  enum class Kind {
    connection,
    // Nobody waits.
    none,
    // The program has no descriptor left: the client was turned away unheard.
    shed,
    // Nothing can be done about the client: it goes on waiting.
    failed,
  };
  Kind kind;
  // Of a connection: non-blocking, without delay for small packets.
  Fd socket = {};
  // errno, when shed or failed.
  int error = 0;
};

class Listener {
 public:
  // `host` is a numeric address, port 0 stands for any. Throws ListenError.
  Listener(const std::string& host, std::uint16_t port);

  int descriptor() const { return socket_.number(); }

  // Where it listens. Throws std::system_error.
  Address address() const;

  Accepted accept();

  void close();

 private:
  Accepted shedOne(int error);

  Fd socket_;
  // Given up for a moment when there is no other, to take a client and turn it away.
  Fd reserve_;
};

}  // namespace echo
