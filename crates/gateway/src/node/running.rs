//! A node's tasks: started together, and taken down in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hallway_bus::Cluster as Nodes;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::Node;
use super::connected::Connected;
use crate::authority::review;
use crate::clock::unix_ms;
use crate::config::Config;
use crate::delivery::Delivery;
use crate::lifecycle::drain;
use crate::{dialect, http, lobbies, messages, notice, people, sessions, stats, transport};

/// How often a node says that it is alive; its record lives three times as long.
const ANNOUNCE: Duration = Duration::from_secs(5);
/// How long taking leave of the bus may take.
const LEAVE_BUS: Duration = Duration::from_secs(2);

/// A node that runs, held by whoever started it.
pub struct Running {
    node: Arc<Node>,
    nodes: Arc<dyn Nodes>,
    public: SocketAddr,
    internal: SocketAddr,
    delay: Duration,
    deadline: Duration,
    /// No new connections.
    stop_accepting: CancellationToken,
    /// The end of everything else.
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
    lanes: Vec<JoinHandle<()>>,
}

impl Running {
    pub(super) fn start(
        node: Arc<Node>,
        connected: Connected,
        public: TcpListener,
        internal: TcpListener,
        config: &Config,
    ) -> Self {
        let (stop, stop_accepting) = (CancellationToken::new(), CancellationToken::new());
        let address = |listener: &TcpListener, wanted| listener.local_addr().unwrap_or(wanted);
        let (public_address, internal_address) = (
            address(&public, config.listen),
            address(&internal, config.internal_listen),
        );
        let delivery = Delivery {
            hub: Arc::clone(&node.hub),
            bus: Arc::clone(&node.bus),
            metrics: Arc::clone(&node.metrics),
            clock: node.clock,
            progress: Arc::clone(&node.progress),
            revocations: Arc::clone(&node.revocations),
            review: Arc::clone(&node.review),
            typing: Arc::clone(&node.typing),
            traces: Arc::clone(&node.traces),
            rosters: Arc::clone(&node.rosters),
            lanes: connected.lanes.len(),
        };
        let lanes = delivery.start(connected.lanes, config.redis.check_interval);
        let membership = Arc::clone(&node.membership);
        let (revocations, seats) = (Arc::clone(&node.revocations), Arc::clone(&node.seats));
        let typing = Arc::clone(&node.typing);
        let everyone = Arc::clone(&node.people);
        let mut tasks = vec![
            tokio::spawn(transport::listener::run(
                Arc::clone(&node),
                public,
                stop_accepting.clone(),
            )),
            tokio::spawn(http::serve(Arc::clone(&node), internal, stop.clone())),
            until(&stop, crate::cluster::listen(Arc::downgrade(&node), connected.told)),
            until(
                &stop,
                announce(Arc::clone(&node), Arc::clone(&connected.nodes), config.stats.interval),
            ),
            until(&stop, tick(Arc::clone(&node))),
            until(&stop, async move { membership.run().await }),
            until(&stop, async move { revocations.run().await }),
            until(&stop, async move { seats.run().await }),
            until(&stop, async move { typing.run().await }),
            until(&stop, lobbies::keeper::renew(Arc::clone(&node))),
            until(&stop, lobbies::keeper::sweep(Arc::clone(&node))),
            until(&stop, stats::run(Arc::clone(&node))),
            until(&stop, dialect::rosters::run(Arc::clone(&node))),
            until(&stop, everyone.run()),
            until(&stop, people::effects::run(Arc::clone(&node))),
            until(&stop, review::run(Arc::clone(&node), config.members.review)),
            until(&stop, keep_notes(Arc::clone(&node))),
            until(
                &stop,
                messages::relay::run(Arc::clone(&node), config.messages.relay_interval),
            ),
            until(&stop, sessions::review::run(Arc::clone(&node), config.sessions.review)),
        ];
        tasks.extend(node.listeners.all().map(|tls| until(&stop, Arc::clone(tls).watch())));
        tasks.extend(node.hooks.tasks().into_iter().map(|task| until(&stop, task)));
        if let Some(jwks) = node.access().verifier.jwks().cloned() {
            tasks.push(until(&stop, async move { jwks.run().await }));
        }
        tracing::info!(node = node.name, public = %public_address, internal = %internal_address, "hallway is up");
        Self {
            nodes: connected.nodes,
            public: public_address,
            internal: internal_address,
            delay: config.shutdown.delay,
            deadline: config.shutdown.deadline,
            stop_accepting,
            stop,
            tasks,
            lanes,
            node,
        }
    }

