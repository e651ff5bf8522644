//! How to stay connected.

use std::time::Duration;

use crate::options::Options;

/// How to stay connected. Made by [`SessionOptions::new`]; every field may be set.
#[derive(Debug, Clone)]
pub struct SessionOptions {
    /// `ws://host:port/path` of each address, tried in turn. [`Options::url`] is passed over.
    pub addresses: Vec<String>,
    /// How to connect to one of them. The token is shown at the first connection, and again where the server takes no
    /// ticket.
    pub connect: Options,
    /// The first wait before coming back is at most this.
    pub backoff_first: Duration,
    /// No wait of the session's own is longer. What the server asks for (`reconnectAfterMs`, `Retry-After`) counts
    /// instead, up to five minutes.
    pub backoff_most: Duration,
    /// Decides about the waits, for who must repeat a run; `None` leaves them to chance.
    pub seed: Option<u64>,
    /// How often a new ticket is asked for, since they do not live long (the gateway's `auth.ticket_life`). One that has run
    /// out costs showing the token again, and nothing else.
    pub ticket_every: Duration,
    /// Events that wait to be taken; while it is full, the socket is not read.
    pub events: usize,
}

impl SessionOptions {
    /// Waits of up to 0.5 s at first and 15 s at most, a ticket every five minutes; otherwise what `connect` says.
    #[must_use]
    pub fn new(addresses: impl IntoIterator<Item = impl Into<String>>, connect: Options) -> Self {
        Self {
            addresses: addresses.into_iter().map(Into::into).collect(),
            connect,
            backoff_first: Duration::from_millis(500),
            backoff_most: Duration::from_secs(15),
            seed: None,
            ticket_every: Duration::from_secs(300),
            events: 1024,
        }
    }
}
