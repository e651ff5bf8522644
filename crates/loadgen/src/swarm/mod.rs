//! Thousands of sockets in one thread: an epoll set, one scratch buffer, and a small state per socket.
//!
//! - [`connection`]: the state of a socket.
//! - [`open`]: from a connect to being in the room.
//! - [`frames`]: what is done with a frame that came; [`foreign`]: the same in a dialect.
//! - [`tally`]: what was counted.
//! - [`drive`]: publishing at a measure, and waiting for what was published.
//!
//! What must stay true: nothing here takes a lock, allocates per frame, or reads a socket twice per event, so that
//! the generator stays far below the server's own cost.

mod connection;
mod drive;
mod foreign;
mod frames;
mod open;
mod tally;

use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use hallway_protocol::Codec;
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::io::Errno;

use crate::dialect::Dialect;
use crate::error::{Doing, Failure};
use crate::heard::Beginning;
use connection::Connection;

pub(crate) use connection::Role;
pub(crate) use drive::{Drive, Driven, Via};
pub(crate) use open::{Open, Target, bound};
pub(crate) use tally::Tally;

/// Stands in the epoll set for a descriptor that is the caller's.
const FOREIGN: u64 = u64::MAX;

/// Events per wait.
const EVENTS: usize = 1024;

/// The largest frame that can be read, and the most that one read takes.
const SCRATCH: usize = 256 * 1024;

/// A room that sockets are in.
#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) name: String,
    beginning: Beginning,
    /// The number of the last broadcast to it, in a dialect.
    number: u64,
}

/// The sockets, and what they heard.
pub(crate) struct Swarm {
    epoll: OwnedFd,
    codec: Codec,
    /// What the sockets speak if it is not the native protocol.
    dialect: Option<Dialect>,
    rooms: Vec<Room>,
    /// A closed connection keeps its place.
    connections: Vec<Connection>,
    scratch: Vec<u8>,
    events: Vec<epoll::Event>,
    /// Connections with something to write.
    dirty: Vec<usize>,
    /// Whether the caller's own descriptor has something to read; the caller takes it back.
    pub(crate) foreign: bool,
    /// What was heard.
    pub(crate) tally: Tally,
}

