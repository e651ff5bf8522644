//! The state of a socket.

use std::net::TcpStream;
use std::ops::Range;

use crate::order::Order;

/// What a socket is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Is in one room and counts what it hears.
    Reader,
    /// Is in its rooms and publishes.
    Publisher,
    /// An HTTP connection to the backend API, which publishes.
    Backend,
    /// Reads what the floor's writer writes; no WebSocket, but its frames.
    Floor,
    /// Tells the floor's writer to write.
    Control,
}

/// How far a socket has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The upgrade was asked for.
    Upgrading,
    /// Waits for the hello.
    Greeting,
    /// Waits to be in the first of its rooms that it is not in yet.
    Joining,
    /// In all its rooms.
    Ready,
}

#[derive(Debug)]
pub(crate) struct Connection {
    /// `None` once closed.
    pub(super) stream: Option<TcpStream>,
    pub(super) role: Role,
    pub(super) phase: Phase,
    pub(super) waits_to_write: bool,
    /// Its rooms that it has yet to join; the first is being joined.
    pub(super) joining: Range<u32>,
    /// Its room, if it has one.
    pub(super) room: u32,
    /// Of its room.
    pub(super) order: Order,
    /// The beginning of what is not whole yet. No memory while there is none.
    pub(super) rest: Vec<u8>,
    /// What the socket has not taken yet. No memory while there is none.
    pub(super) out: Vec<u8>,
    /// In a dialect: the token until it is shown, then what the server calls the socket. Else empty.
    pub(super) name: String,
}

impl Connection {
    pub(super) fn is_ready(&self) -> bool {
        self.phase == Phase::Ready
    }
}
