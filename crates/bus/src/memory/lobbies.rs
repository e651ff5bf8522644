//! Lobbies in this process: what they are, and what is to be said of each change.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use hallway_protocol::lobby::{LobbyCursor, LobbyDeleted, LobbyDiff, LobbyMember, LobbyUpdate};
use hallway_protocol::{Event, Lobby, LobbyId, UserId};

use crate::{Comer, Entered, InLobby, LobbiesPage, LobbyTerms, NewLobby, Swept};

/// All lobbies.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    lobbies: HashMap<LobbyId, Record>,
    users: HashMap<UserId, LobbyId>,
    /// By when they were made.
    list: BTreeSet<(u64, LobbyId)>,
    /// By when a member's time may be up.
    due: BTreeSet<(Instant, LobbyId)>,
}

#[derive(Debug)]
struct Record {
    lobby: Lobby,
    /// Until when each member is known to be there.
    held: HashMap<UserId, Held>,
    /// Its place in [`Rooms::due`].
    due: Instant,
}

/// Which nodes hold a member, and until when; without any, when the time of grace ends.
#[derive(Debug)]
struct Held {
    nodes: Vec<(u64, Instant)>,
    grace: Instant,
}

impl Held {
    fn end(&self) -> Instant {
        self.nodes.iter().map(|(_, end)| *end).max().unwrap_or(self.grace)
    }

    fn hold(&mut self, node: u64, now: Instant, end: Option<Instant>, grace: Duration) {
        let was_held = !self.nodes.is_empty();
        self.nodes.retain(|(one, end)| *one != node && *end > now);
        self.nodes.extend(end.map(|end| (node, end)));
        if was_held && self.nodes.is_empty() {
            self.grace = now + grace;
        }
    }
}

/// Something to be said.
#[derive(Debug)]
pub(super) struct Say {
    /// In whose room; in `pool` without one.
    pub(super) lobby: Option<LobbyId>,
    pub(super) event: Event,
    pub(super) data: Vec<u8>,
}

impl Say {
    fn new<T: serde::Serialize>(lobby: Option<LobbyId>, event: Event, data: &T) -> Self {
        Self {
            lobby,
            event,
            // Plain data, whose maps have text for keys: it can always be written.
            data: serde_json::to_vec(data).unwrap_or_default(),
        }
    }
}

impl Rooms {
    pub(super) fn create(
        &mut self,
        new: NewLobby,
        comer: Comer,
        terms: LobbyTerms,
        now: Instant,
        ms: u64,
    ) -> (Entered, Vec<Say>) {
        if let Some(lobby) = self.of_user(&comer.user) {
            return (Entered::Elsewhere(lobby), Vec::new());
        }
        let lobby = Lobby {
            lobby_id: new.id,
            owner_id: comer.user.clone(),
            name: new.name,
            capacity: new.capacity,
            members: vec![LobbyMember {
                user_id: comer.user.clone(),
                name: comer.name,
            }],
            created_at: ms,
            updated_at: ms,
        };
        let held = Held {
            nodes: vec![(comer.node, now + terms.life)],
            grace: now,
        };
        let due = held.end();
        self.users.insert(comer.user.clone(), new.id);
        self.list.insert((ms, new.id));
        self.due.insert((due, new.id));
        let record = Record {
            lobby: lobby.clone(),
            held: HashMap::from([(comer.user, held)]),
            due,
        };
        self.lobbies.insert(new.id, record);
        let say = Say::new(None, Event::LobbyCreated, &lobby.summary());
        (Entered::In(lobby), vec![say])
    }

    pub(super) fn join(
        &mut self,
        id: LobbyId,
        comer: Comer,
        terms: LobbyTerms,
        now: Instant,
        ms: u64,
    ) -> (Entered, Vec<Say>) {
        if let Some(lobby) = self.of_user(&comer.user)
            && lobby.lobby_id != id
        {
            return (Entered::Elsewhere(lobby), Vec::new());
        }
        let Some(record) = self.lobbies.get_mut(&id) else {
            return (Entered::Missing, Vec::new());
        };
        let end = Some(now + terms.life);
        if let Some(held) = record.held.get_mut(&comer.user) {
            held.hold(comer.node, now, end, terms.grace);
            return (Entered::In(record.lobby.clone()), Vec::new());
        }
        if record.lobby.members.len() >= record.lobby.capacity as usize {
            return (Entered::Full, Vec::new());
        }
        let mut held = Held {
            nodes: Vec::new(),
            grace: now,
        };
        held.hold(comer.node, now, end, terms.grace);
        record.held.insert(comer.user.clone(), held);
        self.users.insert(comer.user.clone(), id);
        let member = LobbyMember {
            user_id: comer.user,
            name: comer.name,
        };
        record.lobby.members.push(member.clone());
        let diff = LobbyDiff {
            joined: vec![member],
            ..LobbyDiff::default()
        };
        let says = changed(&mut record.lobby, diff, ms);
        (Entered::In(record.lobby.clone()), says)
    }

