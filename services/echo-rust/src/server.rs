//! Takes connections, each with a thread of its own, in bounded number.

use std::io::{self, ErrorKind};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::connection::{refuse, serve, Cut, Limits, Service};
use crate::log::{Event, Log};
use crate::protocol::BUSY;
use crate::response::Signer;
use crate::Clock;

/// Connections that may wait to be told `busy`; more are dropped unheard.
const REFUSAL_ROOM: usize = 64;
/// Ample for a connection: its buffers are on the heap.
const STACK: usize = 256 * 1024;
/// After a failed accept, as when there is no file descriptor left: the next would fail at once.
const PAUSE: Duration = Duration::from_millis(100);

pub struct Server {
    listener: TcpListener,
    shared: Arc<Shared>,
}

/// Ends the server from another thread.
pub struct Stopper {
    listener: TcpStream,
    shared: Arc<Shared>,
}

/// Since the start.
#[derive(Debug, PartialEq, Eq)]
pub struct Totals {
    pub answered: u64,
    pub connections: u64,
}

struct Shared {
    service: Service,
    log: Arc<Log>,
    open: Mutex<Open>,
    /// Told when a connection ends.
    ended: Condvar,
    connections: AtomicU64,
}

/// Connections at this moment.
#[derive(Default)]
struct Open {
    served: usize,
    refused: usize,
    told_busy: Option<Instant>,
}

impl Server {
    pub fn new(
        listener: TcpListener,
        signer: Signer,
        clock: Box<Clock>,
        limits: Limits,
        log: Arc<Log>,
    ) -> Server {
        let service =
            Service { signer, clock, limits, stopping: false.into(), answered: AtomicU64::new(0) };
        let shared = Shared {
            service,
            log,
            open: Mutex::default(),
            ended: Condvar::new(),
            connections: AtomicU64::new(0),
        };
        Server { listener, shared: Arc::new(shared) }
    }

    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    pub fn stopper(&self) -> io::Result<Stopper> {
        // Any socket can be shut down, but the standard library offers it of streams alone.
        let listener = OwnedFd::from(self.listener.try_clone()?).into();
        Ok(Stopper { listener, shared: Arc::clone(&self.shared) })
    }

    /// Serves until it is stopped: then every line that was read is answered, within the limit.
    pub fn run(self) -> Totals {
        let Server { listener, shared } = self;
        loop {
            let accepted = listener.accept();
            if shared.is_stopping() {
                break;
            }
            match accepted {
                Ok((stream, _)) => admit(&shared, stream),
                Err(error) if is_clients_doing(&error) => {}
                Err(error) => {
                    shared.fault(&format!("a connection cannot be taken: {error}"));
                    thread::sleep(PAUSE);
                }
            }
        }
        drop(listener);
        shared.wait_for_the_last();
        Totals {
            answered: shared.service.answered.load(Ordering::Relaxed),
            connections: shared.connections.load(Ordering::Relaxed),
        }
    }
}

impl Stopper {
    /// No new connection and no new line is taken from now on.
    pub fn stop(&self) {
        if self.shared.service.stopping.swap(true, Ordering::SeqCst) {
            return;
        }
        self.shared.log.write(&Event::Stopping);
        if let Err(error) = self.listener.shutdown(Shutdown::Both) {
            self.shared.fault(&format!("the listening socket cannot be shut down: {error}"));
        }
    }
}

impl Shared {
    fn is_stopping(&self) -> bool {
        self.service.stopping.load(Ordering::SeqCst)
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fault(&self, reason: &str) {
        self.log.write(&Event::Fault { reason });
    }

    /// At most one line a second.
    fn log_busy(&self) {
        let mut open = self.open();
        let now = Instant::now();
        let lately = |at: Instant| now.duration_since(at) < Duration::from_secs(1);
        if open.told_busy.is_some_and(lately) {
            return;
        }
        open.told_busy = Some(now);
        let connections = open.served;
        drop(open);
        self.log.write(&Event::Busy { connections });
    }

    fn wait_for_the_last(&self) {
        let limit = self.service.limits.stop;
        let busy = |open: &mut Open| open.served + open.refused > 0;
        drop(self.ended.wait_timeout_while(self.open(), limit, busy));
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    Served,
    Refused,
}

/// A connection's place among those that are open; free again when this is dropped, by a panic too.
struct Slot {
    shared: Arc<Shared>,
    place: Place,
}

impl Slot {
    /// `None` when even those who are refused are too many.
    fn take(shared: &Arc<Shared>) -> Option<Slot> {
        let mut open = shared.open();
        let place = if open.served < shared.service.limits.connections {
            Place::Served
        } else if open.refused < REFUSAL_ROOM {
            Place::Refused
        } else {
            return None;
        };
        *open.count(place) += 1;
        drop(open);
        Some(Slot { shared: Arc::clone(shared), place })
    }
}

impl Open {
    fn count(&mut self, place: Place) -> &mut usize {
        match place {
            Place::Served => &mut self.served,
            Place::Refused => &mut self.refused,
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        *self.shared.open().count(self.place) -= 1;
        self.shared.ended.notify_all();
    }
}

/// The connection is closed before its slot is free, whichever way the thread ends.
fn admit(shared: &Arc<Shared>, stream: TcpStream) {
    let Some(slot) = Slot::take(shared) else {
        return shared.log_busy();
    };
    if slot.place == Place::Refused {
        shared.log_busy();
    }
    let started = thread::Builder::new().stack_size(STACK).spawn(move || {
        let slot = slot;
        let stream = stream;
        handle(&slot, &stream);
    });
    if let Err(error) = started {
        shared.fault(&format!("a connection has no thread: {error}"));
    }
}

fn handle(Slot { shared, place }: &Slot, stream: &TcpStream) {
    match place {
        Place::Served => {
            shared.connections.fetch_add(1, Ordering::Relaxed);
            if let Err(Cut::Fault(reason)) = serve(stream, &shared.service) {
                shared.fault(reason);
            }
        }
        // Whether the client hears it is its own affair.
        Place::Refused => drop(refuse(stream, BUSY)),
    }
}

fn is_clients_doing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted)
}
