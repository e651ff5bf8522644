//! Who is there, in this process: users ([`people`]), rooms ([`roster`]), and when to look at them again.

mod people;
mod roster;

use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

use futures_util::future::BoxFuture;
use hallway_protocol::{RoomName, UserId};

use super::{CLOSED, MemoryBus, done, now};
use crate::presence::{
    Noted, Person, Presence, RoomChange, RoomSteps, Roster, Stepped, Swept, Terms, TermsOf, UserDeed,
};
use crate::{BusError, Message, Publish};
use people::Record;
use roster::{Notice, Room};

/// Most things that one look takes from the agenda.
const LOOK: usize = 1000;

/// Something to be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum What {
    User(UserId),
    Room(RoomName),
}

/// Who is there.
#[derive(Default)]
pub(super) struct There {
    users: HashMap<UserId, Record>,
    rooms: HashMap<RoomName, Room>,
    agenda: BTreeSet<(Instant, What)>,
}

impl There {
    /// Puts down when to look at something, and forgets when that was before.
    fn due(&mut self, what: What, was: Option<Instant>, at: Option<Instant>) {
        if was == at {
            return;
        }
        if let Some(was) = was {
            self.agenda.remove(&(was, what.clone()));
        }
        self.agenda.extend(at.map(|at| (at, what)));
    }

    fn user(&mut self, user: &UserId, terms: Terms, deed: Option<crate::presence::Deed>, noted: &mut Noted) {
        let record = self.users.entry(user.clone()).or_default();
        let was = record.due;
        let time = people::Time {
            now: Instant::now(),
            unix: now(),
        };
        let change = match deed {
            Some(deed) => record.note(deed, terms, time).unwrap_or_else(|client| {
                noted.unknown.push((user.clone(), client));
                None
            }),
            None => record.judge(terms, time),
        };
        let due = record.due;
        if due.is_none() {
            self.users.remove(user);
        }
        self.due(What::User(user.clone()), was, due);
        noted
            .changes
            .extend(change.map(|(before, now)| crate::presence::Change {
                user: user.clone(),
                before,
                now,
                at: time.unix,
                seen_at: match now.is_here {
                    true => time.unix,
                    false => self.users.get(user).map_or(time.unix, |record| record.seen_at),
                },
            }));
    }

    fn room(&mut self, bus: &MemoryBus, terms: Terms, steps: &RoomSteps, stepped: &mut Stepped) {
        let name = &steps.room;
        let room = self.rooms.entry(name.clone()).or_default();
        let was = room.due;
        let before = room.is_occupied();
        let notices = room.note(terms, &steps.terms, &steps.steps, Instant::now());
        let (is_occupied, due) = (room.is_occupied(), room.due);
        if due.is_none() {
            self.rooms.remove(name);
        }
        self.due(What::Room(name.clone()), was, due);
        if before != is_occupied {
            let room = name.clone();
            stepped.changes.push(RoomChange { room, is_occupied });
        }
        for notice in notices {
            if bus.publish_now(publish(steps, notice)).is_err() {
                stepped.untold += 1;
            }
        }
    }
}

fn publish(steps: &RoomSteps, notice: Notice) -> Publish {
    Publish {
        room: steps.room.clone(),
        message: Message {
            destination: notice.destination.into(),
            data: notice.data.into(),
            exclude: None,
            sent: None,
        },
        keep: steps.terms.keep,
        idempotency_key: None,
    }
}

impl Presence for MemoryBus {
    fn note_users(&self, terms: Terms, deeds: Vec<UserDeed>) -> BoxFuture<'static, Noted> {
        let mut noted = Noted::default();
        match self.open(|| self.there.lock()) {
            Ok(mut there) => {
                for one in deeds {
                    there.user(&one.user, terms, Some(one.deed), &mut noted);
                }
            }
            Err(why) => noted.failed = Some(why),
        }
        done(noted)
    }

    fn people(&self, users: Vec<UserId>) -> BoxFuture<'static, Result<Vec<Person>, BusError>> {
        done(self.open(|| {
            let (there, now) = (self.there.lock(), Instant::now());
            let person = |user| {
                there
                    .users
                    .get(user)
                    .map_or_else(people::nobody, |record| record.read(now))
            };
            users.iter().map(person).collect()
        }))
    }

    fn note_rooms(&self, terms: Terms, rooms: Vec<RoomSteps>) -> BoxFuture<'static, Stepped> {
        let mut stepped = Stepped::default();
        match self.open(|| self.there.lock()) {
            Ok(mut there) => rooms.iter().for_each(|one| there.room(self, terms, one, &mut stepped)),
            Err(why) => stepped.failed = Some(why),
        }
        done(stepped)
    }

    fn roster(
        &self,
        room: RoomName,
        after: Option<UserId>,
        limit: usize,
    ) -> BoxFuture<'static, Result<Roster, BusError>> {
        done(self.open(|| {
            let there = self.there.lock();
            there
                .rooms
                .get(&room)
                .map(|room| room.page(after, limit))
                .unwrap_or_default()
        }))
    }

    fn sweep(&self, terms: Terms, terms_of: TermsOf) -> BoxFuture<'static, Result<Swept, BusError>> {
        let Ok(mut there) = self.open(|| self.there.lock()) else {
            return done(Err(CLOSED));
        };
        let mut swept = Swept::default();
        for _ in 0..LOOK {
            let Some((_, what)) = there.agenda.first().filter(|(at, _)| *at <= Instant::now()).cloned() else {
                return done(Ok(swept));
            };
            match what {
                What::User(user) => there.user(&user, terms, None, &mut swept.people),
                What::Room(room) => match terms_of(&room) {
                    Some(room_terms) => {
                        let steps = RoomSteps {
                            room,
                            terms: room_terms,
                            steps: Vec::new(),
                        };
                        there.room(self, terms, &steps, &mut swept.rooms);
                    }
                    None => drop(there.agenda.pop_first()),
                },
            }
        }
        swept.has_more = true;
        done(Ok(swept))
    }
}
