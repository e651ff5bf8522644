//! Who is still there: nodes say so in batches, and lobbies whose members' time may be up are looked at.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use fred::types::{Key, Value};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use hallway_protocol::{Lobby, LobbyId};

use super::super::link::Up;
use super::super::names::Names;
use super::super::script::{self, text_of};
use super::super::{RedisBus, slots};
use super::claims_life;
use super::steps::{Due, Entry, Steps, node};
use crate::{BusError, InLobby, LobbyLife, LobbyTerms, Swept};

/// For how long lobbies that are due are left to the node that looks at them.
const LOOK: Duration = Duration::from_secs(10);
/// Most claims in one call, and calls under way.
const BATCH: usize = 500;
const AT_ONCE: usize = 32;

impl Steps {
    /// Tells of each whether a node holds a socket of theirs; answers for each when their time is up, or nothing if they are
    /// not in that lobby.
    async fn hold(
        &self,
        some: &[InLobby],
        number: u64,
        holds: bool,
        terms: LobbyTerms,
    ) -> Result<Vec<Option<u64>>, BusError> {
        let own = vec![node(number), if holds { "1" } else { "0" }.into()];
        let lobbies = some.iter().map(|one| (one.lobby, Some(one.user.as_str().into())));
        let answers = self
            .run_many(&script::HOLD_IN_LOBBIES, terms, own, lobbies.collect())
            .await?;
        let end = |answer| text_of(answer).and_then(|text| text.parse().ok());
        Ok(answers.into_iter().map(end).collect())
    }

    /// Renews claims; answers those whose user is in another lobby by theirs.
    async fn renew_claims(&self, some: Vec<InLobby>, life: Duration) -> Result<Vec<InLobby>, BusError> {
        let mut slots: HashMap<u16, Vec<InLobby>> = HashMap::new();
        for one in some {
            let slot = match self.0.names.is_sharded {
                true => slots::of(&self.0.names.user_channel(&one.user)),
                false => 0,
            };
            slots.entry(slot).or_default().push(one);
        }
        let calls = slots.values().flat_map(|some| some.chunks(BATCH)).map(|some| {
            let (some, this) = (some.to_vec(), self.clone());
            async move {
                let channel = this.0.names.user_channel(&some[0].user);
                let keys: Vec<Key> = some.iter().map(|one| this.0.names.claim(&one.user).into()).collect();
                let life = Value::from(i64::try_from(life.as_millis()).unwrap_or(i64::MAX));
                let ids = some.iter().map(|one| Value::from(one.lobby.as_str()));
                let args: Vec<Value> = std::iter::once(life).chain(ids).collect();
                let question = move |up: Up, _, _| {
                    let (keys, args) = (keys.clone(), args.clone());
                    async move { script::RENEW_CLAIMS.run_loading(&up.client, keys, args).await }
                };
                let answers = this.0.ask_since(channel, question).await?.into_array();
                let stands = answers.into_iter().map(|answer| answer.as_i64() == Some(1));
                let others = some.into_iter().zip(stands).filter(|(_, stands)| !stands);
                Ok(others.map(|(one, _)| one).collect::<Vec<_>>())
            }
        });
        let calls = stream::iter(calls.collect::<Vec<_>>()).buffer_unordered(AT_ONCE);
        let others: Vec<Vec<InLobby>> = calls.try_collect().await?;
        Ok(others.into_iter().flatten().collect())
    }

    async fn keep(self, some: Vec<InLobby>, number: u64, terms: LobbyTerms) -> Result<Vec<InLobby>, BusError> {
        let ends = self.hold(&some, number, true, terms).await?;
        let (in_it, mut not_in_it): (Vec<_>, Vec<_>) = some.into_iter().zip(ends).partition(|(_, end)| end.is_some());
        let in_it = in_it.into_iter().map(|(one, _)| one).collect();
        // The claim decides: who has entered another lobby meanwhile is not in this one.
        for one in self.renew_claims(in_it, claims_life(terms)).await? {
            self.take_out(one.lobby, Some(&one.user), terms).await?;
            not_in_it.push((one, None));
        }
        Ok(not_in_it.into_iter().map(|(one, _)| one).collect())
    }

