//! The node: puts the parts together, starts them, and takes them down again. Does nothing else.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use hallway_auth::{Identity, SessionToken, TicketError, TokenError};
use hallway_bus::{
    Bus, Cluster as Nodes, Event, Journal, Lanes, Leases, NodeRecord, Presence, Revocations as RevocationLog,
    Seats as SeatLog, Told,
};
use hallway_hub::{Hub, HubOptions, WheelOptions};
use hallway_protocol::Kinds;
use hallway_store::SqlStore;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::access::Access;
use crate::admission::Admission;
use crate::authority::Authority;
use crate::authority::review::{self, Haste};
use crate::clock::{Clock, unix_ms};
use crate::cluster::Cluster;
use crate::config::Config;
use crate::database::{self, Late};
use crate::delivery::{Delivery, Progress};
use crate::dialect::rosters::Rosters;
use crate::dialect::{self, Dialects};
use crate::hooks::Hooks;
use crate::lifecycle::departures::Departures;
use crate::lifecycle::{drain, readiness::Readiness};
use crate::limits::Limits;
use crate::lobbies::{self, Lobbies};
use crate::membership::Membership;
use crate::messages::{self, Notes};
use crate::metrics::Metrics;
use crate::people::{self, People};
use crate::revocation::Revocations;
use crate::seats::Seats;
use crate::sessions::Sessions;
use crate::stats::{self, Stats};
use crate::traces::Traces;
use crate::transport::socketio::Polls;
use crate::transport::tls::Tls;
use crate::typing::Typing;
use crate::{admission, authority, http, notice, sessions, transport};

/// Events that wait in a lane before the bus is held up.
const LANE_EVENTS: usize = 16 * 1024;
/// How often a node says that it is alive; its record lives three times as long.
const ANNOUNCE: Duration = Duration::from_secs(5);
/// How long taking leave of the bus may take.
const LEAVE_BUS: Duration = Duration::from_secs(2);

/// What the parts of a running node share.
pub struct Node {
    /// Its name, as clients and other nodes see it.
    pub name: String,
    /// Its clock, with its number.
    pub clock: Clock,
    /// The table of room kinds.
    pub kinds: Kinds,
    /// Sockets and rooms of this node.
    pub hub: Arc<Hub>,
    /// To the rooms of all nodes.
    pub bus: Arc<dyn Bus>,
    /// To the nodes.
    pub cluster: Cluster,
    /// Sockets into rooms.
    pub membership: Arc<Membership>,
    /// What the lanes have delivered.
    pub progress: Arc<Progress>,
    /// Who is there, on all nodes.
    pub people: Arc<People>,
    /// How many sockets users have, on all nodes.
    pub seats: Arc<Seats>,
    /// Whose credentials are over.
    pub revocations: Arc<Revocations>,
    /// Rooms that users make.
    pub lobbies: Lobbies,
    /// Who writes.
    pub typing: Arc<Typing>,
    /// What anyone may know.
    pub stats: Stats,
    /// The database.
    pub store: Arc<Late<SqlStore>>,
    /// What it is to be told of messages' broadcasts.
    pub notes: Notes,
    /// Sessions that a database keeps, if it does.
    pub sessions: Option<Sessions>,
    /// Who may connect.
    pub admission: Admission,
    /// Who may be in a room, where someone is to be asked.
    pub authority: Authority,
    /// Asks for a look at who is in such rooms.
    pub review: Arc<Haste>,
    /// What the operator's backend is told.
    pub hooks: Hooks,
    /// Whether it can do its job.
    pub readiness: Readiness,
    /// Who is being sent away.
    pub departures: Departures,
    /// How clients of Socket.IO speak.
    pub dialects: Dialects,
    /// Rooms of which they are told who is in them.
    pub(crate) rosters: Arc<Rosters>,
    /// Those of them that connect over HTTP.
    pub(crate) polls: Polls,
    /// What it counts.
    pub metrics: Arc<Metrics>,
    /// Where the time goes, for a sample of broadcasts.
    pub traces: Arc<Traces>,
    /// TLS of its listeners.
    pub listeners: Listeners,
    limits: ArcSwap<Limits>,
    access: ArcSwap<Access>,
    started_at: u64,
}

/// TLS of the listeners; where there is none, they are plain.
#[derive(Debug)]
pub struct Listeners {
    /// The clients'.
    pub public: Option<Arc<Tls>>,
    /// The backend's.
    pub internal: Option<Arc<Tls>>,
}

