//! Sends what was stored and not broadcast: the node that stored it could not reach the bus, or is gone. Every node looks; a
//! change is handed to one of them at a time.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use hallway_protocol::{Error, Numbers};
use hallway_store::{Outbox as _, Unsent};
use tokio::time::MissedTickBehavior;

use crate::node::Node;

/// Changes taken at once, and on their way to the bus together.
const BATCH: usize = 200;

/// Looks once per `interval`, and when the bus is back. Runs until the bus ends.
pub async fn run(node: Arc<Node>, interval: Duration) {
    let mut health = node.bus.health();
    let mut tick = tokio::time::interval(interval);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut was_ready = false;
    loop {
        let is_time = tokio::select! {
            _ = tick.tick() => true,
            changed = health.changed() => match changed {
                Ok(()) => false,
                Err(_) => return,
            },
        };
        // Nothing is taken that could not be sent: another node may be able to.
        let is_ready = health.borrow_and_update().ready;
        if is_ready && (is_time || !was_ready) {
            while round(&node).await {}
        }
        was_ready = is_ready;
    }
}

/// Sends a batch, the oldest change first. Whether there may be more.
async fn round(node: &Arc<Node>) -> bool {
    let Ok(store) = node.store.get() else { return false };
    let unsent = match store.unsent(BATCH).await {
        Ok(unsent) => unsent,
        Err(why) => {
            tracing::debug!(%why, "the outbox cannot be read");
            return false;
        }
    };
    if unsent.is_empty() {
        return false;
    }
    let count = unsent.len();
    // All of them take their places in the bus's line before the first is waited for.
    let under_way: Vec<_> = unsent
        .iter()
        .map(|one| super::send(node, &one.id, &one.change, &one.message, None))
        .collect();
    let mut all_sent = true;
    let results = join_all(under_way.into_iter().map(|sent| async {
        match sent {
            Ok(sent) => Ok(sent.await),
            Err(why) => Err(why),
        }
    }));
    for (one, result) in unsent.into_iter().zip(results.await) {
        all_sent &= settle(node, one, result);
    }
    tracing::info!(count, all_sent, "broadcast what was stored earlier");
    all_sent && count == BATCH
}

fn settle(node: &Arc<Node>, one: Unsent, result: Result<Result<Numbers, Error>, Error>) -> bool {
    match result {
        Ok(Ok(_)) => {
            node.metrics.messages.relayed.inc();
            super::absent::tell(node, &one.change, &one.message);
            node.notes.sent(one.id);
            true
        }
        Ok(Err(_)) => {
            node.notes.not_sent(one.id);
            false
        }
        Err(why) => {
            // The operator has taken the kind away: nobody can be in such a room.
            tracing::warn!(%why, room = %one.message.room, "a message of a room without meaning is not broadcast");
            node.notes.sent(one.id);
            true
        }
    }
}
