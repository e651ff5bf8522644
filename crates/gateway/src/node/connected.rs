//! The bus of a node: in the process, or Redis, as the configuration says.

use std::sync::Arc;

use hallway_bus::{
    Bus, Cluster as Nodes, Event, Journal, Lanes, Leases, Lobbies as LobbyLog, LobbyLife, Presence,
    Revocations as RevocationLog, Seats as SeatLog, Told,
};
use tokio::sync::mpsc;

use super::StartError;
use crate::config::Config;
use crate::lobbies;

/// Events that wait in a lane before the bus is held up.
const LANE_EVENTS: usize = 16 * 1024;

/// The seams of a bus, and what comes from it.
pub(super) struct Connected {
    pub(super) bus: Arc<dyn Bus>,
    pub(super) nodes: Arc<dyn Nodes>,
    pub(super) revocations: Arc<dyn RevocationLog>,
    pub(super) seats: Arc<dyn SeatLog>,
    pub(super) lobbies: lobbies::Seams,
    pub(super) leases: Arc<dyn Leases>,
    pub(super) presence: Arc<dyn Presence>,
    pub(super) journal: Arc<dyn Journal>,
    pub(super) told: Told,
    pub(super) lanes: Vec<mpsc::Receiver<Event>>,
}

impl Connected {
    /// Every seam of one bus, which has them all.
    fn over<B>(bus: Arc<B>, told: Told, lanes: Vec<mpsc::Receiver<Event>>) -> Self
    where
        B: Bus + Nodes + RevocationLog + SeatLog + LobbyLog + LobbyLife + Leases + Presence + Journal + 'static,
    {
        Self {
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
            lanes,
        }
    }
}

pub(super) async fn connect(config: &Config) -> Result<Connected, StartError> {
    let count = std::thread::available_parallelism().map_or(2, usize::from).min(16);
    let (lanes, receivers) = Lanes::new(count, LANE_EVENTS);
    let Some(url) = config.redis.url.expose() else {
        let (bus, told) = hallway_bus::memory::connect(lanes);
        return Ok(Connected::over(bus, told, receivers));
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
    Ok(Connected::over(bus, told, receivers))
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
