//! The public listener: connections in, HTTP answered, WebSockets handed on.
//!
//! - [`listener`]: accepting, bounded, with back-off; [`handshake`]: what a request must bring to be let in; [`upgrade`]:
//!   from it to a WebSocket; [`answers`]: what is said instead.
//! - [`tls`]: certificates and TLS's own handshake. [`client_address`]: whose connection it is, behind proxies;
//!   [`proxy_protocol`]: where they say it before anything else, [`proxy_header`]: in which bytes.
//! - [`cookies`]: what browsers bring by themselves; [`websocket`]: RFC 6455 framing; [`socketio`]: clients of Socket.IO.

pub(crate) mod answers;
pub mod client_address;
pub mod cookies;
pub mod handshake;
pub mod listener;
pub mod proxy_header;
pub mod proxy_protocol;
pub(crate) mod socketio;
pub mod tls;
mod upgrade;
pub mod websocket;
