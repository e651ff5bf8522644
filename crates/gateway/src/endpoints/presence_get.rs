//! `presence.get`: how users stand. Whoever may hear a user's status (join their `presence-` room) may ask for it.

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use hallway_bus::presence::Person;
use hallway_protocol::endpoint::{Device, PresenceGet, UserPresence};
use hallway_protocol::{Error, RoomName, Status, UserId, limits};
use hallway_store::People as _;
use serde_json::json;

use super::{Answer, Caller};
use crate::error::from_bus;
use crate::node::Node;
use crate::people::About;

/// Users whom the database is asked about at once.
const AT_ONCE: usize = 8;

pub(super) fn handle(node: &Arc<Node>, caller: &Caller, args: PresenceGet) -> Answer {
    let (node, caller) = (Arc::clone(node), caller.clone());
    Answer::Unordered(Box::pin(async move {
        if !(1..=limits::PRESENCE_USERS).contains(&args.user_ids.len()) {
            return Err(Error::bad_args("userIds", "userIds has 1 to 100 users"));
        }
        for user in &args.user_ids {
            super::resolve_for(&node, &caller, &RoomName::of_presence(user)).await?;
        }
        node.people.settled().await?;
        let people = node
            .people
            .log()
            .people(args.user_ids.clone())
            .await
            .map_err(from_bus)?;
        let users = args.user_ids.into_iter().zip(people);
        let users = stream::iter(users.map(|(user, person)| stands(&node, user, person)));
        let users: Vec<UserPresence> = users.buffered(AT_ONCE).collect().await;
        super::to_data(&json!({"users": users}))
    }))
}

async fn stands(node: &Node, user: UserId, person: Person) -> UserPresence {
    let status = person.standing.status;
    if status != Status::Offline {
        let devices = person.sockets.iter().map(|(_, about)| {
            let about = About::read(about);
            Device {
                device: about.device,
                is_active: about.is_active,
                connected_at: about.connected_at,
            }
        });
        return UserPresence {
            devices: devices.collect(),
            user_id: user,
            status,
            last_seen_at: None,
        };
    }
    let last_seen_at = match person.seen_at {
        Some(at) => Some(at),
        None => stored(node, &user).await,
    };
    UserPresence {
        user_id: user,
        status,
        last_seen_at,
        devices: Vec::new(),
    }
}

/// What the database remembers; nothing if it is away.
async fn stored(node: &Node, user: &UserId) -> Option<u64> {
    let stored = node.store.get().ok()?.user(user.clone()).await.ok()??;
    u64::try_from(stored.last_seen_at?).ok()
}
