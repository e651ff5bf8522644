//! `rooms.broadcast`: publishes to a room. One path for everyone: from here to the bus, and back from the bus
//! to the sockets, this node's own too.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use hallway_bus::{Message, Publish, Published, Sent};
use hallway_protocol::endpoint::{RoomsBroadcast, check_destination};
use hallway_protocol::kind::Kind;
use hallway_protocol::{ClientId, Error, ErrorCode, Numbers, RoomName, json};

use super::{Answer, Caller};
use crate::node::Node;

pub(super) fn handle(node: &Arc<Node>, caller: &Caller, args: RoomsBroadcast) -> Answer {
    let kind = match check(node, caller, &args) {
        Ok(Some(kind)) => kind,
        Ok(None) => return Answer::Unordered(Box::pin(not_inside(Arc::clone(node), caller.clone(), args.room))),
        Err(why) => return Answer::Now(Err(why)),
    };
    let exclude = (!args.include_self).then(|| caller.socket.id());
    let data: Box<str> = args.data.into();
    let words = Words {
        destination: args.destination,
        data: Bytes::from(data.into_string()),
        exclude,
        idempotency_key: None,
    };
    let mut published = Box::pin(publish(node, kind, args.room, words));
    // On the embedded bus it is done by now.
    match (&mut published).now_or_never() {
        Some(result) => Answer::now(result),
        None => Answer::Unordered(Box::pin(async move { super::to_data(&published.await?) })),
    }
}

/// The kind of a room that the caller may publish to; nothing if it is not in it.
fn check<'n>(node: &'n Node, caller: &Caller, args: &RoomsBroadcast) -> Result<Option<&'n Kind>, Error> {
    check_destination(&args.destination)?;
    json::check_payload(args.data.get(), "data")?;
    let room = super::resolve(node, &args.room)?;
    let inside = node
        .hub
        .line(&args.room)
        .is_some_and(|line| line.room.contains(&caller.socket));
    if !inside {
        return Ok(None);
    }
    crate::policy::may_publish(&room, &args.room, &caller.identity)?;
    if let Some(user) = &caller.identity.user {
        node.authority.may_speak(&room, user)?;
    }
    Ok(Some(room.kind))
}

/// The answer to who is not in a room: who may not join it learns that, and nothing about it.
async fn not_inside(node: Arc<Node>, caller: Caller, room: RoomName) -> Result<super::Data, Error> {
    super::resolve_for(&node, &caller, &room).await?;
    Err(Error::new(ErrorCode::NotInRoom, format!("not in {room}")))
}

/// What is to be published, checked.
pub(crate) struct Words {
    pub(crate) destination: String,
    pub(crate) data: Bytes,
    pub(crate) exclude: Option<ClientId>,
    pub(crate) idempotency_key: Option<String>,
}

/// Publishes checked words. Takes its place in the bus's line when called, not when awaited.
pub(crate) fn publish(
    node: &Arc<Node>,
    kind: &Kind,
    room: RoomName,
    words: Words,
) -> impl Future<Output = Result<Numbers, Error>> + Send + 'static {
    let published = node.bus.publish(Publish {
        room,
        message: Message {
            destination: words.destination.into(),
            data: words.data,
            exclude: words.exclude,
            sent: Some(Sent {
                node: node.clock.node(),
                micros: node.clock.micros(),
            }),
        },
        keep: kind.keep,
        idempotency_key: words.idempotency_key,
    });
    let node = Arc::clone(node);
    async move {
        let result = published.await;
        let outcome = if result.is_ok() { "ok" } else { "unavailable" };
        node.metrics.delivery.broadcasts_out.with_label_values(&[outcome]).inc();
        result
            .map(|published| numbers(&published))
            .map_err(crate::error::from_bus)
    }
}

fn numbers(published: &Published) -> Numbers {
    Numbers {
        seq: published.position.map(|position| position.seq),
        epoch: published.position.map(|position| position.epoch),
        ts: published.ts,
    }
}
