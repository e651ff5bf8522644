//! Clients of Socket.IO: Engine.IO 4 over WebSocket and HTTP long-polling, and Socket.IO 5 in it.
//!
//! - [`http`]: what a request to `/socket.io/` is answered; [`polling`]: sessions over HTTP, found by their id.
//! - [`session`]: the loop of one connection; [`space`]: its namespaces, each of which is a socket of the hub;
//!   [`recovery`]: those that come back.
//!
//! The sockets, their rooms, limits and requests are those of native clients; what differs is how frames are written
//! (`dialect`) and that several sockets share one connection (`hub/carrier.rs`).

pub(super) mod http;
mod payload;
pub(crate) mod polling;
mod recovery;
mod session;
mod source;
mod space;

pub(crate) use polling::Polls;

/// Where Socket.IO clients connect.
pub(super) const PATH: &str = "/socket.io";
