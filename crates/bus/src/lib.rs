//! Node to node: publishes broadcasts, numbers and keeps them, and hands to this node what was published to
//! the rooms it holds.
//!
//! - [`Bus`] is the seam, [`Cluster`] a second one beside it: who is alive, and words to all nodes.
//! - [`Lobbies`] and [`LobbyLife`]: rooms that users make; [`Leases`]: what one node does for all.
//! - [`memory`] is a bus inside one process, and the reference for what a bus does; [`redis`] is the one that
//!   nodes share. Both pass one suite of tests ([`conformance`], behind the feature of that name).
//! - [`Presence`] ([`presence`]) is who is there: users over all their sockets, and rooms with the users in them.
//! - What arrives comes through [`Lanes`]: a room belongs to one lane, and a lane keeps its order.
//!
//! What must stay true: within an epoch a room's broadcasts are numbered 1, 2, 3 and so on, and reach every
//! lane in that order; numbering, keeping and publishing are one step, so a number that was given is heard or
//! can be read from history; and loss is never silent: what may have been missed is told by [`Event::Lost`].

mod bus;
mod cluster;
#[cfg(feature = "conformance")]
pub mod conformance;
mod error;
mod event;
mod health;
mod history;
mod journal;
mod lanes;
mod leases;
mod lobbies;
pub mod memory;
mod message;
pub mod presence;
mod publish;
pub mod redis;
mod revocations;
mod seats;
mod stats;

pub use bus::{Bus, empty_since};
pub use cluster::{Cluster, NodeRecord, Told};
pub use error::BusError;
pub use event::{Event, Heard, Lost};
pub use hallway_protocol::Keep;
pub use health::Health;
pub use history::{History, RoomState};
pub use journal::{Backlog, Entry, JOURNAL_LIFE, Journal, Kept, Lease, Place, partition_of};
pub use lanes::Lanes;
pub use leases::Leases;
pub use lobbies::{Comer, Entered, InLobby, Left, Lobbies, LobbiesPage, LobbyLife, LobbyTerms, NewLobby, Swept};
pub use message::{Message, Sent};
pub use presence::Presence;
pub use publish::{Publish, Published};
pub use revocations::{Revocation, Revocations};
pub use seats::{SEAT_LIFE, Seat, Seats};
pub use stats::Stats;
