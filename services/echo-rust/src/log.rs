//! The log: one JSON object a line, with never anything of a request or a key.

use std::io::Write;
use std::net::SocketAddr;
use std::panic;
use std::sync::{Arc, Mutex, PoisonError};

use crate::Clock;

pub enum Event<'a> {
    Listening(SocketAddr),
    /// A connection was turned away; so many are served.
    Busy {
        connections: usize,
    },
    Stopping,
    /// Since the start: lines answered and connections served.
    Stopped {
        answered: u64,
        connections: u64,
    },
    /// Neither a client's doing nor an answer.
    Fault {
        reason: &'a str,
    },
}

pub struct Log {
    service: String,
    clock: Box<Clock>,
    sink: Mutex<Box<dyn Write + Send>>,
}

impl Log {
    pub fn new(service: &str, clock: Box<Clock>, sink: Box<dyn Write + Send>) -> Log {
        Log { service: service.to_owned(), clock, sink: Mutex::new(sink) }
    }

    /// A log that cannot be written stops nothing.
    pub fn write(&self, event: &Event<'_>) {
        let time = (self.clock)().unwrap_or(0);
        let line = line(time, &self.service, event);
        let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = sink.write_all(line.as_bytes()).and_then(|()| sink.flush());
    }

    /// Makes every panic of this process a fault in this log: where it was, without its message, which
    /// might show what was being handled.
    pub fn take_panics(self: Arc<Self>) {
        panic::set_hook(Box::new(move |panic| {
            let place = panic
                .location()
                .map_or(String::new(), |at| format!(" at {}:{}", at.file(), at.line()));
            self.write(&Event::Fault { reason: &format!("panic{place}") });
        }));
    }
}

/// `time` `level` `service` `event`, then the event's own members, and LF.
fn line(time: u64, service: &str, event: &Event<'_>) -> String {
    let (level, name, members) = match event {
        Event::Listening(at) => {
            let (address, port) = (text(&at.ip().to_string()), at.port());
            ("info", "listening", format!(",\"address\":{address},\"port\":{port}"))
        }
        Event::Busy { connections } => ("warn", "busy", format!(",\"connections\":{connections}")),
        Event::Stopping => ("info", "stopping", String::new()),
        Event::Stopped { answered, connections } => {
            ("info", "stopped", format!(",\"answered\":{answered},\"connections\":{connections}"))
        }
        Event::Fault { reason } => ("error", "fault", format!(",\"reason\":{}", text(reason))),
    };
    let (time, service) = (rfc3339(time), text(service));
    format!("{{\"time\":\"{time}\",\"level\":\"{level}\",\"service\":{service},\"event\":\"{name}\"{members}}}\n")
}

/// A JSON string (RFC 8259, section 7).
fn text(value: &str) -> String {
    let mut out = String::from('"');
    for character in value.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '\0'..='\x1f' => out.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ => out.push(character),
        }
    }
    out.push('"');
    out
}

const DAY: u64 = 86_400;
/// Days of 400 years of the Gregorian calendar, which then repeats.
const ERA: u64 = 146_097;
/// Days from 0000-03-01 to 1970-01-01. Years that begin in March end with their leap day.
const MARCH_0000: u64 = 719_468;

/// Unix seconds as `2023-11-14T22:13:20Z`.
fn rfc3339(time: u64) -> String {
    let (hour, minute, second) = (time % DAY / 3600, time % 3600 / 60, time % 60);
    let days = time / DAY + MARCH_0000;
    let (era, day_of_era) = (days / ERA, days % ERA);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // From March on, months have 31, 30, 31, 30, 31 days, and again: 153 days each time.
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = 400 * era + year_of_era + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (time, wanted) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_700_000_002, "2023-11-14T22:13:22Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(rfc3339(time), wanted);
        }
    }

    #[test]
    fn days_follow_each_other() {
        let mut last = String::new();
        for day in 0..150_000 {
            let text = rfc3339(day * DAY);
            assert!(text > last, "{text} after {last}");
            last = text;
        }
    }

    #[test]
    fn events() {
        let head = |level, event| {
            format!("{{\"time\":\"2023-11-14T22:13:22Z\",\"level\":\"{level}\",\"service\":\"echo\",\"event\":\"{event}\"")
        };
        let check = |event: Event<'_>, level, name, members| {
            assert_eq!(line(1_700_000_002, "echo", &event), head(level, name) + members + "}\n");
        };
        let address = "127.0.0.1:7".parse().unwrap();
        check(
            Event::Listening(address),
            "info",
            "listening",
            ",\"address\":\"127.0.0.1\",\"port\":7",
        );
        let address = "[::1]:7".parse().unwrap();
        check(Event::Listening(address), "info", "listening", ",\"address\":\"::1\",\"port\":7");
        check(Event::Busy { connections: 256 }, "warn", "busy", ",\"connections\":256");
        check(Event::Stopping, "info", "stopping", "");
        let stopped = Event::Stopped { answered: 3, connections: 2 };
        check(stopped, "info", "stopped", ",\"answered\":3,\"connections\":2");
        let fault = Event::Fault { reason: "a\"b\\c\nd\u{1f}é" };
        check(fault, "error", "fault", ",\"reason\":\"a\\\"b\\\\c\\u000ad\\u001fé\"");
    }
}
