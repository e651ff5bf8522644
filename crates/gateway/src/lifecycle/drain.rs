//! Sending clients away: each hears when to come back, each at another moment, and is closed at about that
//! moment, so that the other nodes meet a stream of clients and not a wall of them.

use std::sync::Arc;
use std::time::Duration;

use hallway_hub::Socket;
use hallway_protocol::{ClientId, CloseCode, Goodbye};
use rand::RngExt;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::departures::{Cause, Departure};
use super::pace;
use super::standing::Standing;
use crate::connection::reply;
use crate::node::Node;

/// Sockets are closed in batches, one each time this has passed.
const STEP: Duration = Duration::from_millis(100);
/// Goodbyes said before others get their turn.
const AT_ONCE: usize = 256;
/// How often a drained node looks for sockets that were being admitted when it was told to drain.
const SWEEP: Duration = Duration::from_secs(1);
/// How often it is looked whether all are gone.
const CHECK: Duration = Duration::from_millis(20);
/// How long clients that have been sent everything may take to end their half of the stream.
pub const TO_LEAVE: Duration = Duration::from_secs(1);

/// What clients are told that go because others have room.
const REBALANCING: &str = "rebalancing";

/// An operator's order to drain.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// Over how many milliseconds; left out: `shutdown.drain`.
    pub over_ms: Option<u64>,
    /// What clients are told; left out: `draining`.
    pub reason: Option<String>,
}

/// Drains the node, and leaves it up: not ready, no new connections, and its clients sent away. It takes longer than
/// asked where the others could not take them in that time. While it drains, nothing changes.
pub async fn start(node: &Arc<Node>, order: &Order) -> Standing {
    node.readiness.start_draining();
    let count = node.hub.socket_count();
    let asked = order.over_ms.map_or(node.departures.usual, Duration::from_millis);
    let time = asked.max(pace::least(count, &pace::takers(node).await));
    // It may have been taken back meanwhile.
    if node.readiness.is_draining()
        && let Some(departure) = node.departures.begin(Cause::Drain, count, time)
    {
        let reason = order.reason.clone();
        let (node, reason) = (Arc::clone(node), reason.unwrap_or_else(usual_reason));
        tokio::spawn(async move {
            tokio::select! {
                () = departure.over() => {}
                () = empty(&node, &departure, time, &reason) => {}
            }
        });
    }
    Standing::of(node)
}

/// Takes clients again, unless the process ends. Who was told to go and has not gone may still do so.
pub fn take_back(node: &Node) -> Standing {
    if node.readiness.stay() {
        node.departures.take_back();
    }
    Standing::of(node)
}

/// Sends some of the clients away, at random, over `time`. Returns how many; none where others are on their way.
pub fn shed(node: &Arc<Node>, count: usize, time: Duration) -> usize {
    if count == 0 || node.readiness.is_draining() {
        return 0;
    }
    let leaving = schedule(node, count, time);
    let count = leaving.len();
    let Some(departure) = node.departures.begin(Cause::Rebalance, count, time) else {
        return 0;
    };
    tracing::info!(sockets = count, over = ?time, "shedding what is above the mean");
    let node = Arc::clone(node);
    tokio::spawn(async move {
        tokio::select! {
            () = departure.over() => {}
            () = send_away(&node, &departure, leaving, REBALANCING) => departure.done(),
        }
    });
    count
}

/// Drains the node for good, over `time`, or longer where the others need it and `most` leaves it. Ends when all are
/// closed, not when all are gone.
pub async fn for_good(node: &Node, time: Duration, most: Duration) {
    let count = node.hub.socket_count();
    let needed = pace::least(count, &pace::takers(node).await);
    let time = needed.min(most).max(time);
    // The end is begun once, and nothing is stronger.
    if let Some(departure) = node.departures.begin(Cause::Stop, count, time) {
        let leaving = schedule(node, usize::MAX, time);
        send_away(node, &departure, leaving, &usual_reason()).await;
    }
}

/// Waits until everyone is gone, or has been sent all there is and had time to leave. Who was admitted while the
/// others were sent away is closed too.
pub async fn finish(node: &Node) {
    let mut check = tokio::time::interval(CHECK);
    let mut written_since = None;
    loop {
        check.tick().await;
        let left = node.hub.sockets();
        if left.is_empty() {
            return;
        }
        left.iter().for_each(|socket| close(socket, &usual_reason()));
        if left.iter().any(|socket| socket.queued_bytes() > 0) {
            written_since = None;
        } else if written_since.get_or_insert_with(Instant::now).elapsed() > TO_LEAVE {
            // The kernel has it all, and sends it whether or not the process is there.
            tracing::info!(sockets = left.len(), "clients that did not leave are left");
            return;
        }
    }
}

/// Sends everyone away, and then who was being admitted meanwhile, until the end of the departure.
async fn empty(node: &Node, departure: &Departure, time: Duration, reason: &str) {
    let leaving = schedule(node, usize::MAX, time);
    send_away(node, departure, leaving, reason).await;
    let mut sweep = tokio::time::interval(SWEEP);
    loop {
        sweep.tick().await;
        node.hub.sockets().iter().for_each(|socket| close(socket, reason));
    }
}

/// Says goodbye to each, and closes each at its moment.
async fn send_away(node: &Node, departure: &Departure, leaving: Vec<(Duration, ClientId)>, reason: &str) {
    tracing::info!(sockets = leaving.len(), reason, "clients are sent away");
    let start = Instant::now();
    for chunk in leaving.chunks(AT_ONCE) {
        for (after, client) in chunk {
            let goodbye = Goodbye {
                reason: reason.into(),
                reconnect_after_ms: after.saturating_sub(start.elapsed()).as_millis() as u64,
            };
            if let Some(socket) = node.hub.socket(*client) {
                socket.send(&reply::goodbye(socket.form(), &goodbye));
            }
        }
        tokio::task::yield_now().await;
    }
    let mut tick = tokio::time::interval(STEP);
    let mut rest = &leaving[..];
    while !rest.is_empty() {
        tick.tick().await;
        let passed = start.elapsed();
        let (due, later) = rest.split_at(rest.partition_point(|(after, _)| *after <= passed));
        for socket in due.iter().filter_map(|(_, client)| node.hub.socket(*client)) {
            close(&socket, reason);
        }
        departure.gone(due.len());
        rest = later;
    }
}

fn usual_reason() -> String {
    CloseCode::Draining.reason().to_owned()
}

fn close(socket: &Arc<Socket>, reason: &str) {
    socket.close(CloseCode::Draining, reason);
}

/// So many sockets that are open, chosen at random, each with its moment: evenly spread, by moment.
fn schedule(node: &Node, most: usize, time: Duration) -> Vec<(Duration, ClientId)> {
    let mut clients = Vec::with_capacity(node.hub.socket_count());
    node.hub.for_each_socket(|socket| {
        if socket.close_code().is_none() {
            clients.push(socket.id());
        }
    });
    let mut random = rand::rng();
    for last in (1..clients.len()).rev() {
        clients.swap(last, random.random_range(0..=last));
    }
    clients.truncate(most);
    let count = clients.len().max(1) as u32;
    clients
        .into_iter()
        .enumerate()
        .map(|(place, client)| (time * place as u32 / count, client))
        .collect()
}
