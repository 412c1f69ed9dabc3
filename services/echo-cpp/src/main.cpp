// Starts the echo service and stops it at SIGTERM or SIGINT.
//
//     echo-cpp --key FILE --name NAME --port N [--host ADDRESS] [--max-connections N] [--idle-seconds N]
//
// Exit codes: 0 stopped, 2 wrong usage, key or address, 1 a fault of the program. Why it ended is one line on standard
// error; what the service does is a log of JSON lines on standard output.
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <span>
#include <string>
#include <vector>

#include "key_file.hpp"
#include "options.hpp"
#include "server.hpp"

namespace echo {

namespace {

// Standard streams, epoll, signal, listener and reserve, those told `busy`, and some to spare.
constexpr rlim_t otherDescriptors = 128;

// The system's soft limit is often below what the options ask for. Where the hard one is too, clients are turned away
// and the log says so.
void raiseDescriptorLimit(std::size_t connections) {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const rlim_t wanted = std::min<rlim_t>(limit.rlim_max, connections + otherDescriptors);
  if (limit.rlim_cur >= wanted) return;
  limit.rlim_cur = wanted;
  setrlimit(RLIMIT_NOFILE, &limit);
}

void serve(const Options& options) {
  // Before anything else is open, so that a signal finds no half-started service.
  StopSignal signal;
  std::signal(SIGPIPE, SIG_IGN);
  const Signer signer(readKeyFile(options.key, std::getenv("CREDENTIALS_DIRECTORY")));
  raiseDescriptorLimit(options.connections);
  Listener listener(options.host, options.port);
  const Log log(STDOUT_FILENO, options.name);
  const Limits limits = {.connections = options.connections, .idle = options.idle};
  Server(options.name, signer, limits, log, listener, signal).run();
}

void complain(std::string message) {
  std::replace(message.begin(), message.end(), '\n', ' ');
  std::fprintf(stderr, "echo-cpp: %s\n", message.c_str());
}

// Returns the exit code.
int run(std::span<const char* const> arguments) {
  try {
    serve(readOptions(arguments));
    return 0;
  } catch (const UsageError& error) {
    complain(std::string(error.what()) + "; " + std::string(usage));
  } catch (const KeyFileError& error) {
    complain(error.what());
  } catch (const ListenError& error) {
    complain(std::string("cannot listen: ") + error.what() + "; choose another --host or --port");
  } catch (const std::exception& error) {
    complain(std::string("fault of the program: ") + error.what());
    return 1;
  }
  return 2;
}

}  // namespace

}  // namespace echo

int main(int argc, char** argv) {
  const std::vector<const char*> arguments(argv + std::min(argc, 1), argv + argc);
  return echo::run(arguments);
}
