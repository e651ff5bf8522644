//! From the bus to the sockets. A lane is one task that owns the rooms whose names hash to it: what arrives
//! for a room is delivered in order, and nothing newer before a gap is repaired or told.
//!
//! A gap is noticed in two ways: a number is missing ([`hallway_hub::Heard::Gap`]), or the bus says that something may be
//! ([`Event::Lost`]), which makes every room of the lane suspect. Both lead to `repair`.

mod lane;
mod progress;
mod repair;

use std::sync::Arc;

use hallway_bus::{Bus, Event};
use hallway_hub::Hub;
use hallway_protocol::RoomName;
use tokio::sync::mpsc;

use crate::clock::Clock;
use crate::metrics::Metrics;
pub use progress::Progress;

/// What the lanes work with.
#[derive(Clone)]
pub struct Delivery {
    pub(crate) hub: Arc<Hub>,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) clock: Clock,
    pub(crate) progress: Arc<Progress>,
    /// How many lanes there are; a room's lane is its stable hash modulo this.
    pub(crate) lanes: usize,
}

impl Delivery {
    /// Starts a task for each lane; they end when the bus drops their senders.
    pub fn start(self, lanes: Vec<mpsc::Receiver<Event>>) -> Vec<tokio::task::JoinHandle<()>> {
        lanes
            .into_iter()
            .enumerate()
            .map(|(number, events)| tokio::spawn(lane::Lane::new(self.clone(), number).run(events)))
            .collect()
    }

    fn is_of_lane(&self, room: &RoomName, lane: usize) -> bool {
        room.stable_hash() % self.lanes as u64 == lane as u64
    }
}
