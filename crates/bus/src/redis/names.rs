//! Every name that is used in Redis, built here only.
//!
//! A room's channel is the prefix and its name, and its keys carry the channel as their hash tag. Channels of our
//! own hold a `#`, which no room's name can. A letter behind a tag means one thing, whatever the room: a lobby's room has
//! people, and a user's room has a place in a lobby.

use hallway_protocol::{LobbyId, RoomName, UserId};

use super::slots;

/// Names of one deployment.
#[derive(Debug, Clone)]
pub(super) struct Names {
    prefix: String,
    /// Where this node hears its own probes; one of its kind.
    pub(super) probe: String,
    /// Where words to all nodes are told.
    pub(super) words: String,
    /// The key of the record of the server's lineage.
    pub(super) lineage: String,
    /// Whether channels are those of a cluster's shards.
    pub(super) is_sharded: bool,
}

/// What a channel is for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Channel {
    /// A room's broadcasts.
    Room(RoomName),
    /// This node's probes.
    Probe,
    /// Words to all nodes.
    Words,
}

impl Names {
    /// `token` must be one of its kind among all nodes.
    pub(super) fn new(prefix: &str, token: u64) -> Self {
        Self {
            prefix: prefix.to_owned(),
            probe: format!("{prefix}#probe-{token:016x}"),
            words: format!("{prefix}#words"),
            lineage: format!("{{{prefix}#lineage}}"),
            is_sharded: false,
        }
    }

    /// Names for one server of a cluster: those that belong to the server are in slots that it has. Nothing if it
    /// has none.
    pub(super) fn sharded(prefix: &str, token: u64, has: impl Fn(u16) -> bool) -> Option<Self> {
        let lineage = slots::name_within(&format!("{prefix}#lineage"), &has)?;
        Some(Self {
            probe: slots::name_within(&format!("{prefix}#probe-{token:016x}"), &has)?,
            lineage: format!("{{{lineage}}}"),
            is_sharded: true,
            ..Self::new(prefix, token)
        })
    }

    /// Where a room's broadcasts are published.
    pub(super) fn channel(&self, room: &RoomName) -> String {
        format!("{}{room}", self.prefix)
    }

    /// What a channel is for; nothing if it is none of ours.
    pub(super) fn read_channel(&self, channel: &str) -> Option<Channel> {
        if channel == self.probe {
            return Some(Channel::Probe);
        }
        if channel == self.words {
            return Some(Channel::Words);
        }
        RoomName::parse(channel.strip_prefix(&self.prefix)?)
            .ok()
            .map(Channel::Room)
    }

    /// A room's numbering and history.
    pub(super) fn stream(&self, room: &RoomName) -> String {
        format!("{{{}{room}}}:h", self.prefix)
    }

    /// The first answer to an idempotency key.
    pub(super) fn answer(&self, room: &RoomName, key: &str) -> String {
        format!("{{{}{room}}}:i:{key}", self.prefix)
    }

    /// A key in the slot of a channel, for a call that has no other.
    pub(super) fn beside(&self, channel: &str) -> String {
        format!("{{{channel}}}:h")
    }

    /// The records of nodes.
    pub(super) fn nodes(&self) -> String {
        format!("{{{}#nodes}}", self.prefix)
    }

    /// The channel whose slot a user's own keys are in.
    pub(super) fn user_channel(&self, user: &UserId) -> String {
        self.channel(&RoomName::of_user(user))
    }

    /// A user's sockets.
    pub(super) fn seats(&self, user: &UserId) -> String {
        format!("{{{}}}:s", self.user_channel(user))
    }

    /// A lobby.
    pub(super) fn lobby(&self, id: LobbyId) -> String {
        format!("{{{}}}:b", self.channel(&id.room()))
    }

    /// The lobby that a user is in.
    pub(super) fn claim(&self, user: &UserId) -> String {
        format!("{{{}}}:b", self.user_channel(user))
    }

    /// Where the news of all lobbies is published, and whose slot their list is in.
    pub(super) fn pool(&self) -> String {
        format!("{}pool", self.prefix)
    }

    /// All lobbies, by when they were made; and by when a member's time may be up.
    pub(super) fn lobbies(&self) -> [String; 2] {
        let pool = self.pool();
        [format!("{{{pool}}}:b"), format!("{{{pool}}}:d")]
    }

    /// Who does a piece of work.
    pub(super) fn lease(&self, work: &str) -> String {
        format!("{{{}#lease-{work}}}", self.prefix)
    }

    /// A user's sockets, what is known of each, and their record: see `scripts/people.lua`.
    pub(super) fn person(&self, user: &UserId) -> [String; 3] {
        let channel = self.user_channel(user);
        ["p", "a", "u"].map(|what| format!("{{{channel}}}:{what}"))
    }

    /// A room's roster: see `scripts/roster.lua`.
    pub(super) fn roster(&self, room: &RoomName) -> [String; 5] {
        ["o", "c", "n", "l", "t"].map(|what| format!("{{{}{room}}}:{what}", self.prefix))
    }

    /// A part of the agenda: see `scripts/agenda.lua`.
    pub(super) fn agenda(&self, part: usize) -> String {
        format!("{{{}#agenda-{part}}}", self.prefix)
    }

    /// The channel whose slot a partition of the journal is in.
    pub(super) fn journal_channel(&self, partition: u16) -> String {
        format!("{}#journal-{partition}", self.prefix)
    }

    /// What waits in a partition of the journal.
    pub(super) fn journal(&self, partition: u16) -> String {
        format!("{{{}}}:e", self.journal_channel(partition))
    }

    /// Who takes from it.
    pub(super) fn journal_lease(&self, partition: u16) -> String {
        format!("{{{}}}:l", self.journal_channel(partition))
    }

    /// Whose credentials are over.
    pub(super) fn revoked(&self) -> String {
        format!("{{{}#revoked}}", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything that the rooms of one lobby, one user, or the pool have keys for.
    #[test]
    fn no_two_keys_of_a_room_are_the_same() {
        let names = Names::new("dev:", 7);
        let user = UserId::parse("alice").unwrap();
        let lobby = LobbyId::from_bits(7);
        let of_any = |room: &RoomName| {
            [
                names.roster(room).to_vec(),
                vec![names.stream(room), names.answer(room, "k")],
            ]
            .concat()
        };
        let mut keys = vec![names.lobby(lobby), names.claim(&user), names.seats(&user)];
        keys.extend(names.person(&user));
        keys.extend(names.lobbies());
        for room in [lobby.room(), RoomName::of_user(&user), RoomName::parse("pool").unwrap()] {
            keys.extend(of_any(&room));
        }
        let mut seen = std::collections::HashSet::new();
        for key in &keys {
            assert!(seen.insert(key), "{key} stands for two things");
        }
    }

    #[test]
    fn channels_read_back() {
        let names = Names::new("dev:", 7);
        let room = RoomName::parse("board-42").unwrap();
        assert_eq!(names.channel(&room), "dev:board-42");
        assert_eq!(names.stream(&room), "{dev:board-42}:h");
        assert_eq!(names.read_channel("dev:board-42"), Some(Channel::Room(room)));
        assert_eq!(names.read_channel("dev:#words"), Some(Channel::Words));
        assert_eq!(names.read_channel("dev:#probe-0000000000000007"), Some(Channel::Probe));
        assert_eq!(names.read_channel("dev:#probe-0000000000000008"), None);
        assert_eq!(names.read_channel("board-42"), None);
    }
}
