//! Who is here: the sockets of this node, the rooms they are in, and how a broadcast's bytes reach them.
//! Knows no Redis, no database and no HTTP.
//!
//! - [`link`]: the transport under a socket, [`tls`] one of them; [`carrier`]: a connection that several sockets share.
//! - [`frame`]: WebSocket frames as ready-made bytes; [`form`]: how frames are written for a kind of client.
//! - [`socket`]: one connection; [`outbound`]: what waits for it, bounded in bytes; [`places`]: where it stands in its rooms.
//! - [`room`]: members and numbering of one room on this node; [`members`]: the list that fan-outs share.
//! - [`registry`]: the [`Hub`], which finds sockets and rooms; [`fanout`]: bytes to many sockets.
//! - [`wheel`]: pings and timeouts for all sockets from one tick.
//!
//! Lock order: a shard of the registry, then a room, then a socket's rooms, then its places, then its outbound queue, then its
//! carrier, then its TLS.
//! No lock is held across an `await`, and none but the socket's own during its write.

pub mod carrier;
pub mod fanout;
pub mod form;
pub mod frame;
pub mod link;
pub mod members;
pub mod outbound;
pub mod places;
pub mod registry;
pub mod room;
pub mod socket;
pub mod tls;
pub mod wheel;

pub use carrier::{Carried, Carrier};
pub use fanout::{Burst, Delivered};
pub use form::{FOREIGN, Foreign, Form, Writer, Written};
pub use frame::Opcode;
pub use link::Link;
pub use places::Places;
pub use registry::{Hub, HubOptions};
pub use room::{Answer, Heard, Joined, Room, Track};
pub use socket::{Authorization, Badge, Options, Sent, Socket};
pub use tls::Tls;
pub use wheel::{Turn, WheelOptions};
