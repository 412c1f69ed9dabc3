//! Starts the echo service and stops it at SIGTERM or SIGINT.
//!
//!     echo-rust --key FILE --name NAME --port N [--host ADDRESS]
//!
//! Exit codes: 0 stopped, 2 wrong usage, key or address, 1 a fault of the program.
#![forbid(unsafe_code)]

use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use std::{env, panic, thread};

use echo_rust::key_file::read_key_file;
use echo_rust::log::{Event, Log};
use echo_rust::options::{read_options, Options, USAGE};
use echo_rust::response::Signer;
use echo_rust::server::Server;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::{flag, low_level::pipe};

/// Why the program ends before it was told to.
enum Failure {
    /// Wrong usage, key or address.
    Caller(String),
    Program(String),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Program(error.to_string())
    }
}

fn main() -> ExitCode {
    let ended = panic::catch_unwind(run);
    let (message, code) = match ended {
        Ok(Ok(())) => return ExitCode::SUCCESS,
        Ok(Err(Failure::Caller(message))) => (message, 2),
        Ok(Err(Failure::Program(message))) => (format!("fault of the program: {message}"), 1),
        Err(_) => ("fault of the program: panic".to_owned(), 1),
    };
    // Nobody may be listening, and then nobody is to be told.
    let _ = writeln!(io::stderr(), "echo-rust: {}", message.replace('\n', " "));
    ExitCode::from(code)
}

fn run() -> Result<(), Failure> {
    let options = read_options(env::args_os().skip(1))
        .map_err(|error| Failure::Caller(format!("{}; {USAGE}", error.0)))?;
    let credentials = env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    let key = read_key_file(&options.key, credentials.as_deref())
        .map_err(|error| Failure::Caller(error.0))?;
    let signer = Signer::new(&options.name, key)
        .ok_or_else(|| Failure::Caller("--name: not a service name".to_owned()))?;
    let log = Arc::new(Log::new(&options.name, Box::new(unix_time), Box::new(io::stdout())));
    Arc::clone(&log).take_panics();
    // Before anyone can know that we listen.
    let stop_signal = StopSignal::register()?;
    let listener = listen(&options)?;
    let server =
        Server::new(listener, signer, Box::new(unix_time), options.limits, Arc::clone(&log));
    log.write(&Event::Listening(server.address()?));
    let stopper = server.stopper()?;
    let stopping = thread::Builder::new().spawn(move || {
        stop_signal.wait();
        stopper.stop();
    })?;
    let totals = server.run();
    // So that the log says first that it stops. A panic of that thread is in the log already.
    let _ = stopping.join();
    let (answered, connections) = (totals.answered, totals.connections);
    log.write(&Event::Stopped { answered, connections });
    Ok(())
}

fn listen(options: &Options) -> Result<TcpListener, Failure> {
    let (host, port) = (options.host.as_str(), options.port);
    TcpListener::bind((host, port)).map_err(|error| {
        let message =
            format!("cannot listen: {error} ({host:?}, {port}); choose another --host or --port");
        Failure::Caller(message)
    })
}

fn unix_time() -> Option<u64> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    Some(since.as_secs()).filter(|seconds| *seconds < 1 << 53)
}

/// The first SIGTERM or SIGINT. A second one ends the process as if nothing had caught it.
struct StopSignal(UnixStream);

impl StopSignal {
    fn register() -> io::Result<StopSignal> {
        let (reader, writer) = UnixStream::pair()?;
        let caught = Arc::new(AtomicBool::new(false));
        for signal in [SIGTERM, SIGINT] {
            // In this order: the first finds the flag down, and raises it.
            flag::register_conditional_default(signal, Arc::clone(&caught))?;
            flag::register(signal, Arc::clone(&caught))?;
            pipe::register(signal, writer.try_clone()?)?;
        }
        Ok(StopSignal(reader))
    }

    /// Should the wait itself fail, the service stops too.
    fn wait(mut self) {
        let _ = self.0.read_exact(&mut [0]);
    }
}
