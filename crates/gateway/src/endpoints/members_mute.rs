//! `members.mute` and `members.unmute`: whether a member may say something. Who is muted hears everything, and may take back
//! what they said.

use std::sync::Arc;

use hallway_protocol::endpoint::{MembersMute, OfMember};
use hallway_protocol::{RoomName, UserId};
use hallway_store::Members as _;

use super::{Answer, Caller};
use crate::error::from_store;
use crate::groups::{self, FOR_GOOD, MemberView};
use crate::node::Node;

pub(super) fn mute(node: &Arc<Node>, caller: &Caller, args: MembersMute) -> Answer {
    let until = args
        .until
        .map_or(FOR_GOOD, |until| i64::try_from(until).unwrap_or(FOR_GOOD));
    handle(node, caller, args.room, args.user_id, Some(until.min(FOR_GOOD)))
}

pub(super) fn unmute(node: &Arc<Node>, caller: &Caller, args: OfMember) -> Answer {
    handle(node, caller, args.room, args.user_id, None)
}

fn handle(node: &Arc<Node>, caller: &Caller, room: RoomName, user: UserId, until: Option<i64>) -> Answer {
    let (node, caller) = (Arc::clone(node), caller.clone());
    Answer::Ordered(Box::pin(async move {
        let target = groups::target(&node, &caller, room, user).await?;
        target.member()?;
        target.below()?;
        let (room, user) = (&target.room, &target.user);
        let muted = target.store.mute(room.clone(), user.clone(), until).await;
        let muted = muted.map_err(from_store)?.ok_or_else(|| groups::no_member(room))?;
        groups::look_again(&node, room, user).await;
        let change = if until.is_some() { "muted" } else { "unmuted" };
        groups::announce(&node, room, user, change, None).await;
        super::to_data(&MemberView::from(muted)).map(Some)
    }))
}
