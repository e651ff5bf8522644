//! Users: what their sockets do and what they choose, by `scripts/people.lua`.

use std::collections::HashMap;
use std::time::Duration;

use fred::types::{Key, Value};
use futures_util::{StreamExt, TryStreamExt, stream};
use hallway_protocol::{ClientId, Status, UserId};

use super::super::ask::Asker;
use super::super::names::Names;
use super::super::script;
use super::super::script::text_of;
use super::{AT_ONCE, ask_in_lines, millis, unreadable};
use crate::BusError;
use crate::presence::{Change, Deed, Noted, Person, Standing, Terms};

/// What a user does, or, without a deed, a look at whether time has changed anything.
pub(super) type Entry = (UserId, Option<Deed>);
/// Users, each with when to look at them again, if ever.
pub(super) type DueUsers = Vec<(UserId, Option<Duration>)>;

/// Notes deeds. A user of whom nothing is said was not noted.
pub(super) async fn note(asker: &Asker, terms: Terms, entries: Vec<Entry>) -> (Noted, DueUsers) {
    let lines = asker.lines_of(entries, |(user, _)| asker.names.user_channel(user), |_| 1);
    let answers = ask_in_lines(lines, |entries| call(asker, terms, entries)).await;
    let (mut noted, mut due) = (Noted::default(), Vec::new());
    for answer in answers {
        match answer {
            Ok(mut one) => {
                noted.changes.append(&mut one.0.changes);
                noted.unknown.append(&mut one.0.unknown);
                due.append(&mut one.1);
            }
            Err(why) => noted.failed = Some(why),
        }
    }
    (noted, due)
}

async fn call(asker: &Asker, terms: Terms, entries: Vec<Entry>) -> Result<(Noted, DueUsers), BusError> {
    let channel = entries.first().map(|(user, _)| asker.names.user_channel(user));
    let mut args = vec![millis(terms.life), millis(terms.grace), millis(terms.remember)];
    args.extend(entries.iter().flat_map(|(_, deed)| words(deed.as_ref())));
    let keys = keys_of(&asker.names, entries.iter().map(|(user, _)| user));
    let answer = asker.ask(channel.unwrap_or_default(), move |up, _| {
        let (keys, args) = (keys.clone(), args.clone());
        async move { script::PEOPLE.run_loading(&up.client, keys, args).await }
    });
    let mut answers = answer.await?.into_array().into_iter().filter_map(text_of);
    let at = answers
        .next()
        .and_then(|at| at.parse().ok())
        .ok_or(BusError::Interrupted)?;
    let mut noted = Noted::default();
    let mut due: HashMap<UserId, Option<Duration>> = HashMap::new();
    for ((user, deed), answer) in entries.into_iter().zip(answers) {
        match (deed, answer.as_str()) {
            (Some(Deed::Keep(_)), "") => drop(due.insert(user, Some(terms.life))),
            (Some(Deed::Keep(client)), "?") => noted.unknown.push((user, client)),
            _ => {
                let (change, after) = read_answer(&answer, &user, at).ok_or(BusError::Interrupted)?;
                noted.changes.extend(change);
                // The last answer of a user is the one that holds.
                due.insert(user, after);
            }
        }
    }
    Ok((noted, due.into_iter().collect()))
}

fn keys_of<'u>(names: &Names, users: impl Iterator<Item = &'u UserId>) -> Vec<Key> {
    users.flat_map(|user| names.person(user)).map(Key::from).collect()
}

fn words(deed: Option<&Deed>) -> [Value; 3] {
    match deed {
        Some(Deed::Here { client, about }) => ["h".into(), client.as_str().into(), about.as_str().into()],
        Some(Deed::Back { client, about }) => ["b".into(), client.as_str().into(), about.as_str().into()],
        Some(Deed::Keep(client)) => ["k".into(), client.as_str().into(), "".into()],
        Some(Deed::Left(client)) => ["l".into(), client.as_str().into(), "".into()],
        Some(Deed::Chose(status)) => ["s".into(), status.wire().into(), "".into()],
        None => ["j".into(), "".into(), "".into()],
    }
}

fn read_answer(answer: &str, user: &UserId, at: u64) -> Option<(Option<Change>, Option<Duration>)> {
    let mut words = answer.split(' ');
    let statuses = [Status::read(words.next()?)?, Status::read(words.next()?)?];
    let here = [words.next()? == "1", words.next()? == "1"];
    let seen: u64 = words.next()?.parse().ok()?;
    let after = words.next()?.parse().ok().map(Duration::from_millis);
    let [before, now] = [0, 1].map(|place| Standing {
        is_here: here[place],
        status: statuses[place],
    });
    let change = (before != now).then(|| Change {
        user: user.clone(),
        before,
        now,
        at,
        seen_at: if now.is_here { at } else { seen },
    });
    Some((change, after))
}

/// What is known of users, in the order asked.
pub(super) async fn read(asker: &Asker, users: Vec<UserId>) -> Result<Vec<Person>, BusError> {
    let count = users.len();
    let places = users.into_iter().enumerate().collect();
    let calls = asker.lines_of(
        places,
        |(_, user): &(usize, UserId)| asker.names.user_channel(user),
        |_| 1,
    );
    let calls = calls.into_iter().flatten().map(|users| {
        let (places, users): (Vec<usize>, Vec<UserId>) = users.into_iter().unzip();
        let channel = users.first().map(|user| asker.names.user_channel(user));
        let keys = keys_of(&asker.names, users.iter());
        let answer = asker.ask(channel.unwrap_or_default(), move |up, _| {
            let keys = keys.clone();
            async move {
                let answer = script::PEOPLE_READ.run_loading(&up.client, keys, Vec::new()).await?;
                let people = answer.into_array().into_iter().map(read_person);
                people.collect::<Option<Vec<Person>>>().ok_or_else(unreadable)
            }
        });
        async move { Ok::<_, BusError>((places, answer.await?)) }
    });
    let answers = stream::iter(calls.collect::<Vec<_>>()).buffer_unordered(AT_ONCE);
    let answers: Vec<(Vec<usize>, Vec<Person>)> = answers.try_collect().await?;
    let mut people: Vec<Option<Person>> = vec![None; count];
    for (place, person) in answers
        .into_iter()
        .flat_map(|(places, people)| places.into_iter().zip(people))
    {
        people[place] = Some(person);
    }
    people.into_iter().collect::<Option<_>>().ok_or(BusError::Interrupted)
}

fn read_person(answer: Value) -> Option<Person> {
    let mut words = answer.into_array().into_iter().filter_map(text_of);
    let is_here = words.next()? == "1";
    let chosen = Status::read(&words.next()?);
    let seen_at = words.next()?.parse().ok();
    let mut sockets = Vec::new();
    while let (Some(client), Some(about)) = (words.next(), words.next()) {
        sockets.extend(ClientId::parse(&client).map(|client| (client, about)));
    }
    Some(Person {
        standing: Standing {
            is_here,
            status: match is_here {
                true => chosen.unwrap_or(Status::Online),
                false => Status::Offline,
            },
        },
        seen_at,
        sockets,
    })
}
