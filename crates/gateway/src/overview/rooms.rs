//! Rooms by sockets or by traffic, over all nodes.
//!
//! Every node with a socket in a room hears all its broadcasts, so a room's traffic is what any of them heard, and the
//! busiest rooms of all are among the busiest of each. Sockets add up: after each node has named its greatest, all are
//! asked for their share of those. A room that is spread so thinly that no node names it is not found.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use hallway_hub::Hub;
use hallway_protocol::{Error, RoomName};
use serde::{Deserialize, Serialize};

use crate::cluster::Request;
use crate::node::Node;

/// Most rooms in one answer.
pub const MOST: usize = 100;
/// Of all that the nodes name, so many times the wanted ones are looked at on every node.
const CANDIDATES: usize = 4;
/// Longest look at traffic.
pub const LONGEST_WINDOW: Duration = Duration::from_secs(5);

/// What comes first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sort {
    /// Rooms with the most sockets.
    #[default]
    Sockets,
    /// Rooms with the most broadcasts.
    Traffic,
}

/// Which rooms a node is to name.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Question {
    /// At most so many.
    pub limit: usize,
    /// The greatest by what.
    pub sort: Sort,
    /// Of this kind only; left out: of all but those that the node itself joins.
    pub kind: Option<String>,
    /// For how many milliseconds broadcasts are counted; 0: not at all.
    pub window_ms: u64,
}

impl Question {
    /// For how long broadcasts are counted.
    #[must_use]
    pub fn window(&self) -> Duration {
        Duration::from_millis(self.window_ms).min(LONGEST_WINDOW)
    }
}

/// A room as one node knows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Local {
    room: RoomName,
    sockets: u64,
    broadcasts: u64,
}

/// A room over all nodes.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The room.
    pub room: RoomName,
    /// Its sockets.
    pub sockets: u64,
    /// Nodes that have some of them.
    pub nodes: u64,
    /// Broadcasts while they were counted.
    pub broadcasts: u64,
}

/// The rooms, and what is missing.
#[derive(Debug)]
pub struct Answer {
    /// The greatest first.
    pub rooms: Vec<Found>,
    /// Live nodes that did not answer: their sockets are not counted.
    pub silent: Vec<String>,
}

/// Asks every node.
///
/// # Errors
/// `unavailable`: the bus is away.
pub async fn gather(node: &Node, question: Question) -> Result<Answer, Error> {
    let (limit, sort) = (question.limit, question.sort);
    let named = node.cluster.gather::<Vec<Local>>(&Request::Rooms(question)).await?;
    let named = named.answers.into_iter().flat_map(|(_, rooms)| rooms);
    let candidates = greatest(merge(named), sort, limit.saturating_mul(CANDIDATES));
    let broadcasts: HashMap<RoomName, u64> = candidates
        .iter()
        .map(|found| (found.room.clone(), found.broadcasts))
        .collect();
    let names = candidates.into_iter().map(|found| found.room).collect();
    let counted = node.cluster.gather::<Vec<Local>>(&Request::RoomSizes(names)).await?;
    let mut rooms = merge(counted.answers.into_iter().flat_map(|(_, rooms)| rooms));
    for found in &mut rooms {
        found.broadcasts = broadcasts.get(&found.room).copied().unwrap_or(0);
    }
    Ok(Answer {
        rooms: greatest(rooms, sort, limit),
        silent: counted.silent,
    })
}

fn merge(rooms: impl Iterator<Item = Local>) -> Vec<Found> {
    let mut merged: BTreeMap<RoomName, Found> = BTreeMap::new();
    for local in rooms {
        let found = merged.entry(local.room.clone()).or_insert(Found {
            room: local.room,
            sockets: 0,
            nodes: 0,
            broadcasts: 0,
        });
        found.sockets += local.sockets;
        found.nodes += 1;
        found.broadcasts = found.broadcasts.max(local.broadcasts);
    }
    merged.into_values().collect()
}

/// By `sort`, then by the other, then by name.
fn greatest(mut rooms: Vec<Found>, sort: Sort, most: usize) -> Vec<Found> {
    rooms.sort_by(|one, other| {
        let rank = |found: &Found| rank(sort, found.sockets, found.broadcasts);
        rank(other).cmp(&rank(one)).then_with(|| one.room.cmp(&other.room))
    });
    rooms.truncate(most);
    rooms
}

fn rank(sort: Sort, sockets: u64, broadcasts: u64) -> (u64, u64) {
    match sort {
        Sort::Sockets => (sockets, broadcasts),
        Sort::Traffic => (broadcasts, sockets),
    }
}

