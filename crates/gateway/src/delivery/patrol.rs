//! Looks in on rooms that may have missed something without anybody noticing: a number that is missing shows at the next
//! one, and in a quiet room there is no next one for long. Each numbered room is compared with the bus once per
//! interval, in batches that are spread over it. What is behind twice in a row, without having moved, is handed to
//! its lane as a suspect.

use std::collections::VecDeque;
use std::time::Duration;

use hallway_bus::RoomState;
use hallway_hub::Track;
use hallway_protocol::RoomName;
use tokio::sync::mpsc;

use super::Delivery;

/// Rooms compared with one question.
const BATCH: usize = 256;
/// Between two rounds. What was under way in one has arrived by the next.
const ROUND: Duration = Duration::from_secs(1);
/// Batches of suspects that a lane may leave waiting; beyond it they are found again at the next pass.
pub(super) const SUSPECTS: usize = 16;

/// The watchman.
pub(super) struct Patrol {
    delivery: Delivery,
    /// A room is looked at once in this time.
    interval: Duration,
    /// To the lanes.
    suspects: Vec<mpsc::Sender<Vec<RoomName>>>,
    /// Rooms of this pass that are still to be looked at.
    ahead: VecDeque<RoomName>,
    /// How many of them a round takes.
    share: usize,
    /// Rooms that were not where the bus is, and where they were.
    doubtful: Vec<(RoomName, Track)>,
}

impl Patrol {
    pub(super) fn new(delivery: Delivery, interval: Duration, suspects: Vec<mpsc::Sender<Vec<RoomName>>>) -> Self {
        Self {
            delivery,
            interval,
            suspects,
            ahead: VecDeque::new(),
            share: 0,
            doubtful: Vec::new(),
        }
    }

    /// Walks until the lanes are gone.
    pub(super) async fn run(mut self) {
        let lanes = self.suspects.clone();
        let rounds = async {
            let mut tick = tokio::time::interval(ROUND);
            tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                tick.tick().await;
                self.accuse();
                self.walk().await;
            }
        };
        tokio::select! {
            () = rounds => {}
            _ = futures_util::future::join_all(lanes.iter().map(mpsc::Sender::closed)) => {}
        }
    }

    /// Hands the rooms that have not moved to their lanes.
    fn accuse(&mut self) {
        let mut lanes = vec![Vec::new(); self.suspects.len()];
        for (room, was) in self.doubtful.drain(..) {
            if track(&self.delivery, &room).is_some_and(|now| now == was) {
                lanes[self.delivery.lane_of(&room)].push(room);
            }
        }
        for (lane, rooms) in self.suspects.iter().zip(lanes) {
            if !rooms.is_empty() {
                // A lane that has no time for them is repairing already.
                let _ = lane.try_send(rooms);
            }
        }
    }

    /// A round: a share of the rooms is compared with the bus.
    async fn walk(&mut self) {
        if self.ahead.is_empty() {
            self.ahead = self.delivery.hub.lines_where(|_| true).into();
            let rounds = (self.interval.as_secs_f64() / ROUND.as_secs_f64()).ceil().max(1.0);
            self.share = (self.ahead.len() as f64 / rounds).ceil() as usize;
        }
        let mut left = self.share.min(self.ahead.len());
        while left > 0 {
            let batch: Vec<RoomName> = self.ahead.drain(..left.min(BATCH)).collect();
            left -= batch.len();
            let rooms: Vec<(RoomName, Track)> = batch
                .into_iter()
                .filter_map(|room| Some((room.clone(), track(&self.delivery, &room)?)))
                .filter(|(_, track)| *track != Track::Untracked)
                .collect();
            if rooms.is_empty() {
                continue;
            }
            let clocks: Vec<u64> = rooms.iter().map(|(room, _)| self.delivery.bus.clock(room)).collect();
            let names = rooms.iter().map(|(room, _)| room.clone()).collect();
            // With the bus away all rooms become suspect when it is back.
            let Ok(states) = super::patiently(self.delivery.bus.states(names)).await else {
                return;
            };
            for (((room, track), clock), state) in rooms.into_iter().zip(clocks).zip(states) {
                if is_astray(track, state) {
                    self.doubtful.push((room, track));
                } else if state.is_none() {
                    self.still_empty(&room, clock);
                }
            }
        }
    }

    /// Moves the time since which a room is known to be empty, so that whoever comes back to it finds a recent place.
    fn still_empty(&self, room: &RoomName, clock: u64) {
        if let Some(line) = self.delivery.hub.line(room) {
            line.room.set_track(line.line, Track::Empty(clock));
        }
    }
}

fn track(delivery: &Delivery, room: &RoomName) -> Option<Track> {
    let line = delivery.hub.line(room)?;
    Some(line.room.track(line.line))
}

/// Whether a room is not where the bus is. One that is ahead of the answer has heard something since it was given.
fn is_astray(track: Track, state: Option<RoomState>) -> bool {
    match (track, state) {
        (Track::Untracked, _) | (Track::Empty(_), None) => false,
        (Track::Empty(_), Some(_)) | (Track::At(..), None) => true,
        (Track::At(here, _), Some(there)) => here != there.position,
    }
}
