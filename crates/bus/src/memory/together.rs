//! Lobbies and leases of the bus inside one process. What is said of a change is published under the lock of the lobbies, so
//! that it is said in the order in which it happened.

use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use hallway_protocol::lobby::LobbyCursor;
use hallway_protocol::{Lobby, LobbyId, Position, RoomName, UserId};

use super::lobbies::{Rooms, Say};
use super::{MemoryBus, done, now};
use crate::{
    BusError, Comer, Entered, InLobby, Leases, Left, Lobbies, LobbiesPage, LobbyLife, LobbyTerms, Message, NewLobby,
    Publish, Swept,
};

impl MemoryBus {
    /// Changes lobbies, and says so. The place is that of the last notice in a lobby's own room.
    fn change_lobbies<T>(
        &self,
        terms: LobbyTerms,
        change: impl FnOnce(&mut Rooms) -> (T, Vec<Say>),
    ) -> Result<(T, Option<Position>), BusError> {
        let mut rooms = self.open(|| self.lobbies.lock())?;
        let (result, says) = change(&mut rooms);
        let mut at = None;
        for say in says {
            at = self.say(say, terms).or(at);
        }
        Ok((result, at))
    }

    /// A lane that is full does not take it: whoever hears the next change sees by its `baseUpdatedAt` that one is missing.
    fn say(&self, say: Say, terms: LobbyTerms) -> Option<Position> {
        let pool = || RoomName::parse("pool").ok();
        let request = Publish {
            room: say.lobby.map(LobbyId::room).or_else(pool)?,
            message: Message {
                destination: say.event.wire().into(),
                data: say.data.into(),
                exclude: None,
                sent: None,
            },
            keep: say.lobby.and(terms.keep),
            idempotency_key: None,
        };
        self.publish_now(request).ok()?.position
    }
}

impl Lobbies for MemoryBus {
    fn create_lobby(
        &self,
        new: NewLobby,
        comer: Comer,
        terms: LobbyTerms,
    ) -> BoxFuture<'static, Result<Entered, BusError>> {
        let made = self.change_lobbies(terms, |rooms| rooms.create(new, comer, terms, Instant::now(), now()));
        done(made.map(|(entered, _)| entered))
    }

    fn join_lobby(
        &self,
        id: LobbyId,
        comer: Comer,
        terms: LobbyTerms,
    ) -> BoxFuture<'static, Result<Entered, BusError>> {
        let joined = self.change_lobbies(terms, |rooms| rooms.join(id, comer, terms, Instant::now(), now()));
        done(joined.map(|(entered, _)| entered))
    }

    fn leave_lobby(&self, user: UserId, terms: LobbyTerms) -> BoxFuture<'static, Result<Option<Left>, BusError>> {
        let left = self.change_lobbies(terms, |rooms| {
            let Some(lobby) = rooms.of_user(&user) else {
                return (None, Vec::new());
            };
            let (_, ended, says) = rooms.take_out(lobby.lobby_id, |one, _| *one == user, now());
            (Some((lobby.lobby_id, ended)), says)
        });
        done(left.map(|(left, at)| left.map(|(lobby, ended)| Left { lobby, ended, at })))
    }

    fn end_lobby(&self, id: LobbyId, terms: LobbyTerms) -> BoxFuture<'static, Result<Option<Left>, BusError>> {
        let left = self.change_lobbies(terms, |rooms| {
            let (_, ended, says) = rooms.take_out(id, |_, _| true, now());
            (ended, says)
        });
        done(left.map(|(ended, at)| ended.then_some(Left { lobby: id, ended, at })))
    }

    fn lobby_of(&self, user: UserId) -> BoxFuture<'static, Result<Option<Lobby>, BusError>> {
        done(self.open(|| self.lobbies.lock().of_user(&user)))
    }

    fn lobby(&self, id: LobbyId) -> BoxFuture<'static, Result<Option<Lobby>, BusError>> {
        done(self.open(|| self.lobbies.lock().get(id)))
    }

    fn list_lobbies(
        &self,
        after: Option<LobbyCursor>,
        limit: usize,
    ) -> BoxFuture<'static, Result<LobbiesPage, BusError>> {
        done(self.open(|| self.lobbies.lock().page(after, limit)))
    }
}

impl LobbyLife for MemoryBus {
    fn keep_in_lobbies(
        &self,
        some: Vec<InLobby>,
        node: u64,
        terms: LobbyTerms,
    ) -> BoxFuture<'static, Result<Vec<InLobby>, BusError>> {
        done(self.open(|| self.lobbies.lock().hold(some, node, true, terms, Instant::now())))
    }

    fn let_go_in_lobbies(
        &self,
        some: Vec<InLobby>,
        node: u64,
        terms: LobbyTerms,
    ) -> BoxFuture<'static, Result<(), BusError>> {
        done(self.open(|| drop(self.lobbies.lock().hold(some, node, false, terms, Instant::now()))))
    }

    fn sweep_lobbies(&self, limit: usize, terms: LobbyTerms) -> BoxFuture<'static, Result<Swept, BusError>> {
        let swept = self.change_lobbies(terms, |rooms| rooms.sweep(limit, Instant::now(), now()));
        done(swept.map(|(swept, _)| swept))
    }
}

impl Leases for MemoryBus {
    /// There is one node, and all work is its.
    fn take_lease(&self, _: &'static str, _: u64, _: Duration) -> BoxFuture<'static, Result<bool, BusError>> {
        done(self.open(|| true))
    }
}
