#include "stop_signal.hpp"

#include <sys/signalfd.h>

#include <cerrno>
#include <system_error>

namespace echo {

StopSignal::StopSignal() {
  sigset_t stopping;
  sigemptyset(&stopping);
  sigaddset(&stopping, SIGTERM);
  sigaddset(&stopping, SIGINT);
  if (sigprocmask(SIG_BLOCK, &stopping, &before_) != 0) {
    throw std::system_error(errno, std::generic_category(), "sigprocmask");
  }
  descriptor_ = Fd(signalfd(-1, &stopping, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!descriptor_.isOpen()) throw std::system_error(errno, std::generic_category(), "signalfd");
}

void StopSignal::release() {
  signalfd_siginfo taken;
  // One alone: if the other waits too, it is the further signal.
  [[maybe_unused]] const ssize_t length = read(descriptor_.number(), &taken, sizeof taken);
  descriptor_.close();
  sigprocmask(SIG_SETMASK, &before_, nullptr);
}

}  // namespace echo
