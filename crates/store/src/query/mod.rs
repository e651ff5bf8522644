//! Questions to an operator's own tables: SQL from the settings, prepared at the start, so that a mistake is told before
//! anybody asks.

use crate::{Database, StoreError};

mod attributes;
mod members;
mod question;
mod session;
mod timestamp;

pub use attributes::AttributeQuery;
pub use members::MemberQuery;
pub use session::{NEXT_AUTH_SQL, Session, SessionQuery};

/// A question that is asked with an operator's SQL.
pub trait OperatorQuery: Sized + Send + Sync + 'static {
    /// Prepares the SQL on connections that are there; `setting` is named where it is wrong.
    ///
    /// # Errors
    /// [`StoreError::Setting`] if the SQL is wrong; [`StoreError::Unavailable`] if the database is away.
    fn prepare(database: &Database, setting: &str, sql: &str) -> impl Future<Output = Result<Self, StoreError>> + Send;
}

/// A row of an answer.
type Object = serde_json::Map<String, serde_json::Value>;

/// A column as text, where numbers are meant to be ids too. Nothing for NULL and for what is neither.
fn text(row: &Object, column: &str) -> Option<String> {
    match row.get(column)? {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
