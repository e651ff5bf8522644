//! What can go wrong with a store.

/// Why the store did not do something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The database is away, or did not answer in time. Soon it may be there again.
    #[error("the database is away: {why}")]
    Unavailable {
        /// For the log.
        why: String,
        /// Whether it may have been done all the same. What names itself (a message with a client's id, a membership, a
        /// reaction, a read position) can be repeated without doubling it.
        uncertain: bool,
    },
    /// Too many wait for a connection; nothing was done.
    #[error("too many wait for the database")]
    Busy,
    /// What was given cannot be stored or asked for, here or anywhere.
    #[error("{0}")]
    Invalid(&'static str),
    /// What it refers to is not there.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// It contradicts what is stored.
    #[error("{0}")]
    Conflict(&'static str),
    /// At the start: a setting that the database cannot work with, such as an operator's SQL.
    #[error("{setting}: {why}")]
    Setting {
        /// The setting's key.
        setting: String,
        /// What is wrong, with what the database said. Never with a password.
        why: String,
    },
    /// The database refused it, and would again. For the log, not for clients.
    #[error("the database refused it: {0}")]
    Refused(String),
}

impl StoreError {
    /// The database is away, and nothing was done.
    pub(crate) fn away(why: impl Into<String>) -> Self {
        Self::Unavailable {
            why: why.into(),
            uncertain: false,
        }
    }

    /// The database went away while it was at work.
    pub(crate) fn lost(why: impl Into<String>) -> Self {
        Self::Unavailable {
            why: why.into(),
            uncertain: true,
        }
    }

    /// Whether it may have been done all the same.
    #[must_use]
    pub fn is_uncertain(&self) -> bool {
        matches!(self, Self::Unavailable { uncertain: true, .. })
    }
}
