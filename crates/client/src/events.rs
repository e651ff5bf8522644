//! What the server says unasked.

use serde_json::Value;
use tokio::sync::mpsc;

use crate::error::{Closed, ServerError};
use crate::frame::{Broadcast, Goodbye};

/// Something that the server said unasked.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Incoming {
    /// Something was published in a room that this socket is in.
    Broadcast(Broadcast),
    /// The server takes leave; [`Incoming::Closed`] follows.
    Goodbye(Goodbye),
    /// The connection ended. Always the last.
    Closed(Closed),
}

/// What stands in the line of events.
#[derive(Debug)]
pub(crate) enum Item {
    Unasked(Incoming),
    /// A reply whose place in the line counts.
    Answer(Asked, Result<Value, ServerError>),
}

/// What a session asks for itself.
#[derive(Debug)]
pub(crate) enum Asked {
    /// To be in this room.
    Join(String),
    /// A new resume ticket.
    Ticket,
}

/// The events of one connection, in the order they came.
#[derive(Debug)]
pub struct Events {
    pub(crate) receiver: mpsc::Receiver<Item>,
}

impl Events {
    /// The next event; `None` after [`Incoming::Closed`]. Cancel safe.
    pub async fn next(&mut self) -> Option<Incoming> {
        loop {
            if let Item::Unasked(incoming) = self.receiver.recv().await? {
                return Some(incoming);
            }
        }
    }

    /// The next event if one is already there.
    pub fn try_next(&mut self) -> Option<Incoming> {
        loop {
            if let Item::Unasked(incoming) = self.receiver.try_recv().ok()? {
                return Some(incoming);
            }
        }
    }
}
