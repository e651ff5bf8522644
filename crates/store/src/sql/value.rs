//! What goes into a statement, and what comes out, in both dialects.

use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, TypeInfo, ValueRef};

use super::errors::from_sqlx;
use crate::StoreError;

/// A statement in both dialects; most are the same.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sql {
    pub(crate) postgres: &'static str,
    pub(crate) sqlite: &'static str,
}

impl From<&'static str> for Sql {
    fn from(both: &'static str) -> Self {
        Self {
            postgres: both,
            sqlite: both,
        }
    }
}

/// A bound parameter. There is no other way for a value into a statement.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    Text(&'a str),
    MaybeText(Option<&'a str>),
    Int(i64),
    MaybeInt(Option<i64>),
    Bool(bool),
}

impl Value<'_> {
    /// Refuses what Postgres cannot keep, so that both dialects keep the same.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        match self {
            Self::Text(text) | Self::MaybeText(Some(text)) if text.contains('\0') => {
                Err(StoreError::Invalid("a text with a NUL character cannot be stored"))
            }
            _ => Ok(()),
        }
    }
}

/// A row of an answer. Columns are named by their place; a column of another type than expected is an error.
pub(crate) enum Row {
    Postgres(PgRow),
    Sqlite(SqliteRow),
}

macro_rules! column {
    ($name:ident, $type:ty) => {
        pub(crate) fn $name(&self, place: usize) -> Result<$type, StoreError> {
            match self {
                Self::Postgres(row) => row.try_get(place),
                Self::Sqlite(row) => row.try_get(place),
            }
            .map_err(|why| from_sqlx(&why))
        }
    };
}

impl Row {
    column!(text, String);
    column!(maybe_text, Option<String>);
    column!(int, i64);
    column!(maybe_int, Option<i64>);
    column!(bool, bool);

    /// The row of an operator's query as an object. From Postgres it comes as one column of JSON, made there; SQLite's
    /// values are few enough to be turned here.
    pub(crate) fn object(&self) -> Result<serde_json::Map<String, serde_json::Value>, StoreError> {
        let unreadable = |why: String| StoreError::Refused(format!("a row cannot be read: {why}"));
        let row = match self {
            Self::Postgres(_) => {
                return serde_json::from_str(&self.text(0)?).map_err(|why| unreadable(why.to_string()));
            }
            Self::Sqlite(row) => row,
        };
        let mut object = serde_json::Map::new();
        for (place, column) in row.columns().iter().enumerate() {
            let raw = row.try_get_raw(place).map_err(|why| from_sqlx(&why))?;
            let kind = raw.type_info().name().to_owned();
            let value = if raw.is_null() {
                Ok(serde_json::Value::Null)
            } else {
                match &*kind {
                    // SQLite has no booleans, only columns that are declared so.
                    "INTEGER" if sqlx::Column::type_info(column).name() == "BOOLEAN" => {
                        row.try_get_unchecked::<bool, _>(place).map(Into::into)
                    }
                    "INTEGER" => row.try_get_unchecked::<i64, _>(place).map(Into::into),
                    "REAL" => row.try_get_unchecked::<f64, _>(place).map(Into::into),
                    "TEXT" => row.try_get_unchecked::<String, _>(place).map(Into::into),
                    other => return Err(unreadable(format!("a column of type {other}"))),
                }
            };
            object.insert(
                sqlx::Column::name(column).to_owned(),
                value.map_err(|why| from_sqlx(&why))?,
            );
        }
        Ok(object)
    }
}
