//! Clients that come and go: each keeps its place in its rooms over all its connections, and comes back as a real
//! client does.
//!
//! - [`client`]: the state of a client; [`place`]: its place in a room, each number once and in order.
//! - [`comeback`]: losing a connection, trying again, being back; [`alarms`]: when.
//! - [`dialogue`]: what is said on a connection; [`answer`]: what the node says to one who comes back.
//! - [`saw`]: what was counted; [`mod@work`]: the process that holds clients; [`crew`]: these processes for their parent.
//!
//! What must stay true: one thread and one epoll set per process; nothing blocks, connecting neither; and what a
//! client has heard is judged by the numbers alone, never by what was meant to be sent.

mod alarms;
mod answer;
mod client;
mod comeback;
mod crew;
mod dialogue;
mod place;
mod saw;
mod work;

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use hallway_protocol::Codec;
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::chance::Chance;
use crate::clock;
use crate::error::{Doing, Failure};
use crate::heard::Beginning;
use crate::token::Issuer;
use alarms::Alarms;
use client::{Client, Phase};

pub(crate) use crew::Crew;
pub(crate) use saw::Saw;
pub(crate) use work::work;

/// Stands in the epoll set for a descriptor that is the caller's.
const FOREIGN: u64 = u64::MAX;

/// Events per wait.
const EVENTS: usize = 1024;

/// The largest frame that can be read, and the most that one read takes.
const SCRATCH: usize = 256 * 1024;

/// What a process's clients do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) nodes: Vec<SocketAddr>,
    /// The number of the source address 127.0.x.y, so that processes differ.
    pub(crate) source: u32,
    /// The codec's subprotocol.
    pub(crate) subprotocol: String,
    pub(crate) secret: String,
    /// Clients of this process, and the number of the first; each is a user of its own.
    pub(crate) clients: usize,
    pub(crate) first: usize,
    /// Clients of all processes.
    pub(crate) total: usize,
    /// Rooms, and how many of them a client is in.
    pub(crate) rooms: Vec<String>,
    pub(crate) rooms_each: usize,
    /// Clients that open their first connection at once.
    pub(crate) at_once: usize,
    /// Whether they come back by a ticket; else by the token, and joining each room.
    pub(crate) by_ticket: bool,
    /// A client is cut off every `cycle`, for `away`; used only once cuts are asked for.
    pub(crate) cycle: Duration,
    pub(crate) away: Duration,
    /// How long nothing may come at the end before what is still missing counts as lost.
    pub(crate) patience: Duration,
    pub(crate) seed: u64,
}

/// Where a room stands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) epoch: String,
    pub(crate) seq: u64,
}

struct Room {
    name: String,
    beginning: Beginning,
}

/// The clients of a process.
pub(crate) struct Fleet {
    plan: Plan,
    epoll: OwnedFd,
    codec: Codec,
    issuer: Issuer,
    rooms: Vec<Room>,
    clients: Vec<Client>,
    alarms: Alarms,
    chance: Chance,
    /// Clients that are in all their rooms.
    live: usize,
    /// Per node, when it went for good.
    gone: Vec<Option<u64>>,
    /// Clients whose node is gone and that are not back yet.
    fleeing: usize,
    /// No client is cut off at or after this time.
    cuts_until: u64,
    scratch: Vec<u8>,
    events: Vec<epoll::Event>,
    /// Clients with something to write.
    dirty: Vec<usize>,
    /// Whether the caller's own descriptor has something to read; the caller takes it back.
    pub(crate) foreign: bool,
    pub(crate) saw: Saw,
}

