//! What the backend is to be told: a stream per partition, and beside it who takes from it.

use std::time::Duration;

use fred::error::{Error, ErrorKind};
use fred::types::{Key, Value};
use futures_util::future::BoxFuture;

use super::names::Names;
use super::script::{bytes_of, text_of};
use super::{RedisBus, script};
use crate::BusError;
use crate::journal::{Backlog, Entry, JOURNAL_LIFE, Journal, Kept, Lease, Place};

fn ms(time: Duration) -> Value {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX).into()
}

fn whole(number: u64) -> Value {
    i64::try_from(number).unwrap_or(i64::MAX).into()
}

/// The keys of the scripts that mind a lease.
fn keys(names: &Names, partition: u16) -> Vec<Key> {
    vec![names.journal_lease(partition).into(), names.journal(partition).into()]
}

impl Journal for RedisBus {
    fn append(&self, partition: u16, entries: Vec<Entry>, most: u64) -> BoxFuture<'static, Result<u64, BusError>> {
        self.ask(self.names.journal_channel(partition), move |up, names| {
            let mut args: Vec<Value> = vec![whole(most), ms(JOURNAL_LIFE)];
            for entry in &entries {
                args.extend([
                    entry.id.as_str().into(),
                    entry.subject.as_str().into(),
                    Value::Bytes(entry.body.clone()),
                ]);
            }
            async move {
                let keys = vec![names.journal(partition).into()];
                let pushed_out = script::JOURNAL_APPEND.run_loading(&up.client, keys, args).await?;
                Ok(pushed_out.as_u64().unwrap_or(0))
            }
        })
    }

    fn take(&self, lease: Lease, limit: usize) -> BoxFuture<'static, Result<Option<Backlog>, BusError>> {
        self.ask(self.names.journal_channel(lease.partition), move |up, names| {
            let limit = whole(limit.max(1) as u64);
            let args = vec![lease.holder.as_str().into(), ms(lease.life), ms(JOURNAL_LIFE), limit];
            let keys = keys(&names, lease.partition);
            async move {
                match script::JOURNAL_TAKE.run_loading(&up.client, keys, args).await? {
                    Value::Null => Ok(None),
                    answer => read(answer).map(Some).ok_or_else(unreadable),
                }
            }
        })
    }

    fn confirm(&self, lease: Lease, up_to: Place) -> BoxFuture<'static, Result<bool, BusError>> {
        self.ask(self.names.journal_channel(lease.partition), move |up, names| {
            let next = match up_to {
                Place(ms, u64::MAX) => format!("{}-0", ms + 1),
                Place(ms, number) => format!("{ms}-{}", number + 1),
            };
            let args = vec![lease.holder.as_str().into(), next.into()];
            let keys = keys(&names, lease.partition);
            async move {
                let answer = script::JOURNAL_CONFIRM.run_loading(&up.client, keys, args).await?;
                Ok(answer.as_i64() == Some(1))
            }
        })
    }

    fn release(&self, lease: Lease) -> BoxFuture<'static, Result<(), BusError>> {
        self.ask(self.names.journal_channel(lease.partition), move |up, names| {
            let (keys, args) = (keys(&names, lease.partition), vec![lease.holder.as_str().into()]);
            async move {
                script::JOURNAL_RELEASE
                    .run_loading(&up.client, keys, args)
                    .await
                    .map(drop)
            }
        })
    }
}

fn unreadable() -> Error {
    Error::new(ErrorKind::Parse, "an entry that is none")
}

/// The answer is `[now in ms, how many, entries]`.
fn read(answer: Value) -> Option<Backlog> {
    let [now, waiting, entries] = <[Value; 3]>::try_from(answer.into_array()).ok()?;
    let now: u64 = text_of(now)?.parse().ok()?;
    let entries = entries.into_array().into_iter().map(read_entry);
    let entries = entries.collect::<Option<Vec<Kept>>>()?;
    let age = entries.first().map_or(0, |oldest| now.saturating_sub(oldest.place.0));
    Some(Backlog {
        waiting: waiting.as_u64()?,
        age: Duration::from_millis(age),
        entries,
    })
}

/// An entry is `[id, [i, its id, s, subject, b, body]]`.
fn read_entry(entry: Value) -> Option<Kept> {
    let [place, fields] = <[Value; 2]>::try_from(entry.into_array()).ok()?;
    let [_, id, _, subject, _, body] = <[Value; 6]>::try_from(fields.into_array()).ok()?;
    let place = text_of(place)?;
    let (ms, number) = place.split_once('-')?;
    Some(Kept {
        place: Place(ms.parse().ok()?, number.parse().ok()?),
        entry: Entry {
            id: text_of(id)?,
            subject: text_of(subject)?,
            body: bytes_of(body)?,
        },
    })
}
