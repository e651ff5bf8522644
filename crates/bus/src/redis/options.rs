//! How to reach Redis.

use std::time::Duration;

use fred::types::config::{Config, Server, ServerConfig};

use super::tls::RedisTls;
use crate::BusError;

/// How to reach Redis, and how long to wait for it.
#[derive(Debug, Clone)]
pub struct RedisOptions {
    /// `redis://[user:password@]host[:port][/database]`; `redis-sentinel://…` and `redis-cluster://…` as well, and
    /// each with `rediss` for TLS. Redis 7.0 or newer.
    pub url: String,
    /// For URLs with `rediss`.
    pub tls: RedisTls,
    /// Stands before every channel's and key's name. The same on all nodes.
    pub channel_prefix: String,
    /// How long a command may take. A link on which one took longer is made anew.
    pub command_timeout: Duration,
    /// How often the node publishes something to itself, and asks each connection for a sign of life.
    pub probe_interval: Duration,
    /// How long nothing may come back; then the bus is not ready and the link is made anew.
    pub probe_timeout: Duration,
    /// Publishes that may wait to be sent; beyond it they are answered with [`BusError::Busy`].
    pub publish_queue: usize,
    /// Messages that may have arrived and not yet gone to their lanes; beyond it they are lost, which is told
    /// ([`crate::Lost::Lagged`]). Costs some 700 bytes each, whether used or not.
    pub receive_queue: usize,
}

impl Default for RedisOptions {
    fn default() -> Self {
        Self {
            url: "redis://127.0.0.1:6379".to_owned(),
            tls: RedisTls::default(),
            channel_prefix: String::new(),
            command_timeout: Duration::from_secs(2),
            probe_interval: Duration::from_secs(1),
            probe_timeout: Duration::from_secs(3),
            publish_queue: 65_536,
            receive_queue: 16_384,
        }
    }
}

impl RedisOptions {
    /// The deployment, and the client library's configuration for it.
    pub(super) fn config(&self) -> Result<Deployment, BusError> {
        if self.channel_prefix.contains(['{', '}', '#']) {
            return Err(BusError::Options("the channel prefix must not hold {, } or #".into()));
        }
        let unknown = || {
            BusError::Options("the Redis URL must begin with redis, redis-sentinel or redis-cluster, or rediss…".into())
        };
        let (scheme, rest) = self.url.split_once("://").ok_or_else(unknown)?;
        let (is_tls, kind) = match scheme.strip_prefix("rediss") {
            Some(kind) => (true, kind),
            None => (false, scheme.strip_prefix("redis").ok_or_else(unknown)?),
        };
        let read = match kind {
            "" => Config::from_url_centralized,
            "-sentinel" => Config::from_url_sentinel,
            "-cluster" => Config::from_url_clustered,
            _ => return Err(unknown()),
        };
        // The library would read the system's authorities for a URL with TLS, whatever is said here. And never with
        // the URL in the error: it may hold a password.
        let config = read(&format!("redis://{rest}"));
        let mut config = config.map_err(|why| BusError::Options(format!("Redis URL: {}", why.details())))?;
        if is_tls {
            config.tls = Some(self.tls.config()?);
        }
        Ok(match &config.server {
            ServerConfig::Clustered { hosts, .. } => {
                let seeds = hosts.clone();
                Deployment::Cluster(config, seeds)
            }
            _ => Deployment::One(config),
        })
    }
}

/// What is there.
pub(super) enum Deployment {
    /// One server, or those that follow one another under sentinels.
    One(Config),
    /// A cluster, and the servers of it that are named.
    Cluster(Config, Vec<Server>),
}
