//! Sessions that a database keeps: the token that finds one, and the name by which nodes speak of it.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// Stands before the token in what is hashed, so that the hash is of no use elsewhere.
const PREFIX: &str = "hallway session 1:";

/// The token of a session. Whoever has it is its user: it is shown nowhere, and leaves the node only sealed.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SessionToken {
    text: Arc<str>,
    id: SessionId,
}

/// What a session is called in logs and between nodes: a hash of its token, from which nobody finds the token, since that
/// is random.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(Arc<str>);

impl SessionToken {
    /// Longest token in bytes.
    pub const MAX_LEN: usize = 1024;

    /// Takes a token; nothing if it can be none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = !text.is_empty() && text.len() <= Self::MAX_LEN && !text.contains('\0');
        fits.then(|| Self {
            text: text.into(),
            id: SessionId::of(text),
        })
    }

    /// The token itself, for the question to the database.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> &SessionId {
        &self.id
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionToken({})", self.id)
    }
}

impl SessionId {
    fn of(token: &str) -> Self {
        let hash = digest(&SHA256, format!("{PREFIX}{token}").as_bytes());
        Self(URL_SAFE_NO_PAD.encode(hash).into())
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_not_shown() {
        let token = SessionToken::parse("5c1f-secret").unwrap();
        assert!(!format!("{token:?} {}", token.id()).contains("secret"));
        assert_eq!(token.id(), SessionToken::parse("5c1f-secret").unwrap().id());
        assert_ne!(token.id(), SessionToken::parse("5c1f-secreu").unwrap().id());
    }

    #[test]
    fn what_no_database_holds_is_no_token() {
        for text in ["", "a\0b", &"x".repeat(SessionToken::MAX_LEN + 1)] {
            assert_eq!(SessionToken::parse(text), None);
        }
    }
}
