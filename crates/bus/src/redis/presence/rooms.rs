//! Rooms: who enters and who leaves, told in the room in the same step, by `scripts/roster.lua`.

use std::time::Duration;

use fred::types::{Key, Value};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use hallway_protocol::{RoomName, UserId};

use super::super::ask::Asker;
use super::super::hints;
use super::super::names::Names;
use super::super::script;
use super::super::script::text_of;
use super::{BATCH, ask_in_lines, millis, unreadable};
use crate::BusError;
use crate::presence::{RoomChange, RoomSteps, Roster, Step, Stepped, Terms};

/// Rooms, each with when to look at it again, if ever.
pub(super) type DueRooms = Vec<(RoomName, Option<Duration>)>;

/// Notes steps. A room of which nothing is said was not noted.
pub(super) async fn note(asker: &Asker, terms: Terms, rooms: Vec<RoomSteps>) -> (Stepped, DueRooms) {
    let parts: Vec<RoomSteps> = rooms.into_iter().flat_map(split).collect();
    let lines = asker.lines_of(parts, |one| asker.names.channel(&one.room), |one| one.steps.len());
    let answers = ask_in_lines(lines, |rooms| call(asker, terms, rooms)).await;
    let (mut stepped, mut due) = (Stepped::default(), Vec::new());
    for answer in answers {
        match answer {
            Ok((mut one, mut rooms)) => {
                stepped.changes.append(&mut one.changes);
                stepped.untold += one.untold;
                due.append(&mut rooms);
            }
            Err(why) => stepped.failed = Some(why),
        }
    }
    (stepped, due)
}

/// Parts that fit into a call.
fn split(steps: RoomSteps) -> Vec<RoomSteps> {
    if steps.steps.len() <= BATCH {
        return vec![steps];
    }
    let part = |some: &[_]| RoomSteps {
        steps: some.to_vec(),
        ..steps.clone()
    };
    steps.steps.chunks(BATCH).map(part).collect()
}

async fn call(asker: &Asker, terms: Terms, rooms: Vec<RoomSteps>) -> Result<(Stepped, DueRooms), BusError> {
    let channel = rooms
        .first()
        .map(|one| asker.names.channel(&one.room))
        .unwrap_or_default();
    let names = &asker.names;
    let keys: Vec<Key> = rooms.iter().flat_map(|one| keys_of(names, &one.room)).collect();
    let told = rooms.iter().flat_map(|one| words(names, one));
    let rest: Vec<Value> = [millis(terms.life), millis(terms.grace)]
        .into_iter()
        .chain(told)
        .collect();
    let (routes, of) = (asker.routes.clone(), channel.clone());
    let answer = asker.ask(channel, move |up, names| {
        let since = routes
            .of_channel(&of)
            .map(|shard| shard.lineage.since())
            .unwrap_or_default();
        let publish = if names.is_sharded { "SPUBLISH" } else { "PUBLISH" };
        let mut args: Vec<Value> = vec![
            since.floor.to_string().into(),
            since.ahead.to_string().into(),
            publish.into(),
        ];
        args.extend(rest.iter().cloned());
        let keys = keys.clone();
        async move { script::ROSTER.run_loading(&up.client, keys, args).await }
    });
    let answers = answer.await?.into_array().into_iter().filter_map(text_of);
    let (mut stepped, mut due) = (Stepped::default(), Vec::new());
    for (one, answer) in rooms.into_iter().zip(answers) {
        let (answer, why) = answer
            .split_once('!')
            .map_or((&*answer, None), |(a, why)| (a, Some(why)));
        if let Some(why) = why {
            tracing::warn!(room = %one.room, why, "a room was not told of its people");
            stepped.untold += 1;
        }
        let mut words = answer.split(' ');
        let after = words.next().and_then(|ms| ms.parse().ok()).map(Duration::from_millis);
        let mut said = || words.next() == Some("1");
        for is_occupied in [said().then_some(true), said().then_some(false)].into_iter().flatten() {
            let room = one.room.clone();
            stepped.changes.push(RoomChange { room, is_occupied });
        }
        due.push((one.room, after));
    }
    Ok((stepped, due))
}

fn keys_of(names: &Names, room: &RoomName) -> impl Iterator<Item = Key> {
    std::iter::once(names.stream(room))
        .chain(names.roster(room))
        .map(Key::from)
}

fn words(names: &Names, one: &RoomSteps) -> Vec<Value> {
    let terms = &one.terms;
    let mut words: Vec<Value> = vec![names.channel(&one.room).into()];
    match terms.keep {
        Some(keep) => words.extend([
            i64::from(keep.count.max(1)).into(),
            millis(hints::expiry(keep.life)),
            i64::try_from(keep.bytes).unwrap_or(i64::MAX).into(),
        ]),
        None => words.extend([const { "" }; 3].map(Value::from)),
    }
    words.extend([i64::from(terms.merge_above).into(), millis(terms.merge_interval)]);
    words.push(i64::try_from(one.steps.len()).unwrap_or(i64::MAX).into());
    for step in &one.steps {
        let what = match step.step {
            Step::Enter => "j",
            Step::Keep => "k",
            Step::Leave => "l",
        };
        let user = step.user.as_ref().map_or("", UserId::as_str);
        words.extend([what, user, step.client.as_str()].map(Value::from));
    }
    words
}

/// Who is in a room.
pub(super) fn read(
    asker: &Asker,
    room: RoomName,
    after: Option<UserId>,
    limit: usize,
) -> BoxFuture<'static, Result<Roster, BusError>> {
    let after = after.map_or_else(String::new, |user| user.to_string());
    let more = i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX);
    let answer = asker.ask(asker.names.channel(&room), move |up, names| {
        let [sockets, counts, users, ..] = names.roster(&room);
        let keys: Vec<Key> = [sockets, counts, users].map(Key::from).into();
        let args: Vec<Value> = vec![after.clone().into(), more.into()];
        async move {
            let answer = script::ROSTER_READ.run_loading(&up.client, keys, args).await?;
            read_roster(answer).ok_or_else(unreadable)
        }
    });
    async move {
        let mut roster = answer.await?;
        roster.has_more = roster.users.len() > limit;
        roster.users.truncate(limit);
        Ok(roster)
    }
    .boxed()
}

fn read_roster(answer: Value) -> Option<Roster> {
    let mut parts = answer.into_array().into_iter();
    let mut count = || u64::try_from(parts.next()?.as_i64()?).ok();
    let (socket_count, user_count) = (count()?, count()?);
    let mut users = Vec::new();
    while let (Some(user), Some(sockets)) = (parts.next(), parts.next()) {
        users.push((UserId::parse(&text_of(user)?).ok()?, text_of(sockets)?.parse().ok()?));
    }
    Some(Roster {
        users,
        has_more: false,
        user_count,
        socket_count,
    })
}
