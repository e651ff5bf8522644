//! The catalogue of WebSocket close codes (RFC 6455 §7.4). Their ranges mean something to clients: after 44xx
//! a client stays away, after 45xx and the standard ones below it comes back.

use crate::catalogue::catalogue;

catalogue! {
    /// Why a socket was closed.
    pub enum CloseCode: u16 {
        /// Either side is done.
        Normal = 1000,
        /// The node goes away.
        GoingAway = 1001,
        /// The peer broke the WebSocket protocol (RFC 6455 §7.4.1).
        Protocol = 1002,
        /// A text message that is not UTF-8 (RFC 6455 §8.1).
        InvalidPayload = 1007,
        /// A message larger than allowed.
        TooBig = 1009,
        /// The node is draining: come back, to any node.
        Draining = 1012,
        /// Over capacity: come back later.
        OverCapacity = 1013,
        /// A frame that cannot be read.
        BadFrame = 4400,
        /// The token is missing, wrong or expired.
        Unauthenticated = 4401,
        /// Not allowed here, or sent away by the operator's backend.
        Forbidden = 4403,
        /// No first frame with a token in time.
        AuthTimeout = 4408,
        /// The authorization was revoked.
        Revoked = 4410,
        /// Too much in too short a time.
        RateLimited = 4429,
        /// The socket does not take what is sent to it.
        SlowConsumer = 4500,
        /// No answer to a ping.
        NoPong = 4501,
    }
}

impl CloseCode {
    /// Whether a client comes back by itself. Read from the range, so that codes invented later behave well
    /// with clients of today.
    #[must_use]
    pub const fn reconnects(code: u16) -> bool {
        matches!(code, 1001 | 1006 | 1012 | 1013 | 4500..=4599)
    }

    /// The reason sent beside the code: short, since a close frame holds at most 123 bytes of it.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Normal => "",
            Self::GoingAway => "going away",
            Self::Protocol => "protocol error",
            Self::InvalidPayload => "not UTF-8",
            Self::TooBig => "message too big",
            Self::Draining => "draining",
            Self::OverCapacity => "over capacity",
            Self::BadFrame => "bad frame",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::AuthTimeout => "no token in time",
            Self::Revoked => "revoked",
            Self::RateLimited => "rate limited",
            Self::SlowConsumer => "slow consumer",
            Self::NoPong => "no pong",
        }
    }
}
