//! Keys that a backend may show.

use std::fmt;

use subtle::{Choice, ConstantTimeEq as _};

/// The keys of the backend API. How long a comparison takes says nothing about a key: not how much of it was
/// right, not how long it is, not which of several it was.
#[derive(Clone, Default)]
pub struct ApiKeys(Vec<Padded>);

/// A key longer than [`ApiKeys::MAX_LEN`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an API key has at most 256 bytes")]
pub struct KeyTooLong;

/// A key at the front of a fixed length, and its own length.
#[derive(Clone)]
struct Padded {
    bytes: [u8; ApiKeys::MAX_LEN],
    len: u64,
}

impl ApiKeys {
    /// Longest key in bytes.
    pub const MAX_LEN: usize = 256;

    /// Takes the keys; empty ones are left out, since they would let everybody in.
    ///
    /// # Errors
    /// A key is too long to be compared.
    pub fn new<'k>(keys: impl IntoIterator<Item = &'k str>) -> Result<Self, KeyTooLong> {
        let padded = keys
            .into_iter()
            .filter(|key| !key.is_empty())
            .map(|key| Padded::of(key).ok_or(KeyTooLong));
        padded.collect::<Result<_, _>>().map(Self)
    }

    /// Whether what was shown is one of the keys.
    #[must_use]
    pub fn accept(&self, shown: &str) -> bool {
        let Some(shown) = Padded::of(shown) else { return false };
        let mut found = Choice::from(0);
        for key in &self.0 {
            // Never the first that fits: all of them, each to its end.
            found |= key.bytes.ct_eq(&shown.bytes) & key.len.ct_eq(&shown.len);
        }
        found.into()
    }
}

impl Padded {
    fn of(key: &str) -> Option<Self> {
        let mut bytes = [0; ApiKeys::MAX_LEN];
        bytes.get_mut(..key.len())?.copy_from_slice(key.as_bytes());
        Some(Self {
            bytes,
            len: key.len() as u64,
        })
    }
}

impl fmt::Debug for ApiKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKeys({} keys)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_keys_are_accepted() {
        let keys = ApiKeys::new(["first-key", "", "second"]).unwrap();
        assert!(keys.accept("first-key") && keys.accept("second"));
        for shown in [
            "",
            "first-ke",
            "first-keyy",
            "first-key\0",
            "second ",
            "FIRST-KEY",
            &"x".repeat(257),
        ] {
            assert!(!keys.accept(shown), "{shown}");
        }
        assert!(!ApiKeys::default().accept(""));
        assert!(!format!("{keys:?}").contains("first"));
    }

    #[test]
    fn the_longest_key_is_compared_to_its_end() {
        let key = "k".repeat(ApiKeys::MAX_LEN);
        let keys = ApiKeys::new([key.as_str()]).unwrap();
        assert!(keys.accept(&key));
        assert!(!keys.accept(&key[1..]));
        assert_eq!(ApiKeys::new(["k".repeat(257).as_str()]).err(), Some(KeyTooLong));
    }
}
