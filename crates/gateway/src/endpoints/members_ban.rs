//! `members.ban` and `members.unban`: whether someone may be a member at all. To lift a ban makes nobody a member.

use std::sync::Arc;

use hallway_protocol::endpoint::OfMember;
use hallway_store::Members as _;
use serde_json::json;

use super::{Answer, Caller};
use crate::error::from_store;
use crate::groups;
use crate::node::Node;

pub(super) fn ban(node: &Arc<Node>, caller: &Caller, args: OfMember) -> Answer {
    handle(node, caller, args, true)
}

pub(super) fn unban(node: &Arc<Node>, caller: &Caller, args: OfMember) -> Answer {
    handle(node, caller, args, false)
}

fn handle(node: &Arc<Node>, caller: &Caller, args: OfMember, banned: bool) -> Answer {
    let (node, caller) = (Arc::clone(node), caller.clone());
    Answer::Ordered(Box::pin(async move {
        let target = groups::target(&node, &caller, args.room, args.user_id).await?;
        target.below()?;
        let (room, user) = (&target.room, &target.user);
        let changed = target.store.ban(room.clone(), user.clone(), banned);
        if changed.await.map_err(from_store)? {
            if banned {
                groups::take_out(&node, room, user, "banned").await;
            }
            let change = if banned { "banned" } else { "unbanned" };
            groups::announce(&node, room, user, change, None).await;
        }
        super::to_data(&json!({})).map(Some)
    }))
}
