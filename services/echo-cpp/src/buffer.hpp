// A queue of bytes.
#pragma once

#include <vector>

#include "bytes.hpp"

namespace echo {

class Buffer {
 public:
  void append(Bytes part);

  // Drops the first bytes. At most as many as there are.
  void consume(std::size_t count);

  // What was appended and not consumed; good until the next `append`.
  Bytes bytes() const { return Bytes(bytes_).subspan(start_); }
  std::size_t size() const { return bytes_.size() - start_; }
  bool empty() const { return size() == 0; }
  void clear();

 private:
  std::vector<std::uint8_t> bytes_;
  std::size_t start_ = 0;
};

}  // namespace echo
