// Reads the service's secret key, and refuses a file that others could have read.
#pragma once

#include <stdexcept>
#include <string>

#include "secret_key.hpp"

namespace echo {

// The message says what to do next.
class KeyFileError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// 64 lower-case hex digits, with or without a final LF: a secp256k1 secret key. `credentialsFolder` is what
// $CREDENTIALS_DIRECTORY names, null where it is not set: a file directly in it may have mode 0440, which is how the
// mask of systemd's access list for the service's user shows.
// Throws KeyFileError for a file that is missing, that others may use, malformed, or that holds no key. The message
// never shows what it holds.
SecretKey readKeyFile(const std::string& path, const char* credentialsFolder);

}  // namespace echo
