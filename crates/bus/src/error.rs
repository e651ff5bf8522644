//! What can go wrong with a bus.

/// Why the bus did not do something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BusError {
    /// The link is down; nothing was sent.
    #[error("the bus is away: {0}")]
    Unavailable(&'static str),
    /// A queue is full; nothing was sent. Soon it may not be.
    #[error("the bus is busy")]
    Busy,
    /// No answer in time. It may have been done.
    #[error("the bus did not answer in time")]
    Timeout,
    /// The link broke before the answer. It may have been done.
    #[error("the link broke before the answer")]
    Interrupted,
    /// The server refused it. It was not done, and would be refused again.
    #[error("refused: {0}")]
    Rejected(String),
    /// The bus cannot be used with such options.
    #[error("bad option: {0}")]
    Options(String),
}

impl BusError {
    /// Whether it may have been done all the same. To repeat a publish without doubling it, give it an
    /// idempotency key.
    #[must_use]
    pub fn is_uncertain(&self) -> bool {
        matches!(self, Self::Timeout | Self::Interrupted)
    }
}