impl Listeners {
    fn of(config: &Config, metrics: &Arc<Metrics>) -> Result<Self, StartError> {
        let tls = |listener, files: Option<_>| {
            let read = |files| Tls::new(listener, files, Arc::clone(metrics)).map(Arc::new);
            files.map(read).transpose().map_err(StartError::Config)
        };
        Ok(Self {
            public: tls("public", config.tls.files())?,
            internal: tls("internal", config.internal_tls.files())?,
        })
    }

    fn all(&self) -> impl Iterator<Item = &Arc<Tls>> {
        self.public.iter().chain(&self.internal)
    }
}

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

/// Why a node did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken, or not ours.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, std::io::Error),
    /// A setting that only shows when it is used.
    #[error("{0}")]
    Config(String),
}

/// The seams of a bus, and what comes from it.
struct Connected {
    bus: Arc<dyn Bus>,
    nodes: Arc<dyn Nodes>,
    revocations: Arc<dyn RevocationLog>,
    seats: Arc<dyn SeatLog>,
    lobbies: lobbies::Seams,
    leases: Arc<dyn Leases>,
    presence: Arc<dyn Presence>,
    journal: Arc<dyn Journal>,
    told: Told,
    lanes: Vec<mpsc::Receiver<Event>>,
}

impl Node {
    /// Starts a node: binds both listeners, then runs until it is drained. With Redis away it starts all the
    /// same, is not ready, and becomes so when Redis is there.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(config: Config) -> Result<Running, StartError> {
        let public = bind(config.listen).await?;
        let internal = bind(config.internal_listen).await?;
        let connected = connect(&config).await?;
        let node = Arc::new(Self::assemble(&config, &connected).await?);
        Ok(Running::start(node, connected, public, internal, &config))
    }

    async fn assemble(config: &Config, connected: &Connected) -> Result<Self, StartError> {
        let number = rand::random();
        let name = if config.node.is_empty() {
            format!("node-{number:016x}")
        } else {
            config.node.clone()
        };
        let hub = Arc::new(Hub::new(hub_options(config)));
        let bus = Arc::clone(&connected.bus);
        let progress = Arc::default();
        let metrics = Arc::new(Metrics::new().map_err(|why| StartError::Config(why.to_string()))?);
        let kinds = Kinds::with(&config.kinds).map_err(StartError::Config)?;
        let kinds = match config.presence.rooms {
            true => kinds,
            false => kinds.without_presence(),
        };
        let people = Arc::new(People::new(
            Arc::clone(&connected.presence),
            Arc::clone(&hub),
            kinds.clone(),
            name.clone(),
            config.presence.terms(),
            Arc::clone(&metrics),
        ));
        let membership = Membership::new(
            Arc::clone(&hub),
            Arc::clone(&bus),
            Arc::clone(&progress),
            Arc::clone(&people),
            config.redis.unsubscribe_after,
        );
        let store = database::connect(config).await?;
        let sessions = sessions::build(config, &metrics).await?;
        let admission = admission::build(config, &metrics).await?;
        let members = lobbies::Members(Arc::clone(&connected.lobbies.log));
        let authority = authority::build(config, Arc::clone(&store), members, &metrics).await?;
        let holder = format!("{name}/{number:016x}");
        let hooks = Hooks::build(config, &connected.journal, holder, &metrics)?;
        let most = config.limits.sockets_per_user as usize;
        let seats = Seats::new(Arc::clone(&connected.seats), Arc::clone(&hub), most);
        let revocations = Revocations::new(
            Arc::clone(&connected.revocations),
            Arc::clone(&hub),
            Arc::clone(&metrics),
            config.auth.revocation_life,
        );
        let lobbies = Lobbies::new(
            connected.lobbies.clone(),
            Arc::clone(&hub),
            Arc::clone(&metrics),
            number,
            &kinds,
            &config.lobbies,
        );
        let typing = Typing::new(
            Arc::clone(&hub),
            Arc::clone(&bus),
            Arc::clone(&metrics),
            number,
            config.typing.life,
        );
        Ok(Self {
            clock: Clock::start(number),
            kinds,
            lobbies,
            typing: Arc::new(typing),
            stats: Stats::new(Arc::clone(&connected.leases), config.stats.interval),
            people,
            cluster: Cluster::new(Arc::clone(&connected.nodes), name.clone()),
            membership: Arc::new(membership),
            progress,
            listeners: Listeners::of(config, &metrics)?,
            limits: ArcSwap::from_pointee(Limits::of(config)),
            access: ArcSwap::from_pointee(Access::of(config).map_err(StartError::Config)?),
            readiness: Readiness::new(bus.health()),
            departures: Departures::new(config.shutdown.drain),
            dialects: Dialects::load(
                &config.socketio.main,
                &config.socketio.dialects,
                config.socketio.recovery,
            )
            .map_err(StartError::Config)?,
            rosters: Arc::new(Rosters::new(metrics.socketio.rosters_dropped.clone())),
            polls: Polls::default(),
            notes: Notes::new(Arc::clone(&store), Arc::clone(&metrics)),
            traces: Arc::new(Traces::build(config, &name, &metrics).map_err(StartError::Config)?),
            metrics,
            store,
            sessions,
            admission,
            authority,
            review: Arc::default(),
            hooks,
            seats: Arc::new(seats),
            revocations: Arc::new(revocations),
            started_at: unix_ms(),
            name,
            hub,
            bus,
        })
    }

    /// Bounds, as they are now. For a moment's use: a guard that is kept while others are taken makes those dearer.
    pub fn limits(&self) -> Guard<Arc<Limits>> {
        self.limits.load()
    }

    /// Whom the node lets in, as it is now. For a moment's use, as [`Node::limits`].
    pub fn access(&self) -> Guard<Arc<Access>> {
        self.access.load()
    }

    /// Takes over from a configuration what can change while the node runs: keys, origins and limits; and certificates
    /// from their files
    /// ([`crate::config::waiting_for_restart`] names what cannot). What fails changes nothing.
    ///
    /// # Errors
    /// A setting that only shows when it is used, in words for the operator.
    pub fn reload(&self, config: &Config) -> Result<(), String> {
        let access = self.access.load().renewed(config)?;
        let limits = self.limits.load().renewed(config);
        self.access.store(Arc::new(access));
        self.limits.store(Arc::new(limits));
        self.hub.set_options(&hub_options(config));
        self.listeners.all().for_each(|tls| tls.reload());
        Ok(())
    }

    /// Reads a token. Waits only where the token names a key that is not known, and keys come from a URL: for at most
    /// two fetches of them; and for a session's, for at most two questions to its database. Cancel safe.
    ///
    /// # Errors
    /// Why it is refused, in words that a client may see.
    pub async fn authenticate(&self, token: &str) -> Result<Identity, TokenError> {
        match (self.authenticate_now(token), &self.sessions) {
            (Err(TokenError::UnknownKey), _) => {
                let access = self.access.load_full();
                access.verifier.look_for_keys().await?;
                self.authenticate_now(token)
            }
            (Err(TokenError::NoSession), Some(sessions)) => {
                let token = SessionToken::parse(token).ok_or(TokenError::NoSession)?;
                let identity = sessions.find(&token).await?;
                if self.revocations.check(&identity).is_ok() {
                    return Ok(identity);
                }
                // Known from before a revocation: one that is in the database after it is good again.
                sessions.forget(token.id()).await;
                sessions.find(&token).await
            }
            (verdict, _) => verdict,
        }
    }

    /// The same with what is known, and without waiting: after [`TokenError::UnknownKey`] and [`TokenError::NoSession`] it may
    /// be known after a look.
    ///
    /// # Errors
    /// Why it is refused, in words that a client may see.
    pub fn authenticate_now(&self, token: &str) -> Result<Identity, TokenError> {
        let is_jwt = token.split('.').count() == 3;
        match self.access().verifier.verify(token, unix_ms()) {
            Err(TokenError::NotAccepted) if self.sessions.is_some() => Err(TokenError::NoSession),
            Err(_) if self.sessions.is_some() && !is_jwt => Err(TokenError::NoSession),
            verdict => verdict,
        }
    }

    /// Reads a resume ticket.
    ///
    /// # Errors
    /// Why it is refused, in words that a client may see.
    pub fn redeem(&self, ticket: &str) -> Result<Identity, TicketError> {
        let identity = self.access().tickets.redeem(ticket, unix_ms())?;
        // It may have been made where the anonymous were let in.
        if identity.user.is_none() && !self.access().anonymous {
            return Err(TicketError::NotAccepted);
        }
        Ok(identity)
    }

    /// Brings the gauges that nobody keeps up to date to where they stand.
    pub fn refresh_gauges(&self) {
        let metrics = &self.metrics;
        let (mut bytes, mut sockets) = (0, 0);
        self.hub.for_each_socket(|socket| {
            let queued = socket.queued_bytes();
            bytes += queued as i64;
            sockets += i64::from(queued > 0);
        });
        metrics.connections.queued_bytes.set(bytes);
        metrics.connections.queued_sockets.set(sockets);
        metrics.connections.rooms.set(self.hub.room_count() as i64);
        metrics.bus.refresh(self.bus.stats(), &self.bus.health().borrow());
        self.hooks.refresh_gauges();
        if let Some(jwks) = self.access().verifier.jwks() {
            metrics.auth.refresh(jwks);
        }
    }

    /// What the other nodes are told of it every few seconds.
    pub(crate) fn record(&self) -> NodeRecord {
        NodeRecord {
            node: self.name.clone(),
            address: None,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: self.started_at,
            draining: self.readiness.is_draining(),
            connections: self.hub.socket_count() as u64,
            rooms: self.hub.room_count() as u64,
            handshakes: self.limits().handshakes as u64,
        }
    }
}

