//! Names of connections and people.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Characters of a client id: Crockford's base 32, so that no id holds a hyphen or a look-alike.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// One connection, for as long as it lives. 80 random bits, written as 16 characters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientId([u8; ClientId::LEN]);

impl ClientId {
    /// Length of a client id in bytes of ASCII.
    pub const LEN: usize = 16;

    /// Makes an id from random bits; the caller brings the randomness (only the low 80 bits count).
    #[must_use]
    pub fn from_bits(bits: u128) -> Self {
        let mut text = [0; Self::LEN];
        for (place, byte) in text.iter_mut().enumerate() {
            let digit = (bits >> (place * 5)) & 31;
            *byte = ALPHABET[digit as usize];
        }
        Self(text)
    }

    /// Reads an id, or nothing if the text is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; Self::LEN] = text.as_bytes().try_into().ok()?;
        bytes.iter().all(|byte| ALPHABET.contains(byte)).then_some(Self(bytes))
    }

    /// The id as it stands on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Only bytes of ALPHABET get in, and those are ASCII.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ClientId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ClientId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not a client id"))
    }
}

/// A person as the operator's tokens name them. The same characters as in room names, since every user has
/// a room of their own; at most [`UserId::MAX_LEN`] bytes.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId(Arc<str>);

impl UserId {
    /// Longest user id in bytes: `user-` and two of them in a `chat-` name still fit into a room name.
    pub const MAX_LEN: usize = 96;

    /// Reads a user id.
    ///
    /// # Errors
    /// Says which rule the text breaks.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Err("a user id is not empty");
        }
        if text.len() > Self::MAX_LEN {
            return Err("a user id has at most 96 bytes");
        }
        if !text.bytes().all(crate::room::is_name_byte) {
            return Err("a user id holds only A-Z a-z 0-9 . _ : @ ~ + = -");
        }
        Ok(Self(text.into()))
    }

    /// The id as it stands on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for UserId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for UserId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_id_reads_back_as_itself() {
        let id = ClientId::from_bits(0x0123_4567_89ab_cdef_0123);
        assert_eq!(ClientId::parse(id.as_str()), Some(id));
        assert_eq!(ClientId::parse("too-short"), None);
        assert_eq!(ClientId::parse("ILOU000000000000"), None);
    }

    #[test]
    fn a_user_id_is_a_piece_of_a_room_name() {
        assert!(UserId::parse("6ba7b810-9dad-11d1-80b4-00c04fd430c8").is_ok());
        assert!(UserId::parse("").is_err());
        assert!(UserId::parse("a b").is_err());
        assert!(UserId::parse(&"x".repeat(97)).is_err());
    }
}
