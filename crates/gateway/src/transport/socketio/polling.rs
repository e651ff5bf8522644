//! Sessions over HTTP long-polling, found by their id. One GET at a time waits for what is sent; POSTs bring packets;
//! a WebSocket may take their place.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use dashmap::DashMap;
use hallway_hub::Carrier;
use hallway_socketio::Payload;
use tokio::sync::mpsc;

use super::payload;
use super::source::{Posted, Source};

/// Payloads that wait for a session that is not reading.
const POSTS: usize = 4;
/// How long a payload may wait for that.
const POST_PATIENCE: Duration = Duration::from_secs(10);

/// The sessions of this node that began over HTTP, and those that still do. As many as there are connections at most.
#[derive(Debug, Default)]
pub(crate) struct Polls(DashMap<String, Arc<Poll>>);

/// One of them, as requests see it.
#[derive(Debug)]
pub(super) struct Poll {
    carrier: Arc<Carrier>,
    posts: mpsc::Sender<Posted>,
    /// Most bytes of a payload.
    message_max: Arc<AtomicUsize>,
    /// Whether a GET waits.
    waiting: AtomicBool,
    /// Whether a POST is under way.
    posting: AtomicBool,
    /// Whether a WebSocket is about to take over: who waits is sent home.
    upgrading: AtomicBool,
    /// Whether one has: HTTP is over.
    upgraded: AtomicBool,
    /// Whether the client was handed the end.
    ended: AtomicBool,
}

/// Forgets a session when dropped.
pub(super) struct Listed {
    node: Arc<crate::node::Node>,
    sid: String,
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.node.polls.0.remove(&self.sid);
    }
}

impl Polls {
    pub(super) fn find(&self, sid: &str) -> Option<Arc<Poll>> {
        self.0.get(sid).map(|poll| Arc::clone(&poll))
    }
}

/// Lists a session; what is posted to it comes out of the source.
pub(super) fn list(node: &Arc<crate::node::Node>, sid: String, carrier: Arc<Carrier>) -> (Listed, Source) {
    let (posts, receiver) = mpsc::channel(POSTS);
    let message_max = Arc::new(AtomicUsize::new(node.limits().unauthenticated_frame_size));
    let poll = Poll {
        carrier,
        posts,
        message_max: Arc::clone(&message_max),
        waiting: AtomicBool::new(false),
        posting: AtomicBool::new(false),
        upgrading: AtomicBool::new(false),
        upgraded: AtomicBool::new(false),
        ended: AtomicBool::new(false),
    };
    node.polls.0.insert(sid.clone(), Arc::new(poll));
    let listed = Listed {
        node: Arc::clone(node),
        sid,
    };
    (listed, Source::Posts(receiver, message_max))
}

/// One GET or POST; the next may come when it is dropped.
pub(super) struct Turn<'p>(&'p AtomicBool);

impl<'p> Turn<'p> {
    fn take(taken: &'p AtomicBool) -> Option<Self> {
        (!taken.swap(true, Ordering::AcqRel)).then(|| Self(taken))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// A GET that waits, and is dropped before it is answered.
struct Waited<'p>(&'p Poll);

impl Drop for Waited<'_> {
    fn drop(&mut self) {
        if self.0.is_upgraded() {
            return;
        }
        self.0.cut();
    }
}

impl Poll {
    /// Waits for packets and hands them out; nothing for a second GET beside another. A client that goes away from it ends
    /// the session, as in the protocol's own server: whether it got what was handed out cannot be known any more.
    pub(super) async fn fetch(&self) -> Option<Vec<u8>> {
        let _turn = Turn::take(&self.waiting)?;
        if self.ended.load(Ordering::Acquire) {
            return None;
        }
        let waited = Waited(self);
        let packets = self.packets().await;
        std::mem::forget(waited);
        Some(packets)
    }

    async fn packets(&self) -> Vec<u8> {
        loop {
            // Before the look: what waits when it is over is all that will.
            let is_over = self.carrier.is_over();
            let mut payload = Payload::default();
            for frames in self.carrier.fetch() {
                payload::add(&mut payload, &frames);
            }
            if is_over {
                self.ended.store(true, Ordering::Release);
            }
            if !payload.is_empty() {
                return payload.into_bytes();
            }
            if is_over {
                return b"1".to_vec();
            }
            if self.upgrading.load(Ordering::Acquire) || self.is_upgraded() {
                return b"6".to_vec();
            }
            self.carrier.fetchable().await;
        }
    }

    /// Begins a POST: to be held until it is handed on. Nothing for a second one beside another, so that bodies in memory
    /// are as few as sessions.
    pub(super) fn begin_post(&self) -> Option<Turn<'_>> {
        Turn::take(&self.posting)
    }

    /// Most bytes of a POST's body.
    pub(super) fn message_max(&self) -> usize {
        self.message_max.load(Ordering::Relaxed)
    }

    /// Hands on what came by POST, or the WebSocket. False if the session does not take it.
    pub(super) async fn post(&self, posted: Posted) -> bool {
        matches!(
            tokio::time::timeout(POST_PATIENCE, self.posts.send(posted)).await,
            Ok(Ok(()))
        )
    }

    /// A WebSocket is about to take over, or is not any more.
    pub(super) fn set_upgrading(&self, upgrading: bool) {
        self.upgrading.store(upgrading, Ordering::Release);
        self.carrier.let_fetch();
    }

    /// Whether a WebSocket may try to take over: one at a time.
    pub(super) fn may_upgrade(&self) -> bool {
        !self.upgrading.load(Ordering::Acquire) && !self.is_upgraded()
    }

    /// A WebSocket has taken over.
    pub(super) fn set_upgraded(&self) {
        self.upgraded.store(true, Ordering::Release);
        self.set_upgrading(false);
    }

    /// Whether one has: then HTTP has nothing to say.
    pub(super) fn is_upgraded(&self) -> bool {
        self.upgraded.load(Ordering::Acquire)
    }

    /// Ends the session: it broke the protocol.
    pub(super) fn cut(&self) {
        self.carrier.cut();
    }
}
