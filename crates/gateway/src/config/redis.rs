//! How nodes reach one another.

use std::time::Duration;

use hallway_settings::settings;

use super::redis_url::RedisUrl;

settings! {
    /// How nodes reach one another. Without Redis a node is alone: rooms, numbering and history are its own, and
    /// end with it.
    pub struct Redis {
        /// The Redis that all nodes share. Empty: this node is alone.
        url: RedisUrl = "";
        /// With a URL of TLS (`rediss…`): a PEM file with the authorities that may sign the certificates of Redis and
        /// its sentinels. Empty: the system's.
        tls_ca: String = "";
        /// With a URL of TLS: a PEM file with this node's own certificate and its chain, where Redis asks for one.
        tls_cert: String = "";
        /// The PEM file with the key of `redis.tls_cert`.
        tls_key: String = "";
        /// Stands before the name of every channel and key, so that several deployments can share a Redis. The
        /// same on all nodes.
        channel_prefix: String = "";
        /// How long a command may take; then what needed it fails with `unavailable`.
        command_timeout: Duration = "2s", from "50ms" to "1m";
        /// How often the node sends itself something through Redis, to see that it still delivers.
        probe_interval: Duration = "1s", from "50ms" to "1m";
        /// How long nothing may come through; then the link is torn down and made anew, and the node is not
        /// ready.
        probe_timeout: Duration = "3s", from "100ms" to "5m";
        /// How often a room in which nothing is heard is compared with Redis, to see that nothing was missed.
        check_interval: Duration = "1m", from "1s" to "1d";
        /// How long a room's channel is kept after its last socket left, for those who come right back.
        unsubscribe_after: Duration = "5s", from "0s" to "10m";
        /// Broadcasts of this node that wait for Redis; beyond it publishing fails with `unavailable`.
        publish_queue: u32 = 65536, from 1 to 16777216;
    }
}
