//! What docs/presence.md promises, in plain maps.
//!
//! A socket counts until it leaves or its time is up. Whoever looks then notices, and from there the grace runs; whoever
//! looks after the grace finds the user gone. Looks are: anything that a user does, any step in a room, and a sweep.

use std::collections::{BTreeMap, BTreeSet};

use hallway_bus::presence::{Deed, RoomStep, Standing, Step, UserDeed};
use hallway_protocol::{ClientId, Status, UserId};

use super::{GRACE, LIFE, MERGE_INTERVAL};

/// Something that a node does in one call.
#[derive(Debug, Clone)]
pub(super) enum Act {
    Users(Vec<UserDeed>),
    /// Steps in rooms, by their numbers.
    Rooms(Vec<(usize, Vec<RoomStep>)>),
    Sweep,
}

/// What must come of acts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// Users who stand otherwise: before, and now. Those of acts at the same time have no order.
    pub(super) changes: BTreeMap<UserId, Vec<(Standing, Standing)>>,
    /// Rooms that are in use now, or not any more.
    pub(super) occupied: BTreeMap<usize, Vec<bool>>,
    /// Sockets that were to be kept and were not known.
    pub(super) unknown: BTreeSet<(UserId, ClientId)>,
}

/// Who came into which room, or left it.
pub(super) type Move = (usize, UserId, bool);

#[derive(Debug, Clone, Default)]
pub(super) struct Person {
    /// Until when each counts, and what is known of it.
    pub(super) sockets: BTreeMap<ClientId, (u64, String)>,
    /// The same of those whose time is up, while others count: a sweep may have looked at them or not.
    over: BTreeMap<ClientId, (u64, String)>,
    is_here: bool,
    alone_since: Option<u64>,
    chosen: Option<Status>,
}

impl Person {
    pub(super) fn standing(&self) -> Standing {
        let status = match self.is_here {
            true => self.chosen.unwrap_or(Status::Online),
            false => Status::Offline,
        };
        Standing {
            is_here: self.is_here,
            status,
        }
    }

    fn act(&mut self, deed: &Deed, now: u64) {
        let until = now + LIFE.as_millis() as u64;
        match deed {
            Deed::Here { client, about } | Deed::Back { client, about } => {
                self.sockets.insert(*client, (until, about.clone()));
            }
            Deed::Keep(client) => {
                let known = self.sockets.remove(client).or_else(|| self.over.remove(client));
                // Nobody looks when a socket is kept: nothing else is noticed. One that is unknown will be told of again.
                if let Some((_, about)) = known {
                    self.sockets.insert(*client, (until, about));
                }
                return;
            }
            Deed::Left(client) => drop(self.sockets.remove(client)),
            Deed::Chose(status) => self.chosen = Some(*status),
        }
        self.look(now);
        self.over.clear();
    }

