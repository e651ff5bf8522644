//! How much is too much, and what happens then.

use std::num::NonZeroU32;
use std::time::Duration;

use hallway_protocol::Endpoint;
use hallway_settings::{ByteSize, settings};
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use crate::connection::rate::Rate;

settings! {
    /// How much is too much, and what happens then.
    pub struct Limits {
        /// Open sockets on this node; 0 for no limit. Beyond it a handshake is answered with HTTP 503.
        connections: u32 = 0;
        /// Handshakes going on at once; beyond it one waits for a second, and is then answered with HTTP 503 and
        /// `Retry-After`.
        handshakes: u32 = 1024, from 1 to 1000000;
        /// How long a handshake may take, from the first byte; then the connection is closed.
        handshake_timeout: Duration = "10s", from "100ms" to "5m";
        /// Largest frame from a client; a larger one closes with 1009.
        frame_size: ByteSize = "64KiB", from "1KiB" to "16MiB";
        /// Largest frame from a client that has not shown a token yet; a larger one closes with 1009. A
        /// resume names all its rooms in it.
        unauthenticated_frame_size: ByteSize = "32KiB", from "1KiB" to "16MiB";
        /// Frames that a socket may send per second, on average; 0 for no limit. Beyond it requests are answered
        /// with `rate-limited`, and a socket that goes on closes with 4429.
        frames_per_second: u32 = 100, from 0 to 1000000;
        /// Frames that a socket may send at once, before the average counts.
        frames_burst: u32 = 200, from 1 to 1000000;
        /// Requests of one socket that are being worked on; beyond it the socket is not read from.
        requests_in_flight: u32 = 32, from 1 to 4096;
        /// Rooms that a socket may be in; beyond it joining is answered with `conflict`.
        rooms_per_socket: u32 = 256, from 4 to 100000;
        /// Sockets of one user on all nodes together; 0 for no limit. Beyond it a new one closes with 4429, or is
        /// answered with HTTP 429 where this node has as many. A node that died gives its share back within 90 seconds.
        sockets_per_user: u32 = 64;
        /// Sockets from one address on this node; 0 for no limit. Beyond it a handshake is answered with HTTP
        /// 429. Behind a proxy, `trusted_proxies` must name it.
        sockets_per_address: u32 = 1024;
        /// Handshakes of one address (of IPv6: one /64 network) per minute on this node; 0 for no limit. Beyond it they are
        /// answered with HTTP 429. Behind a proxy, `trusted_proxies` must name it.
        handshakes_per_address: u32 = 0;
        /// Refused tokens and tickets of one address per minute on this node; 0 for no limit. Beyond it all its handshakes
        /// are answered with HTTP 429 until the minute's average is met again.
        failed_logins: u32 = 600;
        /// Bytes that wait for a socket that does not take them; beyond it the socket closes with 4500.
        socket_queue: ByteSize = "1MiB", from "64KiB" to "256MiB";
        /// Bytes of missed broadcasts that the answer to one resume may bring, all its rooms together; a room that
        /// needs more is answered with `recovered: false`. Never more than half of `socket_queue`.
        resume_bytes: ByteSize = "512KiB", from "4KiB" to "128MiB";
        /// How long a closing socket may take to finish; then its connection is dropped.
        close_timeout: Duration = "30s", from "100ms" to "5m";
        /// How often a socket is pinged.
        ping_interval: Duration = "25s", from "1s" to "60s";
        /// How long a socket may take to answer a ping with anything; then it closes with 4501.
        pong_timeout: Duration = "20s", from "100ms" to "5m";
        /// How long a client may send no frame at all, pongs aside; then it closes with 1000. 0 for no limit.
        idle_timeout: Duration = "0s", from "0s" to "30d";
        /// Largest body of a backend API call; a larger one is answered with HTTP 413.
        api_body: ByteSize = "1MiB", from "1KiB" to "256MiB";
    }
    tables {
        /// Endpoints that a socket may ask for less often than `limits.frames_per_second`. Fields: `endpoint` (its name),
        /// `per_second`, `burst`. Beyond it they are answered with `rate-limited`.
        endpoints: EndpointRate,
    }
}

/// A row of `[[limits.endpoints]]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointRate {
    /// The endpoint.
    #[serde(deserialize_with = "endpoint")]
    pub endpoint: Endpoint,
    /// How often in the long run, in a second.
    pub per_second: NonZeroU32,
    /// How often at once.
    pub burst: NonZeroU32,
}

fn endpoint<'de, D: Deserializer<'de>>(from: D) -> Result<Endpoint, D::Error> {
    let name = String::deserialize(from)?;
    Endpoint::from_name(&name).ok_or_else(|| D::Error::custom(format!("there is no endpoint `{name}`")))
}

impl Limits {
    /// The rates of `[[limits.endpoints]]`.
    #[must_use]
    pub fn endpoint_rates(&self) -> Vec<(Endpoint, Rate)> {
        let rate = |row: &EndpointRate| Rate {
            per_second: row.per_second.get(),
            burst: row.burst.get(),
        };
        self.endpoints.iter().map(|row| (row.endpoint, rate(row))).collect()
    }
}
