//! What an error of the database means for whoever asked.

use sqlx::postgres::PgDatabaseError;
use sqlx::sqlite::SqliteError;

use crate::StoreError;

/// What an error in the midst of work means.
pub(crate) fn from_sqlx(why: &sqlx::Error) -> StoreError {
    match why {
        sqlx::Error::Database(said) => match said.try_downcast_ref::<PgDatabaseError>() {
            Some(postgres) => from_postgres(postgres),
            None => from_sqlite(said.code().as_deref(), said.message()),
        },
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => {
            StoreError::lost(why.to_string())
        }
        other => StoreError::Refused(other.to_string()),
    }
}

/// By SQLSTATE (PostgreSQL, Appendix A).
fn from_postgres(said: &PgDatabaseError) -> StoreError {
    let text = said_by_postgres(said);
    match said.code() {
        // Cancelled by the statement's timeout, ended by an administrator or a crash: the session or its work is gone.
        "57014" | "57P01" | "57P02" | "57P05" | "25P03" => StoreError::lost(text),
        // Starting up, no place left, a lock not given, a serialization failure, a standby that takes no writes.
        "57P03" | "53100" | "53200" | "53300" | "53400" | "55P03" | "40001" | "40P01" | "25006" => {
            StoreError::away(text)
        }
        code if code.starts_with("08") => StoreError::lost(text),
        // The system's own troubles, such as a disk.
        code if code.starts_with("58") => StoreError::lost(text),
        _ => StoreError::Refused(text),
    }
}

/// By primary result code (<https://www.sqlite.org/rescode.html>).
fn from_sqlite(code: Option<&str>, message: &str) -> StoreError {
    const BUSY: i32 = 5;
    const LOCKED: i32 = 6;
    const READONLY: i32 = 8;
    const INTERRUPT: i32 = 9;
    const IOERR: i32 = 10;
    const FULL: i32 = 13;
    const CANTOPEN: i32 = 14;
    let primary = code.and_then(|code| code.parse::<i32>().ok()).map(|code| code & 0xff);
    match primary {
        Some(BUSY | LOCKED | READONLY | INTERRUPT | IOERR | FULL | CANTOPEN) => StoreError::away(message),
        _ => StoreError::Refused(message.to_owned()),
    }
}

/// What an error at connecting means. [`StoreError::Refused`]: whoever is there does not let us in; [`StoreError::Busy`]: not
/// now, but those who are in may go on.
pub(crate) fn from_connecting(why: &sqlx::Error) -> StoreError {
    let Some(said_by) = why
        .as_database_error()
        .and_then(|it| it.try_downcast_ref::<PgDatabaseError>())
    else {
        return StoreError::away(said(why));
    };
    match said_by.code() {
        "53300" => StoreError::Busy,
        // No such database; or the user or the password is wrong.
        "3D000" => StoreError::Refused(said_by_postgres(said_by)),
        code if code.starts_with("28") => StoreError::Refused(said_by_postgres(said_by)),
        _ => StoreError::away(said_by_postgres(said_by)),
    }
}

/// Whether a value was not of the type that an operator's SQL compares it with (a text that is no UUID or no number,
/// or too large a number): then no row has it.
pub(crate) fn is_foreign_value(why: &sqlx::Error) -> bool {
    let code = why.as_database_error().and_then(|said| {
        said.try_downcast_ref::<PgDatabaseError>()
            .map(|postgres| postgres.code().to_owned())
    });
    matches!(code.as_deref(), Some("22P02" | "22003" | "22007" | "22008"))
}

/// All that the server says about it, on one line.
pub(crate) fn said_by_postgres(said: &PgDatabaseError) -> String {
    let mut text = format!("{} (SQLSTATE {})", said.message(), said.code());
    for more in [said.detail(), said.hint()].into_iter().flatten() {
        text.push_str("; ");
        text.push_str(more);
    }
    text.replace('\n', " ")
}

/// The same for any error, for a message about a setting.
pub(crate) fn said(why: &sqlx::Error) -> String {
    let Some(database) = why.as_database_error() else {
        return why.to_string();
    };
    if let Some(postgres) = database.try_downcast_ref::<PgDatabaseError>() {
        return said_by_postgres(postgres);
    }
    debug_assert!(database.try_downcast_ref::<SqliteError>().is_some());
    database.message().to_owned()
}
