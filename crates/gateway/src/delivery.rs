//! From the bus to the sockets. A lane is one task that owns the rooms whose names hash to it: what arrives
//! for a room is delivered in order, and nothing newer before a gap is repaired or told.
//!
//! A gap is noticed in three ways: a number is missing ([`hallway_hub::Heard::Gap`]); the bus says that something may be
//! ([`Event::Lost`]), which makes every room of the lane suspect; or the patrol finds a quiet room behind. All lead to
//! `repair`.

mod lane;
mod patrol;
mod progress;
mod repair;

use std::sync::Arc;
use std::time::Duration;

use hallway_bus::{Bus, BusError, Event};
use hallway_hub::Hub;
use hallway_protocol::RoomName;
use tokio::sync::mpsc;

use crate::authority::review::Haste;
use crate::clock::Clock;
use crate::dialect::rosters::Rosters;
use crate::metrics::Metrics;
use crate::revocation::Revocations;
use crate::traces::Traces;
use crate::typing::Typing;
use lane::Lane;
use patrol::Patrol;
pub use progress::Progress;

/// What the lanes work with.
#[derive(Clone)]
pub struct Delivery {
    pub(crate) hub: Arc<Hub>,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) clock: Clock,
    pub(crate) progress: Arc<Progress>,
    pub(crate) revocations: Arc<Revocations>,
    pub(crate) review: Arc<Haste>,
    pub(crate) typing: Arc<Typing>,
    pub(crate) traces: Arc<Traces>,
    pub(crate) rosters: Arc<Rosters>,
    /// How many lanes there are; a room's lane is its stable hash modulo this.
    pub(crate) lanes: usize,
}

impl Delivery {
    /// Starts a task for each lane, which end when the bus drops their senders, and the patrol, which ends with them. A
    /// quiet room is compared with the bus once per `interval`.
    pub fn start(self, lanes: Vec<mpsc::Receiver<Event>>, interval: Duration) -> Vec<tokio::task::JoinHandle<()>> {
        let (senders, suspects): (Vec<_>, Vec<_>) = lanes.iter().map(|_| mpsc::channel(patrol::SUSPECTS)).unzip();
        let mut tasks = vec![tokio::spawn(Patrol::new(self.clone(), interval, senders).run())];
        for (number, (events, suspects)) in lanes.into_iter().zip(suspects).enumerate() {
            tasks.push(tokio::spawn(Lane::new(self.clone(), number).run(events, suspects)));
        }
        tasks
    }

    /// A room's lane.
    fn lane_of(&self, room: &RoomName) -> usize {
        (room.stable_hash() % self.lanes as u64) as usize
    }
}

/// Longest wait for an answer of the bus; a lane's other rooms wait with it.
const PATIENCE: Duration = Duration::from_secs(3);

async fn patiently<T>(answer: impl Future<Output = Result<T, BusError>>) -> Result<T, BusError> {
    tokio::time::timeout(PATIENCE, answer)
        .await
        .unwrap_or(Err(BusError::Timeout))
}
