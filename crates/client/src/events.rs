//! What the server says unasked.

use tokio::sync::mpsc;

use crate::error::Closed;
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

/// The events of one connection, in the order they came.
#[derive(Debug)]
pub struct Events {
    pub(crate) receiver: mpsc::Receiver<Incoming>,
}

impl Events {
    /// The next event; `None` after [`Incoming::Closed`]. Cancel safe.
    pub async fn next(&mut self) -> Option<Incoming> {
        self.receiver.recv().await
    }

    /// The next event if one is already there.
    pub fn try_next(&mut self) -> Option<Incoming> {
        self.receiver.try_recv().ok()
    }
}
