//! `members.kick`: ends a membership. Whoever adds members may add them again.

use std::sync::Arc;

use hallway_protocol::endpoint::OfMember;
use hallway_store::Members as _;
use serde_json::json;

use super::{Answer, Caller};
use crate::error::from_store;
use crate::groups;
use crate::node::Node;

pub(super) fn handle(node: &Arc<Node>, caller: &Caller, args: OfMember) -> Answer {
    let (node, caller) = (Arc::clone(node), caller.clone());
    Answer::Ordered(Box::pin(async move {
        let target = groups::target(&node, &caller, args.room, args.user_id).await?;
        target.member()?;
        target.below()?;
        let removed = target.store.remove_member(target.room.clone(), target.user.clone());
        removed.await.map_err(from_store)?;
        groups::take_out(&node, &target.room, &target.user, "kicked").await;
        groups::announce(&node, &target.room, &target.user, "kicked", None).await;
        super::to_data(&json!({})).map(Some)
    }))
}
