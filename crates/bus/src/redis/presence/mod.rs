//! Who is there, in Redis: users ([`people`]), rooms ([`rooms`]), and when to look at them again ([`agenda`]).

mod agenda;
mod people;
mod rooms;

use std::collections::HashMap;
use std::time::Duration;

use fred::error::{Error, ErrorKind};
use fred::types::Value;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, stream};
use hallway_protocol::{RoomName, UserId};

use super::ask::Asker;
use super::{RedisBus, slots};
use crate::BusError;
use crate::presence::{Noted, Person, Presence, RoomSteps, Roster, Stepped, Swept, Terms, TermsOf, UserDeed};
use agenda::What;

/// Most entries in one script call: Redis does nothing else meanwhile.
const BATCH: usize = 250;
/// Most calls under way for one question.
const AT_ONCE: usize = 64;

fn millis(time: Duration) -> Value {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX).into()
}

fn unreadable() -> Error {
    Error::new(ErrorKind::Parse, "the server's answer could not be read")
}

/// Calls that have an order.
type Line<T> = Vec<Vec<T>>;

impl Asker {
    /// Parts in calls: on a cluster a call is for one slot, and each slot has a line; else there is one line. `weight` says
    /// how much of a call a part takes.
    fn lines_of<T>(&self, parts: Vec<T>, channel: impl Fn(&T) -> String, weight: impl Fn(&T) -> usize) -> Vec<Line<T>> {
        let mut slots: HashMap<u16, Vec<T>> = HashMap::new();
        for part in parts {
            let is_sharded = self.names.is_sharded;
            let slot = if is_sharded { slots::of(&channel(&part)) } else { 0 };
            slots.entry(slot).or_default().push(part);
        }
        slots.into_values().map(|parts| in_calls(parts, &weight)).collect()
    }
}

fn in_calls<T>(parts: Vec<T>, weight: impl Fn(&T) -> usize) -> Line<T> {
    let (mut calls, mut call, mut size) = (Vec::new(), Vec::new(), 0);
    for part in parts {
        let more = weight(&part).max(1);
        if size + more > BATCH && !call.is_empty() {
            calls.push(std::mem::take(&mut call));
            size = 0;
        }
        size += more;
        call.push(part);
    }
    calls.push(call);
    calls
}

/// Makes calls, those of a line one after another.
async fn ask_in_lines<T, A, F: Future<Output = A>>(lines: Vec<Line<T>>, call: impl Fn(Vec<T>) -> F) -> Vec<A> {
    let lines = lines.into_iter().map(|line| {
        let calls = line.into_iter().map(&call).collect::<Vec<_>>();
        stream::iter(calls).then(|call| call).collect::<Vec<A>>()
    });
    let answers: Vec<Vec<A>> = stream::iter(lines.collect::<Vec<_>>())
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    answers.into_iter().flatten().collect()
}

impl Presence for RedisBus {
    fn note_users(&self, terms: Terms, deeds: Vec<UserDeed>) -> BoxFuture<'static, Noted> {
        let asker = self.asker();
        async move {
            let deeds = deeds.into_iter().map(|one| (one.user, Some(one.deed)));
            let (noted, due) = people::note(&asker, terms, deeds.collect()).await;
            // What is not written down now, is when the socket is kept.
            let puts = due
                .into_iter()
                .filter_map(|(user, after)| Some((What::User(user), after?)));
            agenda::put(&asker, terms, puts.collect()).await;
            noted
        }
        .boxed()
    }

    fn people(&self, users: Vec<UserId>) -> BoxFuture<'static, Result<Vec<Person>, BusError>> {
        let asker = self.asker();
        async move { people::read(&asker, users).await }.boxed()
    }

    fn note_rooms(&self, terms: Terms, rooms: Vec<RoomSteps>) -> BoxFuture<'static, Stepped> {
        let asker = self.asker();
        async move {
            let (stepped, due) = rooms::note(&asker, terms, rooms).await;
            let puts = due
                .into_iter()
                .filter_map(|(room, after)| Some((What::Room(room), after?)));
            agenda::put(&asker, terms, puts.collect()).await;
            stepped
        }
        .boxed()
    }

    fn roster(
        &self,
        room: RoomName,
        after: Option<UserId>,
        limit: usize,
    ) -> BoxFuture<'static, Result<Roster, BusError>> {
        rooms::read(&self.asker(), room, after, limit)
    }

    fn sweep(&self, terms: Terms, terms_of: TermsOf) -> BoxFuture<'static, Result<Swept, BusError>> {
        let asker = self.asker();
        async move {
            let given = agenda::due(&asker, terms).await?;
            let (mut users, mut rooms) = (Vec::new(), Vec::new());
            for thing in &given {
                match &thing.what {
                    What::User(user) => users.push((user.clone(), None)),
                    What::Room(room) => rooms.extend(terms_of(room).map(|terms| RoomSteps {
                        room: room.clone(),
                        terms,
                        steps: Vec::new(),
                    })),
                }
            }
            let ((people, users), (rooms, of_rooms)) =
                tokio::join!(people::note(&asker, terms, users), rooms::note(&asker, terms, rooms));
            let users = users.into_iter().map(|(user, after)| (What::User(user), after));
            let of_rooms = of_rooms.into_iter().map(|(room, after)| (What::Room(room), after));
            let has_more = given.len() >= agenda::LOOK;
            agenda::settle(&asker, terms, given, users.chain(of_rooms).collect()).await;
            Ok(Swept {
                people,
                rooms,
                has_more,
            })
        }
        .boxed()
    }
}
