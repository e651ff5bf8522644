//! The end of the line: takes what waits, and has the bus note it with few commands. What the bus does not take now is
//! told again until it does, since telling again is harmless.

use std::collections::HashMap;
use std::time::Duration;

use hallway_bus::BusError;
use hallway_bus::presence::{Deed, Noted, RoomStep, RoomSteps, Step, Stepped, UserDeed};
use hallway_protocol::{ClientId, RoomName};
use tokio::sync::oneshot;

use super::effects::Effect;
use super::{Entry, People, terms_of};

/// Most that leaves the line together.
const BATCH: usize = 500;
/// Between two tries.
const RETRY: Duration = Duration::from_millis(200);

/// What leaves the line together.
#[derive(Default)]
struct Batch {
    users: Vec<UserDeed>,
    rooms: Vec<RoomSteps>,
    marks: Vec<oneshot::Sender<()>>,
}

impl People {
    /// Writes what is in the line. Runs until it is dropped; not twice at once.
    pub(super) async fn write(&self) {
        let mut waiting = self.waiting.lock().await;
        let mut entries = Vec::with_capacity(BATCH);
        while waiting.recv_many(&mut entries, BATCH).await > 0 {
            self.metrics.presence.line.set(waiting.len() as i64);
            let batch = self.batch(entries.drain(..));
            self.write_batch(&batch.users, &batch.rooms).await;
            for mark in batch.marks {
                let _ = mark.send(());
            }
        }
    }

    /// In the order of the line for each user and each room. Who is not there any more is left out: a step out of the room
    /// is behind in the line.
    fn batch(&self, entries: impl Iterator<Item = Entry>) -> Batch {
        let mut batch = Batch::default();
        let mut places: HashMap<RoomName, usize> = HashMap::new();
        for entry in entries {
            match entry {
                Entry::Mark(mark) => batch.marks.push(mark),
                Entry::User(deed) if self.is_there(&deed) => batch.users.push(deed),
                Entry::Room(room, step) if self.is_so(&room, &step) => {
                    let Some(terms) = terms_of(&self.kinds, &room) else {
                        continue;
                    };
                    let place = *places.entry(room.clone()).or_insert_with(|| {
                        let steps = Vec::new();
                        batch.rooms.push(RoomSteps { room, terms, steps });
                        batch.rooms.len() - 1
                    });
                    batch.rooms[place].steps.push(step);
                }
                Entry::User(_) | Entry::Room(..) => {}
            }
        }
        batch
    }

    fn is_there(&self, deed: &UserDeed) -> bool {
        match &deed.deed {
            Deed::Here { client, .. } | Deed::Back { client, .. } | Deed::Keep(client) => {
                self.hub.socket(*client).is_some()
            }
            Deed::Left(_) | Deed::Chose(_) => true,
        }
    }

    fn is_so(&self, room: &RoomName, step: &RoomStep) -> bool {
        if step.step == Step::Leave {
            return true;
        }
        let line = self.hub.line(room);
        let socket = self.hub.socket(step.client);
        line.zip(socket)
            .is_some_and(|(line, socket)| line.room.contains(&socket))
    }

    async fn write_batch(&self, users: &[UserDeed], rooms: &[RoomSteps]) {
        let (mut users, mut rooms) = (users.to_vec(), rooms.to_vec());
        while !users.is_empty() || !rooms.is_empty() {
            let noting = self.log.note_users(self.terms, users.clone());
            let stepping = self.log.note_rooms(self.terms, rooms.clone());
            let (noted, stepped) = tokio::join!(noting, stepping);
            self.metrics.presence.written.inc();
            if !self.is_to_be_told_again(noted.failed.as_ref()) {
                users.clear();
            }
            if !self.is_to_be_told_again(stepped.failed.as_ref()) {
                rooms.clear();
            }
            self.follow(noted);
            self.follow_rooms(stepped);
            if !users.is_empty() || !rooms.is_empty() {
                tokio::time::sleep(RETRY).await;
            }
        }
    }

    fn is_to_be_told_again(&self, failed: Option<&BusError>) -> bool {
        match failed {
            None => false,
            Some(why @ (BusError::Rejected(_) | BusError::Options(_))) => {
                tracing::error!(%why, "the bus does not take who is here");
                self.metrics.presence.dropped.inc();
                false
            }
            Some(why) => {
                tracing::debug!(%why, "who is here could not be written");
                true
            }
        }
    }

    /// What follows from what was noted of users.
    pub(super) fn follow(&self, noted: Noted) {
        for (_, client) in noted.unknown {
            self.tell_again(client);
        }
        for change in noted.changes {
            self.effects.push(Effect::User(change));
        }
    }

    /// What follows from what was noted of rooms.
    pub(super) fn follow_rooms(&self, stepped: Stepped) {
        self.metrics.presence.untold.inc_by(stepped.untold);
        for change in stepped.changes {
            self.effects.push(Effect::Room(change));
        }
    }

    fn tell_again(&self, client: ClientId) {
        if let Some(socket) = self.hub.socket(client) {
            self.tell(&socket, |client, about| Deed::Back { client, about });
        }
    }
}
