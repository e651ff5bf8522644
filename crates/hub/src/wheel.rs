//! Pings and timeouts for all sockets from one tick a second. A socket stands in one of as many slots as the
//! ping interval has seconds; each second one slot is pinged and an earlier one is looked at for answers, so
//! that the work is even and no socket has a timer.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use hallway_protocol::CloseCode;
use parking_lot::Mutex;

use crate::socket::Socket;

/// Times of the wheel; counted in whole seconds.
#[derive(Debug, Clone)]
pub struct WheelOptions {
    /// How often each socket is pinged.
    pub ping_interval: Duration,
    /// How long after a ping something must have come in; at most the interval.
    pub pong_timeout: Duration,
    /// How long a socket may send no data frame; zero is for ever.
    pub idle_timeout: Duration,
    /// How long before its authorization ends a socket is to be warned.
    pub expiry_warning: Duration,
    /// How long after that it is closed.
    pub expiry_grace: Duration,
}

/// What a turn of a second brought.
#[derive(Debug, Default)]
pub struct Turn {
    /// How many sockets were pinged.
    pub pinged: usize,
    /// Those whose authorization is about to end: they are to be warned, once.
    pub expiring: Vec<Arc<Socket>>,
}

/// The slots.
#[derive(Debug)]
pub(crate) struct Wheel {
    slots: Vec<Mutex<Vec<Arc<Socket>>>>,
    /// The Unix second of the last turn.
    unix: AtomicU64,
    /// Seconds.
    pong_timeout: AtomicU32,
    idle_timeout: AtomicU32,
    expiry_warning: u64,
    expiry_grace: u64,
    /// Sockets to be looked at before their slot comes round again, since their authorization is about to end or has.
    expiring: Mutex<BinaryHeap<Reverse<Expiry>>>,
}

/// The Unix second in which a socket is to be looked at.
#[derive(Debug)]
struct Expiry(u64, Weak<Socket>);

impl PartialEq for Expiry {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Expiry {}

impl PartialOrd for Expiry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Expiry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}

fn seconds(time: Duration) -> u32 {
    u32::try_from(time.as_secs()).unwrap_or(u32::MAX)
}

impl Wheel {
    pub(crate) fn new(options: &WheelOptions) -> Self {
        let slots = seconds(options.ping_interval).clamp(1, 3600);
        let wheel = Self {
            slots: (0..slots).map(|_| Mutex::default()).collect(),
            // Before the first turn everything expires soon, so that nothing is overlooked.
            unix: AtomicU64::new(u64::MAX),
            pong_timeout: AtomicU32::new(0),
            idle_timeout: AtomicU32::new(0),
            expiry_warning: options.expiry_warning.as_secs(),
            expiry_grace: options.expiry_grace.as_secs(),
            expiring: Mutex::default(),
        };
        wheel.set_timeouts(options);
        wheel
    }

    /// Other timeouts from the next turn on.
    pub(crate) fn set_timeouts(&self, options: &WheelOptions) {
        let most = self.slots.len() as u32;
        self.pong_timeout
            .store(seconds(options.pong_timeout).clamp(1, most), Ordering::Relaxed);
        self.idle_timeout
            .store(seconds(options.idle_timeout), Ordering::Relaxed);
    }

    fn slot_of(&self, second: u32) -> usize {
        second as usize % self.slots.len()
    }

    /// The slot of a socket follows from its id, so that it need not be kept.
    fn home(&self, socket: &Socket) -> usize {
        let sum = socket
            .id()
            .as_str()
            .bytes()
            .fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        sum % self.slots.len()
    }

    pub(crate) fn insert(&self, socket: &Arc<Socket>) {
        let mut slot = self.slots[self.home(socket)].lock();
        socket.place.store(slot.len() as u32, Ordering::Relaxed);
        slot.push(Arc::clone(socket));
        drop(slot);
        self.watch_expiry(socket);
    }

    /// Puts a socket among those to be warned or closed in time, if its slot would come round too late for that.
    pub(crate) fn watch_expiry(&self, socket: &Arc<Socket>) {
        let expires_at = socket.expires_at();
        if expires_at == u64::MAX {
            return;
        }
        let horizon = self.unix.load(Ordering::Relaxed);
        let horizon = horizon.saturating_add(self.slots.len() as u64 + 1);
        let warning = (!socket.is_warned()).then(|| self.warning(expires_at));
        let due = warning.into_iter().chain([self.end(expires_at)]);
        for second in due.filter(|second| *second <= horizon) {
            let look = Expiry(second, Arc::downgrade(socket));
            self.expiring.lock().push(Reverse(look));
        }
    }

    fn warning(&self, expires_at: u64) -> u64 {
        expires_at.saturating_sub(self.expiry_warning)
    }

    pub(crate) fn end(&self, expires_at: u64) -> u64 {
        expires_at.saturating_add(self.expiry_grace)
    }

    pub(crate) fn remove(&self, socket: &Socket) {
        let mut slot = self.slots[self.home(socket)].lock();
        let place = socket.place.load(Ordering::Relaxed) as usize;
        if slot.get(place).is_some_and(|there| there.id() == socket.id()) {
            slot.swap_remove(place);
            if let Some(moved) = slot.get(place) {
                moved.place.store(place as u32, Ordering::Relaxed);
            }
        }
    }

    /// Turns to second `now` of the hub's clock.
    pub(crate) fn turn(&self, now: u32, unix_seconds: u64) -> Turn {
        self.unix.store(unix_seconds, Ordering::Relaxed);
        let expiring = self.expire(unix_seconds);
        let pong_timeout = self.pong_timeout.load(Ordering::Relaxed);
        if now >= pong_timeout {
            self.close_silent(now - pong_timeout);
        }
        let idle_timeout = self.idle_timeout.load(Ordering::Relaxed);
        let sockets = self.slots[self.slot_of(now)].lock().clone();
        for socket in &sockets {
            self.watch_expiry(socket);
            if idle_timeout > 0 && socket.spoke_at() + idle_timeout <= now {
                socket.close(CloseCode::Normal, "idle");
            } else {
                socket.ping();
            }
        }
        Turn {
            pinged: sockets.len(),
            expiring,
        }
    }

    /// Closes those that were pinged at second `pinged` and have not been heard since.
    fn close_silent(&self, pinged: u32) {
        let slot = self.slots[self.slot_of(pinged)].lock();
        let silent: Vec<_> = slot
            .iter()
            .filter(|socket| socket.heard_at() < pinged)
            .cloned()
            .collect();
        drop(slot);
        for socket in silent {
            socket.close(CloseCode::NoPong, CloseCode::NoPong.reason());
        }
    }

    /// Closes those whose authorization is over; answers those that are to be warned.
    fn expire(&self, unix_seconds: u64) -> Vec<Arc<Socket>> {
        let mut due = Vec::new();
        {
            let mut expiring = self.expiring.lock();
            while expiring.peek().is_some_and(|Reverse(first)| first.0 <= unix_seconds) {
                due.extend(expiring.pop().and_then(|Reverse(first)| first.1.upgrade()));
            }
        }
        due.retain(|socket| {
            let expires_at = socket.expires_at();
            if self.end(expires_at) <= unix_seconds {
                socket.close(CloseCode::Unauthenticated, "token expired");
                return false;
            }
            self.warning(expires_at) <= unix_seconds && socket.warn()
        });
        due
    }
}
