//! The hub from outside.

#![allow(clippy::unwrap_used)]

mod carrier;
mod model;
mod tls;
mod tracks;

use std::sync::Arc;
use std::time::Duration;

use hallway_hub::{Hub, HubOptions, Link, Options, Socket, WheelOptions};
use hallway_protocol::{ClientId, Codec, RoomName, UserId};
use tokio::net::{TcpListener, TcpStream};

fn hub() -> Hub {
    Hub::new(HubOptions {
        socket_queue_bytes: 1024 * 1024,
        close_timeout: Duration::from_secs(5),
        wheel: WheelOptions {
            ping_interval: Duration::from_secs(25),
            pong_timeout: Duration::from_secs(20),
            idle_timeout: Duration::ZERO,
            expiry_warning: Duration::ZERO,
            expiry_grace: Duration::ZERO,
        },
    })
}

fn room(name: &str) -> RoomName {
    RoomName::parse(name).unwrap()
}

/// A socket of the hub, and the other end of it.
async fn socket(hub: &Hub, number: u128, user: &str) -> (Arc<Socket>, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (client, accepted) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
    let options = Options {
        id: ClientId::from_bits(number),
        user: Some(UserId::parse(user).unwrap()),
        codec: Codec::Json,
        authorization: Default::default(),
        badge: None,
    };
    let socket = hub.admit(options, Link::Tcp(accepted.unwrap().0));
    socket.open(bytes::Bytes::new());
    (socket, client.unwrap())
}
