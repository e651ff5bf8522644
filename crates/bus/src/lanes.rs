//! From the bus to the node: ordered lanes, each with its share of the rooms.

use hallway_protocol::RoomName;
use tokio::sync::mpsc;

use crate::{Event, Lost};

/// The sending ends of all lanes. A room's events go to one lane, in order.
#[derive(Debug, Clone)]
pub struct Lanes {
    lanes: Vec<mpsc::Sender<Event>>,
}

impl Lanes {
    /// So many lanes (at least one), each holding at most `capacity` events.
    #[must_use]
    pub fn new(count: usize, capacity: usize) -> (Self, Vec<mpsc::Receiver<Event>>) {
        let (lanes, receivers) = (0..count.max(1)).map(|_| mpsc::channel(capacity.max(1))).unzip();
        (Self { lanes }, receivers)
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.lanes.len()
    }

    /// Which lane a room belongs to.
    #[must_use]
    pub fn of(&self, room: &RoomName) -> usize {
        (room.stable_hash() % self.lanes.len() as u64) as usize
    }

    /// A lane's sender.
    pub(crate) fn sender(&self, lane: usize) -> &mpsc::Sender<Event> {
        &self.lanes[lane]
    }

    /// Tells every lane of a loss; waits for those that are full. A lane whose receiver is gone is passed over.
    pub(crate) async fn lost(&self, cause: Lost) {
        for lane in &self.lanes {
            let _ = lane.send(Event::Lost(cause)).await;
        }
    }
}
