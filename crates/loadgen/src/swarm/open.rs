//! From a connect to being in the room.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::time::{Duration, Instant};

use rustix::event::epoll;
use socket2::{Domain, Protocol, Socket, Type};

use super::connection::{Connection, Phase};
use super::{Role, Swarm};
use crate::error::{Doing, Failure};
use crate::limits;
use crate::payload;
use crate::wire;

/// How long the kernel may take for a connect; on loopback it is done at once unless the backlog is full.
const CONNECT: Duration = Duration::from_secs(5);

/// How long nothing may come of any of the sockets that are being opened.
const STANDSTILL: Duration = Duration::from_secs(20);

/// Sockets per source address; the system has about 28,000 ports for each.
const PER_SOURCE: usize = 20_000;

/// Where to, and what to say there.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    /// The first number of the source addresses 127.0.x.y that this swarm may use, so that processes differ.
    pub(crate) source: u16,
}

/// A socket to open.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) role: Role,
    /// Rooms to join, by number.
    pub(crate) rooms: Range<u32>,
    pub(crate) token: String,
}

/// What became of an opening.
#[derive(Debug)]
pub(crate) struct Opened {
    /// The number of the first socket; the others follow.
    pub(crate) first: usize,
    /// Sockets that were begun.
    pub(crate) begun: usize,
    /// Those of them that are in all their rooms.
    pub(crate) ready: usize,
    /// Why no further one was begun, if there was to be one.
    pub(crate) stopped: Option<Failure>,
}

impl Swarm {
    /// Opens sockets, `at_once` at a time, and returns when all are in their rooms. The first of them has the
    /// returned number, the others follow.
    ///
    /// Fails if one of them does not come so far: what is measured afterwards would be of fewer sockets.
    pub(crate) fn open(
        &mut self,
        target: &Target,
        at_once: usize,
        opens: impl IntoIterator<Item = Open>,
    ) -> Result<usize, Failure> {
        let opened = self.open_most(target, at_once, opens)?;
        opened.stopped.map_or(Ok(opened.first), Err)
    }

    /// The same as far as it goes: from the first socket on that cannot be opened, no other is begun, and those under
    /// way are waited for.
    pub(crate) fn open_most(
        &mut self,
        target: &Target,
        at_once: usize,
        opens: impl IntoIterator<Item = Open>,
    ) -> Result<Opened, Failure> {
        let first = self.connections.len();
        let done = |swarm: &Self| (swarm.tally.ready + swarm.tally.unopened) as usize;
        let (before, ready, unopened) = (done(self), self.tally.ready, self.tally.unopened);
        let mut opens = opens.into_iter();
        let mut stopped = None;
        let mut progress = (before, Instant::now());
        loop {
            let under_way = |swarm: &Self| swarm.connections.len() - first - (done(swarm) - before);
            while stopped.is_none() && under_way(self) < at_once.max(1) {
                let Some(open) = opens.next() else { break };
                stopped = self.begin(target, open).err();
            }
            if under_way(self) == 0 {
                break;
            }
            self.turn(Duration::from_millis(100))?;
            if done(self) != progress.0 {
                progress = (done(self), Instant::now());
            } else if progress.1.elapsed() > STANDSTILL {
                let ready = self.tally.ready;
                stopped.get_or_insert(Failure(format!(
                    "opening stands still at {ready} ready: {}",
                    self.tally.trouble()
                )));
                break;
            }
            let failed = self.tally.unopened - unopened;
            if failed > 0 && stopped.is_none() {
                stopped = Some(Failure(format!(
                    "{failed} of the sockets could not be opened: {}",
                    self.tally.trouble()
                )));
            }
        }
        Ok(Opened {
            first,
            begun: self.connections.len() - first,
            ready: (self.tally.ready - ready) as usize,
            stopped,
        })
    }

    fn begin(&mut self, target: &Target, open: Open) -> Result<(), Failure> {
        let at = self.connections.len();
        let stream = connect(target, at)
            .map_err(|why| limits::explain(&why))
            .doing("connect")?;
        epoll::add(
            &self.epoll,
            &stream,
            epoll::EventData::new_u64(at as u64),
            epoll::EventFlags::IN,
        )
        .doing("epoll")?;
        let mut connection = Connection {
            stream: Some(stream.into()),
            role: open.role,
            phase: Phase::Upgrading,
            waits_to_write: false,
            room: open.rooms.start,
            joining: open.rooms,
            order: Default::default(),
            rest: Vec::new(),
            out: Vec::new(),
            name: String::new(),
        };
        match open.role {
            Role::Reader | Role::Publisher => {
                let host = target.address.to_string();
                connection.out = match self.dialect {
                    None => wire::upgrade(&host, self.codec.subprotocol(), Some(&open.token)).into_bytes(),
                    Some(dialect) => {
                        connection.name = open.token;
                        dialect.upgrade(&host).into_bytes()
                    }
                };
                self.dirty.push(at);
            }
            Role::Backend | Role::Floor | Role::Control => {
                connection.phase = Phase::Ready;
                self.tally.ready += 1;
            }
        }
        self.connections.push(connection);
        self.flush();
        Ok(())
    }

    /// Asks to join the next room, or notes that the socket is ready.
    pub(super) fn join_next(&mut self, at: usize) -> Result<(), Failure> {
        let connection = &mut self.connections[at];
        let Some(room) = self
            .rooms
            .get(connection.joining.start as usize)
            .filter(|_| !connection.joining.is_empty())
        else {
            connection.phase = Phase::Ready;
            self.tally.ready += 1;
            return Ok(());
        };
        connection.phase = Phase::Joining;
        let request = match self.dialect {
            None => {
                let args = format!(r#"{{"room":"{}"}}"#, room.name);
                payload::request(self.codec, 0, "rooms.join", args.as_bytes())?
            }
            Some(dialect) => dialect.join(&room.name, &connection.name)?,
        };
        self.say(at, &request);
        Ok(())
    }
}

fn connect(target: &Target, number: usize) -> std::io::Result<Socket> {
    let source = u32::from(target.source) + u32::try_from(number / PER_SOURCE).unwrap_or(u32::MAX);
    let socket = bound(source)?;
    socket.connect_timeout(&target.address.into(), CONNECT)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// A socket that is bound to the source address with this number, and resets when closed: ports that wait out their
/// time would make the next search for free ones slow, and a client that is cut off says nothing either.
pub(crate) fn bound(source: u32) -> std::io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    let source = Ipv4Addr::from(u32::from(Ipv4Addr::LOCALHOST) + source);
    socket.bind(&SocketAddr::new(IpAddr::V4(source), 0).into())?;
    socket.set_tcp_nodelay(true)?;
    socket.set_linger(Some(Duration::ZERO))?;
    Ok(socket)
}
