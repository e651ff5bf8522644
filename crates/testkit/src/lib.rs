//! What tests need around a node: real servers that can be hurt, faults on the way to them, and whole nodes.
//!
//! - [`RedisServer`], [`Proxy`]: a real Redis on a free port that can be killed, paused and emptied, and a TCP
//!   proxy before it; three of them under sentinels
//!   ([`RedisSentinel`]), and a cluster of them ([`RedisCluster`]); [`Certificates`] for one that speaks TLS.
//! - [`SteppedClock`]: a wall clock for that Redis which stands still until it is stepped; [`Random`]: chance that a seed
//!   repeats.
//! - [`Signer`], [`KeyServer`]: who makes tokens with a private key, and says over HTTP which key checks them.
//! - [`PostgresServer`]: a real Postgres, the same way.
//! - [`cluster`], [`raw`], [`http`]: nodes in this process, and clients that say exactly what they are told to.
//! - [`cluster`], [`raw`], [`http`], [`tls`]: nodes in this process, and clients that say exactly what they are told to.
//! - [`checker`]: every broadcast once and in order, or told. [`chaos`]: the same under faults, repeatable from a seed.
//!
//! What must stay true: it relies on no service that already runs, and nothing of it outlives its test.

mod certificates;
mod key_server;
mod ports;
mod postgres;
mod proxy;
mod random;
mod redis;
mod redis_clock;
mod redis_cluster;
mod redis_sentinel;
mod signer;

pub use certificates::Certificates;
pub use key_server::{KeyAnswer, KeyServer, key_set};
pub use ports::free_port;
pub use postgres::PostgresServer;
pub use proxy::Proxy;
pub use random::Random;
pub use redis::RedisServer;
pub use redis_clock::SteppedClock;
pub use redis_cluster::RedisCluster;
pub use redis_sentinel::RedisSentinel;
pub use signer::{Signer, hmac_token, unsigned_token};
#[cfg(feature = "node")]
pub mod chaos;
#[cfg(feature = "node")]
pub mod checker;
#[cfg(feature = "node")]
pub mod cluster;
#[cfg(feature = "node")]
pub mod http;
#[cfg(feature = "node")]
pub mod raw;
#[cfg(feature = "node")]
pub mod tls;

#[cfg(feature = "node")]
pub use checker::{Checker, Fault};
#[cfg(feature = "node")]
pub use cluster::{API_KEY, Cluster, SECRET, config, token, token_at};
#[cfg(feature = "node")]
pub use raw::{Frame, Raw, Stream};
