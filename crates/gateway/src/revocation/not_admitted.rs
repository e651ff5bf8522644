//! Why someone is not let in, and what that is as a close.

use hallway_protocol::CloseCode;

/// Why someone is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAdmitted {
    /// The user's credentials are over.
    Revoked,
    /// The session is over.
    SessionOver,
    /// It cannot be known: the bus is away.
    Unknown,
}

/// What is said to who stands on a session that is over.
pub const SESSION_OVER: &str = "the session has ended";

impl NotAdmitted {
    /// What a connection is closed with.
    #[must_use]
    pub fn close(self) -> (CloseCode, &'static str) {
        match self {
            Self::Revoked => (CloseCode::Revoked, CloseCode::Revoked.reason()),
            Self::SessionOver => (CloseCode::Unauthenticated, SESSION_OVER),
            Self::Unknown => (CloseCode::OverCapacity, "the message bus is away"),
        }
    }
}
