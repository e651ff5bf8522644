//! Room names: the grammar. What a name means (who may join, what is kept) is said by its kind, in [`crate::kind`].

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A room's name: ASCII, at most [`RoomName::MAX_LEN`] bytes, `[A-Za-z0-9._:@~+=-]`. Cheap to clone.
///
/// A value of this type is well formed, no more: whether its kind exists is asked of the [`crate::Kinds`].
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoomName(Arc<str>);

/// Why a text is no room name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RoomNameError {
    /// Nothing at all.
    #[error("a room name is not empty")]
    Empty,
    /// Longer than [`RoomName::MAX_LEN`].
    #[error("a room name has at most 200 bytes")]
    TooLong,
    /// A byte outside of the alphabet.
    #[error("a room name holds only A-Z a-z 0-9 . _ : @ ~ + = -")]
    Alphabet,
    /// No declared kind begins like this.
    #[error("no kind of room has such a name")]
    UnknownKind,
    /// The kind is there, but nothing is behind it.
    #[error("the name ends where the room's id should begin")]
    NoId,
    /// A chat room's name that does not name exactly one pair of users.
    #[error(
        "a chat room is chat-{{userA}}-{{userB}}, two different ids in sorted order that can be told apart in one way only"
    )]
    Pair,
    /// A `client-` or `user-` name whose id cannot be one.
    #[error("the id behind the kind cannot be one of its ids")]
    BadId,
}

/// Whether a byte may stand in a room name or a user id.
#[must_use]
pub const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b':' | b'@' | b'~' | b'+' | b'=' | b'-')
}

impl RoomName {
    /// Longest room name in bytes.
    pub const MAX_LEN: usize = 200;

    /// Reads a name.
    ///
    /// # Errors
    /// Says which rule of the grammar the text breaks.
    pub fn parse(text: &str) -> Result<Self, RoomNameError> {
        if text.is_empty() {
            return Err(RoomNameError::Empty);
        }
        if text.len() > Self::MAX_LEN {
            return Err(RoomNameError::TooLong);
        }
        if !text.bytes().all(is_name_byte) {
            return Err(RoomNameError::Alphabet);
        }
        Ok(Self(text.into()))
    }

    /// The room of one connection.
    #[must_use]
    pub fn of_client(client: crate::ClientId) -> Self {
        Self(format!("client-{client}").into())
    }

    /// The room of one user.
    #[must_use]
    pub fn of_user(user: &crate::UserId) -> Self {
        Self(format!("user-{user}").into())
    }

    /// The room in which one user's status is told.
    #[must_use]
    pub fn of_presence(user: &crate::UserId) -> Self {
        Self(format!("presence-{user}").into())
    }

    /// The name as it stands on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A hash that is the same on every node and in every version, for choosing lanes and shards (FNV-1a).
    #[must_use]
    pub fn stable_hash(&self) -> u64 {
        self.0.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
    }
}

impl fmt::Display for RoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::borrow::Borrow<str> for RoomName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl Serialize for RoomName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for RoomName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}
