//! Sessions that an application keeps in its database.

use std::time::{SystemTime, UNIX_EPOCH};

use hallway_protocol::UserId;
use serde_json::Value;

use super::question::Question;
use super::{OperatorQuery, text, timestamp};
use crate::sql::Database;
use crate::{DatabaseOptions, StoreError};

/// The question for the tables that next-auth's Prisma adapter makes
/// (<https://authjs.dev/getting-started/adapters/prisma>).
pub const NEXT_AUTH_SQL: &str = r#"SELECT s."userId" AS user_id, u.name AS name, s.expires AS expires
FROM "Session" s LEFT JOIN "User" u ON u.id = s."userId"
WHERE s."sessionToken" = $1"#;

/// A session that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Whose it is.
    pub user_id: UserId,
    /// How they are called.
    pub name: Option<String>,
    /// When it ends, in Unix milliseconds; nothing if it does not by itself.
    pub expires_at: Option<i64>,
}

/// A question for the session behind a token: SQL with the parameter `$1`, which gives no row or one, with the columns
/// `user_id`, and where they exist `name` and `expires` (a timestamp, or Unix milliseconds).
pub struct SessionQuery(Question);

impl OperatorQuery for SessionQuery {
    async fn prepare(database: &Database, setting: &str, sql: &str) -> Result<Self, StoreError> {
        let question = Question::prepare(database, setting, sql, 1, &["user_id"]).await?;
        Ok(Self(question))
    }
}

impl SessionQuery {
    /// Connects to a database of its own and prepares the SQL; without any, [`NEXT_AUTH_SQL`].
    ///
    /// # Errors
    /// [`StoreError::Setting`] names `sessions.url` or `sessions.sql`; [`StoreError::Unavailable`] if nobody answers.
    pub async fn connect(url: &str, sql: Option<&str>) -> Result<Self, StoreError> {
        let options = DatabaseOptions {
            url: url.to_owned(),
            setting: "sessions.url",
            ..DatabaseOptions::default()
        };
        let database = Database::connect(&options).await?;
        Self::prepare(&database, "sessions.sql", sql.unwrap_or(NEXT_AUTH_SQL)).await
    }

    /// The session behind a token, unless there is none or it has ended by this machine's clock. May be dropped at any time.
    ///
    /// # Errors
    /// [`StoreError::Refused`] if the row makes no sense: no user, an impossible one, or an end that is no time.
    pub async fn find(&self, token: &str) -> Result<Option<Session>, StoreError> {
        let Some(row) = self.0.ask_for_one(&[token]).await? else {
            return Ok(None);
        };
        let refused = |why: &str| self.0.named(StoreError::Refused(why.to_owned()));
        let user = text(&row, "user_id").ok_or_else(|| refused("user_id is no text and no number"))?;
        let user_id = UserId::parse(&user).map_err(|why| refused(&format!("user_id: {why}")))?;
        let expires_at = match row.get("expires") {
            None | Some(Value::Null) => None,
            // A time that cannot be read must not become a session without an end.
            Some(value) => match read_end(value).ok_or_else(|| refused("expires is no time"))? {
                End::Never => None,
                End::At(millis) if millis <= now() => return Ok(None),
                End::At(millis) => Some(millis),
            },
        };
        Ok(Some(Session {
            user_id,
            name: text(&row, "name"),
            expires_at,
        }))
    }
}

enum End {
    Never,
    At(i64),
}

fn read_end(value: &Value) -> Option<End> {
    match value {
        // What Postgres calls the two ends of time.
        Value::String(text) if text == "infinity" => Some(End::Never),
        Value::String(text) if text == "-infinity" => Some(End::At(i64::MIN)),
        Value::String(text) => timestamp::read(text).map(End::At),
        #[expect(clippy::cast_possible_truncation, reason = "saturates, which is the end of time")]
        Value::Number(number) => number
            .as_i64()
            .or_else(|| number.as_f64().map(|float| float as i64))
            .map(End::At),
        _ => None,
    }
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
