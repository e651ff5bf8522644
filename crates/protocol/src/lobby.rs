//! Lobbies: rooms that users make. What is said about one, and the arguments of the `lobby.*` endpoints.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{ClientId, Error, RoomName, UserId};

/// Longest name of a lobby, and of a member as it is shown, in characters.
pub const NAME_CHARS: usize = 100;
/// Fewest and most people that a lobby can be made for.
pub const CAPACITY: std::ops::RangeInclusive<u32> = 2..=1000;
/// Most lobbies in one page.
pub const PAGE: usize = 100;
/// Members that a page shows of each lobby, the longest-standing first.
pub const PAGE_MEMBERS: usize = 20;

/// One lobby, for as long as it lives. 80 random bits, written as a [`ClientId`] is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LobbyId(ClientId);

impl LobbyId {
    /// Makes an id from random bits; the caller brings the randomness (only the low 80 bits count).
    #[must_use]
    pub fn from_bits(bits: u128) -> Self {
        Self(ClientId::from_bits(bits))
    }

    /// Reads an id, or nothing if the text is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        ClientId::parse(text).map(Self)
    }

    /// The lobby that a room belongs to; nothing if it is no lobby's.
    #[must_use]
    pub fn of_room(room: &RoomName) -> Option<Self> {
        Self::parse(room.as_str().strip_prefix("lobby-")?)
    }

    /// The lobby's room.
    ///
    /// # Panics
    /// Never: an id holds only what a room's name may.
    #[must_use]
    pub fn room(self) -> RoomName {
        RoomName::parse(&format!("lobby-{self}")).expect("an id holds only letters and digits")
    }

    /// The id as it stands on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for LobbyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for LobbyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for LobbyId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for LobbyId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not a lobby's id"))
    }
}

/// A lobby.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lobby {
    /// Its id; its room is `lobby-{lobbyId}`.
    pub lobby_id: LobbyId,
    /// Who made it, or who has been in it longest since that one left.
    pub owner_id: UserId,
    /// Its name, if it was given one.
    pub name: Option<String>,
    /// Most people in it.
    pub capacity: u32,
    /// Who is in it, the longest-standing first.
    pub members: Vec<LobbyMember>,
    /// When it was made, by the bus's clock in Unix milliseconds.
    pub created_at: u64,
    /// When it last changed: rises with every change, so that a diff that is not newer is known already.
    pub updated_at: u64,
}

impl Lobby {
    /// Whether a user is in it.
    #[must_use]
    pub fn has(&self, user: &UserId) -> bool {
        self.members.iter().any(|member| member.user_id == *user)
    }

    /// What `pool` and pages say of it.
    #[must_use]
    pub fn summary(&self) -> LobbySummary {
        LobbySummary {
            lobby_id: self.lobby_id,
            owner_id: self.owner_id.clone(),
            name: self.name.clone(),
            capacity: self.capacity,
            member_count: self.members.len(),
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

/// Someone in a lobby.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LobbyMember {
    /// The user.
    pub user_id: UserId,
    /// As the user's token names them, if it does; at most [`NAME_CHARS`] characters.
    pub name: Option<String>,
}

/// A lobby without its members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LobbySummary {
    /// Its id.
    pub lobby_id: LobbyId,
    /// Whose it is.
    pub owner_id: UserId,
    /// Its name, if it was given one.
    pub name: Option<String>,
    /// Most people in it.
    pub capacity: u32,
    /// How many are in it.
    pub member_count: usize,
    /// When it was made, in Unix milliseconds.
    pub created_at: u64,
    /// When it last changed.
    pub updated_at: u64,
}

/// What changed in a lobby: `lobby-updated` in its own room. A record that is not at `base_updated_at` is either newer
/// already, or to be fetched anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LobbyUpdate {
    /// The lobby.
    pub id: LobbyId,
    /// What changed.
    pub diff: LobbyDiff,
    /// When, as [`Lobby::updated_at`].
    pub updated_at: u64,
    /// What it was before.
    pub base_updated_at: u64,
}

/// What a [`LobbyUpdate`] changes; what is left out stayed as it was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LobbyDiff {
    /// Who came, to be put at the end of the members.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub joined: Vec<LobbyMember>,
    /// Who left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<UserId>,
    /// Whose it is now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<UserId>,
    /// How many are in it now.
    pub member_count: usize,
}

