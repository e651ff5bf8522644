//! What the rooms were told, as someone would know it who does nothing but listen.

use std::collections::BTreeSet;

use hallway_bus::Heard;
use hallway_protocol::{Position, UserId};
use serde_json::Value;

use super::model::Move;

/// A room as a listener knows it.
#[derive(Debug, Default)]
pub(super) struct Listener {
    /// Who is in it, by what was told.
    pub(super) members: BTreeSet<UserId>,
    /// How many users have sockets in it, by the last that was told.
    pub(super) count: Option<u64>,
    last: Option<Position>,
}

impl Listener {
    /// Hears a notice. Gives what moved, one by one.
    pub(super) fn hear(&mut self, room: usize, heard: &Heard) -> Vec<Move> {
        let position = heard.position.unwrap();
        if let Some(last) = self.last {
            assert_eq!(
                position,
                Position {
                    seq: last.seq + 1,
                    ..last
                },
                "numbers go on by one"
            );
        }
        self.last = Some(position);
        let data: Value = serde_json::from_slice(&heard.message.data).unwrap();
        let names = |field: &str| -> Vec<UserId> {
            let names = data[field].as_array().into_iter().flatten();
            names.map(user).collect()
        };
        let (joined, left) = match &*heard.message.destination {
            "user-joined" => (vec![user(&data["userId"])], vec![]),
            "user-left" => (vec![], vec![user(&data["userId"])]),
            "members-updated" => {
                assert_eq!(data["more"], 0, "{data}");
                (names("joined"), names("left"))
            }
            other => panic!("unknown notice {other}"),
        };
        self.count = data["userCount"].as_u64();
        let mut moves = Vec::new();
        for user in joined {
            assert!(
                self.members.insert(user.clone()),
                "room {room}: {user} joined twice: {data}"
            );
            moves.push((room, user, true));
        }
        for user in left {
            assert!(self.members.remove(&user), "room {room}: {user} left twice: {data}");
            moves.push((room, user, false));
        }
        moves
    }
}

fn user(name: &Value) -> UserId {
    UserId::parse(name.as_str().unwrap()).unwrap()
}