impl Fleet {
    /// Clients that are all away.
    pub(crate) fn new(plan: Plan) -> Result<Self, Failure> {
        let codec = Codec::from_subprotocol(&plan.subprotocol).ok_or_else(|| Failure::new("unknown subprotocol"))?;
        let rooms = plan.rooms.iter().map(|name| Room {
            beginning: Beginning::new(codec, name),
            name: name.clone(),
        });
        let (nodes, count) = (plan.nodes.len(), plan.rooms.len());
        if nodes == 0 || plan.rooms_each == 0 || plan.rooms_each > count {
            return Err(Failure::new(
                "there must be a node, and as many rooms as a client is in",
            ));
        }
        let clients = (plan.first..plan.first + plan.clients).map(|number| {
            let first = number * plan.rooms_each;
            Client::new(
                number,
                number % nodes,
                (first..first + plan.rooms_each).map(|room| room % count),
            )
        });
        Ok(Self {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC).doing("epoll")?,
            codec,
            issuer: Issuer::new(&plan.secret)?,
            rooms: rooms.collect(),
            clients: clients.collect(),
            alarms: Alarms::default(),
            chance: Chance::new(plan.seed.wrapping_add(plan.first as u64)),
            live: 0,
            gone: vec![None; nodes],
            fleeing: 0,
            cuts_until: 0,
            scratch: vec![0; SCRATCH],
            events: Vec::with_capacity(EVENTS),
            dirty: Vec::new(),
            foreign: false,
            saw: Saw::new()?,
            plan,
        })
    }

    /// Watches a descriptor of the caller's: when it can be read, [`Fleet::foreign`] is set.
    pub(crate) fn watch(&mut self, descriptor: impl AsFd) -> Result<(), Failure> {
        let data = epoll::EventData::new_u64(FOREIGN);
        epoll::add(&self.epoll, descriptor, data, epoll::EventFlags::IN).doing("epoll")
    }

    /// Does what is due, and waits at most `wait` for sockets that can be read, each of which is read once.
    pub(crate) fn turn(&mut self, wait: Duration) -> Result<(), Failure> {
        let now = clock::micros();
        while let Some((at, life, alarm)) = self.alarms.due(now) {
            self.ring(at, life, alarm, now);
        }
        self.flush();
        let wait = self.alarms.next_in(clock::micros()).map_or(wait, |next| next.min(wait));
        let wait = Timespec {
            tv_sec: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: wait.subsec_nanos().into(),
        };
        self.events.clear();
        match epoll::wait(&self.epoll, spare_capacity(&mut self.events), Some(&wait)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(why) => return Err(Failure(format!("epoll: {why}"))),
        }
        let events = std::mem::take(&mut self.events);
        for event in &events {
            let (flags, data) = (event.flags, event.data.u64());
            match key_of(data) {
                Some((at, life)) if self.clients[at].life == life => self.happened(at, flags),
                // Of a connection that this very round has ended.
                Some(_) => {}
                None => self.foreign = true,
            }
        }
        self.events = events;
        self.flush();
        Ok(())
    }

    fn happened(&mut self, at: usize, flags: epoll::EventFlags) {
        if self.clients[at].phase == Phase::Connecting {
            return self.connected(at);
        }
        if flags.contains(epoll::EventFlags::OUT) {
            self.dirty.push(at);
        }
        if flags.intersects(epoll::EventFlags::IN | epoll::EventFlags::HUP | epoll::EventFlags::ERR) {
            self.read(at);
        }
    }

    /// Reads a socket once and takes what is whole.
    fn read(&mut self, at: usize) {
        let client = &mut self.clients[at];
        let life = client.life;
        let Some(link) = &mut client.link else { return };
        let kept = link.rest.len();
        if kept == self.scratch.len() {
            return self.lost(at, "a frame that is too large to read");
        }
        self.scratch[..kept].copy_from_slice(&link.rest);
        let end = match link.socket.read(&mut self.scratch[kept..]) {
            Ok(0) => return self.closed(at, 1006, "the server closed the connection"),
            Ok(read) => kept + read,
            Err(why) if matches!(why.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => return,
            Err(why) => return self.closed(at, 1006, &why.to_string()),
        };
        let scratch = std::mem::take(&mut self.scratch);
        let used = self.consume(at, &scratch[..end]);
        let client = &mut self.clients[at];
        if let Some(link) = client.link.as_mut().filter(|_| client.life == life) {
            if used < end {
                link.rest.clear();
                link.rest.extend_from_slice(&scratch[used..end]);
            } else if kept > 0 {
                link.rest = Vec::new();
            }
        }
        self.scratch = scratch;
    }

    /// Writes what clients have to say; what a socket does not take waits for it.
    fn flush(&mut self) {
        let mut dirty = std::mem::take(&mut self.dirty);
        for at in dirty.drain(..) {
            if let Err(why) = self.write(at) {
                self.closed(at, 1006, &why.to_string());
            }
        }
        self.dirty = dirty;
    }

    fn write(&mut self, at: usize) -> std::io::Result<()> {
        let client = &mut self.clients[at];
        let Some(link) = client.link.as_mut().filter(|_| client.phase != Phase::Connecting) else {
            return Ok(());
        };
        let mut written = 0;
        while written < link.out.len() {
            match link.socket.write(&link.out[written..]) {
                Ok(more) => written += more,
                Err(why) if why.kind() == ErrorKind::WouldBlock => break,
                Err(why) => return Err(why),
            }
        }
        link.out.drain(..written);
        let waits = !link.out.is_empty();
        if !waits {
            link.out = Vec::new();
        }
        if waits != link.waits_to_write {
            link.waits_to_write = waits;
            let mut flags = epoll::EventFlags::IN;
            flags.set(epoll::EventFlags::OUT, waits);
            let data = epoll::EventData::new_u64(key(at, client.life));
            epoll::modify(&self.epoll, &link.socket, data, flags)?;
        }
        Ok(())
    }
}

/// What stands for a client's connection in the epoll set.
fn key(at: usize, life: u32) -> u64 {
    // A process holds far fewer clients than 2^32 - 1, so no key is `FOREIGN`.
    u64::from(life) << 32 | at as u64
}

fn key_of(data: u64) -> Option<(usize, u32)> {
    (data != FOREIGN).then_some(((data & 0xffff_ffff) as usize, (data >> 32) as u32))
}
