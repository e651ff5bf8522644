//! Taking leave: every socket hears when to come back, each at another moment, and is closed at about that
//! moment, so that the other nodes meet a stream of clients and not a wall of them.

use std::sync::Arc;
use std::time::Duration;

use hallway_hub::Socket;
use hallway_protocol::{CloseCode, Goodbye};
use rand::RngExt;
use tokio::time::Instant;

use crate::connection::reply;
use crate::node::Node;

/// Sockets are closed in batches, one each time this has passed.
const STEP: Duration = Duration::from_millis(100);

/// How often it is looked whether all are gone.
const CHECK: Duration = Duration::from_millis(20);
/// How long clients that have been sent everything may take to end their half of the stream.
const TO_LEAVE: Duration = Duration::from_secs(1);

/// Says goodbye to every socket and closes them over `time`. Ends when all are closed, not when all are gone.
pub async fn sockets(node: &Node, time: Duration) {
    let mut leaving = schedule(node, time);
    tracing::info!(sockets = leaving.len(), over = ?time, "draining");
    let start = Instant::now();
    for (after, socket) in &leaving {
        let goodbye = Goodbye {
            reason: "draining".into(),
            reconnect_after_ms: after.as_millis() as u64,
        };
        socket.send(&reply::goodbye(socket.form(), &goodbye));
    }
    let mut tick = tokio::time::interval(STEP);
    while !leaving.is_empty() {
        tick.tick().await;
        let passed = start.elapsed();
        let due = leaving.partition_point(|(after, _)| *after <= passed);
        for (_, socket) in leaving.drain(..due) {
            close(&socket);
        }
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
        left.iter().for_each(close);
        if left.iter().any(|socket| socket.queued_bytes() > 0) {
            written_since = None;
        } else if written_since.get_or_insert_with(Instant::now).elapsed() > TO_LEAVE {
            // The kernel has it all, and sends it whether or not the process is there.
            tracing::info!(sockets = left.len(), "clients that did not leave are left");
            return;
        }
    }
}

fn close(socket: &Arc<Socket>) {
    socket.close(CloseCode::Draining, CloseCode::Draining.reason());
}

/// Every socket with its moment, evenly spread in random order, by moment.
fn schedule(node: &Node, time: Duration) -> Vec<(Duration, Arc<Socket>)> {
    let mut sockets = node.hub.sockets();
    let mut random = rand::rng();
    for last in (1..sockets.len()).rev() {
        sockets.swap(last, random.random_range(0..=last));
    }
    let count = sockets.len().max(1) as u32;
    sockets
        .into_iter()
        .enumerate()
        .map(|(place, socket)| (time * place as u32 / count, socket))
        .collect()
}
