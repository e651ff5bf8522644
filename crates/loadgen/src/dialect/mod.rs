//! What others than Hallway's own clients speak: how a client opens, joins a room and publishes, and what it hears.
//!
//! - [`socketio`]: Socket.IO 5 over Engine.IO 4, WebSocket only.
//! - [`pusher`]: the Pusher protocol 7.
//!
//! What must stay true: a frame is known by a few of its bytes, as [`crate::heard`] does for the native protocol, and one
//! in another shape is an error, never a delivery. Broadcasts carry a number that counts up in their room, since neither
//! protocol has one of its own.

pub(crate) mod pusher;
mod socketio;

use serde::{Deserialize, Serialize};

use crate::error::Failure;
use socketio::Words;

/// A language of clients that is not the native one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Dialect {
    /// Socket.IO with the events of the peers in `loadtest/peers`.
    Socketio,
    /// Socket.IO with the events of Hallway.
    HallwaySocketio,
    Pusher,
}

/// What a frame of the server says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said<'a> {
    /// The server is there, and calls this socket so.
    Open(&'a str),
    /// It knows who the client is.
    Welcome,
    /// The last request, or one of them, is done.
    Done,
    Refused,
    Ping,
    /// A broadcast of ours with its number in its room.
    Load(u64),
    /// Something that is right and of no concern.
    Aside,
    Unknown,
}

impl Dialect {
    /// The request that turns a connection into a WebSocket.
    pub(crate) fn upgrade(self, host: &str) -> String {
        let path = match self {
            Self::Socketio | Self::HallwaySocketio => socketio::PATH.to_owned(),
            Self::Pusher => pusher::path(),
        };
        crate::wire::upgrade_to(host, &path, "")
    }

    /// What the client says once it is told that the server is there; `None` if the server wants to know nothing more.
    pub(crate) fn introduction(self, token: &str) -> Option<Vec<u8>> {
        match self {
            Self::Socketio | Self::HallwaySocketio => Some(socketio::introduction(token)),
            Self::Pusher => None,
        }
    }

    /// A request to be in a room; `socket` is what the server calls the socket.
    pub(crate) fn join(self, room: &str, socket: &str) -> Result<Vec<u8>, Failure> {
        match self.words() {
            Some(words) => Ok(words.join(room)),
            None => pusher::join(room, socket),
        }
    }

    /// A broadcast of `size` bytes of JSON to everyone else in the room, with its number.
    pub(crate) fn publish(self, room: &str, id: u64, number: u64, size: usize) -> Vec<u8> {
        match self.words() {
            Some(words) => words.publish(room, id, number, size),
            None => pusher::publish(room, number, size),
        }
    }

    /// The answer to [`Said::Ping`].
    pub(crate) fn pong(self) -> &'static [u8] {
        match self {
            Self::Socketio | Self::HallwaySocketio => socketio::PONG,
            Self::Pusher => pusher::PONG,
        }
    }

    /// Tells what a frame says.
    pub(crate) fn hear(self, payload: &[u8]) -> Said<'_> {
        match self.words() {
            Some(words) => words.hear(payload),
            None => pusher::hear(payload),
        }
    }

    /// Whether the server answers each broadcast; if not, all that is not refused counts as accepted.
    pub(crate) fn acknowledges(self) -> bool {
        self != Self::Pusher
    }

    fn words(self) -> Option<Words> {
        match self {
            Self::Socketio => Some(Words::Peer),
            Self::HallwaySocketio => Some(Words::Hallway),
            Self::Pusher => None,
        }
    }
}

/// What stands behind the first `name` in the bytes.
fn behind<'a>(bytes: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let at = bytes.windows(name.len()).position(|window| window == name)?;
    Some(&bytes[at + name.len()..])
}

/// The number at the beginning of the bytes.
fn number(bytes: &[u8]) -> Option<u64> {
    let length = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&bytes[..length]).ok()?.parse().ok()
}
