//! Memberships that an application keeps in its database.

use hallway_protocol::{RoomName, UserId};

use super::question::Question;
use super::{OperatorQuery, text};
use crate::sql::Database;
use crate::{Role, StoreError};

/// A question for a membership: SQL with the parameters `$1` (user) and `$2` (room). A row means that the user is a member;
/// a column `role` may say more. Of several rows the first one counts.
pub struct MemberQuery(Question);

impl OperatorQuery for MemberQuery {
    async fn prepare(database: &Database, setting: &str, sql: &str) -> Result<Self, StoreError> {
        Ok(Self(Question::prepare(database, setting, sql, 2, &[]).await?))
    }
}

impl MemberQuery {
    /// A user's role in a room; nothing if they are not a member. May be dropped at any time.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like; nothing about the row.
    pub async fn role_in(&self, user: &UserId, room: &RoomName) -> Result<Option<Role>, StoreError> {
        let rows = self.0.ask(&[user.as_str(), room.as_str()]).await?;
        Ok(rows
            .into_iter()
            .next()
            .map(|row| text(&row, "role").map_or(Role::Member, |role| Role::read(&role))))
    }
}