    /// Takes members out for whom `is_over` says so. How many they were, whether the lobby has ended, and what is to be said.
    pub(super) fn take_out(
        &mut self,
        id: LobbyId,
        is_over: impl Fn(&UserId, Instant) -> bool,
        ms: u64,
    ) -> (usize, bool, Vec<Say>) {
        let Some(record) = self.lobbies.get_mut(&id) else {
            return (0, false, Vec::new());
        };
        let held = &mut record.held;
        let mut left = Vec::new();
        record.lobby.members.retain(|member| {
            let user = &member.user_id;
            let over = held.get(user).is_none_or(|held| is_over(user, held.end()));
            if over {
                left.push(user.clone());
            }
            !over
        });
        for user in &left {
            held.remove(user);
            self.users.remove(user);
        }
        let gone = left.len();
        if gone == 0 {
            return (0, false, Vec::new());
        }
        let Some(first) = record.lobby.members.first().map(|member| member.user_id.clone()) else {
            self.list.remove(&(record.lobby.created_at, id));
            self.due.remove(&(record.due, id));
            self.lobbies.remove(&id);
            let deleted = LobbyDeleted { lobby_id: id };
            let say = |room| Say::new(room, Event::LobbyDeleted, &deleted);
            return (gone, true, vec![say(Some(id)), say(None)]);
        };
        let mut diff = LobbyDiff {
            left,
            ..LobbyDiff::default()
        };
        if !record.lobby.has(&record.lobby.owner_id) {
            record.lobby.owner_id = first.clone();
            diff.owner_id = Some(first);
        }
        (gone, false, changed(&mut record.lobby, diff, ms))
    }

    pub(super) fn of_user(&self, user: &UserId) -> Option<Lobby> {
        self.get(*self.users.get(user)?)
    }

    pub(super) fn get(&self, id: LobbyId) -> Option<Lobby> {
        self.lobbies.get(&id).map(|record| record.lobby.clone())
    }

    pub(super) fn page(&self, after: Option<LobbyCursor>, limit: usize) -> LobbiesPage {
        let all = match after {
            Some(after) => self.list.range(..(after.created_at, after.lobby_id)),
            None => self.list.range(..),
        };
        let places: Vec<_> = all.rev().take(limit).collect();
        let next = places.last().filter(|_| places.len() == limit);
        LobbiesPage {
            next: next.map(|(created_at, lobby_id)| LobbyCursor {
                created_at: *created_at,
                lobby_id: *lobby_id,
            }),
            lobbies: places.iter().filter_map(|(_, id)| self.get(*id)).collect(),
        }
    }

    /// Says of members whether a node holds them; answers those who are not in that lobby.
    pub(super) fn hold(
        &mut self,
        some: Vec<InLobby>,
        node: u64,
        holds: bool,
        terms: LobbyTerms,
        now: Instant,
    ) -> Vec<InLobby> {
        let mut others = Vec::new();
        for one in some {
            let record = self.lobbies.get_mut(&one.lobby);
            let Some((record, held)) = record.and_then(|record| {
                let held = record.held.get_mut(&one.user)?;
                Some((&mut record.due, held))
            }) else {
                others.push(one);
                continue;
            };
            held.hold(node, now, holds.then(|| now + terms.life), terms.grace);
            let due = held.end().min(*record);
            self.due.remove(&(*record, one.lobby));
            self.due.insert((due, one.lobby));
            *record = due;
        }
        others
    }

    pub(super) fn sweep(&mut self, limit: usize, now: Instant, ms: u64) -> (Swept, Vec<Say>) {
        let (mut swept, mut says) = (Swept::default(), Vec::new());
        while swept.looked_at < limit
            && let Some((at, id)) = self.due.first().copied()
            && at <= now
        {
            swept.looked_at += 1;
            self.due.remove(&(at, id));
            let (gone, ended, said) = self.take_out(id, |_, end| end <= now, ms);
            swept.vanished += gone;
            swept.ended += usize::from(ended);
            says.extend(said);
            if let Some(record) = self.lobbies.get_mut(&id)
                && let Some(due) = record.held.values().map(Held::end).min()
            {
                record.due = due;
                self.due.insert((due, id));
            }
        }
        (swept, says)
    }
}

/// Takes note of a change, and says it in the lobby's room and in `pool`.
fn changed(lobby: &mut Lobby, diff: LobbyDiff, ms: u64) -> Vec<Say> {
    let base = lobby.updated_at;
    lobby.updated_at = ms.max(base + 1);
    let update = LobbyUpdate {
        id: lobby.lobby_id,
        diff: LobbyDiff {
            member_count: lobby.members.len(),
            ..diff
        },
        updated_at: lobby.updated_at,
        base_updated_at: base,
    };
    vec![
        Say::new(Some(lobby.lobby_id), Event::LobbyUpdated, &update),
        Say::new(None, Event::LobbyUpdated, &lobby.summary()),
    ]
}
