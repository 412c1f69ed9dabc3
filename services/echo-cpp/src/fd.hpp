// A file descriptor that closes itself.
#pragma once

#include <unistd.h>

#include <utility>

namespace echo {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int number) : number_(number) {}
  Fd(Fd&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      close();
      number_ = std::exchange(other.number_, -1);
    }
    return *this;
  }
  ~Fd() { close(); }

  bool isOpen() const { return number_ >= 0; }
  int number() const { return number_; }

  void close() {
    if (isOpen()) ::close(std::exchange(number_, -1));
  }

 private:
  int number_ = -1;
};

}  // namespace echo
