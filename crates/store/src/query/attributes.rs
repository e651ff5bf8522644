//! What an application's database knows of a user.

use hallway_protocol::UserId;
use serde_json::{Map, Value};

use super::OperatorQuery;
use super::question::Question;
use crate::StoreError;
use crate::sql::Database;

/// A question about a user: SQL with the parameter `$1` (user), which gives no row or one. Its columns are attributes.
pub struct AttributeQuery(Question);

impl OperatorQuery for AttributeQuery {
    async fn prepare(database: &Database, setting: &str, sql: &str) -> Result<Self, StoreError> {
        Ok(Self(Question::prepare(database, setting, sql, 1, &[]).await?))
    }
}

impl AttributeQuery {
    /// The columns of a user's row as JSON, or nothing without a row. May be dropped at any time.
    ///
    /// # Errors
    /// [`StoreError::Refused`] if there is more than one row, or a column that cannot be JSON.
    pub async fn of(&self, user: &UserId) -> Result<Option<Map<String, Value>>, StoreError> {
        self.0.ask_for_one(&[user.as_str()]).await
    }
}
