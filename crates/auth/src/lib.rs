//! Who are you: tokens of people and keys of backends. Knows neither the sockets of
//! clients nor HTTP handlers, reads no clock for a token (the time is handed in), and decides nothing about rooms.
//!
//! - [`Identity`]: what a token says about a connection; [`Rules`]: what it must say, and which claim means what.
//! - [`JwtVerifier`]: reads tokens (JWT), and makes them for `hallway token`; [`TokenError`]: why one is refused.
//! - [`Key`]: what tokens are checked with, each for one [`Algorithm`].
//! - [`jwks`]: keys from a URL.
//! - [`RoomPattern`]: an entry of the `rooms` claim.
//! - [`SessionToken`], [`SessionId`]: what a session in a database is found and called by.
//! - [`Tickets`]: what a connection comes back with.
//! - [`ApiKeys`]: the keys that a backend may show.
//!
//! What must stay true: nothing of a token is believed before its signature was checked with a key of ours and
//! the one algorithm that the key is for; and no secret, key or token reaches a log, a `Debug` text or an error.

mod algorithm;
mod api_keys;
mod bearer;
mod claims;
mod header;
mod identity;
pub mod jwks;
mod jwt;
mod key;
mod pattern;
mod seal;
mod session;
mod ticket;
mod token_error;

pub use algorithm::Algorithm;
pub use api_keys::{ApiKeys, KeyTooLong};
pub use bearer::bearer;
pub use claims::Rules;
pub use identity::{Attributes, Grant, Identity};
pub use jwt::{JwtOptions, JwtVerifier};
pub use key::{Key, KeyError, SigningKey};
pub use pattern::RoomPattern;
pub use session::{SessionId, SessionToken};
pub use ticket::{TicketError, Tickets};
pub use token_error::TokenError;
