//! What was said of lobbies, as those know it who only listen: in `pool`, and in each lobby's room.

use std::collections::{BTreeMap, BTreeSet};

use hallway_bus::Heard;
use hallway_protocol::lobby::{LobbyDeleted, LobbySummary, LobbyUpdate};
use hallway_protocol::{Lobby, LobbyId, Position};

/// Listens in `pool`.
#[derive(Debug, Default)]
pub(super) struct Pool {
    /// Lobbies that are there, by the latest that was said of each.
    pub(super) there: BTreeMap<LobbyId, LobbySummary>,
    pub(super) gone: BTreeSet<LobbyId>,
}

impl Pool {
    pub(super) fn hear(&mut self, heard: &Heard) {
        let data = &heard.message.data;
        match &*heard.message.destination {
            "lobby-created" => {
                let one: LobbySummary = serde_json::from_slice(data).unwrap();
                let id = one.lobby_id;
                assert!(!self.gone.contains(&id), "{id} was made after its end");
                assert!(self.there.insert(id, one).is_none(), "{id} was made twice");
            }
            "lobby-updated" => {
                let one: LobbySummary = serde_json::from_slice(data).unwrap();
                let known = self.there.get_mut(&one.lobby_id);
                let known = known.unwrap_or_else(|| panic!("{} changed, and is not there", one.lobby_id));
                if one.updated_at > known.updated_at {
                    *known = one;
                }
            }
            "lobby-deleted" => {
                let LobbyDeleted { lobby_id } = serde_json::from_slice(data).unwrap();
                assert!(
                    self.there.remove(&lobby_id).is_some(),
                    "{lobby_id} ended, and was not there"
                );
                assert!(self.gone.insert(lobby_id), "{lobby_id} ended twice");
            }
            other => panic!("unknown notice {other}"),
        }
    }
}

/// Listens in a lobby's room, from when it was made.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) lobby: Lobby,
    pub(super) has_ended: bool,
    last: Option<Position>,
}

impl Listener {
    pub(super) fn new(lobby: Lobby) -> Self {
        Self {
            lobby,
            has_ended: false,
            last: None,
        }
    }

    pub(super) fn hear(&mut self, heard: &Heard) {
        assert!(!self.has_ended, "the end is the last thing said");
        let position = heard.position.unwrap();
        let next = self.last.map_or(1, |last| last.seq + 1);
        assert_eq!(position.seq, next, "numbers go on by one");
        self.last = Some(position);
        match &*heard.message.destination {
            "lobby-updated" => self.update(serde_json::from_slice(&heard.message.data).unwrap()),
            "lobby-deleted" => self.has_ended = true,
            other => panic!("unknown notice {other}"),
        }
    }

    fn update(&mut self, update: LobbyUpdate) {
        let lobby = &mut self.lobby;
        assert_eq!(
            update.base_updated_at, lobby.updated_at,
            "a change follows the one before"
        );
        assert!(update.updated_at > update.base_updated_at);
        lobby.updated_at = update.updated_at;
        for user in update.diff.left {
            assert!(lobby.has(&user), "{user} left twice");
            lobby.members.retain(|member| member.user_id != user);
        }
        for member in update.diff.joined {
            assert!(!lobby.has(&member.user_id), "{} came twice", member.user_id);
            lobby.members.push(member);
        }
        if let Some(owner) = update.diff.owner_id {
            lobby.owner_id = owner;
        }
        assert_eq!(update.diff.member_count, lobby.members.len());
        assert!(lobby.members.len() <= lobby.capacity as usize);
    }
}
