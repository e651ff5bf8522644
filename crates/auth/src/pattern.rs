//! Entries of the `rooms` claim.

use std::fmt;

use hallway_protocol::RoomName;

/// One room by its name, or all rooms whose names begin alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoomPattern {
    /// `board-7`: that room.
    Name(RoomName),
    /// `board-*`: every room whose name begins so. `*` alone is every room.
    Prefix(String),
}

impl RoomPattern {
    /// Reads an entry; nothing if it is neither a room's name nor the beginning of one with a `*` behind it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.strip_suffix('*') {
            Some("") => Some(Self::Prefix(String::new())),
            // The beginning of a name is itself well formed.
            Some(prefix) => RoomName::parse(prefix)
                .ok()
                .map(|prefix| Self::Prefix(prefix.to_string())),
            None => RoomName::parse(text).ok().map(Self::Name),
        }
    }

    /// Whether a room is meant.
    #[must_use]
    pub fn covers(&self, room: &RoomName) -> bool {
        match self {
            Self::Name(name) => name == room,
            Self::Prefix(prefix) => room.as_str().starts_with(prefix.as_str()),
        }
    }
}

impl fmt::Display for RoomPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => name.fmt(f),
            Self::Prefix(prefix) => write!(f, "{prefix}*"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_a_name_or_its_beginning() {
        let covers = |pattern: &str, room: &str| {
            RoomPattern::parse(pattern)
                .unwrap()
                .covers(&RoomName::parse(room).unwrap())
        };
        assert!(covers("board-7", "board-7") && !covers("board-7", "board-77"));
        assert!(covers("board-*", "board-7") && !covers("board-*", "boards-7"));
        assert!(covers("*", "org-1"));
        for text in ["", "a b", "**", "a*b", "*a", "é*"] {
            assert_eq!(RoomPattern::parse(text), None, "{text}");
        }
        for text in ["board-7", "board-*", "*"] {
            assert_eq!(RoomPattern::parse(text).unwrap().to_string(), text);
        }
    }
}
