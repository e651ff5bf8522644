//! What an operator can set. Each section is a file; each setting is one row in it, from which its key,
//! variable, flag, default, bounds, help and documentation come.
//!
//! A node starts from a [`Config`] that [`load()`] read and [`check()`] passed, so that every mistake is told
//! before a port is bound.

mod admission;
mod api;
mod auth;
mod check;
mod dev;
mod hooks;
mod keys;
mod limits;
mod lobbies;
mod log;
mod members;
mod messages;
mod network;
mod origin;
mod presence;
mod redis;
mod redis_url;
mod reload;
mod sessions;
mod shutdown;
mod socketio;
mod stats;
mod store;
mod store_url;
mod tls;
mod traces;
mod typing;
mod webhook;
mod webhook_url;

use std::net::SocketAddr;

use hallway_protocol::kind::KindEntry;
use hallway_settings::{Input, Loaded, Problems, settings};

pub use admission::Admission;
pub use api::Api;
pub use auth::Auth;
pub use check::{SECRET_LEN, check};
pub use dev::{DEV_API_KEY, DEV_SECRET};
pub use hooks::Hooks;
pub use keys::{KeyEntry, RefusedKey};
pub use limits::Limits;
pub use lobbies::Lobbies;
pub use log::{Log, LogFormat};
pub use members::Members;
pub use messages::Messages;
pub use network::Network;
pub use origin::Origin;
pub use presence::Presence;
pub use redis::Redis;
pub use redis_url::RedisUrl;
pub use reload::waiting_for_restart;
pub use sessions::Sessions;
pub use shutdown::Shutdown;
pub use socketio::SocketIo;
pub use stats::Stats;
pub use store::Store;
pub use store_url::StoreUrl;
pub use tls::{InternalTls, Tls};
pub use traces::Traces;
pub use typing::Typing;
pub use webhook::Webhook;
pub use webhook_url::WebhookUrl;

/// The variable that names the configuration file. It is no setting: it is read before there are any.
pub const FILE_VARIABLE: &str = "HALLWAY_CONFIG";

settings! {
    /// The node itself.
    pub struct Config {
        /// Address of the public listener: WebSocket clients. Port 0 takes a free one.
        listen: SocketAddr = "0.0.0.0:8080";
        /// Address of the internal listener: backend API, metrics, health. Never for the open internet.
        internal_listen: SocketAddr = "127.0.0.1:9000";
        /// For one's own machine: a secret and an API key that everybody knows, any origin, a demo page. Both
        /// listeners are on loopback unless they are set.
        dev: bool = false;
        /// The node's name, as clients and other nodes see it; must differ between nodes. Empty: a random one
        /// at each start.
        node: String = "";
        /// Worker threads; 0 for one per core.
        workers: usize = 0, from 0 to 1024;
        /// Proxies whose word on a client's address is believed (`X-Forwarded-For`, and the PROXY protocol where that is
        /// on), for the limit per address. Empty: nobody's, and every client behind a proxy has the proxy's address.
        trusted_proxies: Vec<Network> = "";
        /// Whether connections of `trusted_proxies` to the public listener begin with the PROXY protocol's header
        /// (version 1 or 2). One without is refused then; one from elsewhere that has it always is.
        proxy_protocol: bool = false;
    }
    sections {
        tls: Tls,
        internal_tls: InternalTls,
        auth: Auth,
        sessions: Sessions,
        admission: Admission,
        api: Api,
        limits: Limits,
        redis: Redis,
        store: Store,
        members: Members,
        messages: Messages,
        presence: Presence,
        webhook: Webhook,
        socketio: SocketIo,
        lobbies: Lobbies,
        typing: Typing,
        stats: Stats,
        hooks: Hooks,
        shutdown: Shutdown,
        log: Log,
        traces: Traces,
    }
    tables {
        /// Kinds of rooms: a new kind, or changes to a built-in one. Fields: `name`; `join` (`self`, `members`,
        /// `webhook`, `claims`, `lobby`, `signed-in`, `public`); `publish` (`in-room`, `backend`); `numbered`; `keep_count`; `keep_bytes`;
        /// `keep_seconds`; `presence`; `presence_merge_above`; `presence_merge_ms`; `typing`; `messages` (whether `messages.send` and its
        /// like work there); `includes` (endings such as `-tasks`). What is left out keeps what was there.
        kinds: KindEntry,
    }
}

/// Reads the configuration. With `dev` set, the values of [`DEV_SECRET`] and the like stand where nothing else
/// sets them.
///
/// # Errors
/// All that was refused, at once.
pub fn load(mut input: Input) -> Result<Loaded<Config>, Problems> {
    input.foreign_variables.push(FILE_VARIABLE.to_owned());
    dev::apply(&mut input);
    hallway_settings::load(&input)
}

#[cfg(test)]
mod tests;
