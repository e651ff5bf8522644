//! Those who publish: through sockets, and through the backend API with an idempotency key.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hallway_client::{RequestError, ResumeFrom, SessionHandle};
use serde_json::{Value, json};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};

use super::ledger::{Ledger, Outcome, payload, position};
use crate::cluster::API_KEY;
use crate::http::try_call;
use crate::random::Random;

/// How long one call of the backend API may take. A node that hangs is passed over after this.
const CALL: Duration = Duration::from_secs(3);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(100);
/// How long a call is tried again. Longer than any outage that a plan can have.
const TRIES: Duration = Duration::from_secs(30);

/// The backend API of all nodes.
#[derive(Debug, Clone)]
pub(super) struct Api {
    pub(super) nodes: Arc<[SocketAddr]>,
    pub(super) ledger: Arc<Ledger>,
    /// Where time is counted from.
    pub(super) start: Instant,
}

impl Api {
    /// Publishes once, trying node after node under one key until one knows. Returns where it was numbered.
    pub(super) async fn publish(&self, room: &str, mut turn: usize) -> Option<ResumeFrom> {
        let id = self.ledger.begin(room, self.start.elapsed());
        let key = format!("{room}-{id}");
        let body =
            json!({"room": room, "destination": "chaos", "data": payload(id), "idempotencyKey": key}).to_string();
        let until = Instant::now() + TRIES;
        loop {
            let node = self.nodes[turn % self.nodes.len()];
            let outcome = self.call(node, &body).await;
            if let Some(outcome) = outcome {
                self.ledger.settle(id, outcome.clone());
                return match outcome {
                    Outcome::Accepted(at) => Some(at),
                    _ => None,
                };
            }
            if Instant::now() > until {
                return None;
            }
            self.ledger.repeat(id);
            turn += 1;
            sleep(PAUSE).await;
        }
    }

    /// One try; `None` if nobody knows what became of it.
    async fn call(&self, node: SocketAddr, body: &str) -> Option<Outcome> {
        let headers = format!("Authorization: Bearer {API_KEY}\r\nContent-Type: application/json\r\n");
        let (status, answer) = try_call(node, "POST", "/api/v1/broadcast", &headers, body, CALL)
            .await
            .ok()?;
        let answer: Value = serde_json::from_str(&answer).ok()?;
        match status {
            200 => position(&answer["results"][0]).map(Outcome::Accepted),
            400..=499 => Some(Outcome::Refused),
            _ => None,
        }
    }

    /// Publishes once per period until a moment.
    pub(super) async fn publish_until(self, room: String, period: Duration, until: Instant, mut random: Random) {
        let mut tick = ticks(period, &mut random);
        while Instant::now() < until {
            tick.tick().await;
            self.publish(&room, random.below(self.nodes.len())).await;
        }
    }
}

/// Publishes through a socket once per period until a moment. A result that nobody knows is left unknown.
pub(super) async fn publish_by_socket(
    handle: SessionHandle,
    api: Api,
    room: String,
    period: Duration,
    until: Instant,
    mut random: Random,
) {
    let mut tick = ticks(period, &mut random);
    while Instant::now() < until {
        tick.tick().await;
        let id = api.ledger.begin(&room, api.start.elapsed());
        let args = json!({"room": room, "destination": "chaos", "data": payload(id), "includeSelf": true});
        let outcome = match handle.request("rooms.broadcast", args).await {
            Ok(reply) => position(&reply).map_or(Outcome::Uncertain, Outcome::Accepted),
            Err(RequestError::Disconnected | RequestError::Args(_)) => Outcome::Refused,
            // `unavailable` promises nothing, not even that it did not happen.
            Err(RequestError::Server(error)) if !["unavailable", "internal"].contains(&error.code.as_str()) => {
                Outcome::Refused
            }
            Err(_) => Outcome::Uncertain,
        };
        api.ledger.settle(id, outcome);
    }
}

/// Every period, beginning somewhere in the first one. What was missed in an outage is not made up for in a rush, so that
/// a room's history still covers the outage.
fn ticks(period: Duration, random: &mut Random) -> tokio::time::Interval {
    let phase = random.millis(0, period.as_millis() as usize);
    let mut tick = interval_at(Instant::now() + phase, period.max(Duration::from_millis(1)));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tick
}
