//! Where a key set comes from.

use std::future::Future;
use std::pin::Pin;

/// A fetch under way.
pub type Fetching<'f> = Pin<Box<dyn Future<Output = Result<Vec<u8>, FetchError>> + Send + 'f>>;

/// Answers with the text of a key set. Who asks sets a time and drops the future when it is over; what it returns is not
/// believed to be of any size or form, but must have been read with a bound.
pub trait KeySource: Send + Sync {
    /// Fetches the set. Cancel safe.
    fn fetch(&self) -> Fetching<'_>;
}

/// Why there is no set. For the operator: it names no key and no content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// No address, no connection, no TLS, or no HTTP.
    #[error("unreachable: {0}")]
    Unreachable(String),
    /// Another status than 200. Redirections are not followed: they could lead anywhere.
    #[error("HTTP status {0}")]
    Status(u16),
    /// More bytes or keys than are read.
    #[error("too large")]
    TooLarge,
    /// It took too long.
    #[error("no answer in time")]
    TimedOut,
    /// Not a key set.
    #[error("not a JSON Web Key Set")]
    Malformed,
}

impl FetchError {
    /// The labels of all kinds.
    pub const LABELS: [&'static str; 5] = ["unreachable", "status", "too-large", "timeout", "malformed"];

    /// What it is counted under.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "unreachable",
            Self::Status(_) => "status",
            Self::TooLarge => "too-large",
            Self::TimedOut => "timeout",
            Self::Malformed => "malformed",
        }
    }
}
