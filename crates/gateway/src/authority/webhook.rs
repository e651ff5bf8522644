//! Members by the word of the operator's backend.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use hallway_protocol::{Error, RoomName, UserId};
use hallway_store::Role;
use serde::{Deserialize, Serialize};

use super::{Source, Standing};
use crate::webhook::Webhook;

/// Asks whether someone may be in a room.
pub struct MembershipHook(pub Arc<Webhook>);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Question {
    r#type: &'static str,
    user_id: UserId,
    room: RoomName,
}

/// `{"allowed":true,"role":"member"}`.
#[derive(Deserialize)]
struct Answer {
    allowed: bool,
    #[serde(default)]
    role: Option<String>,
}

impl Source for MembershipHook {
    fn standing(&self, user: UserId, room: RoomName) -> BoxFuture<'static, Result<Standing, Error>> {
        let webhook = Arc::clone(&self.0);
        let question = Question {
            r#type: "membership",
            user_id: user,
            room,
        };
        async move {
            let refused = Answer {
                allowed: false,
                role: None,
            };
            let answer = webhook.ask(&question, refused).await?;
            let role = answer.role.as_deref().map_or(Role::Member, Role::read);
            Ok(Standing {
                role: answer.allowed.then_some(role),
                muted_until: None,
            })
        }
        .boxed()
    }
}
