#include "server.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <exception>
#include <iterator>
#include <system_error>

#include "protocol.hpp"
#include "system_text.hpp"

namespace echo {

namespace {

// A client is given so long to read our last words before the connection is cut.
constexpr Milliseconds lingerLimit{1'000};
// While the system cannot give what a connection needs.
constexpr Milliseconds acceptPause{100};
// Sockets that may wait to be told `busy`; more are dropped unheard.
constexpr std::size_t refusalRoom = 64;
constexpr std::size_t scratchLength = 65'536;
// What one turn of the loop does at most. Its answers take some 50 ms at worst: so long a new client or a signal may
// wait.
constexpr std::size_t eventsPerTurn = 128;
constexpr std::size_t acceptsPerTurn = 256;
constexpr std::size_t connectionsPerTurn = 64;
// Sent together, so that they share a system call.
constexpr std::size_t linesPerConnection = 8;

[[noreturn]] void failed(const char* call) {
  throw std::system_error(errno, std::generic_category(), call);
}

}  // namespace

Server::Server(std::string_view service, const Signer& signer, const Limits& limits, const Log& log,
               Listener& listener, StopSignal& signal)
    : service_(service),
      signer_(signer),
      limits_(limits),
      log_(log),
      listener_(listener),
      signal_(signal),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      scratch_(scratchLength) {
  if (!epoll_.isOpen()) failed("epoll_create1");
  watch(listener_.descriptor(), &listener_);
  watch(signal_.descriptor(), &signal_);
}

void Server::watch(int descriptor, void* what) {
  epoll_event event = {.events = EPOLLIN, .data = {.ptr = what}};
  if (epoll_ctl(epoll_.number(), EPOLL_CTL_ADD, descriptor, &event) != 0) failed("epoll_ctl");
}

void Server::run() {
  const Address address = listener_.address();
  log_.write(clock_.unixTime(), Level::info, "listening",
             {{"address", address.host}, {"port", std::uint64_t{address.port}}});
  while (!isDone()) {
    waitAndRead();
    if (stopAsked_ && !stopping_) stop();
    answerReady();
    expire();
  }
  log_.write(clock_.unixTime(), Level::info, "stopped",
             {{"answered", answered_}, {"connections", connections_}});
}

// Until the first deadline; none when there are lines to answer.
int Server::timeout() const {
  if (!ready_.empty()) return 0;
  Milliseconds until = Milliseconds::max();
  if (!active_.empty()) until = std::min(until, active_.front().deadline);
  if (!lingering_.empty()) until = std::min(until, lingering_.front().deadline);
  if (!stopping_ && !accepting_) until = std::min(until, acceptAgain_);
  if (stopping_) until = std::min(until, stopDeadline_);
  if (until == Milliseconds::max()) return -1;
  return static_cast<int>(std::max(until - clock_.now(), Milliseconds(0)).count());
}

void Server::waitAndRead() {
  std::array<epoll_event, eventsPerTurn> events;
  const int count = epoll_wait(epoll_.number(), events.data(), eventsPerTurn, timeout());
  if (count < 0 && errno != EINTR) failed("epoll_wait");
  clock_.nextTurn();
  for (int i = 0; i < count; i++) handle(events[static_cast<std::size_t>(i)]);
}

// A connection is in one event at most, and an event closes no other connection: so every pointer is good.
void Server::handle(const epoll_event& event) {
  if (event.data.ptr == &listener_) return acceptWaiting();
  if (event.data.ptr == &signal_) {
    stopAsked_ = true;
    return;
  }
  Connection& connection = *static_cast<Connection*>(event.data.ptr);
  if (exchange(connection, event.events)) settle(connection);
  else close(connection);
}

// False when the connection is broken.
bool Server::exchange(Connection& connection, std::uint32_t events) {
  if ((events & EPOLLERR) != 0) return false;
  // Before the last words, both sides end only when the connection is gone.
  const bool hungUp = (events & EPOLLHUP) != 0;
  if (hungUp && connection.phase() != Phase::lingering) return false;
  if ((events & EPOLLOUT) != 0 && !connection.send()) return false;
  return (events & EPOLLIN) == 0 || connection.receive(scratch_);
}

void Server::acceptWaiting() {
  for (std::size_t i = 0; i < acceptsPerTurn; i++) {
    Accepted next = listener_.accept();
    switch (next.kind) {
      case Accepted::Kind::none:
        return;
      case Accepted::Kind::connection:
        take(std::move(next.socket));
        break;
      case Accepted::Kind::shed:
        fault(systemText("accept", next.error));
        break;
      case Accepted::Kind::failed:
        fault(systemText("accept", next.error));
        setAccepting(false);
        return;
    }
  }
}

void Server::take(Fd socket) {
  const bool isRefused = served_ >= limits_.connections;
  if (isRefused) tellBusy();
  if (isRefused && refused_ >= refusalRoom) return;
  active_.emplace_back(std::move(socket), isRefused);
  Connection& connection = active_.back();
  connection.list = &active_;
  connection.self = std::prev(active_.end());
  ++(isRefused ? refused_ : served_);
  connections_ += isRefused ? 0 : 1;
  keepUntil(connection, active_, limits_.idle);
  try {
    watch(connection.descriptor(), &connection);
    connection.watchedEvents = EPOLLIN;
  } catch (const std::system_error& error) {
    fault(error.what());
    return close(connection);
  }
  if (!isRefused) return;
  connection.leave(busy);
  if (connection.send()) settle(connection);
  else close(connection);
}

void Server::setAccepting(bool wanted) {
  accepting_ = wanted;
  acceptAgain_ = clock_.now() + acceptPause;
  epoll_event event = {.events = 0, .data = {.ptr = &listener_}};
  if (wanted) event.events = EPOLLIN;
  if (epoll_ctl(epoll_.number(), EPOLL_CTL_MOD, listener_.descriptor(), &event) != 0) {
    failed("epoll_ctl");
  }
}

// Some lines of each connection in turn, so that a client with many does not keep the others waiting.
void Server::answerReady() {
  for (std::size_t turns = std::min(ready_.size(), connectionsPerTurn); turns > 0; turns--) {
    Connection& connection = *ready_.front();
    dequeue(connection);
    if (answerSome(connection)) settle(connection);
    else close(connection);
  }
}

// False when the connection is broken, or the answer could not be made: then the log says why.
bool Server::answerSome(Connection& connection) {
  try {
    for (std::size_t i = 0; i < linesPerConnection && connection.hasRoom(); i++) {
      const std::optional<Line> line = connection.line();
      if (!line || !answerNext(connection, *line)) break;
    }
  } catch (const std::exception& error) {
    fault(error.what());
    return false;
  }
  return connection.send();
}

// False after a bad line: nothing more is read from such a client.
bool Server::answerNext(Connection& connection, const Line& line) {
  const auto request = line.tooLong ? std::nullopt : parseLine(line.bytes);
  if (!request) {
    connection.leave(badRequest);
    return false;
  }
  // A clock before 1970 becomes a time that `answerLine` refuses.
  const auto time = static_cast<std::uint64_t>(clock_.unixTime());
  connection.add(answerLine(*request, service_, signer_, time));
  connection.drop(line);
  answered_++;
  keepUntil(connection, active_, limits_.idle);
  return true;
}

// Brings the connection to where it belongs after anything happened to it. May close it.
void Server::settle(Connection& connection) {
  if (connection.phase() == Phase::serving) {
    if (connection.line()) {
      if (connection.hasRoom()) enqueue(connection);
    } else if (connection.peerEnded() || stopping_) {
      connection.leave("");
    }
  }
  if (connection.phase() == Phase::leaving && connection.isAllSent()) {
    if (!connection.linger()) return close(connection);
    keepUntil(connection, lingering_, lingerLimit);
  }
  if (connection.phase() == Phase::lingering && connection.peerEnded()) return close(connection);
  updateWatch(connection);
}

void Server::updateWatch(Connection& connection) {
  const std::uint32_t wanted = connection.wantedEvents(!stopping_);
  if (wanted == connection.watchedEvents) return;
  epoll_event event = {.events = wanted, .data = {.ptr = &connection}};
  if (epoll_ctl(epoll_.number(), EPOLL_CTL_MOD, connection.descriptor(), &event) != 0) {
    failed("epoll_ctl");
  }
  connection.watchedEvents = wanted;
}

void Server::enqueue(Connection& connection) {
  if (connection.isQueued) return;
  connection.place = ready_.insert(ready_.end(), &connection);
  connection.isQueued = true;
}

void Server::dequeue(Connection& connection) {
  if (!connection.isQueued) return;
  ready_.erase(connection.place);
  connection.isQueued = false;
}

// Moves it to the end of the list that has this limit.
void Server::keepUntil(Connection& connection, std::list<Connection>& list, Milliseconds limit) {
  list.splice(list.end(), *connection.list, connection.self);
  connection.list = &list;
  connection.deadline = clock_.now() + limit;
}

void Server::close(Connection& connection) {
  dequeue(connection);
  --(connection.isRefused ? refused_ : served_);
  connection.list->erase(connection.self);
}

void Server::expire() {
  const Milliseconds now = clock_.now();
  const bool all = stopping_ && now >= stopDeadline_;
  for (std::list<Connection>* list : {&active_, &lingering_}) {
    while (!list->empty() && (all || list->front().deadline <= now)) close(list->front());
  }
  if (!stopping_ && !accepting_ && acceptAgain_ <= now) setAccepting(true);
}

void Server::stop() {
  stopping_ = true;
  stopDeadline_ = clock_.now() + limits_.stop;
  // Before anybody can hear of the stop: a further signal that came while the first still waits would be one with it.
  signal_.release();
  log_.write(clock_.unixTime(), Level::info, "stopping", {});
  listener_.close();
  for (auto next = active_.begin(); next != active_.end();) settle(*next++);
}

void Server::fault(std::string_view reason) {
  if (!faultPace_.isDue(clock_.now())) return;
  log_.write(clock_.unixTime(), Level::error, "fault", {{"reason", reason}});
}

void Server::tellBusy() {
  if (!busyPace_.isDue(clock_.now())) return;
  log_.write(clock_.unixTime(), Level::warn, "busy", {{"connections", std::uint64_t{served_}}});
}

}  // namespace echo
