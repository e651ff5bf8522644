//! What is done about a room of which something may be missing: its place here is compared with its place on
//! the bus; what lies between is read from history and delivered; and where history does not reach, or the
//! numbering was lost, the members are told (`room.resync`). There is never a silent gap.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hallway_bus::{BusError, Heard as Arrived, Message, RoomState};
use hallway_hub::Track;
use hallway_hub::registry::Line;
use hallway_protocol::{Event, Position, RoomName, limits};

use super::lane::Lane;

/// Rooms checked with one question.
const BATCH: usize = 256;
/// Longest wait for an answer of the bus; the lane's other rooms wait with it.
const PATIENCE: Duration = Duration::from_secs(3);

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
        let states = patiently(self.delivery.bus.states(rooms.to_vec())).await?;
        for (room, state) in rooms.iter().zip(states) {
            if let Some(line) = self.delivery.hub.line(room) {
                self.check_one(room, &line, state).await?;
            }
        }
        Ok(())
    }

    async fn check_one(&mut self, room: &RoomName, line: &Line, state: Option<RoomState>) -> Result<(), BusError> {
        match (line.room.track(line.line), state) {
            (Track::Untracked, _) | (Track::Empty, None) => Ok(()),
            (Track::At(..), None) => {
                self.resync(line, None).await;
                Ok(())
            }
            (Track::At(here, _), Some(there)) if there.position.epoch == here.epoch => {
                if there.position.seq == here.seq {
                    Ok(())
                } else if there.position.seq > here.seq {
                    self.catch_up(room, line, Some(here), there).await
                } else {
                    self.resync(line, Some(there)).await;
                    Ok(())
                }
            }
            (Track::At(..), Some(there)) => self.begin_anew(room, line, there).await,
            (Track::Empty, Some(there)) => self.catch_up(room, line, None, there).await,
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
            self.resync(line, Some(there)).await;
            return Ok(());
        };
        let before = Position {
            epoch: oldest.epoch,
            seq: oldest.seq.saturating_sub(1),
        };
        self.tell(line, Track::At(before, ts), Some(ts)).await;
        self.catch_up(room, line, Some(before), there).await
    }

    /// Delivers what history has between a place and the bus's; tells the members if that is not all of it.
    async fn catch_up(
        &mut self,
        room: &RoomName,
        line: &Line,
        mut here: Option<Position>,
        there: RoomState,
    ) -> Result<(), BusError> {
        loop {
            let history = patiently(self.delivery.bus.history(room.clone(), here, limits::HISTORY_PAGE)).await?;
            let next = here.map_or(1, |here| here.seq + 1);
            let follows_on = history
                .broadcasts
                .first()
                .and_then(|first| first.position)
                .is_some_and(|first| first.seq == next && here.is_none_or(|here| here.epoch == first.epoch));
            if !follows_on {
                self.resync(line, history.state.or(Some(there))).await;
                return Ok(());
            }
            self.delivery
                .metrics
                .delivery
                .repaired
                .inc_by(history.broadcasts.len() as u64);
            // Straight to the members: these are the very next ones, so this cannot come back here.
            let positions: Vec<_> = history
                .broadcasts
                .iter()
                .map(|one| (one.position, one.ts.unwrap_or(0)))
                .collect();
            let (count, _, members) = line.room.hear(line.line, &positions);
            self.delivery.progress.make();
            self.fan_out(&history.broadcasts[..count], &members).await;
            here = history.broadcasts.last().and_then(|last| last.position);
            if history.complete || here.is_some_and(|here| here.seq >= there.position.seq) {
                return Ok(());
            }
        }
    }

    /// Tells the members that something may be missing, and goes on from where the bus stands.
    pub(super) async fn resync(&mut self, line: &Line, state: Option<RoomState>) {
        let track = state.map_or(Track::Empty, |state| Track::At(state.position, state.ts));
        self.tell(line, track, state.map(|state| state.ts)).await;
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
        self.tell(line, Track::At(before, ts), Some(ts)).await;
        let (_, _, members) = line.room.hear(line.line, &[(next.position, ts)]);
        self.fan_out(std::slice::from_ref(next), &members).await;
    }

    async fn tell(&self, line: &Line, track: Track, ts: Option<u64>) {
        let name = &line.room.lines()[line.line];
        self.delivery.metrics.delivery.resyncs.inc();
        tracing::warn!(room = %name, "told the room that broadcasts may be missing");
        let members = line.room.reset_track(line.line, track);
        self.delivery.progress.make();
        let position = if let Track::At(position, _) = track {
            Some(position)
        } else {
            None
        };
        let data = format!(
            r#"{{"lastBroadcastTimestamp":{}}}"#,
            ts.map_or("null".into(), |ts| ts.to_string())
        );
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

async fn patiently<T>(answer: impl Future<Output = Result<T, BusError>>) -> Result<T, BusError> {
    tokio::time::timeout(PATIENCE, answer)
        .await
        .unwrap_or(Err(BusError::Timeout))
}
