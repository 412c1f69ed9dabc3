//! One connection, from its first line to its last words.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::lines::{Lines, Next};
use crate::protocol::{parse_line, BAD_REQUEST};
use crate::response::Signer;
use crate::Clock;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Served at the same time; the next one is told `busy`.
    pub connections: usize,
    /// For the next whole line to arrive, and for answers to be taken.
    pub idle: Duration,
    /// For the answers under way when the server stops.
    pub stop: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { connections: 256, idle: Duration::from_secs(60), stop: Duration::from_secs(5) }
    }
}

/// What all connections share.
pub struct Service {
    pub signer: Signer,
    pub clock: Box<Clock>,
    pub limits: Limits,
    /// No line is read any more.
    pub stopping: AtomicBool,
    /// Lines answered since the start.
    pub answered: AtomicU64,
}

/// Why a connection is cut without a word.
pub enum Cut {
    /// It broke, or its client was too slow.
    Client,
    /// The program's own fault.
    Fault(&'static str),
}

impl From<io::Error> for Cut {
    fn from(_: io::Error) -> Self {
        Cut::Client
    }
}

/// A client is given so long to read our last words before the connection is cut.
const LINGER: Duration = Duration::from_secs(1);
/// Answers are sent together when they have so many bytes, or when no whole line is left.
const BATCH: usize = 16 * 1024;
/// A wait for a line looks so often whether the server stops: nothing else wakes it.
const LOOK: Duration = Duration::from_millis(200);

/// Until either side has no more to say. An unfinished line is not answered.
pub fn serve(stream: &TcpStream, service: &Service) -> Result<(), Cut> {
    stream.set_nodelay(true)?;
    let last_words = converse(stream, service)?;
    leave(stream, last_words, service.limits.idle)?;
    Ok(())
}

/// Says the last words and goes. What still comes in is read and thrown away for a moment: closing
/// over unread bytes would reset the connection, and the client would never read the words.
pub fn leave(mut stream: &TcpStream, words: &[u8], limit: Duration) -> io::Result<()> {
    send(stream, words, limit)?;
    stream.shutdown(Shutdown::Write)?;
    let deadline = Instant::now() + LINGER;
    let mut thrown_away = [0; 4096];
    loop {
        stream.set_read_timeout(Some(remaining(deadline)?))?;
        match stream.read(&mut thrown_away) {
            Ok(0) => return Ok(()),
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
    }
}

/// Tells a client over the limit.
pub fn refuse(stream: &TcpStream, words: &[u8]) -> io::Result<()> {
    leave(stream, words, LINGER)
}

/// Returns the last words for the client.
fn converse(stream: &TcpStream, service: &Service) -> Result<&'static [u8], Cut> {
    let mut lines = Lines::default();
    let mut deadline = Instant::now() + service.limits.idle;
    while wait_for_more(stream, &mut lines, deadline, service)? {
        match answer_lines(stream, &mut lines, service)? {
            Answered::Some => deadline = Instant::now() + service.limits.idle,
            Answered::None => {}
            Answered::UpToBadLine => return Ok(BAD_REQUEST),
        }
    }
    Ok(b"")
}

/// Whether bytes came; not so when the client has ended or the server stops.
fn wait_for_more(
    mut stream: &TcpStream,
    lines: &mut Lines,
    deadline: Instant,
    service: &Service,
) -> Result<bool, Cut> {
    while !service.stopping.load(Ordering::SeqCst) {
        stream.set_read_timeout(Some(remaining(deadline)?.min(LOOK)))?;
        match lines.read_from(&mut stream) {
            Ok(count) => return Ok(count > 0),
            Err(error) if is_timeout(&error) || error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(false)
}

enum Answered {
    None,
    Some,
    UpToBadLine,
}

/// Answers every whole line that was read.
fn answer_lines(stream: &TcpStream, lines: &mut Lines, service: &Service) -> Result<Answered, Cut> {
    let mut batch = Batch::new(stream, service);
    let mut answered = Answered::None;
    loop {
        let request = match lines.next_line() {
            Next::Line(line) => parse_line(line),
            Next::TooLong => None,
            Next::Unfinished => break,
        };
        let Some(request) = request else {
            answered = Answered::UpToBadLine;
            break;
        };
        let time = (service.clock)().ok_or(Cut::Fault("the clock shows no time"))?;
        let signed = service.signer.answer(&request, time, &mut batch.bytes);
        signed.map_err(|_| Cut::Fault("an answer could not be signed"))?;
        answered = Answered::Some;
        batch.add()?;
    }
    batch.send()?;
    Ok(answered)
}

/// Answers on their way out, at most `BATCH` bytes and one answer more.
struct Batch<'a> {
    bytes: Vec<u8>,
    count: u64,
    stream: &'a TcpStream,
    service: &'a Service,
}

impl<'a> Batch<'a> {
    fn new(stream: &'a TcpStream, service: &'a Service) -> Self {
        Batch { bytes: Vec::new(), count: 0, stream, service }
    }

    /// Counts the answer that was written to `bytes`.
    fn add(&mut self) -> io::Result<()> {
        self.count += 1;
        if self.bytes.len() < BATCH {
            return Ok(());
        }
        self.send()
    }

    fn send(&mut self) -> io::Result<()> {
        send(self.stream, &self.bytes, self.service.limits.idle)?;
        self.service.answered.fetch_add(self.count, Ordering::Relaxed);
        self.bytes.clear();
        self.count = 0;
        Ok(())
    }
}

fn send(mut stream: &TcpStream, mut bytes: &[u8], limit: Duration) -> io::Result<()> {
    let deadline = Instant::now() + limit;
    while !bytes.is_empty() {
        stream.set_write_timeout(Some(remaining(deadline)?))?;
        match stream.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A socket's time limit must not be zero, and has microseconds.
fn remaining(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left < Duration::from_micros(1) {
        return Err(ErrorKind::TimedOut.into());
    }
    Ok(left)
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
