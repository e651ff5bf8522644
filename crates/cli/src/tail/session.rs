//! One connection, from its handshake to its end.

use std::collections::VecDeque;

use hallway_client::{Client, Closed, ConnectError, Incoming, Options, RequestError};
use hallway_protocol::CloseCode;
use serde_json::Value;

use super::pace::Pace;
use super::rooms::Rooms;
use crate::failure::Failure;
use crate::output;

/// How a connection ended.
pub(crate) enum Ended {
    /// Coming back is no use.
    ForGood(String),
    /// There was none; there may be one later.
    NeverBegan(String),
    /// It was there, and may be again.
    ComeBack(String),
}

/// Connects, joins, prints until the end. Fails only if nothing can be printed any more.
pub(crate) async fn run(options: Options, rooms: &mut Rooms, pace: &mut Pace) -> Result<Ended, Failure> {
    let (mut client, hello) = match Client::connect(options).await {
        Ok(connected) => connected,
        Err(error) => return Ok(not_connected(error, pace)),
    };
    output::note(&format!(
        "connected to {} as {}",
        hello.node,
        hello.user_id.as_deref().unwrap_or("nobody")
    ));
    let mut early = VecDeque::new();
    for place in 0..rooms.len() {
        match join(&mut client, rooms.join_args(place), &mut early).await {
            Ok(reply) => rooms.joined(place, &reply)?,
            Err(error) => {
                return Ok(not_joined(
                    error,
                    rooms.join_args(place)["room"].as_str().unwrap_or(""),
                    pace,
                ));
            }
        }
    }
    pace.worked();
    loop {
        let event = match early.pop_front() {
            Some(event) => Some(event),
            None => client.next().await,
        };
        match event {
            Some(Incoming::Broadcast(broadcast)) => rooms.take(&broadcast)?,
            Some(Incoming::Goodbye(goodbye)) => pace.server_said(goodbye.reconnect_after_ms),
            Some(Incoming::Closed(closed)) => return Ok(ended(&closed)),
            Some(_) => {}
            None => return Ok(Ended::ComeBack("the connection ended".to_owned())),
        }
    }
}

/// Joins a room. What comes meanwhile is kept for later: it belongs behind what the reply says was missed, and
/// if it were left where it is, it could hold up the reply.
async fn join(client: &mut Client, args: Value, early: &mut VecDeque<Incoming>) -> Result<Value, RequestError> {
    let requests = client.requests();
    let mut reply = std::pin::pin!(requests.request("rooms.join", args));
    loop {
        tokio::select! {
            reply = &mut reply => return reply,
            Some(event) = client.next() => early.push_back(event),
        }
    }
}

fn not_connected(error: ConnectError, pace: &mut Pace) -> Ended {
    let why = error.to_string();
    match error {
        ConnectError::Refused {
            status: 429 | 500..=599,
            retry_after_ms,
            ..
        } => {
            retry_after_ms.into_iter().for_each(|millis| pace.server_said(millis));
            Ended::NeverBegan(why)
        }
        ConnectError::Closed(closed) if CloseCode::reconnects(closed.code) => Ended::NeverBegan(why),
        ConnectError::Timeout | ConnectError::Transport(_) => Ended::NeverBegan(why),
        _ => Ended::ForGood(why),
    }
}

fn not_joined(error: RequestError, room: &str, pace: &mut Pace) -> Ended {
    let why = format!("{room}: {error}");
    match error {
        RequestError::Closed(closed) => ended(&closed),
        RequestError::Timeout => Ended::ComeBack(why),
        RequestError::Server(error) if matches!(error.code.as_str(), "unavailable" | "rate-limited" | "internal") => {
            error
                .retry_after_ms
                .into_iter()
                .for_each(|millis| pace.server_said(millis));
            Ended::ComeBack(why)
        }
        _ => Ended::ForGood(why),
    }
}

fn ended(closed: &Closed) -> Ended {
    let why = format!("closed: {closed}");
    if CloseCode::reconnects(closed.code) {
        Ended::ComeBack(why)
    } else {
        Ended::ForGood(why)
    }
}
