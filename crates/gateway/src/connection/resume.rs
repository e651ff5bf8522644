//! The rooms that a client comes back for with its ticket: entered beside one another, each answered for itself.

use std::collections::BTreeMap;

use futures_util::StreamExt;
use futures_util::stream;
use hallway_protocol::{Error, ErrorCode, Resumed, RoomName};

use super::admission::Wanted;
use crate::endpoints::Caller;
use crate::endpoints::rooms_join::{self, Wish};
use crate::membership::catch_up::Allowance;
use crate::node::Node;

/// Rooms of one client that are entered at once.
const AT_ONCE: usize = 32;

/// Enters rooms, as far as the caller may and they are not too many.
pub(super) async fn rooms(
    node: &Node,
    caller: &Caller,
    wanted: Wanted,
    allowance: &Allowance,
) -> BTreeMap<String, Resumed> {
    let (wishes, mut answers) = wishes(node, wanted);
    let most = node.limits().rooms_per_socket;
    let entering = wishes.into_iter().enumerate().map(|(place, wish)| async move {
        if place < most {
            return room(node, caller, wish, allowance).await;
        }
        let why = format!("more than {most} rooms, the most a socket may be in");
        refused(&wish, &Error::new(ErrorCode::Conflict, why))
    });
    let mut entering = stream::iter(entering).buffer_unordered(AT_ONCE);
    while let Some(entered) = entering.next().await {
        answers.extend(entered);
    }
    answers
}

/// The rooms to enter, those that they include put to them; and answers for what is none.
fn wishes(node: &Node, wanted: Wanted) -> (Vec<Wish>, BTreeMap<String, Resumed>) {
    let mut wishes: BTreeMap<RoomName, Wish> = BTreeMap::new();
    let mut answers = BTreeMap::new();
    let mut included = Vec::new();
    for (text, from) in wanted {
        let resolved = RoomName::parse(&text)
            .map_err(|why| Error::bad_args("rooms", format!("rooms: {why}")))
            .and_then(|room| Ok((crate::endpoints::resolve(node, &room)?, room)));
        match resolved {
            Ok((resolved, room)) if resolved.line > 0 => included.push((resolved.home, room, from)),
            Ok((_, room)) => {
                let (key, included) = (room.clone(), BTreeMap::new());
                wishes.insert(key, Wish { room, from, included });
            }
            Err(error) => drop(answers.insert(text, Resumed::Refused { error })),
        }
    }
    for (home, room, from) in included {
        match wishes.get_mut(&home) {
            Some(wish) => drop(wish.included.insert(room, from)),
            None => {
                let why = format!("{room} is heard by whoever is in {home}, which was not asked for");
                let error = Error::bad_args("rooms", why);
                answers.insert(room.to_string(), Resumed::Refused { error });
            }
        }
    }
    (wishes.into_values().collect(), answers)
}

fn refused(wish: &Wish, error: &Error) -> Vec<(String, Resumed)> {
    let names = std::iter::once(&wish.room).chain(wish.included.keys());
    let refuse = |name: &RoomName| (name.to_string(), Resumed::Refused { error: error.clone() });
    names.map(refuse).collect()
}

async fn room(node: &Node, caller: &Caller, wish: Wish, allowance: &Allowance) -> Vec<(String, Resumed)> {
    let mut answers = Vec::new();
    let entered = rooms_join::enter(node, caller, &wish, allowance, |own, included| {
        answers.push((wish.room.to_string(), Resumed::In(own)));
        let asked = included
            .into_iter()
            .filter(|(name, _)| wish.included.contains_key(name));
        answers.extend(asked.map(|(name, entry)| (name.to_string(), Resumed::In(entry))));
        None
    });
    match entered.await {
        Ok(()) => answers,
        Err(why) => refused(&wish, &why),
    }
}

/// Counts what became of them.
pub(super) fn count(node: &Node, resumed: &BTreeMap<String, Resumed>) {
    for one in resumed.values() {
        node.metrics.delivery.resumed(match one {
            Resumed::In(entry) => Some(entry.recovered),
            Resumed::Refused { .. } => None,
        });
    }
}
