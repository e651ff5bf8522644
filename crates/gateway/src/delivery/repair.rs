//! What is done about a room of which something may be missing: its place here is compared with its place on
//! the bus; what lies between is read from history and delivered; and where history does not reach, or the
//! numbering was lost, the members are told (`room.resync`). There is never a silent gap.

use std::sync::Arc;

use bytes::Bytes;
use hallway_bus::{BusError, Heard as Arrived, Message, RoomState, empty_since};
use hallway_hub::Track;
use hallway_hub::registry::Line;
use hallway_protocol::{Event, Position, RoomName, limits};
use serde_json::json;

use super::lane::Lane;
use super::patiently;
use crate::membership::catch_up::place_of;

/// Rooms checked with one question.
const BATCH: usize = 256;

impl Lane {
    /// Checks rooms under suspicion. False if the bus could not be asked: those that are left stay suspect.
    pub(super) async fn check_suspects(&mut self) -> bool {
        while !self.suspects.is_empty() {
            let some: Vec<RoomName> = self.suspects.iter().take(BATCH).cloned().collect();
            if let Err(why) = self.check(&some).await {
                tracing::debug!(%why, rooms = self.suspects.len(), "suspect rooms cannot be checked yet");
                return false;
            }
            for room in &some {
                self.suspects.remove(room);
            }
        }
        true
    }

    /// Brings rooms to where the bus stands. On an error, those that were not reached are as they were.
    pub(super) async fn check(&mut self, rooms: &[RoomName]) -> Result<(), BusError> {
        // Before the question, so that a room without broadcasts had none at that time.
        let clocks: Vec<u64> = rooms.iter().map(|room| self.delivery.bus.clock(room)).collect();
        let states = patiently(self.delivery.bus.states(rooms.to_vec())).await?;
        for ((room, clock), state) in rooms.iter().zip(clocks).zip(states) {
            if let Some(line) = self.delivery.hub.line(room) {
                self.check_one(room, &line, state.ok_or(clock)).await?;
            }
        }
        Ok(())
    }

    /// `state`: where the bus stands, or the time at which it had nothing.
    async fn check_one(&mut self, room: &RoomName, line: &Line, state: Result<RoomState, u64>) -> Result<(), BusError> {
        match (line.room.track(line.line), state) {
            (Track::Untracked, _) => Ok(()),
            (Track::Empty(since), state) if self.delivery.bus.reaches(empty_since(since)) => match state {
                Err(_) => Ok(()),
                Ok(there) if there.position.epoch.0 >= since => {
                    self.catch_up(room, line, empty_since(since), there).await
                }
                Ok(there) => self.begin_anew(room, line, there).await,
            },
            (Track::At(..) | Track::Empty(_), Err(clock)) => {
                self.resync(line, Err(clock)).await;
                Ok(())
            }
            (Track::At(here, _), Ok(there)) if there.position.epoch == here.epoch => {
                if there.position.seq == here.seq {
                    Ok(())
                } else if there.position.seq > here.seq {
                    self.catch_up(room, line, here, there).await
                } else {
                    self.resync(line, Ok(there)).await;
                    Ok(())
                }
            }
            (Track::At(..) | Track::Empty(_), Ok(there)) => self.begin_anew(room, line, there).await,
        }
    }

    /// In a new life of the numbering: tells the members, and delivers what history has of it.
    async fn begin_anew(&mut self, room: &RoomName, line: &Line, there: RoomState) -> Result<(), BusError> {
        let history = patiently(self.delivery.bus.history(room.clone(), None, 1)).await?;
        let oldest = history
            .broadcasts
            .first()
            .and_then(|oldest| oldest.position.zip(oldest.ts));
        let Some((oldest, ts)) = oldest.filter(|(oldest, _)| oldest.epoch == there.position.epoch) else {
            self.resync(line, Ok(there)).await;
            return Ok(());
        };
        let before = Position {
            epoch: oldest.epoch,
            seq: oldest.seq.saturating_sub(1),
        };
        self.tell(line, Track::At(before, ts)).await;
        self.catch_up(room, line, before, there).await
    }

    /// Delivers what history has between a place and the bus's; tells the members if that is not all of it.
    async fn catch_up(
        &mut self,
        room: &RoomName,
        line: &Line,
        mut here: Position,
        there: RoomState,
    ) -> Result<(), BusError> {
        loop {
            let history = patiently(
                self.delivery
                    .bus
                    .history(room.clone(), Some(here), limits::HISTORY_PAGE),
            )
            .await?;
            let first = history.broadcasts.first().and_then(|first| first.position);
            let follows_on = first.is_some_and(|first| {
                first.seq == here.seq + 1 && (first.epoch == here.epoch || here.seq == 0 && first.epoch > here.epoch)
            });
            if !follows_on {
                self.resync(line, Ok(history.state.unwrap_or(there))).await;
                return Ok(());
            }
            self.delivery
                .metrics
                .delivery
                .repaired
                .inc_by(history.broadcasts.len() as u64);
            self.deliver_next(line, &history.broadcasts).await;
            here = history.broadcasts.last().and_then(|last| last.position).unwrap_or(here);
            if history.complete || here.seq >= there.position.seq {
                return Ok(());
            }
        }
    }

    /// Tells the members that something may be missing, and goes on from where the bus stands.
    /// Where it has nothing: from the time at which that was so.
    pub(super) async fn resync(&mut self, line: &Line, state: Result<RoomState, u64>) {
        let track = match state {
            Ok(state) => Track::At(state.position, state.ts),
            Err(clock) => Track::Empty(clock),
        };
        self.tell(line, track).await;
    }

    /// The same before a broadcast of another epoch, or of a number that cannot follow; then the broadcast.
    pub(super) async fn resync_before(&mut self, line: &Line, next: &Arrived) {
        let (Some(position), Some(ts)) = (next.position, next.ts) else {
            return;
        };
        let before = Position {
            epoch: position.epoch,
            seq: position.seq.saturating_sub(1),
        };
        self.tell(line, Track::At(before, ts)).await;
        self.deliver_next(line, std::slice::from_ref(next)).await;
    }

    async fn tell(&self, line: &Line, track: Track) {
        let name = &line.room.lines()[line.line];
        self.delivery.metrics.delivery.resyncs.inc();
        tracing::warn!(room = %name, "told the room that broadcasts may be missing");
        let members = line.room.reset_track(line.line, track);
        self.delivery.progress.make();
        let (position, ts, data) = match track {
            Track::At(position, ts) => (Some(position), Some(ts), json!({"lastBroadcastTimestamp": ts})),
            // Nothing to go on from, and something to come back with.
            Track::Empty(_) | Track::Untracked => {
                let place = place_of(track);
                (None, None, json!({"lastBroadcastTimestamp": null, "position": place}))
            }
        };
        let data = data.to_string();
        let notice = Arrived {
            room: name.clone(),
            position,
            ts,
            message: Message {
                destination: Arc::from(Event::RoomResync.wire()),
                data: Bytes::from(data),
                exclude: None,
                sent: None,
            },
        };
        self.fan_out(std::slice::from_ref(&notice), &members).await;
    }
}
