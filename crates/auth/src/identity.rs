//! What a token says about a connection.

use std::time::Duration;

use hallway_protocol::{RoomName, UserId};
use serde_json::{Map, Value};

use crate::pattern::RoomPattern;
use crate::session::SessionToken;

/// Longest name in bytes: it is sent to others in rooms.
const NAME_MAX: usize = 256;

/// What is known of someone beside who they are.
pub type Attributes = Map<String, Value>;

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
    /// When the token was made, in Unix milliseconds, if it says so. Of a session: when the database was asked about it.
    pub issued_at: Option<u64>,
    /// The session that it stands on, where it does on one.
    pub session: Option<SessionToken>,
    /// What else is known; see [`Identity::ATTRIBUTES_MAX`].
    pub attributes: Attributes,
}

impl Identity {
    /// Most bytes of attributes as JSON text: they go out with every hello and every ticket.
    pub const ATTRIBUTES_MAX: usize = 4096;

    /// Whether attributes are within their bound.
    #[must_use]
    pub fn is_within_bounds(attributes: &Attributes) -> bool {
        let text = serde_json::to_string(attributes);
        attributes.is_empty() || text.is_ok_and(|text| text.len() <= Self::ATTRIBUTES_MAX)
    }

    /// Whether a text can be a name: at most 256 bytes, and no control characters.
    #[must_use]
    pub fn is_name(text: &str) -> bool {
        text.len() <= NAME_MAX && !text.chars().any(char::is_control)
    }

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
