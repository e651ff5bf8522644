//! The node: where sockets, rooms, the bus and identities meet.
//!
//! The path of a broadcast: a client's frame ([`transport`], [`connection`]) or a backend's call
//! ([`http::api`]) → one endpoint ([`endpoints`]), which asks whether they may ([`policy`]) → the bus → every
//! node with a socket in the room, the publisher's own too → [`delivery`], in order per room, gaps noticed and
//! repaired → the hub, and out.
//!
//! - [`node`] puts the parts together; [`config`] is what an operator can set; [`limits`] holds the bounds, [`access`]
//!   who is let in: both are replaced when the configuration is read again.
//! - [`sessions`]: who someone is, where a database knows it; [`admission`]: whether they may connect.
//! - [`messages`]: stored first, then broadcast; `groups`: who may do what to whom in a room of members.
//! - [`membership`]: sockets into rooms, rooms onto the bus, [`leaving`]: what ends with that; [`cluster`]: questions to all
//!   nodes.
//! - [`people`]: who is there, on all nodes; [`lobbies`]: rooms that users make; [`typing`]: who writes; [`stats`]: what anyone may know.
//! - [`hooks`]: what the operator's backend is told; [`webhook`]: what it is asked; [`https`]: with what both are called.
//! - [`lifecycle`]: readiness, taking leave, sending clients away; [`overview`]: what operators ask; [`metrics`]: what is counted;
//!   [`traces`]: where the time goes; [`error`]: errors as codes.
//!
//! Its invariant: a client's request is done in one place, whoever asks, and answered once.

pub mod access;
pub mod admission;
pub mod authority;
pub mod clock;
pub mod cluster;
pub mod config;
pub mod connection;
pub mod database;
pub mod delivery;
pub mod dialect;
pub mod endpoints;
pub mod error;
mod groups;
pub mod hooks;
pub mod http;
pub mod https;
pub mod leaving;
pub mod lifecycle;
pub mod limits;
pub mod lobbies;
pub mod membership;
pub mod messages;
pub mod metrics;
pub mod node;
pub mod notice;
pub mod overview;
pub mod people;
pub mod policy;
pub mod revocation;
pub mod seats;
pub mod sessions;
pub mod stats;
pub mod traces;
pub mod transport;
pub mod typing;
pub mod webhook;

pub use node::{Node, Running, StartError};
