//! The store over SQL: connections of either dialect, and one way of doing things over them.
//!
//! Most statements are the same in both dialects. Where they are not, both stand side by side in one [`value::Sql`].

mod connection;
mod database;
mod errors;
mod members;
mod messages;
mod migrate;
mod outbox;
mod page;
mod people;
mod pool;
mod reactions;
mod reads;
mod rows;
mod store;
mod turn;
mod value;

pub(crate) use connection::{Complaint, Connection, Described};
pub use database::Database;
pub(crate) use errors::{from_sqlx, is_foreign_value};
pub use store::SqlStore;
pub(crate) use value::{Row, Value};

/// A statement that needs the time: the database's clock in Unix milliseconds stands between its parts.
macro_rules! with_now {
    ($first:literal $(, $more:literal)+ $(,)?) => {
        $crate::sql::value::Sql {
            postgres: concat!($first $(, "(extract(epoch FROM clock_timestamp()) * 1000)::bigint", $more)+),
            sqlite: concat!($first $(, "CAST(unixepoch('subsec') * 1000 AS INTEGER)", $more)+),
        }
    };
}
pub(crate) use with_now;
