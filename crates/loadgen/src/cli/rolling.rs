//! Where a cluster is that others have started, as `deploy/local/cluster` tells its command.

use std::fmt;
use std::net::SocketAddr;

use clap::Args;

use super::{CrewSizes, seconds};

#[derive(Debug, Clone, Args)]
pub(crate) struct Rolling {
    /// Clients.
    #[arg(long, default_value_t = 300)]
    pub(crate) clients: usize,
    /// Rooms that the clients are dealt out to.
    #[arg(long, default_value_t = 10)]
    pub(crate) rooms: usize,
    /// Broadcasts a second, over all rooms.
    #[arg(long, default_value_t = 40.0, value_parser = seconds)]
    pub(crate) rate: f64,
    /// How long the restart of all nodes may take, in seconds.
    #[arg(long, default_value_t = 240.0, value_parser = seconds)]
    pub(crate) longest_seconds: f64,
    /// The load balancer: an address, or a URL with one.
    #[arg(long, env = "TARGET_URL", value_parser = address)]
    pub(crate) balancer: SocketAddr,
    /// The nodes' internal addresses.
    #[arg(long, env = "TARGET_NODE_APIS", value_delimiter = ',', required = true, value_parser = address)]
    pub(crate) nodes: Vec<SocketAddr>,
    /// The key of the backend API.
    #[arg(long, env = "TARGET_API_KEY", hide_env_values = true)]
    pub(crate) api_key: Secret,
    /// What tokens are signed with.
    #[arg(long, env = "TARGET_SECRET", hide_env_values = true)]
    pub(crate) secret: Secret,
    /// The process that restarts all nodes in turn when it is sent SIGHUP.
    #[arg(long, env = "TARGET_CLUSTER_PID", value_parser = clap::value_parser!(i32).range(1..))]
    pub(crate) cluster_pid: i32,
    #[command(flatten)]
    pub(crate) crew: CrewSizes,
}

/// Text that is not shown.
#[derive(Clone)]
pub(crate) struct Secret(pub(crate) String);

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("…")
    }
}

/// The address in `ws://127.0.0.1:8080/ws`, `http://127.0.0.1:9000` or `127.0.0.1:9000`.
fn address(text: &str) -> Result<SocketAddr, String> {
    let behind_scheme = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = behind_scheme.split('/').next().unwrap_or_default();
    authority
        .parse()
        .map_err(|_| "must be an IP address with a port, or a URL with one".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_stand_in_a_url() {
        let expected = Ok(SocketAddr::from(([127, 0, 0, 1], 80)));
        for text in ["127.0.0.1:80", "http://127.0.0.1:80", "ws://127.0.0.1:80/ws"] {
            assert_eq!(address(text), expected, "{text}");
        }
        for text in ["", "http://", "127.0.0.1", "localhost:80"] {
            assert!(address(text).is_err(), "{text}");
        }
    }
}