    fn look(&mut self, now: u64) {
        let over = self.sockets.extract_if(.., |_, (until, _)| *until <= now);
        self.over.extend(over);
        if self.sockets.is_empty() {
            self.over.clear();
        }
        if !self.sockets.is_empty() {
            (self.is_here, self.alone_since) = (true, None);
        } else if self.is_here {
            let since = *self.alone_since.get_or_insert(now);
            if since + GRACE.as_millis() as u64 <= now {
                (self.is_here, self.alone_since) = (false, None);
            }
        }
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct Room {
    /// Until when each counts; nobody's are the anonymous'.
    pub(super) sockets: BTreeMap<(Option<UserId>, ClientId), u64>,
    /// Who is in it, and since when without sockets.
    members: BTreeMap<UserId, Option<u64>>,
    /// When all that has happened must have been told, if it is told merged.
    pub(super) told_by: u64,
}

impl Room {
    pub(super) fn members(&self) -> BTreeSet<UserId> {
        self.members.keys().cloned().collect()
    }

    /// Users with sockets, and how many each has.
    pub(super) fn users(&self) -> Vec<(UserId, u64)> {
        let mut users = BTreeMap::new();
        for user in self.sockets.keys().filter_map(|(user, _)| user.clone()) {
            *users.entry(user).or_default() += 1;
        }
        users.into_iter().collect()
    }

    fn act(&mut self, steps: &[RoomStep], now: u64) -> Vec<(UserId, bool)> {
        let mut moves = Vec::new();
        for RoomStep { step, user, client } in steps {
            let socket = (user.clone(), *client);
            if *step == Step::Leave {
                self.sockets.remove(&socket);
                continue;
            }
            self.sockets.insert(socket, now + LIFE.as_millis() as u64);
            if let Some(user) = user
                && self.members.insert(user.clone(), None).is_none()
            {
                moves.push((user.clone(), true));
            }
        }
        self.look(now, &mut moves);
        if !moves.is_empty() {
            self.told_by = self.told_by.max(now + MERGE_INTERVAL.as_millis() as u64);
        }
        moves
    }

    fn look(&mut self, now: u64, moves: &mut Vec<(UserId, bool)>) {
        self.sockets.retain(|_, until| *until > now);
        let with_sockets: BTreeSet<UserId> = self.users().into_iter().map(|(user, _)| user).collect();
        self.members.retain(|user, alone_since| {
            if with_sockets.contains(user) {
                *alone_since = None;
                return true;
            }
            let since = *alone_since.get_or_insert(now);
            let stays = since + GRACE.as_millis() as u64 > now;
            if !stays {
                moves.push((user.clone(), false));
            }
            stays
        });
    }
}

#[derive(Debug, Clone)]
pub(super) struct Model {
    pub(super) people: BTreeMap<UserId, Person>,
    pub(super) rooms: Vec<Room>,
}

impl Model {
    /// Whether the clock may go back to a time: not if sockets would count again that a sweep may have dropped or not.
    pub(super) fn may_go_back_to(&self, time: u64) -> bool {
        let mut over = self.people.values().flat_map(|person| person.over.values());
        over.all(|(until, _)| *until <= time)
    }

    /// Does what a node does. Gives what must come of it, and who must have come into which room or left it.
    /// `unknown` are those that were not known: of some the model cannot say.
    pub(super) fn act(&mut self, act: &Act, now: u64, unknown: &BTreeSet<(UserId, ClientId)>) -> (Outcome, Vec<Move>) {
        let mut outcome = Outcome::default();
        let mut moves = Vec::new();
        match act {
            Act::Users(deeds) => {
                for UserDeed { user, deed } in deeds {
                    if let Deed::Keep(client) = deed {
                        let socket = (user.clone(), *client);
                        let person = &self.people[user];
                        let may_be_known = person.over.contains_key(client) && !unknown.contains(&socket);
                        if !person.sockets.contains_key(client) && !may_be_known {
                            outcome.unknown.insert(socket);
                        }
                    }
                    self.user(user, |person| person.act(deed, now), &mut outcome);
                }
            }
            Act::Rooms(rooms) => {
                for (number, steps) in rooms {
                    self.room(*number, steps, now, &mut outcome, &mut moves);
                }
            }
            Act::Sweep => {
                let users: Vec<UserId> = self.people.keys().cloned().collect();
                for user in users {
                    self.user(&user, |person| person.look(now), &mut outcome);
                }
                for number in 0..self.rooms.len() {
                    self.room(number, &[], now, &mut outcome, &mut moves);
                }
            }
        }
        (outcome, moves)
    }

    fn user(&mut self, user: &UserId, act: impl FnOnce(&mut Person), outcome: &mut Outcome) {
        let person = self.people.entry(user.clone()).or_default();
        let before = person.standing();
        act(person);
        if person.standing() != before {
            let changes = outcome.changes.entry(user.clone()).or_default();
            changes.push((before, person.standing()));
        }
    }

    fn room(&mut self, number: usize, steps: &[RoomStep], now: u64, outcome: &mut Outcome, moves: &mut Vec<Move>) {
        let room = &mut self.rooms[number];
        let was_occupied = !room.members.is_empty();
        let moved = room.act(steps, now);
        moves.extend(moved.into_iter().map(|(user, came)| (number, user, came)));
        let is_occupied = !room.members.is_empty();
        if is_occupied != was_occupied {
            outcome.occupied.entry(number).or_default().push(is_occupied);
        }
    }
}
