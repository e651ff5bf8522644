//! `members.list`: who belongs to a room, or may not.

use std::sync::Arc;

use hallway_protocol::endpoint::MembersList;
use hallway_protocol::{Error, ErrorCode, UserId};
use hallway_store::{Members as _, Role, Who};
use serde::Serialize;

use super::{Answer, Caller, Data};
use crate::error::from_store;
use crate::groups::{self, MemberView};
use crate::messages::page::limit_of;
use crate::node::Node;

/// A page.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    members: Vec<MemberView>,
    next_cursor: Option<UserId>,
}

pub(super) fn handle(node: &Arc<Node>, caller: &Caller, args: MembersList) -> Answer {
    let (node, caller) = (Arc::clone(node), caller.clone());
    Answer::Unordered(Box::pin(async move { list(&node, &caller, args).await }))
}

async fn list(node: &Node, caller: &Caller, args: MembersList) -> Result<Data, Error> {
    let room = groups::kept(node, caller, &args.room).await?;
    let limit = limit_of(args.limit)?;
    let after = args.after.as_deref().map(UserId::parse).transpose();
    let after = after.map_err(|_| Error::bad_args("after", "after is a cursor"))?;
    let who = match args.banned {
        true => Who::Banned,
        false => Who::Members,
    };
    if who == Who::Banned {
        let role = groups::role_of_caller(node, caller, &room).await?;
        if !matches!(role, Some(Role::Owner | Role::Moderator)) {
            let why = "only owners and moderators may see who is banned";
            return Err(Error::new(ErrorCode::Forbidden, why));
        }
    }
    let store = node.store.get().map_err(from_store)?;
    let page = store.members(args.room, who, after, limit).await.map_err(from_store)?;
    super::to_data(&Page {
        members: page.items.into_iter().map(MemberView::from).collect(),
        next_cursor: page.next,
    })
}
