//! What arrives on a lane.

use hallway_protocol::{Broadcast, Position, RoomName};

use crate::Message;

/// A broadcast as it was heard, or read from history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Where it was published.
    pub room: RoomName,
    /// Its place; absent if it was not numbered.
    pub position: Option<Position>,
    /// The bus's clock in milliseconds; absent for what was published past the gateway.
    pub ts: Option<u64>,
    /// What it says.
    pub message: Message,
}

impl Heard {
    /// The frame that says it to clients.
    #[must_use]
    pub fn broadcast(&self) -> Broadcast<'_> {
        Broadcast {
            room: &self.room,
            destination: &self.message.destination,
            data: &self.message.data,
            position: self.position,
            ts: self.ts,
        }
    }
}

/// What arrives on a lane. The order per room is the order of publication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A broadcast.
    Heard(Heard),
    /// Anything that was under way to any room of this lane may be missing.
    Lost(Lost),
}

/// Why something may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lost {
    /// The link was broken. Told when all rooms are subscribed anew.
    Reconnected,
    /// The node did not take what arrived fast enough; so many messages were dropped, of any lane.
    Lagged(u64),
}

impl Lost {
    /// All labels.
    pub const LABELS: [&str; 2] = ["reconnected", "lagged"];

    /// The cause as a metric's label.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Reconnected => "reconnected",
            Self::Lagged(_) => "lagged",
        }
    }
}