impl Running {
    fn start(
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

async fn bind(address: SocketAddr) -> Result<TcpListener, StartError> {
    let listen = || {
        let socket = if address.is_ipv4() {
            tokio::net::TcpSocket::new_v4()
        } else {
            tokio::net::TcpSocket::new_v6()
        }?;
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        // As many as the kernel lets wait: a storm of clients is accepted late rather than refused.
        socket.listen(65_535)
    };
    listen().map_err(|why| StartError::Listen(address, why))
}

async fn connect(config: &Config) -> Result<Connected, StartError> {
    let count = std::thread::available_parallelism().map_or(2, usize::from).min(16);
    let (lanes, receivers) = Lanes::new(count, LANE_EVENTS);
    let Some(url) = config.redis.url.expose() else {
        let (bus, told) = hallway_bus::memory::connect(lanes);
        return Ok(Connected {
            bus: bus.clone(),
            nodes: bus.clone(),
            revocations: bus.clone(),
            lobbies: lobbies::Seams {
                log: bus.clone(),
                life: bus.clone(),
            },
            leases: bus.clone(),
            seats: bus.clone(),
            presence: bus.clone(),
            journal: bus,
            told,
            lanes: receivers,
        });
    };
    let options = hallway_bus::redis::RedisOptions {
        url: url.to_owned(),
        tls: redis_tls(&config.redis)?,
        channel_prefix: config.redis.channel_prefix.clone(),
        command_timeout: config.redis.command_timeout,
        probe_interval: config.redis.probe_interval,
        probe_timeout: config.redis.probe_timeout,
        publish_queue: config.redis.publish_queue as usize,
        ..Default::default()
    };
    let connected = hallway_bus::redis::connect(options, lanes).await;
    let (bus, told) = connected.map_err(|why| StartError::Config(format!("[redis]: {why}")))?;
    Ok(Connected {
        bus: bus.clone(),
        nodes: bus.clone(),
        revocations: bus.clone(),
        lobbies: lobbies::Seams {
            log: bus.clone(),
            life: bus.clone(),
        },
        leases: bus.clone(),
        seats: bus.clone(),
        presence: bus.clone(),
        journal: bus,
        told,
        lanes: receivers,
    })
}

fn redis_tls(redis: &crate::config::Redis) -> Result<hallway_bus::redis::RedisTls, StartError> {
    let file = |path: &str| (!path.is_empty()).then(|| path.into());
    let identity = match (file(&redis.tls_cert), file(&redis.tls_key)) {
        (None, None) => None,
        (Some(certificate), Some(key)) => Some((certificate, key)),
        _ => {
            let why = "redis.tls_cert and redis.tls_key: one needs the other";
            return Err(StartError::Config(why.into()));
        }
    };
    Ok(hallway_bus::redis::RedisTls {
        ca: file(&redis.tls_ca),
        identity,
    })
}

fn hub_options(config: &Config) -> HubOptions {
    HubOptions {
        socket_queue_bytes: config.limits.socket_queue.bytes(),
        close_timeout: config.limits.close_timeout,
        wheel: WheelOptions {
            ping_interval: config.limits.ping_interval,
            pong_timeout: config.limits.pong_timeout,
            idle_timeout: config.limits.idle_timeout,
            expiry_warning: config.auth.expiry_warning,
            expiry_grace: config.auth.expiry_grace,
        },
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
