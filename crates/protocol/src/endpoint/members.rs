//! Arguments of `members.*`.

use serde::Deserialize;

use crate::{RoomName, UserId};

/// `members.list`.
#[derive(Debug, Deserialize)]
pub struct MembersList {
    /// The room.
    pub room: RoomName,
    /// Whether those are meant who may not become members; for moderators.
    #[serde(default)]
    pub banned: bool,
    /// A cursor: what comes after it.
    #[serde(default)]
    pub after: Option<String>,
    /// At most this many, 1 to [`crate::limits::PAGE`].
    #[serde(default)]
    pub limit: Option<usize>,
}

/// `members.kick`, `members.unmute`, `members.ban` and `members.unban`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OfMember {
    /// The room.
    pub room: RoomName,
    /// Whom.
    pub user_id: UserId,
}

/// `members.mute`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MembersMute {
    /// The room.
    pub room: RoomName,
    /// Whom.
    pub user_id: UserId,
    /// Until when, in Unix milliseconds; for good if left out.
    #[serde(default)]
    pub until: Option<u64>,
}

/// `members.setRole`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MembersSetRole {
    /// The room.
    pub room: RoomName,
    /// Whose.
    pub user_id: UserId,
    /// `owner`, `moderator` or `member`.
    pub role: String,
}
