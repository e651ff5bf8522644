//! The steps: a script call each, on whichever server has the slot.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use fred::error::{Error, ErrorKind};
use fred::interfaces::KeysInterface;
use fred::types::{Key, Value};
use futures_util::{StreamExt, TryStreamExt, stream};
use hallway_protocol::lobby::{LobbyCursor, LobbyDeleted};
use hallway_protocol::{Lobby, LobbyId, Position, UserId};

use super::super::ask::Asker;
use super::super::envelope::read_position;
use super::super::lineage::Since;
use super::super::link::Up;
use super::super::names::Names;
use super::super::script::{self, Script, bytes_of, text_of};
use super::super::slots;
use crate::{BusError, Comer, Entered, LobbyTerms, NewLobby};

/// Most lobbies in one call.
const BATCH: usize = 200;
/// Most calls under way for one question.
const AT_ONCE: usize = 32;

/// Who does the steps.
#[derive(Clone)]
pub(super) struct Steps(pub(super) Asker);

/// Which lobby a user is in or about to enter, as `lobby_claim.lua` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) lobby: LobbyId,
    text: String,
}

impl Claim {
    /// One that nobody else has made.
    pub(super) fn new(lobby: LobbyId) -> Self {
        let token = RandomState::new().build_hasher().finish();
        Self {
            lobby,
            text: format!("?{lobby}{token:016x}"),
        }
    }

    fn read(text: String) -> Option<Self> {
        let lobby = LobbyId::parse(text.get(1..17)?)?;
        Some(Self { lobby, text })
    }

    /// Whether its user has entered, and not only begun to.
    pub(super) fn is_kept(&self) -> bool {
        self.text.starts_with('=')
    }
}

/// When a lobby is to be looked at.
#[derive(Debug, Clone)]
pub(super) enum Due {
    /// By the server's clock, in milliseconds.
    At(String),
    /// From now, by the clock of the server that has the list, as it was last seen.
    After(Duration),
}

/// A line for `lobbies_list.lua`.
pub(super) struct Entry {
    what: &'static str,
    lobby: LobbyId,
    made: u64,
    due: Option<Due>,
    leased: String,
    news: String,
}

impl Entry {
    fn new(what: &'static str, lobby: LobbyId) -> Self {
        Self {
            what,
            lobby,
            made: 0,
            due: None,
            leased: String::new(),
            news: String::new(),
        }
    }

    /// It may be there.
    pub(super) fn due(lobby: LobbyId, due: Due) -> Self {
        Self {
            due: Some(due),
            ..Self::new("?", lobby)
        }
    }

    /// It is there.
    pub(super) fn there(lobby: &Lobby, due: Due) -> Self {
        Self {
            made: lobby.created_at,
            due: Some(due),
            news: news(&lobby.summary()),
            ..Self::new("+", lobby.lobby_id)
        }
    }

    /// It is there after a look at it, for which it was leased.
    pub(super) fn looked_at(lobby: &Lobby, due: String, leased: String) -> Self {
        Self {
            what: "=",
            leased,
            ..Self::there(lobby, Due::At(due))
        }
    }

    /// It changed.
    pub(super) fn changed(lobby: &Lobby) -> Self {
        Self {
            news: news(&lobby.summary()),
            ..Self::new("~", lobby.lobby_id)
        }
    }

    /// It is not there.
    pub(super) fn gone(lobby: LobbyId) -> Self {
        Self {
            news: news(&LobbyDeleted { lobby_id: lobby }),
            ..Self::new("-", lobby)
        }
    }

    fn args(&self) -> [Value; 6] {
        let due = match &self.due {
            None => String::new(),
            Some(Due::At(ms)) => ms.clone(),
            // The script adds its own clock.
            Some(Due::After(time)) => format!("+{}", time.as_millis()),
        };
        [
            self.what.into(),
            self.lobby.as_str().into(),
            self.made.to_string().into(),
            due.into(),
            self.leased.as_str().into(),
            self.news.as_str().into(),
        ]
    }
}

