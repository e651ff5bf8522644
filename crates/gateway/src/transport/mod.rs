//! The public listener: connections in, HTTP answered, WebSockets handed on.
//!
//! - [`listener`]: accepting, bounded, with back-off; [`handshake`]: what a request must bring to be let in;
//!   [`cookies`]: what browsers bring by themselves.
//! - [`websocket`]: RFC 6455 framing.

pub mod cookies;
pub mod handshake;
pub mod listener;
pub mod websocket;
