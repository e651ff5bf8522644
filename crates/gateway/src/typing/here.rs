//! Which of this node's own sockets write.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::{Duration, Instant};

use hallway_protocol::{ClientId, RoomName, UserId};

use super::due::{Dues, Key};

/// Most users who write on one node, each room counted; others are not told of.
const MOST: usize = 65_536;

/// [`MOST`] is reached.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooMany;

/// A user who writes in a room.
#[derive(Debug)]
struct Writing {
    /// Their sockets here, and when each ends.
    sockets: Vec<(ClientId, Instant)>,
    /// The one that began, which the others were told.
    first: ClientId,
    /// When the others were last told.
    told: Instant,
    /// When to look.
    due: Instant,
}

/// Who writes here.
#[derive(Debug)]
pub(super) struct Here {
    life: Duration,
    users: HashMap<Key, Writing>,
    dues: Dues,
}

impl Here {
    pub(super) fn new(life: Duration) -> Self {
        Self {
            life,
            users: HashMap::new(),
            dues: Dues::default(),
        }
    }

    /// Takes note; gives the socket to be told of if the others are to be told.
    pub(super) fn start(
        &mut self,
        room: &RoomName,
        user: &UserId,
        client: ClientId,
        now: Instant,
    ) -> Result<Option<ClientId>, TooMany> {
        let (end, is_full) = (now + self.life, self.users.len() >= MOST);
        let key = (room.clone(), user.clone());
        match self.users.entry(key.clone()) {
            Entry::Vacant(_) if is_full => Err(TooMany),
            Entry::Vacant(entry) => {
                entry.insert(Writing {
                    sockets: vec![(client, end)],
                    first: client,
                    told: now,
                    due: end,
                });
                self.dues.push(end, key);
                Ok(Some(client))
            }
            Entry::Occupied(mut entry) => {
                let writing = entry.get_mut();
                writing.sockets.retain(|(one, _)| *one != client);
                writing.sockets.push((client, end));
                let again = now.duration_since(writing.told) >= self.life / 4;
                if again {
                    writing.told = now;
                }
                Ok(again.then_some(writing.first))
            }
        }
    }

    /// Takes note; gives the socket to be told of if the user writes on none here any more.
    pub(super) fn stop(&mut self, room: &RoomName, user: &UserId, client: ClientId) -> Option<ClientId> {
        // Most sockets that leave a room were not writing.
        if self.users.is_empty() {
            return None;
        }
        let Entry::Occupied(mut entry) = self.users.entry((room.clone(), user.clone())) else {
            return None;
        };
        let sockets = &mut entry.get_mut().sockets;
        let before = sockets.len();
        sockets.retain(|(one, _)| *one != client);
        if sockets.len() == before || !sockets.is_empty() {
            return None;
        }
        Some(entry.remove().first)
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        self.dues.next()
    }

    /// Those who have written for too long without saying so again.
    pub(super) fn end_due(&mut self, now: Instant) -> Vec<(RoomName, UserId, ClientId)> {
        let mut over = Vec::new();
        while let Some((at, key)) = self.dues.pop(now) {
            let Entry::Occupied(mut entry) = self.users.entry(key) else {
                continue;
            };
            let writing = entry.get_mut();
            if writing.due != at {
                continue;
            }
            writing.sockets.retain(|(_, end)| *end > now);
            match writing.sockets.iter().map(|(_, end)| *end).max() {
                Some(due) => {
                    writing.due = due;
                    self.dues.push(due, entry.key().clone());
                }
                None => {
                    let ((room, user), writing) = entry.remove_entry();
                    over.push((room, user, writing.first));
                }
            }
        }
        over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE: Duration = Duration::from_secs(10);

    #[test]
    fn the_first_socket_begins_and_the_last_ends() {
        let (room, user) = (RoomName::parse("board-1").unwrap(), UserId::parse("alice").unwrap());
        let [one, two] = [1, 2].map(ClientId::from_bits);
        let (mut here, start) = (Here::new(LIFE), Instant::now());
        assert_eq!(here.start(&room, &user, one, start), Ok(Some(one)));
        assert_eq!(here.start(&room, &user, one, start + LIFE / 8), Ok(None));
        assert_eq!(here.start(&room, &user, two, start + LIFE / 4), Ok(Some(one)), "again");
        assert_eq!(here.stop(&room, &user, one), None);
        assert_eq!(here.stop(&room, &user, one), None);
        assert_eq!(here.end_due(start + LIFE), [], "the other goes on");
        assert_eq!(here.next_due(), Some(start + LIFE + LIFE / 4));
        assert_eq!(here.stop(&room, &user, two), Some(one));
        assert_eq!(here.start(&room, &user, two, start + LIFE), Ok(Some(two)));
        assert_eq!(here.end_due(start + LIFE + LIFE / 4), [], "that was the one before");
        assert_eq!(here.end_due(start + 2 * LIFE), [(room, user, two)]);
        assert_eq!(here.next_due(), None);
    }
}
