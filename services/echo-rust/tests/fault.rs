//! A clock that fails. Alone in its process, for the hook that takes panics belongs to all of it.
#![forbid(unsafe_code)]

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use common::{start, TIME};
use echo_rust::connection::Limits;
use echo_rust::server::Totals;
use echo_rust::Clock;

type Reading = fn() -> Option<u64>;

/// Fails at its first reading only.
fn fails_once(how: Reading) -> Box<Clock> {
    let readings = AtomicUsize::new(0);
    Box::new(move || match readings.fetch_add(1, Ordering::SeqCst) {
        0 => how(),
        _ => Some(TIME),
    })
}

#[test]
fn a_fault_ends_its_connection_alone() {
    let broken: [(Reading, &str); 2] = [
        (|| None, "\"reason\":\"the clock shows no time\""),
        (|| panic!("hello, secret"), "\"reason\":\"panic at tests/fault.rs:"),
    ];
    for (how, reason) in broken {
        let running = start(Limits::default(), fails_once(how));
        Arc::clone(&running.log).take_panics();
        assert_eq!(running.ask("hello\n").unwrap(), "");
        assert_eq!(running.paper.count("fault"), 1);
        assert!(running.paper.holds(reason));
        assert!(!running.paper.holds("secret"));
        assert!(running.ask("hello\n").unwrap().contains("\"request\":\"aGVsbG8=\""));
        assert_eq!(running.paper.count("fault"), 1);
        assert_eq!(running.stop(), Totals { answered: 1, connections: 2 });
    }
}
