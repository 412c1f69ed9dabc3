//! A server in this process, and a client.
#![forbid(unsafe_code)]
// Each file of tests uses some of this.
#![allow(dead_code)]

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use echo_rust::connection::Limits;
use echo_rust::log::Log;
use echo_rust::response::Signer;
use echo_rust::server::{Server, Stopper, Totals};
use echo_rust::Clock;
use k256::ecdsa::SigningKey;

pub const TIME: u64 = 1_700_000_002;

/// What a log wrote.
#[derive(Clone, Default)]
pub struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Paper {
    pub fn count(&self, event: &str) -> usize {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.matches(&format!("\"event\":\"{event}\"")).count()
    }

    pub fn holds(&self, part: &str) -> bool {
        String::from_utf8_lossy(&self.0.lock().unwrap()).contains(part)
    }
}

pub struct Running {
    pub address: SocketAddr,
    pub stopper: Stopper,
    pub log: Arc<Log>,
    pub paper: Paper,
    ended: JoinHandle<Totals>,
}

pub fn start(limits: Limits, clock: Box<Clock>) -> Running {
    let paper = Paper::default();
    let log = Arc::new(Log::new("echo-rust", Box::new(|| Some(TIME)), Box::new(paper.clone())));
    let signer = Signer::new("echo-rust", SigningKey::from_slice(&[1; 32]).unwrap()).unwrap();
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let server = Server::new(listener, signer, clock, limits, Arc::clone(&log));
    let (address, stopper) = (server.address().unwrap(), server.stopper().unwrap());
    let ended = thread::spawn(|| server.run());
    Running { address, stopper, log, paper, ended }
}

impl Running {
    /// What comes back until the server ends the connection.
    pub fn ask(&self, text: &str) -> io::Result<String> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.write_all(text.as_bytes())?;
        stream.shutdown(Shutdown::Write)?;
        let mut answers = String::new();
        stream.read_to_string(&mut answers)?;
        Ok(answers)
    }

    pub fn stop(self) -> Totals {
        self.stopper.stop();
        self.ended.join().unwrap()
    }
}
