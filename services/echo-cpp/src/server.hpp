// A TCP line echo that signs what it answers: one thread, one epoll loop. One connection is served line by line, and
// takes turns with the others.
#pragma once

#include <list>
#include <vector>

#include "connection.hpp"
#include "listener.hpp"
#include "log.hpp"
#include "signer.hpp"
#include "stop_signal.hpp"

struct epoll_event;

namespace echo {

struct Limits {
  // Served at the same time; the next one is told `busy`.
  std::size_t connections;
  // For the next whole line to arrive, and for an answer to be taken.
  Milliseconds idle;
  // For the answers under way when the server stops.
  Milliseconds stop{5'000};
};

class Server {
 public:
  // All of them outlive the server. Throws std::system_error.
  Server(std::string_view service, const Signer& signer, const Limits& limits, const Log& log,
         Listener& listener, StopSignal& signal);

  // Until the signal. Then it takes no new connection and no new line; every line that was read is answered, within the
  // limit. Throws std::system_error.
  void run();

 private:
  void watch(int descriptor, void* what);
  int timeout() const;
  void waitAndRead();
  void handle(const epoll_event& event);
  bool exchange(Connection& connection, std::uint32_t events);

  void acceptWaiting();
  void take(Fd socket);
  void setAccepting(bool wanted);

  void answerReady();
  bool answerSome(Connection& connection);
  bool answerNext(Connection& connection, const Line& line);

  void settle(Connection& connection);
  void updateWatch(Connection& connection);
  void enqueue(Connection& connection);
  void dequeue(Connection& connection);
  void keepUntil(Connection& connection, std::list<Connection>& list, Milliseconds limit);
  void close(Connection& connection);

  void expire();
  void stop();
  void fault(std::string_view reason);
  void tellBusy();
  bool isDone() const { return stopping_ && active_.empty() && lingering_.empty(); }

  const std::string_view service_;
  const Signer& signer_;
  const Limits limits_;
  const Log& log_;
  Listener& listener_;
  StopSignal& signal_;
  Fd epoll_;
  TurnClock clock_;
  std::vector<std::uint8_t> scratch_;

  // Each in the order of the deadlines: within one list all have the same limit.
  std::list<Connection> active_;
  std::list<Connection> lingering_;
  // Those with a line to answer and room for the answer.
  std::list<Connection*> ready_;
  std::size_t served_ = 0;
  std::size_t refused_ = 0;

  std::uint64_t answered_ = 0;
  std::uint64_t connections_ = 0;
  OncePerSecond busyPace_;
  OncePerSecond faultPace_;
  bool accepting_ = true;
  Milliseconds acceptAgain_{0};
  bool stopAsked_ = false;
  bool stopping_ = false;
  Milliseconds stopDeadline_{0};
};

}  // namespace echo