impl Swarm {
    /// A swarm without sockets, which knows its rooms.
    pub(crate) fn new(codec: Codec, rooms: impl IntoIterator<Item = String>) -> Result<Self, Failure> {
        let rooms = rooms.into_iter().map(|name| Room {
            beginning: Beginning::new(codec, &name),
            name,
            number: 0,
        });
        Ok(Self {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC).doing("epoll")?,
            codec,
            dialect: None,
            rooms: rooms.collect(),
            connections: Vec::new(),
            scratch: vec![0; SCRATCH],
            events: Vec::with_capacity(EVENTS),
            dirty: Vec::new(),
            foreign: false,
            tally: Tally::new()?,
        })
    }

    /// Has the sockets speak a dialect, in text; with `None` it stays the native protocol.
    pub(crate) fn speaking(mut self, dialect: Option<Dialect>) -> Self {
        if dialect.is_some() {
            self.codec = Codec::Json;
        }
        self.dialect = dialect;
        self
    }

    /// Watches a descriptor of the caller's: when it can be read, [`Swarm::foreign`] is set.
    pub(crate) fn watch(&mut self, descriptor: impl AsFd) -> Result<(), Failure> {
        epoll::add(
            &self.epoll,
            descriptor,
            epoll::EventData::new_u64(FOREIGN),
            epoll::EventFlags::IN,
        )
        .doing("epoll")
    }

    /// Waits for sockets that can be read, at most `wait`, and reads each once. Returns how many there were.
    pub(crate) fn turn(&mut self, wait: Duration) -> Result<usize, Failure> {
        self.flush();
        self.events.clear();
        let wait = Timespec {
            tv_sec: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: wait.subsec_nanos().into(),
        };
        match epoll::wait(&self.epoll, spare_capacity(&mut self.events), Some(&wait)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(why) => return Err(Failure(format!("epoll: {why}"))),
        }
        let events = std::mem::take(&mut self.events);
        for event in &events {
            let (flags, data) = (event.flags, event.data);
            match usize::try_from(data.u64()) {
                Ok(at) if data.u64() != FOREIGN => {
                    if flags.contains(epoll::EventFlags::OUT) {
                        self.dirty.push(at);
                    }
                    if flags.intersects(epoll::EventFlags::IN | epoll::EventFlags::HUP | epoll::EventFlags::ERR) {
                        self.read(at);
                    }
                }
                _ => self.foreign = true,
            }
        }
        self.events = events;
        self.flush();
        Ok(self.events.len())
    }

    /// Reads a socket once and takes the frames that are whole.
    fn read(&mut self, at: usize) {
        let connection = &mut self.connections[at];
        let Some(stream) = &mut connection.stream else { return };
        let kept = connection.rest.len();
        if kept == self.scratch.len() {
            self.fail(at, "a frame that is too large to read");
            return;
        }
        self.scratch[..kept].copy_from_slice(&connection.rest);
        let end = match stream.read(&mut self.scratch[kept..]) {
            Ok(0) => return self.gone(at, "the server closed the connection"),
            Ok(read) => kept + read,
            Err(why) if matches!(why.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => return,
            Err(why) => return self.gone(at, &why.to_string()),
        };
        let scratch = std::mem::take(&mut self.scratch);
        let used = self.consume(at, &scratch[..end]);
        let connection = &mut self.connections[at];
        if used < end && connection.stream.is_some() {
            connection.rest.clear();
            connection.rest.extend_from_slice(&scratch[used..end]);
        } else if kept > 0 {
            connection.rest = Vec::new();
        }
        self.scratch = scratch;
    }

    /// Writes what connections have to say; what a socket does not take waits for it.
    fn flush(&mut self) {
        let mut dirty = std::mem::take(&mut self.dirty);
        for at in dirty.drain(..) {
            if let Err(why) = self.write(at) {
                self.gone(at, &why.to_string());
            }
        }
        self.dirty = dirty;
    }

    fn write(&mut self, at: usize) -> std::io::Result<()> {
        let connection = &mut self.connections[at];
        let Some(stream) = &mut connection.stream else {
            return Ok(());
        };
        let mut written = 0;
        while written < connection.out.len() {
            match stream.write(&connection.out[written..]) {
                Ok(more) => written += more,
                Err(why) if why.kind() == ErrorKind::WouldBlock => break,
                Err(why) => return Err(why),
            }
        }
        connection.out.drain(..written);
        let waits = !connection.out.is_empty();
        if !waits && !matches!(connection.role, Role::Publisher | Role::Backend | Role::Control) {
            connection.out = Vec::new();
        }
        if waits != connection.waits_to_write {
            connection.waits_to_write = waits;
            let mut flags = epoll::EventFlags::IN;
            flags.set(epoll::EventFlags::OUT, waits);
            epoll::modify(&self.epoll, &*stream, epoll::EventData::new_u64(at as u64), flags)?;
        }
        Ok(())
    }

    /// A connection ended without a close frame of the server's.
    fn gone(&mut self, at: usize, why: &str) {
        if self.connections[at].stream.is_some() {
            self.tally.closed(1006);
            self.fail(at, why);
        }
    }

    /// Lets a connection go, and notes why.
    fn fail(&mut self, at: usize, why: &str) {
        self.tally.problem(format!("socket {at}: {why}"));
        self.drop_connection(at);
    }

    fn drop_connection(&mut self, at: usize) {
        let connection = &mut self.connections[at];
        if connection.stream.take().is_some() {
            connection.rest = Vec::new();
            connection.out = Vec::new();
            if !connection.is_ready() {
                self.tally.unopened += 1;
            }
        }
    }

    /// Connections that are open.
    pub(crate) fn alive(&self) -> usize {
        self.connections
            .iter()
            .filter(|connection| connection.stream.is_some())
            .count()
    }
}
