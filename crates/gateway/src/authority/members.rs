//! Members by the database: the gateway's own table, or the operator's SQL.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use hallway_protocol::{Error, RoomName, UserId};
use hallway_store::{MemberQuery, Members as _, SqlStore};

use super::{Source, Standing};
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
    fn standing(&self, user: UserId, room: RoomName) -> BoxFuture<'static, Result<Standing, Error>> {
        match self {
            Self::Own(store) => {
                let store = store.get();
                async move {
                    let membership = store.map_err(from_store)?.membership(room, user).await;
                    let membership = membership.map_err(from_store)?;
                    Ok(membership.map_or_else(Standing::default, |membership| Standing {
                        role: membership.role,
                        muted_until: membership.muted_until,
                    }))
                }
                .boxed()
            }
            Self::Asked(query) => {
                let query = query.get();
                async move {
                    let role = query.map_err(from_store)?.role_in(&user, &room).await;
                    let role = role.map_err(from_store)?;
                    Ok(Standing {
                        role,
                        muted_until: None,
                    })
                }
                .boxed()
            }
        }
    }
}
