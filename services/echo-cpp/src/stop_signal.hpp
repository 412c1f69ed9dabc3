// SIGTERM and SIGINT as something that can be waited for.
#pragma once

#include <csignal>

#include "fd.hpp"

namespace echo {

class StopSignal {
 public:
  // From now on the two stop nothing by themselves. Throws std::system_error.
  StopSignal();

  // Readable when one of them came.
  int descriptor() const { return descriptor_.number(); }

  // Call when the program has begun to stop: a further signal ends it at once.
  void release();

 private:
  Fd descriptor_;
  sigset_t before_;
};

}  // namespace echo
