//! `members.setRole`: gives a member another role. Owners' only, and not of oneself, so that a room keeps an owner.

use std::sync::Arc;

use hallway_protocol::endpoint::MembersSetRole;
use hallway_store::Members as _;

use super::{Answer, Caller};
use crate::error::from_store;
use crate::groups::{self, MemberView};
use crate::node::Node;

pub(super) fn handle(node: &Arc<Node>, caller: &Caller, args: MembersSetRole) -> Answer {
    let (node, caller) = (Arc::clone(node), caller.clone());
    Answer::Ordered(Box::pin(async move {
        let role = groups::role_of(&args.role)?;
        let target = groups::target(&node, &caller, args.room, args.user_id).await?;
        target.by_owner()?;
        target.member()?;
        let (room, user) = (&target.room, &target.user);
        let put = target.store.put_member(room.clone(), user.clone(), role).await;
        let member = put.map_err(from_store)?;
        groups::look_again(&node, room, user).await;
        groups::announce(&node, room, user, "role", Some(role)).await;
        super::to_data(&MemberView::from(member)).map(Some)
    }))
}