/// A lobby that is gone: `lobby-deleted`, in its own room and in `pool`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LobbyDeleted {
    /// The lobby.
    pub lobby_id: LobbyId,
}

/// `lobby.create`.
#[derive(Debug, Deserialize)]
pub struct LobbyCreate {
    /// Its name, 1 to [`NAME_CHARS`] characters.
    #[serde(default)]
    pub name: Option<String>,
    /// Most people in it, of [`CAPACITY`]; left out, what the operator set.
    #[serde(default)]
    pub capacity: Option<u32>,
}

/// `lobby.join`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LobbyJoin {
    /// Which.
    pub lobby_id: LobbyId,
}

/// `lobby.get`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LobbyGet {
    /// Which; left out, the one that the user is in.
    #[serde(default)]
    pub lobby_id: Option<LobbyId>,
}

/// `lobby.list`.
#[derive(Debug, Deserialize)]
pub struct LobbyList {
    /// Where to go on, from the page before.
    #[serde(default)]
    pub cursor: Option<LobbyCursor>,
    /// At most this many, 1 to [`PAGE`]; left out, 10.
    #[serde(default)]
    pub limit: Option<usize>,
}

/// A place in the list of lobbies, newest first: behind a lobby, whether or not that one is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LobbyCursor {
    /// When that lobby was made.
    pub created_at: u64,
    /// Which it was.
    pub lobby_id: LobbyId,
}

impl fmt::Display for LobbyCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.created_at, self.lobby_id)
    }
}

impl std::str::FromStr for LobbyCursor {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let (created_at, lobby_id) = text.split_once('-')?;
            Some(Self {
                created_at: created_at.parse().ok()?,
                lobby_id: LobbyId::parse(lobby_id)?,
            })
        };
        read().ok_or("not a cursor of lobby.list")
    }
}

impl Serialize for LobbyCursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LobbyCursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// The answer to `lobby.list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LobbyPage {
    /// Lobbies, newest first.
    pub lobbies: Vec<LobbyListed>,
    /// Where the next page begins; nothing at the end.
    pub next_cursor: Option<LobbyCursor>,
}

/// A lobby in a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LobbyListed {
    /// What is said of it everywhere.
    #[serde(flatten)]
    pub summary: LobbySummary,
    /// Who has been in it longest, at most [`PAGE_MEMBERS`].
    pub members: Vec<LobbyMember>,
}

impl From<Lobby> for LobbyListed {
    fn from(mut lobby: Lobby) -> Self {
        let summary = lobby.summary();
        lobby.members.truncate(PAGE_MEMBERS);
        Self {
            summary,
            members: lobby.members,
        }
    }
}

/// Checks a name that a user chose.
///
/// # Errors
/// `bad-args` names the field.
pub fn check_name(name: Option<&str>) -> Result<(), Error> {
    match name.map(|name| name.chars().count()) {
        None | Some(1..=NAME_CHARS) => Ok(()),
        Some(_) => Err(Error::bad_args("name", "name has 1 to 100 characters")),
    }
}

/// Checks a capacity that a user chose.
///
/// # Errors
/// `bad-args` names the field.
pub fn check_capacity(capacity: u32) -> Result<(), Error> {
    if CAPACITY.contains(&capacity) {
        return Ok(());
    }
    Err(Error::bad_args("capacity", "capacity is 2 to 1000"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_as_itself() {
        let cursor = LobbyCursor {
            created_at: 1_700_000_000_123,
            lobby_id: LobbyId::from_bits(77),
        };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for bad in ["", "-", "12", "12-x", "x-0000000000000000", "-1-0000000000000000"] {
            assert!(bad.parse::<LobbyCursor>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_lobbys_room_leads_back_to_it() {
        let id = LobbyId::from_bits(u128::MAX);
        assert_eq!(LobbyId::of_room(&id.room()), Some(id));
        assert_eq!(LobbyId::of_room(&RoomName::parse("lobby-1").unwrap()), None);
        assert_eq!(LobbyId::of_room(&RoomName::parse("pool").unwrap()), None);
    }

    #[test]
    fn names_and_capacities_have_bounds() {
        assert!(check_name(None).is_ok() && check_name(Some(&"\u{e9}".repeat(100))).is_ok());
        assert!(check_name(Some("")).is_err() && check_name(Some(&"x".repeat(101))).is_err());
        assert!(check_capacity(2).is_ok() && check_capacity(1001).is_err() && check_capacity(1).is_err());
    }
}