fn news<T: serde::Serialize>(what: &T) -> String {
    // Plain data, whose maps have text for keys: it can always be written.
    serde_json::to_string(what).unwrap_or_default()
}

fn unreadable(_: impl std::fmt::Debug) -> Error {
    Error::new(ErrorKind::Parse, "an answer about a lobby could not be read")
}

fn ms(time: Duration) -> Value {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX).max(1).into()
}

/// Its hash, and the stream of its room.
fn keys(names: &Names, lobby: LobbyId) -> [Key; 2] {
    [names.lobby(lobby).into(), names.stream(&lobby.room()).into()]
}

/// What all scripts about lobbies are told first, see `lobby.lua`.
fn head(names: &Names, since: Since, terms: LobbyTerms) -> Vec<Value> {
    let (count, life, bytes) = match terms.keep {
        Some(keep) => (keep.count.max(1), keep.life, keep.bytes),
        None => (0, Duration::ZERO, 0),
    };
    vec![
        since.floor.to_string().into(),
        since.ahead.to_string().into(),
        publish(names),
        i64::from(count).into(),
        ms(life),
        bytes.to_string().into(),
        ms(terms.life),
        ms(terms.grace),
    ]
}

fn publish(names: &Names) -> Value {
    if names.is_sharded { "SPUBLISH" } else { "PUBLISH" }.into()
}

fn read_lobby(text: Value) -> Result<Option<Lobby>, Error> {
    match bytes_of(text) {
        Some(text) if !text.is_empty() => serde_json::from_slice(&text).map(Some).map_err(unreadable),
        _ => Ok(None),
    }
}

impl Steps {
    /// Runs a script about one lobby.
    async fn run(
        &self,
        script: &'static Script,
        lobby: LobbyId,
        terms: LobbyTerms,
        own: Vec<Value>,
    ) -> Result<Value, BusError> {
        let channel = self.0.names.channel(&lobby.room());
        let question = move |up: Up, names: Arc<Names>, since| {
            let mut args = head(&names, since, terms);
            args.extend(own.iter().cloned());
            let keys = keys(&names, lobby).to_vec();
            async move { script.run_loading(&up.client, keys, args).await }
        };
        self.0.ask_since(channel, question).await
    }

    /// Runs a script about many lobbies, in calls that a cluster takes; answers come in the order of the lobbies. `own` are
    /// the script's own arguments, before one of each lobby's, if there are any.
    pub(super) async fn run_many(
        &self,
        script: &'static Script,
        terms: LobbyTerms,
        own: Vec<Value>,
        lobbies: Vec<(LobbyId, Option<Value>)>,
    ) -> Result<Vec<Value>, BusError> {
        let mut slots: HashMap<u16, Vec<usize>> = HashMap::new();
        for (place, (lobby, _)) in lobbies.iter().enumerate() {
            let slot = match self.0.names.is_sharded {
                true => slots::of(&self.0.names.channel(&lobby.room())),
                false => 0,
            };
            slots.entry(slot).or_default().push(place);
        }
        let calls = slots.values().flat_map(|places| places.chunks(BATCH)).map(|places| {
            let places = places.to_vec();
            let some: Vec<_> = places.iter().map(|place| lobbies[*place].clone()).collect();
            let (own, this) = (own.clone(), self.clone());
            async move {
                let channel = this.0.names.channel(&some[0].0.room());
                let question = move |up: Up, names: Arc<Names>, since| {
                    let mut args = head(&names, since, terms);
                    args.extend(own.iter().cloned());
                    args.extend(some.iter().filter_map(|(_, one)| one.clone()));
                    let keys = some.iter().flat_map(|(lobby, _)| keys(&names, *lobby)).collect();
                    async move { script.run_loading(&up.client, keys, args).await }
                };
                let answers = this.0.ask_since(channel, question).await?.into_array();
                if answers.len() != places.len() {
                    return Err(BusError::Interrupted);
                }
                Ok(places.into_iter().zip(answers).collect::<Vec<_>>())
            }
        });
        let calls = stream::iter(calls.collect::<Vec<_>>()).buffer_unordered(AT_ONCE);
        let answers: Vec<Vec<(usize, Value)>> = calls.try_collect().await?;
        let mut all = vec![Value::Null; lobbies.len()];
        for (place, answer) in answers.into_iter().flatten() {
            all[place] = answer;
        }
        Ok(all)
    }

