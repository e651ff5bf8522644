//! Whole nodes over real sockets, a file per behaviour.

// What is no `#[test]` itself helps one here, and fails it in the same way.
#![allow(clippy::unwrap_used)]

mod admission;
mod api;
mod attacks;
mod bad_input;
mod broadcast;
mod cluster;
mod departures;
mod drain;
mod groups;
mod handshake;
mod hooks;
mod keys;
mod limits;
mod liveness;
mod lobbies;
mod members;
mod messages;
mod messages_later;
mod messages_pages;
mod overview;
mod presence;
mod presence_truth;
mod proxies;
mod refresh;
mod reload;
mod resume;
mod revocation;
mod rooms;
mod secrets;
mod security_headers;
mod sessions;
mod slow_consumer;
mod socketio;
mod stats;
mod tail;
mod tls;
mod traces;
mod typing;
mod webhook;

use std::time::Duration;

use hallway_client::{Broadcast, Client, Incoming};

/// The next broadcast; anything else fails the test.
async fn broadcast(client: &mut Client) -> Broadcast {
    match next(client).await {
        Some(Incoming::Broadcast(broadcast)) => broadcast,
        other => panic!("a broadcast, not {other:?}"),
    }
}

/// The next event, within a generous time.
async fn next(client: &mut Client) -> Option<Incoming> {
    tokio::time::timeout(Duration::from_secs(20), client.next())
        .await
        .expect("an event in time")
}

/// The code that the connection is closed with; what is heard before is passed over.
async fn close_code(client: &mut Client) -> u16 {
    loop {
        match next(client).await {
            Some(Incoming::Closed(closed)) => return closed.code,
            Some(_) => {}
            None => panic!("closed without saying so"),
        }
    }
}
