//! What a token says about a connection.

use std::time::Duration;

use hallway_protocol::{RoomName, UserId};

use crate::pattern::RoomPattern;

/// Who is at the other end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// The user; nobody for the anonymous.
    pub user: Option<UserId>,
    /// What others see as the user's name.
    pub name: Option<String>,
    /// Rooms that the token opens, where a kind's rule asks for that.
    pub rooms: Vec<RoomPattern>,
    /// When the token ends, in Unix milliseconds. The allowance for clocks that differ is not in it.
    pub expires_at: Option<u64>,
    /// When the token was made, in Unix milliseconds, if it says so.
    pub issued_at: Option<u64>,
}

impl Identity {
    /// Who showed no token.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// Whether the `rooms` claim opens a room.
    #[must_use]
    pub fn may_claim(&self, room: &RoomName) -> bool {
        self.rooms.iter().any(|pattern| pattern.covers(room))
    }
}

/// What a new token is to say.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The user.
    pub user: UserId,
    /// What others see as the user's name.
    pub name: Option<String>,
    /// Rooms that the token opens.
    pub rooms: Vec<RoomPattern>,
    /// When it is made, in Unix milliseconds.
    pub issued_at: u64,
    /// How long it is good. Tokens count in seconds: parts of one are cut off.
    pub life: Duration,
}
