//! Messages: stored first, then broadcast. What the database has acknowledged is broadcast in any case: by the node that
//! stored it, or, where that fails, by whichever node finds it in the outbox ([`relay`]).
//!
//! What must stay true: every broadcast of a change carries the change's own idempotency key, so that two nodes which both
//! send it make one broadcast; and a change leaves the outbox ([`notes`]) only when all of its broadcasts are confirmed.

mod absent;
mod cursor;
mod events;
mod notes;
pub(crate) mod page;
pub mod relay;
pub(crate) mod rules;

use std::sync::Arc;
use std::time::Instant;

use futures_util::future::join_all;
use hallway_protocol::{ClientId, Error, ErrorCode, Numbers};
use hallway_store::{Change, ChangeId, Message, StoreError, Stored};
use serde::Serialize;

use crate::endpoints::rooms_broadcast::{Words, publish};
use crate::error::from_store;
use crate::node::Node;
pub use notes::Notes;

/// A message after a change, and where its broadcast stands. Without numbers there was nothing to send, or it is sent later.
#[derive(Debug, Serialize)]
pub(crate) struct Told {
    #[serde(flatten)]
    pub(crate) message: Message,
    #[serde(flatten)]
    pub(crate) numbers: Option<Numbers>,
}

/// Stores a change and broadcasts it; nothing if there is no such message. `exclude` has the answer and not the broadcast.
///
/// Cancel safe: what is begun goes on, so that what is stored is broadcast without waiting for the lease.
///
/// # Errors
/// It was not stored, or, where the database went away while it was at work, nobody knows.
pub(crate) async fn make(
    node: &Arc<Node>,
    change: Change,
    exclude: Option<ClientId>,
    stored: impl Future<Output = Result<Option<Stored>, StoreError>> + Send + 'static,
) -> Result<Option<Told>, Error> {
    let node = Arc::clone(node);
    let deed = async move {
        let label = events::label(&change);
        let since = Instant::now();
        let stored = stored.await.map_err(from_store);
        node.metrics
            .messages
            .seconds
            .with_label_values(&[label])
            .observe(since.elapsed().as_secs_f64());
        count(&node, label, &stored);
        match stored? {
            Some(stored) => Ok(Some(tell(&node, &change, stored, exclude).await)),
            None => Ok(None),
        }
    };
    tokio::spawn(deed).await.unwrap_or_else(|why| {
        tracing::error!(%why, "a message was given up half-way");
        Err(Error::new(ErrorCode::Internal, "internal error"))
    })
}

fn count(node: &Node, label: &str, stored: &Result<Option<Stored>, Error>) {
    let outcome = match stored {
        Ok(Some(stored)) if stored.change.is_some() => "ok",
        Ok(Some(_)) => "repeat",
        Ok(None) => ErrorCode::NotFound.wire(),
        Err(why) => why.code.wire(),
    };
    node.metrics.messages.changes.with_label_values(&[label, outcome]).inc();
}

/// Broadcasts what was just stored.
async fn tell(node: &Arc<Node>, change: &Change, stored: Stored, exclude: Option<ClientId>) -> Told {
    let Stored { message, change: id } = stored;
    let Some(id) = id else {
        return Told { message, numbers: None };
    };
    let numbers = match send(node, &id, change, &message, exclude) {
        Ok(sent) => sent.await,
        Err(why) => Err(why),
    };
    match &numbers {
        Ok(_) => {
            node.notes.sent(id);
            absent::tell(node, change, &message);
        }
        Err(why) => {
            tracing::debug!(%why, room = %message.room, "a message is broadcast later");
            node.metrics.messages.deferred.inc();
            node.notes.not_sent(id);
        }
    }
    Told {
        message,
        numbers: numbers.ok(),
    }
}

/// Publishes all that is to be said of a change. Takes its places in the bus's line when called.
///
/// # Errors
/// Its room has no meaning any more. The future's: not all of it is confirmed.
fn send(
    node: &Arc<Node>,
    id: &ChangeId,
    change: &Change,
    message: &Message,
    exclude: Option<ClientId>,
) -> Result<impl Future<Output = Result<Numbers, Error>> + Send + 'static, Error> {
    let mut sent = Vec::new();
    for said in events::of(node, change, message)? {
        let words = Words {
            destination: said.event.wire().to_owned(),
            data: said.data,
            exclude,
            idempotency_key: Some(format!("message:{}", id.revision)),
        };
        sent.push(publish(node, said.kind, said.room, words));
    }
    Ok(async move {
        let all: Vec<Numbers> = join_all(sent).await.into_iter().collect::<Result<_, _>>()?;
        // The message's own room comes first.
        let own = all.into_iter().next();
        own.ok_or_else(|| Error::new(ErrorCode::Internal, "internal error"))
    })
}
