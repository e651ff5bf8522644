//! Members by the database: the gateway's own table, or the operator's SQL.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use hallway_protocol::{Error, RoomName, UserId};
use hallway_store::{MemberQuery, Members as _, Role, SqlStore};

use super::Source;
use crate::database::Late;
use crate::error::from_store;

/// Where memberships stand.
pub enum Members {
    /// In the gateway's own table.
    Own(Arc<Late<SqlStore>>),
    /// Wherever the operator's SQL finds them.
    Asked(Arc<Late<MemberQuery>>),
}

impl Source for Members {
    fn role_in(&self, user: UserId, room: RoomName) -> BoxFuture<'static, Result<Option<Role>, Error>> {
        match self {
            Self::Own(store) => {
                let store = store.get();
                async move { store.map_err(from_store)?.role_in(user, room).await.map_err(from_store) }.boxed()
            }
            Self::Asked(query) => {
                let query = query.get();
                async move {
                    query
                        .map_err(from_store)?
                        .role_in(&user, &room)
                        .await
                        .map_err(from_store)
                }
                .boxed()
            }
        }
    }
}
