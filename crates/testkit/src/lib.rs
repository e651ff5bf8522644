//! What tests need around a node: real servers that can be hurt, and faults on the way to them.

mod ports;
mod proxy;
mod redis;

pub use ports::free_port;
pub use proxy::Proxy;
pub use redis::RedisServer;
#[cfg(feature = "node")]
pub mod checker;
#[cfg(feature = "node")]
pub mod cluster;
#[cfg(feature = "node")]
pub mod http;
#[cfg(feature = "node")]
pub mod raw;

#[cfg(feature = "node")]
pub use checker::{Checker, Fault};
#[cfg(feature = "node")]
pub use cluster::{API_KEY, Cluster, SECRET, config, token, token_at};
#[cfg(feature = "node")]
pub use raw::{Frame, Raw};
