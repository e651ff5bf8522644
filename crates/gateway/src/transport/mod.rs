//! The public listener: connections in, HTTP answered, WebSockets handed on.
//!
//! - [`listener`]: accepting, bounded, with back-off; [`handshake`]: what a request must bring to be let in.
//! - [`websocket`]: RFC 6455 framing; [`socketio`]: clients of Socket.IO.

pub mod handshake;
pub mod listener;
pub(crate) mod socketio;
pub mod websocket;