    /// Where clients connect.
    #[must_use]
    pub fn public_address(&self) -> SocketAddr {
        self.public
    }

    /// Where the backend asks.
    #[must_use]
    pub fn internal_address(&self) -> SocketAddr {
        self.internal
    }

    /// The node.
    #[must_use]
    pub fn node(&self) -> &Arc<Node> {
        &self.node
    }

    /// Takes the node down: not ready, no new connections, clients sent away over the drain time, what is
    /// queued written; and by the deadline it is over, whatever is left.
    pub async fn drain(self) {
        let deadline = self.deadline;
        if tokio::time::timeout(deadline, self.take_leave()).await.is_err() {
            tracing::warn!(?deadline, "ended at the deadline with work left");
        }
    }

    async fn take_leave(mut self) {
        let began = tokio::time::Instant::now();
        self.node.readiness.start_leaving();
        // One that was drained before has been out of the load balancers' sight for as long as that took.
        if !self.node.readiness.is_draining() {
            tokio::time::sleep(self.delay).await;
        }
        self.node.readiness.start_draining();
        self.stop_accepting.cancel();
        let most = self
            .deadline
            .saturating_sub(began.elapsed() + drain::TO_LEAVE + LEAVE_BUS);
        drain::for_good(&self.node, self.node.departures.usual, most).await;
        drain::finish(&self.node).await;
        let leave = async {
            let _ = self.node.notes.tell_all().await;
            let _ = self.node.people.settled().await;
            self.node.hooks.leave().await;
            let _ = self.nodes.withdraw().await;
            self.node.bus.close().await;
        };
        let _ = tokio::time::timeout(LEAVE_BUS, leave).await;
        self.node.traces.end(LEAVE_BUS).await;
        self.stop.cancel();
        for task in self.lanes.drain(..).chain(self.tasks.drain(..)) {
            let _ = task.await;
        }
        tracing::info!("drained");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop_accepting.cancel();
        self.stop.cancel();
        self.node.departures.take_back();
        for task in self.tasks.iter().chain(&self.lanes) {
            task.abort();
        }
    }
}

/// A task that ends with the token.
fn until(stop: &CancellationToken, work: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    let stop = stop.clone();
    tokio::spawn(async move {
        stop.run_until_cancelled(work).await;
    })
}

/// Says now and then that this node is alive, and what it holds: as often as that is to be told.
async fn announce(node: Arc<Node>, nodes: Arc<dyn Nodes>, stats: Duration) {
    let mut tick = tokio::time::interval(ANNOUNCE.min(stats));
    let mut health = node.bus.health();
    let mut course = node.readiness.follow();
    loop {
        // At once when Redis is there, so that a question to all nodes waits for this one too; and when the node
        // begins or ceases to drain, so that nobody counts on it.
        tokio::select! {
            _ = tick.tick() => {}
            () = course.changed() => {}
            changed = health.changed() => if changed.is_err() { return },
        }
        if let Err(why) = nodes.announce(node.record()).await {
            tracing::debug!(%why, "could not announce the node");
        }
    }
}

async fn keep_notes(node: Arc<Node>) {
    node.notes.run().await;
}

/// The second's tick of the hub. Missed ticks are made up for, so that its clock does not fall behind.
async fn tick(node: Arc<Node>) {
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    loop {
        tick.tick().await;
        let turn = node.hub.tick(unix_ms() / 1000);
        node.metrics.connections.pings.inc_by(turn.pinged as u64);
        for socket in turn.expiring {
            notice::expiring(&socket, socket.expires_at(), node.hub.closes_at(&socket));
        }
    }
}
