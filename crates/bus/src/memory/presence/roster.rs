//! One room: who is in it, and what it is to be told. Does what `redis/scripts/roster.lua` does.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::time::Instant;

use hallway_protocol::{ClientId, Event, UserId};
use serde::Serialize;

use crate::presence::{RoomStep, RoomTerms, Roster, Step, Terms};

/// Most users whose changes are named in one notice.
const NAMED: usize = 200;

/// What a room is to be told.
#[derive(Debug)]
pub(super) struct Notice {
    pub(super) destination: &'static str,
    pub(super) data: Vec<u8>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OneChange<'a> {
    user_id: &'a UserId,
    user_count: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Merged<'a> {
    user_count: usize,
    joined: Vec<&'a UserId>,
    left: Vec<&'a UserId>,
    more: u64,
}

/// What is told merged.
#[derive(Debug, Default)]
struct Pending {
    due: Option<Instant>,
    /// Users, and whether they came.
    named: HashMap<UserId, bool>,
    more: u64,
}

/// A room's people.
#[derive(Debug, Default)]
pub(super) struct Room {
    sockets: HashMap<ClientId, (Option<UserId>, Instant)>,
    users: BTreeMap<UserId, u64>,
    /// Users without sockets, and when they will have left.
    leaving: HashMap<UserId, Instant>,
    pending: Pending,
    /// When to look at it again; nothing once nobody is there.
    pub(super) due: Option<Instant>,
}

impl Room {
    /// Whether it has users, those that may come back included.
    pub(super) fn is_occupied(&self) -> bool {
        !self.users.is_empty() || !self.leaving.is_empty()
    }

    /// Notes steps and what time has changed; what the room is to be told, in order.
    pub(super) fn note(&mut self, terms: Terms, room: &RoomTerms, steps: &[RoomStep], now: Instant) -> Vec<Notice> {
        let mut notices = Vec::new();
        for step in steps {
            if step.step == Step::Leave {
                self.gone(step.client, now + terms.grace);
                continue;
            }
            let entry = (step.user.clone(), now + terms.life);
            if self.sockets.insert(step.client, entry).is_none()
                && let Some(user) = &step.user
            {
                let sockets = self.users.entry(user.clone()).or_default();
                *sockets += 1;
                if *sockets == 1 && self.leaving.remove(user).is_none() {
                    self.tell(room, user, true, now, &mut notices);
                }
            }
        }
        let over = self.sockets.iter().filter(|(_, (_, ends))| *ends <= now);
        for client in over.map(|(client, _)| *client).collect::<Vec<_>>() {
            self.gone(client, now + terms.grace);
        }
        let left = self.leaving.iter().filter(|(_, due)| **due <= now);
        let mut left: Vec<(Instant, UserId)> = left.map(|(user, due)| (*due, user.clone())).collect();
        left.sort();
        for (_, user) in left {
            self.leaving.remove(&user);
            self.tell(room, &user, false, now, &mut notices);
        }
        if self.pending.due.is_some_and(|due| due <= now) {
            notices.extend(self.tell_merged());
        }
        let ends = self.sockets.values().map(|(_, ends)| *ends).min();
        let leaving = self.leaving.values().copied().min();
        self.due = [ends, leaving, self.pending.due].into_iter().flatten().min();
        notices
    }

    fn gone(&mut self, client: ClientId, left: Instant) {
        let Some((Some(user), _)) = self.sockets.remove(&client) else {
            return;
        };
        if let Some(sockets) = self.users.get_mut(&user) {
            *sockets -= 1;
            if *sockets == 0 {
                self.users.remove(&user);
                self.leaving.insert(user, left);
            }
        }
    }

    fn tell(&mut self, terms: &RoomTerms, user: &UserId, came: bool, now: Instant, notices: &mut Vec<Notice>) {
        let user_count = self.users.len();
        if user_count > terms.merge_above as usize {
            let pending = &mut self.pending;
            match pending.named.get(user) {
                // Back where those who listen think it is.
                Some(was) if *was != came => drop(pending.named.remove(user)),
                Some(_) => {}
                None if pending.named.len() < NAMED => drop(pending.named.insert(user.clone(), came)),
                None => pending.more += 1,
            }
            pending.due.get_or_insert(now + terms.merge_interval);
            return;
        }
        notices.extend(self.tell_merged());
        let event = if came { Event::UserJoined } else { Event::UserLeft };
        let data = OneChange {
            user_id: user,
            user_count,
        };
        notices.push(notice(event, &data));
    }

    fn tell_merged(&mut self) -> Option<Notice> {
        let pending = std::mem::take(&mut self.pending);
        if pending.named.is_empty() && pending.more == 0 {
            return None;
        }
        let of = |way: bool| {
            let named = pending.named.iter().filter(move |(_, came)| **came == way);
            named.map(|(user, _)| user).collect()
        };
        let data = Merged {
            user_count: self.users.len(),
            joined: of(true),
            left: of(false),
            more: pending.more,
        };
        Some(notice(Event::MembersUpdated, &data))
    }

    /// A page of the room's users.
    pub(super) fn page(&self, after: Option<UserId>, limit: usize) -> Roster {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut users = self.users.range((from, Bound::Unbounded));
        let page = users.by_ref().take(limit);
        Roster {
            users: page.map(|(user, sockets)| (user.clone(), *sockets)).collect(),
            has_more: users.next().is_some(),
            user_count: self.users.len() as u64,
            socket_count: self.sockets.len() as u64,
        }
    }
}

fn notice(event: Event, data: &impl Serialize) -> Notice {
    Notice {
        destination: event.wire(),
        // Of text and numbers only, which always can be written.
        data: serde_json::to_vec(data).unwrap_or_default(),
    }
}
