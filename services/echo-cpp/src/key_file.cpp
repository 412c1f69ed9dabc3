#include "key_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "fd.hpp"
#include "hex.hpp"
#include "signer.hpp"

namespace echo {

namespace {

// One byte more than a key with LF: a longer file is seen to be one.
constexpr std::size_t readLength = 66;
constexpr std::size_t digits = 64;
constexpr mode_t permissions = 0777;
constexpr mode_t others = 0077;

// Bytes of a file that may be a secret: wiped when they go.
struct Content {
  Content() = default;
  Content(const Content&) = delete;
  Content& operator=(const Content&) = delete;
  ~Content() { explicit_bzero(bytes.data(), bytes.size()); }

  std::string_view text() const { return asText(Bytes(bytes).first(length)); }

  ByteArray<readLength> bytes;
  std::size_t length = 0;
};

[[noreturn]] void refuse(const std::string& path, const std::string& problem) {
  throw KeyFileError("key file " + path + problem);
}

[[noreturn]] void refuseUnreadable(const std::string& path, int error) {
  const std::string why =
      error == ENOENT ? "there is no such file" : std::generic_category().message(error);
  refuse(path, " cannot be read: " + why + "; check path and permissions");
}

std::string parentOf(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

bool isSameFile(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

// Whether the opened file stands directly in the folder, under that path: a link to it does not count.
bool isCredential(const std::string& path, const struct stat& opened, const char* folder) {
  if (folder == nullptr || folder[0] != '/') return false;
  struct stat named;
  struct stat parent;
  struct stat credentials;
  return lstat(path.c_str(), &named) == 0 && isSameFile(named, opened) &&
         stat(parentOf(path).c_str(), &parent) == 0 && stat(folder, &credentials) == 0 &&
         isSameFile(parent, credentials);
}

void checkMode(const std::string& path, const struct stat& opened, const char* credentialsFolder) {
  const mode_t mode = opened.st_mode & permissions;
  if ((mode & others) == 0) return;
  if (mode == 0440 && isCredential(path, opened, credentialsFolder)) return;
  std::array<char, 8> shown;
  std::snprintf(shown.data(), shown.size(), "%04o", static_cast<unsigned>(mode));
  refuse(path, ": others may use it (mode " + std::string(shown.data()) +
                   "), expected 0600 or 0400; chmod 600 it");
}

void readAll(const std::string& path, const Fd& file, Content& content) {
  while (content.length < content.bytes.size()) {
    const ssize_t count = read(file.number(), content.bytes.data() + content.length,
                               content.bytes.size() - content.length);
    if (count == 0) return;
    if (count > 0) content.length += static_cast<std::size_t>(count);
    else if (errno != EINTR) refuseUnreadable(path, errno);
  }
}

void readPrivate(const std::string& path, const char* credentialsFolder, Content& content) {
  // A pipe must not keep the program waiting for its writer: it is opened without, and refused.
  const Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!file.isOpen()) refuseUnreadable(path, errno);
  struct stat opened;
  if (fstat(file.number(), &opened) != 0) refuseUnreadable(path, errno);
  if (!S_ISREG(opened.st_mode)) refuse(path, ": not a file; check the path");
  checkMode(path, opened, credentialsFolder);
  readAll(path, file, content);
}

}  // namespace

SecretKey readKeyFile(const std::string& path, const char* credentialsFolder) {
  Content content;
  readPrivate(path, credentialsFolder, content);
  std::string_view text = content.text();
  if (text.size() == digits + 1 && text.back() == '\n') text.remove_suffix(1);
  SecretKey key;
  if (!fromHex(text, key.bytes)) {
    refuse(path, ": expected 64 lower-case hex digits; write 32 secret bytes in hex");
  }
  if (!isSecretKey(key)) {
    refuse(path, ": not a secp256k1 secret key (0 < key < order); make another");
  }
  return key;
}

}  // namespace echo
