#include "listener.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

#include "system_text.hpp"

namespace echo {

namespace {

struct FreeAddresses {
  void operator()(addrinfo* found) const { freeaddrinfo(found); }
};

using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

// Numbers only: a name would bring in the system's resolvers, and whatever they are told.
Addresses resolve(const std::string& host, std::uint16_t port) {
  addrinfo wanted = {};
  wanted.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &wanted, &found) != 0) {
    throw ListenError(host + " is not an IPv4 or IPv6 address");
  }
  return Addresses(found);
}

Fd openReserve() { return Fd(open("/dev/null", O_RDONLY | O_CLOEXEC)); }

void setOption(const Fd& socket, int level, int option, int value) {
  // Without it the service is slower or pickier about ports, not wrong.
  setsockopt(socket.number(), level, option, &value, sizeof value);
}

// The client was gone before it was taken, or the network had something to say of it: the next one may be well.
bool concernsClientAlone(int error) {
  switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
      return true;
    default:
      return false;
  }
}

}  // namespace

Listener::Listener(const std::string& host, std::uint16_t port) : reserve_(openReserve()) {
  const Addresses found = resolve(host, port);
  const auto refuse = [&](std::string_view call) {
    const int error = errno;
    const std::string where = host + ", port " + std::to_string(port);
    throw ListenError(systemText(call, error) + " (" + where + ")");
  };
  socket_ = Fd(socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
  if (!socket_.isOpen()) refuse("socket");
  setOption(socket_, SOL_SOCKET, SO_REUSEADDR, 1);
  // `::` stands for IPv4 too, whatever the system's default.
  if (found->ai_family == AF_INET6) setOption(socket_, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  if (bind(socket_.number(), found->ai_addr, found->ai_addrlen) != 0) refuse("bind");
  if (listen(socket_.number(), SOMAXCONN) != 0) refuse("listen");
}

Address Listener::address() const {
  sockaddr_storage bound = {};
  socklen_t length = sizeof bound;
  auto* const generic = reinterpret_cast<sockaddr*>(&bound);
  if (getsockname(socket_.number(), generic, &length) != 0) {
    throw std::system_error(errno, std::generic_category(), "getsockname");
  }
  std::array<char, NI_MAXHOST> host;
  std::array<char, NI_MAXSERV> port;
  if (getnameinfo(generic, length, host.data(), host.size(), port.data(), port.size(),
                  NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    throw std::runtime_error("getnameinfo: no text for the address");
  }
  return {.host = host.data(), .port = static_cast<std::uint16_t>(std::stoul(port.data()))};
}

Accepted Listener::accept() {
  using Kind = Accepted::Kind;
  for (;;) {
    Fd socket(accept4(socket_.number(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket.isOpen()) {
      setOption(socket, IPPROTO_TCP, TCP_NODELAY, 1);
      return {.kind = Kind::connection, .socket = std::move(socket)};
    }
    const int error = errno;
    if (error == EAGAIN || error == EWOULDBLOCK) return {.kind = Kind::none};
    if (error == EMFILE || error == ENFILE) return shedOne(error);
    if (!concernsClientAlone(error)) return {.kind = Kind::failed, .error = error};
  }
}

Accepted Listener::shedOne(int error) {
  reserve_.close();
  Fd client(accept4(socket_.number(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  const bool taken = client.isOpen();
  client.close();
  reserve_ = openReserve();
  return {.kind = taken ? Accepted::Kind::shed : Accepted::Kind::failed, .error = error};
}

void Listener::close() {
  socket_.close();
  reserve_.close();
}

}  // namespace echo
