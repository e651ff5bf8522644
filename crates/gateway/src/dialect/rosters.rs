//! Who is in a room, told anew after each change, for dialects whose clients hear the whole list and not who came and went.
//! A node asks once for all of them; changes meanwhile make one more question, however many they are.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use hallway_hub::{Form, Written};
use hallway_protocol::endpoint::RoomsInfo;
use hallway_protocol::{Event, RoomName, limits};
use parking_lot::Mutex;
use prometheus::IntCounter;
use serde_json::json;
use tokio::sync::Notify;

use crate::endpoints::rooms_info;
use crate::node::Node;

/// What such dialects hear it as. No client can say what begins so.
pub(super) const ROSTER: &str = "room.roster";
/// Most rooms that wait to be told; more are not, until their next change.
const MOST: usize = 4096;
/// How long it may take to learn who is in a room.
const PATIENCE: Duration = Duration::from_secs(5);
/// Sockets after which other work has the thread.
const BREATH: usize = 256;

/// Rooms whose people have changed.
#[derive(Debug)]
pub(crate) struct Rosters {
    due: Mutex<BTreeSet<RoomName>>,
    wake: Notify,
    dropped: IntCounter,
}

impl Rosters {
    pub(crate) fn new(dropped: IntCounter) -> Self {
        Self {
            due: Mutex::default(),
            wake: Notify::new(),
            dropped,
        }
    }

    /// A broadcast was told to a room: if it says that its people have changed, so will be who they are.
    pub(crate) fn heard(&self, room: &RoomName, destination: &str) {
        let changes = [Event::UserJoined, Event::UserLeft, Event::MembersUpdated];
        if !changes.iter().any(|event| event.wire() == destination) {
            return;
        }
        let mut due = self.due.lock();
        if due.len() >= MOST && !due.contains(room) {
            self.dropped.inc();
            return;
        }
        due.insert(room.clone());
        self.wake.notify_one();
    }
}

/// Tells rooms who is in them. Runs until it is dropped.
pub(crate) async fn run(node: Arc<Node>) {
    loop {
        let room = node.rosters.due.lock().pop_first();
        match room {
            Some(room) => tell(&node, room).await,
            None => node.rosters.wake.notified().await,
        }
    }
}

async fn tell(node: &Node, room: RoomName) {
    let Some(line) = node.hub.line(&room) else { return };
    let members = line.room.members();
    let wants = |form: Form<'_>| matches!(form, Form::Foreign(form) if node.dialects.hears_rosters(form.number()));
    if !members
        .iter()
        .any(|chunk| chunk.iter().any(|socket| wants(socket.form())))
    {
        return;
    }
    let question = RoomsInfo {
        room: room.clone(),
        after: None,
        limit: Some(limits::ROSTER_PAGE),
    };
    let info = match tokio::time::timeout(PATIENCE, rooms_info::gather(node, question)).await {
        Ok(Ok(info)) => info,
        Ok(Err(_)) | Err(_) => {
            tracing::debug!(%room, "it could not be learned who is in a room");
            node.rosters.dropped.inc();
            return;
        }
    };
    let json = json!({"broadcast": {"room": room, "destination": ROSTER, "data": info}}).to_string();
    let mut written = Written::default();
    let mut breath = 0;
    // Those who are there now: who entered since is told by its own entering.
    for chunk in line.room.members() {
        for socket in chunk.iter().filter(|socket| wants(socket.form())) {
            socket.send(written.of(socket.form(), json.as_bytes()));
        }
        breath += chunk.len();
        if breath >= BREATH {
            breath = 0;
            tokio::task::yield_now().await;
        }
    }
}
