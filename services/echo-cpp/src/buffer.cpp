#include "buffer.hpp"

#include <cassert>

namespace echo {

void Buffer::append(Bytes part) {
  // Consumed bytes are dropped when they are the greater part: the queue takes no more than twice what is in it, and
  // moves no more than it drops.
  if (start_ > size()) {
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(start_));
    start_ = 0;
  }
  bytes_.insert(bytes_.end(), part.begin(), part.end());
}

void Buffer::consume(std::size_t count) {
  assert(count <= size());
  start_ += count;
  if (empty()) clear();
}

void Buffer::clear() {
  bytes_.clear();
  start_ = 0;
}

}  // namespace echo