    pub(super) async fn make(&self, new: &NewLobby, comer: &Comer, terms: LobbyTerms) -> Result<Lobby, BusError> {
        let own = vec![
            new.name.as_deref().unwrap_or_default().into(),
            i64::from(new.capacity).into(),
            comer.user.as_str().into(),
            comer.name.as_deref().unwrap_or_default().into(),
            node(comer.node),
        ];
        let answer = self.run(&script::CREATE_LOBBY, new.id, terms, own).await?;
        read_lobby(answer).ok().flatten().ok_or(BusError::Interrupted)
    }

    /// What became of it, and whether they are new there.
    pub(super) async fn enter(
        &self,
        id: LobbyId,
        comer: &Comer,
        terms: LobbyTerms,
    ) -> Result<(Entered, bool), BusError> {
        let own = vec![
            comer.user.as_str().into(),
            comer.name.as_deref().unwrap_or_default().into(),
            node(comer.node),
        ];
        let answer = self.run(&script::JOIN_LOBBY, id, terms, own).await?;
        let text = text_of(answer).ok_or(BusError::Interrupted)?;
        let (is_new, text) = match text.strip_prefix('+') {
            Some(text) => (true, text),
            None => (false, text.as_str()),
        };
        let entered = match text {
            "" => Entered::Missing,
            "full" => Entered::Full,
            lobby => Entered::In(serde_json::from_str(lobby).map_err(|_| BusError::Interrupted)?),
        };
        Ok((entered, is_new))
    }

    /// Where the notice stands, and the lobby without who left; nothing if they were not in it.
    pub(super) async fn leave_record(
        &self,
        id: LobbyId,
        user: Option<&UserId>,
        terms: LobbyTerms,
    ) -> Result<Option<(Option<Position>, Lobby)>, BusError> {
        let own = vec![user.map(UserId::as_str).unwrap_or_default().into()];
        let answer = self.run(&script::LEAVE_LOBBY, id, terms, own).await?;
        let mut answer = answer.into_array().into_iter();
        let (Some(position), Some(lobby)) = (answer.next(), answer.next()) else {
            return Ok(None);
        };
        let position = text_of(position).and_then(|text| read_position(&text));
        match (position, read_lobby(lobby)) {
            (Some(position), Ok(Some(lobby))) => Ok(Some((position, lobby))),
            _ => Err(BusError::Interrupted),
        }
    }

    pub(super) async fn read(&self, ids: Vec<LobbyId>) -> Result<Vec<Option<Lobby>>, BusError> {
        let terms = LobbyTerms {
            keep: None,
            life: Duration::ZERO,
            grace: Duration::ZERO,
        };
        let lobbies = ids.into_iter().map(|id| (id, None)).collect();
        let answers = self.run_many(&script::READ_LOBBIES, terms, Vec::new(), lobbies).await?;
        let lobbies = answers.into_iter().map(read_lobby).collect::<Result<_, _>>();
        lobbies.map_err(|_| BusError::Interrupted)
    }

    pub(super) async fn read_one(&self, id: LobbyId) -> Result<Option<Lobby>, BusError> {
        Ok(self.read(vec![id]).await?.pop().flatten())
    }

