//! Notices of who writes, to this node's sockets in a room. Whoever is behind does without: nothing of it ever waits long.

use std::sync::Arc;

use bytes::Bytes;
use hallway_hub::{Hub, Socket, Written};
use hallway_protocol::Broadcast;
use serde_json::json;

use super::Notice;
use crate::metrics::typing::Typing as Metrics;

/// Bytes that may wait for a socket; with more it is behind.
const BEHIND: usize = 16 * 1024;
/// Sockets after which other work has the thread.
const BREATH: usize = 256;

/// Tells everyone but the socket that it is about. Not cancel safe: some would be told and others not.
pub(super) async fn to_room(hub: &Hub, metrics: &Metrics, notice: &Notice, ts: Option<u64>) {
    let Some(line) = hub.line(&notice.room) else { return };
    let data = json!({ "userId": notice.user }).to_string();
    let broadcast = Broadcast {
        room: &notice.room,
        destination: notice.event.wire(),
        data: data.as_bytes(),
        position: None,
        ts,
    };
    let json = broadcast.to_json();
    let mut written = Written::default();
    let mut breath = 0;
    for chunk in line.room.members() {
        for socket in chunk.iter().filter(|socket| socket.id() != notice.client) {
            tell(socket, written.of(socket.form(), &json), metrics);
        }
        breath += chunk.len();
        if breath >= BREATH {
            breath = 0;
            tokio::task::yield_now().await;
        }
    }
}

fn tell(socket: &Arc<Socket>, frame: &Bytes, metrics: &Metrics) {
    if socket.queued_bytes() > BEHIND {
        metrics.dropped.with_label_values(&["behind"]).inc();
        return;
    }
    socket.send(frame);
    metrics.notices.inc();
}
