//! People and memberships as they are stored.

use hallway_protocol::{RoomName, UserId};
use serde::{Deserialize, Serialize};

/// What is kept of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Who.
    pub id: UserId,
    /// How they are called.
    pub name: Option<String>,
    /// Their last status, such as `ONLINE`.
    pub status: Option<String>,
    /// When that was, in Unix milliseconds.
    pub last_seen_at: Option<i64>,
    /// When they were first stored, in Unix milliseconds.
    pub created_at: i64,
}

/// What someone may do in a room of members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Whose room it is.
    Owner,
    /// Who keeps it in order.
    Moderator,
    /// Who is in it.
    Member,
}

impl Role {
    /// As it stands on the wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Moderator => "moderator",
            Self::Member => "member",
        }
    }

    /// Reads a role. What is unknown (an operator's own word, or a newer node's) gives no more than membership.
    #[must_use]
    pub fn read(text: &str) -> Self {
        match text {
            "owner" => Self::Owner,
            "moderator" => Self::Moderator,
            _ => Self::Member,
        }
    }
}

/// What ties a user to a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// Where.
    pub room: RoomName,
    /// Who.
    pub user: UserId,
    /// Their role; nothing if they are not a member, and only a mute or a ban is remembered.
    pub role: Option<Role>,
    /// Until when they may say nothing, in Unix milliseconds.
    pub muted_until: Option<i64>,
    /// Whether they may not become a member. Who is banned is none.
    pub banned: bool,
    /// Since when they are a member (or remembered), in Unix milliseconds.
    pub created_at: i64,
}

/// Which of a room's people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Its members.
    Members,
    /// Those who may not become members.
    Banned,
}
