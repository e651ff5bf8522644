//! What a session tells.

use crate::error::ServerError;
use crate::frame::Broadcast;
use crate::options::ResumeFrom;

/// Something that happened, in the order in which it counts.
///
/// Of every room of which an [`Event::Joined`] is told (those that were asked for, those included in them, and the user's
/// own), the broadcasts between it and every [`Event::Resync`] are all that there were, once and in order, over any number
/// of connections.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A connection says hello. The rooms come back by themselves. Those that number nothing, and those that only a
    /// backend put the user into, do not tell what was missed in them: ask the backend after every `Connected`.
    Connected {
        /// The node that holds it.
        node: String,
        /// This connection.
        client_id: String,
        /// Whether it came back with a ticket, without the token.
        resumed: bool,
    },
    /// In a room for the first time.
    Joined {
        /// The room.
        room: String,
        /// What follows comes after this; `None` where nothing was numbered there yet.
        at: Option<ResumeFrom>,
    },
    /// The room cannot be joined, or not any more. It is not asked for again.
    Refused {
        /// The room.
        room: String,
        /// The server's word.
        error: ServerError,
    },
    /// Taken out of a room: by the backend, or because the user may no longer be there. It is not asked for again.
    Left {
        /// The room.
        room: String,
        /// The server's words.
        reason: String,
    },
    /// Something was published.
    Broadcast(Broadcast),
    /// A broadcast that was heard before, for those who watch over gateways. An application passes over it.
    Double(Broadcast),
    /// Something may be missing in a room: fetch from the backend what changed.
    Resync {
        /// The room.
        room: String,
        /// How it is known.
        cause: Cause,
        /// What follows comes after this; `None` where the numbering begins anew.
        at: Option<ResumeFrom>,
    },
    /// The connection ended, or cannot be made.
    Disconnected {
        /// The close code; 1006 where none came. A refused handshake has the code that says the same.
        code: u16,
        /// The server's reason, or what failed.
        reason: String,
        /// Whether the session tries again by itself. If not, this is the last event.
        comes_back: bool,
    },
}

/// How it is known that something may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cause {
    /// The gateway said so (`room.resync`).
    Told,
    /// On coming back, the gateway no longer had everything that was missed.
    NotRecovered,
}