    async fn claim_script(
        &self,
        user: &UserId,
        what: &'static str,
        claim: &Claim,
        life: Duration,
    ) -> Result<String, BusError> {
        let (channel, key) = (self.0.names.user_channel(user), self.0.names.claim(user));
        let text = claim.text.clone();
        let question = move |up: Up, _, _| {
            let (keys, args) = (
                vec![key.as_str().into()],
                vec![what.into(), text.as_str().into(), ms(life)],
            );
            async move { script::CLAIM_LOBBY.run_loading(&up.client, keys, args).await }
        };
        let answer = self.0.ask_since(channel, question).await?;
        text_of(answer).ok_or(BusError::Interrupted)
    }

    /// Takes a claim; or answers the one that is in its way.
    pub(super) async fn take_claim(
        &self,
        user: &UserId,
        claim: &Claim,
        life: Duration,
    ) -> Result<Option<Claim>, BusError> {
        match self.claim_script(user, "take", claim, life).await? {
            done if done.is_empty() => Ok(None),
            there => Claim::read(there).map(Some).ok_or(BusError::Interrupted),
        }
    }

    /// Keeps a claim that was taken. False if it was over already.
    pub(super) async fn keep_claim(&self, user: &UserId, claim: &Claim, life: Duration) -> Result<bool, BusError> {
        Ok(self.claim_script(user, "keep", claim, life).await?.is_empty())
    }

    /// Drops a claim, if it is the one that is there.
    pub(super) async fn drop_claim(&self, user: &UserId, claim: &Claim) -> Result<(), BusError> {
        self.claim_script(user, "drop", claim, Duration::ZERO).await.map(drop)
    }

    pub(super) async fn read_claim(&self, user: &UserId) -> Result<Option<Claim>, BusError> {
        let (channel, key) = (self.0.names.user_channel(user), self.0.names.claim(user));
        let question = move |up: Up, _, _| {
            let key = key.clone();
            async move { up.client.get::<Option<String>, _>(key).await }
        };
        Ok(self.0.ask_since(channel, question).await?.and_then(Claim::read))
    }

    /// Brings the list in order.
    pub(super) async fn list(&self, entries: Vec<Entry>) -> Result<(), BusError> {
        for some in entries.chunks(BATCH) {
            let lines: Vec<Value> = some.iter().flat_map(Entry::args).collect();
            let question = move |up: Up, names: Arc<Names>, _| {
                let mut args = vec![publish(&names), names.pool().into()];
                args.extend(lines.iter().cloned());
                let keys = names.lobbies().map(Key::from).to_vec();
                async move { script::LIST_LOBBIES.run_loading(&up.client, keys, args).await }
            };
            self.0.ask_since(self.0.names.pool(), question).await?;
        }
        Ok(())
    }

    /// Places in the list, newest first.
    pub(super) async fn places(&self, after: Option<LobbyCursor>, limit: usize) -> Result<Vec<LobbyCursor>, BusError> {
        let question = move |up: Up, names: Arc<Names>, _| {
            let mut args = vec![Value::from(limit.to_string())];
            if let Some(after) = after {
                args.extend([after.created_at.to_string().into(), after.lobby_id.as_str().into()]);
            }
            let keys = names.lobbies().map(Key::from).to_vec();
            async move { script::PAGE_OF_LOBBIES.run_loading(&up.client, keys, args).await }
        };
        let answer = self.0.ask_since(self.0.names.pool(), question).await?;
        let mut words = answer.into_array().into_iter().filter_map(text_of);
        let mut places = Vec::new();
        while let (Some(id), Some(made)) = (words.next(), words.next()) {
            let place = LobbyId::parse(&id).zip(made.parse().ok());
            let (lobby_id, created_at) = place.ok_or(BusError::Interrupted)?;
            places.push(LobbyCursor { created_at, lobby_id });
        }
        Ok(places)
    }
}

/// How a node is called among a member's holders.
pub(super) fn node(number: u64) -> Value {
    format!("{number:016x}").into()
}
