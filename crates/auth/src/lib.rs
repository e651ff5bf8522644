//! Who are you: tokens of people and keys of backends. Knows neither sockets nor HTTP, reads no clock (the time is
//! handed in), and decides nothing about rooms.
//!
//! - [`Identity`]: what a token says about a connection.
//! - [`JwtVerifier`]: reads tokens (JWT, HS256), and makes them for `hallway token`; [`TokenError`]: why one is refused.
//! - [`RoomPattern`]: an entry of the `rooms` claim.
//! - [`Tickets`]: what a connection comes back with.
//! - [`ApiKeys`]: the keys that a backend may show.
//!
//! What must stay true: nothing of a token is believed before its signature was checked with a key of ours and
//! the one algorithm that the key is for; and no secret, key or token reaches a log, a `Debug` text or an error.

mod api_keys;
mod bearer;
mod claims;
mod identity;
mod jwt;
mod pattern;
mod ticket;
mod token_error;

pub use api_keys::{ApiKeys, KeyTooLong};
pub use bearer::bearer;
pub use identity::{Grant, Identity};
pub use jwt::{JwtOptions, JwtVerifier};
pub use pattern::RoomPattern;
pub use ticket::{TicketError, Tickets};
pub use token_error::TokenError;
