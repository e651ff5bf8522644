//! The node: puts the parts together, and does nothing else. [`running`] starts them and takes them down again.

mod connected;
mod running;

use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use hallway_auth::{Identity, SessionToken, TicketError, TokenError};
use hallway_bus::{Bus, NodeRecord};
use hallway_hub::{Hub, HubOptions, WheelOptions};
use hallway_protocol::Kinds;
use hallway_store::SqlStore;
use tokio::net::TcpListener;

use crate::access::Access;
use crate::admission::Admission;
use crate::authority::Authority;
use crate::authority::review::Haste;
use crate::clock::{Clock, unix_ms};
use crate::cluster::Cluster;
use crate::config::Config;
use crate::database::{self, Late};
use crate::delivery::Progress;
use crate::dialect::Dialects;
use crate::dialect::rosters::Rosters;
use crate::hooks::Hooks;
use crate::lifecycle::departures::Departures;
use crate::lifecycle::readiness::Readiness;
use crate::limits::Limits;
use crate::lobbies::{self, Lobbies};
use crate::membership::Membership;
use crate::messages::Notes;
use crate::metrics::Metrics;
use crate::people::People;
use crate::revocation::Revocations;
use crate::seats::Seats;
use crate::sessions::Sessions;
use crate::stats::Stats;
use crate::traces::Traces;
use crate::transport::socketio::Polls;
use crate::transport::tls::Tls;
use crate::typing::Typing;
use crate::{admission, authority, sessions};

use connected::{Connected, connect};
pub use running::Running;

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
