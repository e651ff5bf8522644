//! What docs/lobbies.md promises, in plain lists.

use std::collections::{BTreeMap, BTreeSet};

use hallway_protocol::{LobbyId, UserId};

use super::{GRACE, LIFE};

/// Something that a node does in one call.
#[derive(Debug, Clone)]
pub(super) enum Act {
    Create {
        id: LobbyId,
        capacity: usize,
        user: UserId,
        node: usize,
    },
    Join {
        id: LobbyId,
        user: UserId,
        node: usize,
    },
    Leave(UserId),
    End(LobbyId),
    Keep {
        some: Vec<Seat>,
        node: usize,
    },
    LetGo {
        some: Vec<Seat>,
        node: usize,
    },
    Sweep,
}

/// Someone in a lobby.
pub(super) type Seat = (LobbyId, UserId);

/// What came of an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// They are in it, with these.
    In(LobbyId, Vec<UserId>),
    Elsewhere(LobbyId),
    Full,
    Missing,
    /// What was left, and whether it has ended.
    Left(Option<(LobbyId, bool)>),
    /// Who is no member of that lobby.
    NotIn(BTreeSet<Seat>),
    Done,
    /// How many vanished.
    Vanished(usize),
}

#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) user: UserId,
    /// Nodes that have a socket of theirs, and until when their word counts.
    holders: BTreeMap<usize, u64>,
    /// Until when they stay without a holder.
    grace: Option<u64>,
    /// When it is noticed at the latest that their time is up: later than that, if the clock went back since it was
    /// decided when to look.
    noticed_by: u64,
}

impl Member {
    fn new(user: &UserId) -> Self {
        Self {
            user: user.clone(),
            holders: BTreeMap::new(),
            grace: None,
            noticed_by: 0,
        }
    }

    fn ends(&self) -> u64 {
        self.holders.values().copied().max().or(self.grace).unwrap_or(0)
    }

    fn kept(&mut self, node: usize, now: u64, latest: u64) {
        self.holders.insert(node, now + LIFE.as_millis() as u64);
        self.grace = None;
        self.noticed_by = latest + LIFE.as_millis() as u64;
    }

    fn let_go(&mut self, node: usize, now: u64) {
        if self.ends() <= now {
            // Their time is up already; now it is known when to look.
            self.noticed_by = now;
            return;
        }
        self.holders.retain(|one, until| *one != node && *until > now);
        if self.holders.is_empty() {
            self.grace.get_or_insert(now + GRACE.as_millis() as u64);
        }
        self.noticed_by = self.ends();
    }
}

#[derive(Debug, Clone)]
pub(super) struct Lobby {
    pub(super) capacity: usize,
    pub(super) owner: UserId,
    pub(super) created_at: u64,
    /// By when they came.
    pub(super) members: Vec<Member>,
}

impl Lobby {
    pub(super) fn names(&self) -> Vec<UserId> {
        self.members.iter().map(|member| member.user.clone()).collect()
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct Model {
    pub(super) lobbies: BTreeMap<LobbyId, Lobby>,
    pub(super) ended: BTreeSet<LobbyId>,
    /// The latest that the clock ever said.
    latest: u64,
}

impl Model {
    pub(super) fn lobby_of(&self, user: &UserId) -> Option<LobbyId> {
        let mut lobbies = self.lobbies.iter();
        let found = lobbies.find(|(_, lobby)| lobby.members.iter().any(|member| member.user == *user));
        found.map(|(id, _)| *id)
    }

    /// Who may have been noticed to be over, or not.
    pub(super) fn unsure(&self, now: u64) -> Vec<Seat> {
        let members = self
            .lobbies
            .iter()
            .flat_map(|(id, lobby)| lobby.members.iter().map(move |one| (*id, one)));
        let unsure = members.filter(|(_, one)| one.ends() <= now && now < one.noticed_by);
        unsure.map(|(id, one)| (id, one.user.clone())).collect()
    }

    /// Does what a node does. `stay` are those of the unsure who are still there.
    pub(super) fn act(&mut self, act: &Act, now: u64, stay: &BTreeSet<Seat>) -> Outcome {
        self.latest = self.latest.max(now);
        match act {
            Act::Create {
                id,
                capacity,
                user,
                node,
            } => {
                if let Some(other) = self.lobby_of(user) {
                    return Outcome::Elsewhere(other);
                }
                let lobby = Lobby {
                    capacity: *capacity,
                    owner: user.clone(),
                    created_at: now,
                    members: vec![Member::new(user)],
                };
                self.lobbies.insert(*id, lobby);
                self.enter(*id, user, *node, now)
            }
            Act::Join { id, user, node } => {
                if let Some(other) = self.lobby_of(user).filter(|other| other != id) {
                    return Outcome::Elsewhere(other);
                }
                let Some(lobby) = self.lobbies.get_mut(id) else {
                    return Outcome::Missing;
                };
                if !lobby.names().contains(user) {
                    if lobby.members.len() == lobby.capacity {
                        return Outcome::Full;
                    }
                    lobby.members.push(Member::new(user));
                }
                self.enter(*id, user, *node, now)
            }
            Act::Leave(user) => {
                let id = self.lobby_of(user);
                Outcome::Left(id.map(|id| (id, self.take_out(id, |member| member.user == *user))))
            }
            Act::End(id) => {
                let is_there = self.lobbies.contains_key(id);
                Outcome::Left(is_there.then(|| (*id, self.take_out(*id, |_| true))))
            }
            Act::Keep { some, node } => {
                let latest = self.latest;
                Outcome::NotIn(self.each(some, |member| member.kept(*node, now, latest)))
            }
            Act::LetGo { some, node } => {
                self.each(some, |member| member.let_go(*node, now));
                Outcome::Done
            }
            Act::Sweep => {
                let before = self.count();
                let ids: Vec<LobbyId> = self.lobbies.keys().copied().collect();
                for id in ids {
                    self.take_out(id, |member| {
                        member.ends() <= now && !stay.contains(&(id, member.user.clone()))
                    });
                }
                Outcome::Vanished(before - self.count())
            }
        }
    }

    fn count(&self) -> usize {
        self.lobbies.values().map(|lobby| lobby.members.len()).sum()
    }

    fn enter(&mut self, id: LobbyId, user: &UserId, node: usize, now: u64) -> Outcome {
        let latest = self.latest;
        self.each(&[(id, user.clone())], |member| member.kept(node, now, latest));
        Outcome::In(id, self.lobbies[&id].names())
    }

    /// Gives those who are not there.
    fn each(&mut self, some: &[Seat], mut act: impl FnMut(&mut Member)) -> BTreeSet<Seat> {
        let mut missing = BTreeSet::new();
        for (id, user) in some {
            let mut members = self
                .lobbies
                .get_mut(id)
                .into_iter()
                .flat_map(|lobby| &mut lobby.members);
            match members.find(|member| member.user == *user) {
                Some(member) => act(member),
                None => drop(missing.insert((*id, user.clone()))),
            }
        }
        missing
    }

    /// Takes members out; true if the lobby ended with it.
    fn take_out(&mut self, id: LobbyId, is_out: impl Fn(&Member) -> bool) -> bool {
        let Some(lobby) = self.lobbies.get_mut(&id) else {
            return false;
        };
        lobby.members.retain(|member| !is_out(member));
        let Some(first) = lobby.members.first() else {
            self.lobbies.remove(&id);
            self.ended.insert(id);
            return true;
        };
        if !lobby.members.iter().any(|member| member.user == lobby.owner) {
            lobby.owner = first.user.clone();
        }
        false
    }
}
