//! socketioxide as a peer of the load generator: rooms to join, and broadcasts to everyone else in them.
//! `PORT`, `SECRET` (of HS256 tokens) and, for the Redis adapter, `REDIS_URL`.

use std::env;
use std::error::Error;
use std::fmt;
use std::sync::OnceLock;

use axum::Router;
use axum::routing::get;
use axum::serve::ListenerExt;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use socketioxide::SocketIo;
use socketioxide::adapter::Adapter;
use socketioxide::extract::{AckSender, Data, SocketRef};
use socketioxide::handler::ConnectHandler;
use socketioxide::layer::SocketIoLayer;
use socketioxide_redis::{RedisAdapter, RedisAdapterCtr};
use tokio::net::TcpListener;

/// The gateway's allocator, so that the two differ in what they do with memory and not in where they get it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What tokens are signed with; set before anything is served.
static KEY: OnceLock<DecodingKey> = OnceLock::new();

#[derive(Deserialize)]
struct Auth {
    token: String,
}

#[derive(Deserialize)]
struct Claims {
    #[expect(dead_code, reason = "a token without a user is none")]
    sub: String,
}

#[derive(Serialize)]
struct Done {}

/// What a client without a good token hears.
#[derive(Debug)]
struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the token is not good")
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let secret = env::var("SECRET")?;
    KEY.get_or_init(|| DecodingKey::from_secret(secret.as_bytes()));
    match env::var("REDIS_URL") {
        Ok(url) => {
            // What the adapter's driver asks for.
            let client = redis::Client::open(format!("{url}?protocol=resp3"))?;
            let adapter = RedisAdapterCtr::new_with_redis(&client).await?;
            let (layer, io) = SocketIo::builder()
                .with_adapter::<RedisAdapter<_>>(adapter)
                .build_layer();
            io.ns("/", connected.with(welcomed)).await?;
            serve(layer).await
        }
        Err(_) => {
            let (layer, io) = SocketIo::new_layer();
            io.ns("/", connected.with(welcomed));
            serve(layer).await
        }
    }
}

async fn serve<A: Adapter>(layer: SocketIoLayer<A>) -> Result<(), Box<dyn Error>> {
    let port: u16 = env::var("PORT")?.parse()?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let listener = listener.tap_io(|stream| {
        // It fails only on a connection that has ended.
        let _ = stream.set_nodelay(true);
    });
    // The route is for the probe.
    let app = Router::new().route("/", get(async || "ok")).layer(layer);
    Ok(axum::serve(listener, app).await?)
}

/// Checks a client's token, and is ready for what it says. A handler of the connection, which is a task of its own,
/// would come too late for that: the client is told that it is connected before the task has run.
async fn welcomed<A: Adapter>(socket: SocketRef<A>, Data(auth): Data<Auth>) -> Result<(), Refused> {
    let key = KEY.get().ok_or(Refused)?;
    decode::<Claims>(auth.token, key, &Validation::new(Algorithm::HS256)).map_err(|_| Refused)?;
    socket.on("join", joins::<A>);
    socket.on("publish", publishes::<A>);
    Ok(())
}

async fn connected() {}

async fn joins<A: Adapter>(socket: SocketRef<A>, Data(room): Data<String>, ack: AckSender<A>) {
    socket.join(room);
    // It fails for a client that has gone.
    let _ = ack.send(&Done {});
}

async fn publishes<A: Adapter>(socket: SocketRef<A>, Data((room, data)): Data<(String, Value)>, ack: AckSender<A>) {
    match socket.to(room).emit("load", &data).await {
        Ok(()) => drop(ack.send(&Done {})),
        Err(why) => drop(ack.send(&why.to_string())),
    }
}
