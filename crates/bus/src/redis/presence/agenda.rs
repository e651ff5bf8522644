//! What is to be looked at, and when, by `scripts/agenda.lua`: in several sets, so that a cluster's servers share them.

use std::collections::HashMap;
use std::time::Duration;

use fred::types::{Key, Value};
use futures_util::future::try_join_all;
use futures_util::{StreamExt, stream};
use hallway_protocol::{RoomName, UserId};

use super::super::ask::Asker;
use super::super::script;
use super::super::script::text_of;
use super::{AT_ONCE, millis, unreadable};
use crate::BusError;
use crate::presence::Terms;

/// How many sets.
const PARTS: usize = 8;
/// Most things that are given out at once, by each call.
pub(super) const LOOK: usize = 250;
/// How long whoever has something in hand may take, at least; longer than a grace, so that what is put down meanwhile shows.
const HAND: Duration = Duration::from_secs(10);

/// Something to be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum What {
    User(UserId),
    Room(RoomName),
}

impl What {
    fn write(&self) -> String {
        match self {
            Self::User(user) => format!("u{user}"),
            Self::Room(room) => format!("r{room}"),
        }
    }

    fn read(text: &str) -> Option<Self> {
        match text.split_at_checked(1)? {
            ("u", user) => UserId::parse(user).ok().map(Self::User),
            ("r", room) => RoomName::parse(room).ok().map(Self::Room),
            _ => None,
        }
    }

    /// Which set it is in: FNV-1a, since every node must say the same.
    fn part(&self) -> usize {
        let hash = self.write().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        (hash % PARTS as u64) as usize
    }
}

/// Something that was given out, and under which time.
pub(super) struct Given {
    pub(super) what: What,
    time: String,
}

/// Puts things down, to be looked at after a time at the latest. What cannot be put down is left.
pub(super) async fn put(asker: &Asker, terms: Terms, puts: Vec<(What, Duration)>) {
    let entries = puts.into_iter().map(|(what, after)| (what, Some(after), String::new()));
    write(asker, terms, entries.collect()).await;
}

/// Puts down when to look again at things that were given out, or that there is no need. What nothing is known of comes
/// again by itself.
pub(super) async fn settle(asker: &Asker, terms: Terms, given: Vec<Given>, due: Vec<(What, Option<Duration>)>) {
    let mut times: HashMap<What, String> = given.into_iter().map(|one| (one.what, one.time)).collect();
    let entries = due.into_iter().filter_map(|(what, after)| {
        let time = times.remove(&what)?;
        Some((what, after, time))
    });
    write(asker, terms, entries.collect()).await;
}

async fn write(asker: &Asker, terms: Terms, entries: Vec<(What, Option<Duration>, String)>) {
    let calls = asker.lines_of(entries, |(what, ..)| asker.names.agenda(what.part()), |_| 1);
    let calls = calls.into_iter().flatten().map(|entries| {
        let keys: Vec<Key> = entries
            .iter()
            .map(|(what, ..)| asker.names.agenda(what.part()).into())
            .collect();
        let channel = entries.first().map(|(what, ..)| asker.names.agenda(what.part()));
        let mut args = vec![millis(4 * (terms.life + terms.grace) + HAND)];
        for (what, after, time) in entries {
            args.extend([
                what.write().into(),
                after.map_or_else(|| "-1".into(), millis),
                time.into(),
            ]);
        }
        asker.ask(channel.unwrap_or_default(), move |up, _| {
            let (keys, args) = (keys.clone(), args.clone());
            async move { script::AGENDA.run_loading(&up.client, keys, args).await.map(drop) }
        })
    });
    let mut calls = stream::iter(calls.collect::<Vec<_>>()).buffer_unordered(AT_ONCE);
    while let Some(result) = calls.next().await {
        if let Err(why) = result {
            tracing::debug!(%why, "the agenda of presence could not be written");
        }
    }
}

/// Gives out what is due.
pub(super) async fn due(asker: &Asker, terms: Terms) -> Result<Vec<Given>, BusError> {
    let parts = asker.lines_of((0..PARTS).collect(), |part| asker.names.agenda(*part), |_| 1);
    let calls = parts.into_iter().flatten().map(|parts| {
        let keys: Vec<Key> = parts.iter().map(|part| asker.names.agenda(*part).into()).collect();
        let channel = parts.first().map(|part| asker.names.agenda(*part));
        let args: Vec<Value> = vec![(LOOK as i64).into(), millis(HAND.max(2 * terms.grace))];
        asker.ask(channel.unwrap_or_default(), move |up, _| {
            let (keys, args) = (keys.clone(), args.clone());
            async move {
                let answer = script::AGENDA_DUE.run_loading(&up.client, keys, args).await?;
                let mut words = answer.into_array().into_iter();
                let time = words.next().and_then(text_of).ok_or_else(unreadable)?;
                let given = words.filter_map(text_of);
                let given = given.filter_map(|what| What::read(&what)).map(|what| Given {
                    what,
                    time: time.clone(),
                });
                Ok(given.collect::<Vec<_>>())
            }
        })
    });
    let given = try_join_all(calls.collect::<Vec<_>>()).await?;
    Ok(given.into_iter().flatten().collect())
}
