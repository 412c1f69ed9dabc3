//! Stopping and turning away, with limits that no command line sets.
#![forbid(unsafe_code)]

mod common;

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use common::{start, TIME};
use echo_rust::connection::Limits;
use echo_rust::server::Totals;
use echo_rust::Clock;

fn steady() -> Box<Clock> {
    Box::new(|| Some(TIME))
}

#[test]
fn stop_does_not_wait_longer_than_its_limit() {
    let stop = Duration::from_millis(300);
    let running = start(Limits { stop, ..Limits::default() }, steady());
    let mut deaf = TcpStream::connect(running.address).unwrap();
    deaf.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    // Until no more goes in: the server waits for us to read.
    let line = format!("{}\n", "x".repeat(4095));
    while deaf.write_all(line.as_bytes()).is_ok() {}
    let started = Instant::now();
    let address = running.address;
    running.stop();
    let taken = started.elapsed();
    assert!(taken >= stop && taken < Duration::from_secs(2), "{taken:?}");
    assert_eq!(TcpStream::connect(address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn stop_answers_what_was_read_and_lets_idle_clients_go() {
    let running = start(Limits::default(), steady());
    let idle = TcpStream::connect(running.address).unwrap();
    let mut asking = TcpStream::connect(running.address).unwrap();
    asking.write_all("hello\n".repeat(400).as_bytes()).unwrap();
    let mut answers = BufReader::new(asking.try_clone().unwrap()).lines();
    answers.next().unwrap().unwrap();
    running.stopper.stop();
    assert_eq!(running.paper.count("stopping"), 1);
    asking.write_all(b"too late\n").unwrap();
    assert_eq!(answers.filter(|line| line.is_ok()).count(), 399);
    for mut stream in [asking, idle] {
        assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    }
    assert_eq!(running.stop(), Totals { answered: 400, connections: 2 });
}

#[test]
fn busy_is_told_to_each_and_logged_once_a_second() {
    let running = start(Limits { connections: 1, ..Limits::default() }, steady());
    let mut served = TcpStream::connect(running.address).unwrap();
    served.write_all(b"here\n").unwrap();
    served.read_exact(&mut [0]).unwrap();
    let refused = || running.ask("").unwrap();
    let told: Vec<String> = (0..20).map(|_| refused()).collect();
    assert!(told.iter().all(|answer| answer == "{\"error\":\"busy\"}\n"), "{told:?}");
    assert_eq!(running.paper.count("busy"), 1);
    assert!(running.paper.holds("\"event\":\"busy\",\"connections\":1}"));
    thread::sleep(Duration::from_millis(1100));
    refused();
    assert_eq!(running.paper.count("busy"), 2);
    drop(served);
    let free = (0..50).any(|_| {
        thread::sleep(Duration::from_millis(20));
        running.ask("now\n").is_ok_and(|answer| answer.contains("\"request\":\"bm93\""))
    });
    assert!(free);
}