/// This node's greatest rooms. Takes as long as broadcasts are counted.
pub async fn share(node: &Arc<Node>, question: Question) -> Vec<Local> {
    let counted_before = match question.window() {
        Duration::ZERO => None,
        window => {
            let before = apart(node, question.clone(), |rooms, wanted| counts(rooms, &wanted)).await;
            tokio::time::sleep(window).await;
            Some(before)
        }
    };
    apart(node, question, move |rooms, wanted| {
        top(rooms, &wanted, counted_before.as_ref())
    })
    .await
}

/// A look at all rooms may take long enough to be noticed by those whom this worker serves.
async fn apart<T: Default + Send + 'static>(
    node: &Arc<Node>,
    question: Question,
    look: impl FnOnce(&Hub, Wanted<'_>) -> T + Send + 'static,
) -> T {
    let node = Arc::clone(node);
    let looked = tokio::task::spawn_blocking(move || {
        let wanted = Wanted {
            node: &node,
            question: &question,
        };
        look(&node.hub, wanted)
    });
    looked.await.unwrap_or_default()
}

struct Wanted<'a> {
    node: &'a Node,
    question: &'a Question,
}

impl Wanted<'_> {
    fn covers(&self, room: &RoomName) -> bool {
        let Ok(resolved) = self.node.kinds.resolve(room) else {
            return false;
        };
        match &self.question.kind {
            Some(kind) => resolved.kind.name == *kind,
            None => !resolved.kind.by_node,
        }
    }
}

/// What each room has heard so far; those that have heard nothing are left out.
fn counts(hub: &Hub, wanted: &Wanted<'_>) -> HashMap<RoomName, u32> {
    let mut counts = HashMap::new();
    hub.for_each_room(|room| {
        let broadcasts = room.broadcasts();
        if broadcasts > 0 && wanted.covers(room.name()) {
            counts.insert(room.name().clone(), broadcasts);
        }
    });
    counts
}

fn top(hub: &Hub, wanted: &Wanted<'_>, before: Option<&HashMap<RoomName, u32>>) -> Vec<Local> {
    let most = wanted.question.limit.min(MOST);
    // The least of the greatest on top, to give way.
    let mut heap = BinaryHeap::with_capacity(most + 1);
    hub.for_each_room(|room| {
        let sockets = room.len() as u64;
        let broadcasts = before.map_or(0, |before| {
            let before = before.get(room.name()).copied().unwrap_or(0);
            u64::from(room.broadcasts().wrapping_sub(before))
        });
        let rank = rank(wanted.question.sort, sockets, broadcasts);
        let is_great = heap.len() < most || heap.peek().is_some_and(|Reverse((least, _))| *least < rank);
        if is_great && sockets > 0 && wanted.covers(room.name()) {
            heap.push(Reverse((rank, room.name().clone())));
            if heap.len() > most {
                heap.pop();
            }
        }
    });
    let local = |Reverse((rank, room)): Reverse<((u64, u64), RoomName)>| {
        let (sockets, broadcasts) = match wanted.question.sort {
            Sort::Sockets => rank,
            Sort::Traffic => (rank.1, rank.0),
        };
        Local {
            room,
            sockets,
            broadcasts,
        }
    };
    heap.into_iter().map(local).collect()
}

/// This node's share of these rooms; those that it does not have are left out.
pub fn sizes(node: &Node, rooms: &[RoomName]) -> Vec<Local> {
    let size = |room: &RoomName| {
        let sockets = node.hub.line(room)?.room.len() as u64;
        (sockets > 0).then(|| Local {
            room: room.clone(),
            sockets,
            broadcasts: 0,
        })
    };
    rooms.iter().filter_map(size).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_add_up_and_traffic_is_heard_by_each() {
        let local = |room: &str, sockets, broadcasts| Local {
            room: RoomName::parse(room).unwrap(),
            sockets,
            broadcasts,
        };
        let rooms = merge(
            [
                local("board-1", 3, 10),
                local("board-2", 5, 2),
                local("board-1", 4, 11),
                local("board-3", 5, 2),
            ]
            .into_iter(),
        );
        let names = |sort| -> Vec<_> {
            let found = greatest(rooms.clone(), sort, 2).into_iter();
            found
                .map(|found| (found.room.to_string(), found.sockets, found.nodes, found.broadcasts))
                .collect()
        };
        assert_eq!(
            names(Sort::Sockets),
            [("board-1".to_owned(), 7, 2, 11), ("board-2".to_owned(), 5, 1, 2)]
        );
        assert_eq!(names(Sort::Traffic)[0].0, "board-1");
    }
}