    async fn let_go(self, some: Vec<InLobby>, number: u64, terms: LobbyTerms) -> Result<(), BusError> {
        let ends = self.hold(&some, number, false, terms).await?;
        let due = some.into_iter().zip(ends).filter_map(|(one, end)| {
            let end = Due::At(end?.to_string());
            Some(Entry::due(one.lobby, end))
        });
        self.list(due.collect()).await
    }

    async fn sweep(self, limit: usize, terms: LobbyTerms) -> Result<Swept, BusError> {
        let (leased, ids) = self.due(limit).await?;
        let mut swept = Swept {
            looked_at: ids.len(),
            ..Swept::default()
        };
        if ids.is_empty() {
            return Ok(swept);
        }
        let lobbies = ids.iter().map(|id| (*id, None)).collect();
        let answers = self
            .run_many(&script::SETTLE_LOBBIES, terms, Vec::new(), lobbies)
            .await?;
        let mut entries = Vec::with_capacity(ids.len());
        for (id, answer) in ids.into_iter().zip(answers) {
            let settled = Settled::read(answer).ok_or(BusError::Interrupted)?;
            swept.vanished += settled.gone;
            match settled.lobby {
                Some((due, lobby)) => {
                    if settled.gone > 0 {
                        entries.push(Entry::changed(&lobby));
                    }
                    entries.push(Entry::looked_at(&lobby, due, leased.clone()));
                }
                None => {
                    swept.ended += 1;
                    entries.push(Entry::gone(id));
                }
            }
        }
        self.list(entries).await?;
        Ok(swept)
    }

    /// Lobbies that are due, and until when they are left to us.
    async fn due(&self, limit: usize) -> Result<(String, Vec<LobbyId>), BusError> {
        let question = move |up: Up, names: Arc<Names>, _| {
            let args = vec![limit.to_string().into(), (LOOK.as_millis() as i64).into()];
            let keys = names.lobbies().map(Key::from).to_vec();
            async move { script::DUE_LOBBIES.run_loading(&up.client, keys, args).await }
        };
        let answer = self.0.ask_since(self.0.names.pool(), question).await?;
        let mut words = answer.into_array().into_iter().filter_map(text_of);
        let leased = words.next().ok_or(BusError::Interrupted)?;
        Ok((leased, words.filter_map(|id| LobbyId::parse(&id)).collect()))
    }
}

/// What `lobby_settle.lua` answers of one lobby.
struct Settled {
    gone: usize,
    /// When it is due next, and it; nothing if it is not there.
    lobby: Option<(String, Lobby)>,
}

impl Settled {
    fn read(answer: Value) -> Option<Self> {
        let mut answer = answer.into_array().into_iter();
        let due = answer.next().and_then(text_of)?;
        let gone = usize::try_from(answer.next()?.as_i64()?).ok()?;
        let text = answer.next().and_then(text_of)?;
        let lobby = match text.as_str() {
            "" => None,
            text => Some((due, serde_json::from_str(text).ok()?)),
        };
        Some(Self { gone, lobby })
    }
}

impl LobbyLife for RedisBus {
    fn keep_in_lobbies(
        &self,
        some: Vec<InLobby>,
        node: u64,
        terms: LobbyTerms,
    ) -> BoxFuture<'static, Result<Vec<InLobby>, BusError>> {
        self.steps().keep(some, node, terms).boxed()
    }

    fn let_go_in_lobbies(
        &self,
        some: Vec<InLobby>,
        node: u64,
        terms: LobbyTerms,
    ) -> BoxFuture<'static, Result<(), BusError>> {
        self.steps().let_go(some, node, terms).boxed()
    }

    fn sweep_lobbies(&self, limit: usize, terms: LobbyTerms) -> BoxFuture<'static, Result<Swept, BusError>> {
        self.steps().sweep(limit, terms).boxed()
    }
}
