//! A TCP line echo that signs what it answers (protocol, "Signed response"). Key, clock, limits and
//! log are parameters: only `main` takes them from the system. For Linux.
#![forbid(unsafe_code)]

pub mod base64;
pub mod connection;
pub mod hex;
pub mod key_file;
pub mod lines;
pub mod log;
pub mod options;
pub mod protocol;
pub mod response;
pub mod server;

/// The service's clock: Unix seconds, below 2^53; `None` when it shows anything else.
pub type Clock = dyn Fn() -> Option<u64> + Send + Sync;
