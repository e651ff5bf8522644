//! Who writes in the rooms that this node hears, on whichever node.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::{Duration, Instant};

use hallway_protocol::{ClientId, Event, RoomName};

use super::due::{Dues, Key};
use super::{Notice, Words};

/// Most users whose writing is remembered, each room counted; others are not told of.
const MOST: usize = 262_144;

#[derive(Debug)]
struct Writing {
    /// The nodes, and until when each one's word counts.
    nodes: Vec<(u64, Instant)>,
    /// The socket that began: it hears neither that nor the end.
    first: ClientId,
    /// When to look.
    due: Instant,
}

/// Who writes anywhere.
#[derive(Debug)]
pub(super) struct Everywhere {
    life: Duration,
    users: HashMap<Key, Writing>,
    dues: Dues,
}

impl Everywhere {
    /// A node's word counts for so long.
    pub(super) fn new(life: Duration) -> Self {
        Self {
            life,
            users: HashMap::new(),
            dues: Dues::default(),
        }
    }

    /// Takes note of what a node told; gives what is news of it.
    pub(super) fn hear(&mut self, room: &RoomName, words: Words, now: Instant) -> Option<Notice> {
        let (end, is_full) = (now + self.life, self.users.len() >= MOST);
        let key = (room.clone(), words.user.clone());
        match (self.users.entry(key.clone()), words.on) {
            (Entry::Vacant(_), false) => None,
            (Entry::Vacant(_), true) if is_full => None,
            (Entry::Vacant(entry), true) => {
                entry.insert(Writing {
                    nodes: vec![(words.node, end)],
                    first: words.client,
                    due: end,
                });
                self.dues.push(end, key.clone());
                Some(notice(key, words.client, Event::TypingStarted))
            }
            (Entry::Occupied(mut entry), on) => {
                let nodes = &mut entry.get_mut().nodes;
                nodes.retain(|(one, _)| *one != words.node);
                if on {
                    nodes.push((words.node, end));
                }
                let is_over = nodes.is_empty();
                is_over.then(|| notice(key, entry.remove().first, Event::TypingStopped))
            }
        }
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        self.dues.next()
    }

    /// What is over because the nodes that said it are silent.
    pub(super) fn end_due(&mut self, now: Instant) -> Vec<Notice> {
        let mut over = Vec::new();
        while let Some((at, key)) = self.dues.pop(now) {
            let Entry::Occupied(mut entry) = self.users.entry(key) else {
                continue;
            };
            let writing = entry.get_mut();
            if writing.due != at {
                continue;
            }
            writing.nodes.retain(|(_, end)| *end > now);
            match writing.nodes.iter().map(|(_, end)| *end).max() {
                Some(due) => {
                    writing.due = due;
                    self.dues.push(due, entry.key().clone());
                }
                None => {
                    let (key, writing) = entry.remove_entry();
                    over.push(notice(key, writing.first, Event::TypingStopped));
                }
            }
        }
        over
    }
}

fn notice((room, user): Key, client: ClientId, event: Event) -> Notice {
    Notice {
        room,
        user,
        client,
        event,
    }
}

#[cfg(test)]
mod tests {
    use hallway_protocol::UserId;

    use super::*;

    const LIFE: Duration = Duration::from_secs(15);

    #[test]
    fn it_begins_on_the_first_node_and_ends_on_the_last() {
        let room = RoomName::parse("board-1").unwrap();
        let words = |node, on| Words {
            user: UserId::parse("alice").unwrap(),
            node,
            client: ClientId::from_bits(node.into()),
            on,
        };
        let event = |notice: Option<Notice>| notice.map(|notice| (notice.event, notice.client));
        let (mut all, start) = (Everywhere::new(LIFE), Instant::now());
        let one = ClientId::from_bits(1);
        assert_eq!(
            event(all.hear(&room, words(1, true), start)),
            Some((Event::TypingStarted, one))
        );
        assert_eq!(all.hear(&room, words(1, true), start), None);
        assert_eq!(all.hear(&room, words(2, true), start + LIFE / 3), None);
        assert_eq!(all.hear(&room, words(1, false), start), None);
        assert_eq!(all.hear(&room, words(1, false), start), None);
        // The other node is not heard of any more.
        assert_eq!(all.end_due(start + LIFE), []);
        let over = all.end_due(start + LIFE + LIFE / 3).pop();
        assert_eq!(event(over), Some((Event::TypingStopped, one)));
        assert_eq!(all.hear(&room, words(2, false), start), None);
        assert_eq!(all.next_due(), None);
    }
}
