//! Node to node: publishes broadcasts, numbers and keeps them, and hands to this node what was published to
//! the rooms it holds.
//!
//! - [`Bus`] is the seam, [`Cluster`] a second one beside it: who is alive, and words to all nodes.
//! - [`memory`] is a bus inside one process, and the reference for what a bus does; [`redis`] is the one that
//!   nodes share. Both pass one suite of tests ([`conformance`], behind the feature of that name).
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
mod lanes;
pub mod memory;
mod message;
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
pub use lanes::Lanes;
pub use message::{Message, Sent};
pub use publish::{Publish, Published};
pub use revocations::{Revocation, Revocations};
pub use seats::{SEAT_LIFE, Seat, Seats};
pub use stats::Stats;
