//! The schema, step by step.
//!
//! A step that was released is never changed: the next one has the next number. A step that older nodes can live with (a new
//! table, a new column with a default) leaves `needs` as it was; then nodes of both versions work on one database, as they do
//! during a deployment.

use std::time::Duration;

use super::connection::Connection;
use super::database::Database;
use super::value::{Sql, Value};
use super::with_now;
use crate::StoreError;

/// How long all steps may take, waiting for another node's included.
const PATIENCE: Duration = Duration::from_secs(600);

/// Held by who brings the schema of any deployment in this database up to date. Any number that nobody else uses.
const LOCK: i64 = 0x6861_6c6c_7761_7900;

struct Step {
    version: i64,
    /// The least version that a node must know to work on a database with this step.
    needs: i64,
    sql: Sql,
}

const STEPS: &[Step] = &[Step {
    version: 1,
    needs: 1,
    sql: Sql {
        postgres: include_str!("../../migrations/postgres/0001_people_and_messages.sql"),
        sqlite: include_str!("../../migrations/sqlite/0001_people_and_messages.sql"),
    },
}];

/// Takes the steps that were not taken. Safe when many nodes do it at once: one does it and the others see that it is done.
///
/// # Errors
/// [`StoreError::Setting`] if a newer node took a step that this one cannot live with, or the database refused one.
pub(super) async fn migrate(database: &Database, schema: &str, setting: &str) -> Result<(), StoreError> {
    let schema = schema.to_owned();
    let until = tokio::time::Instant::now() + PATIENCE;
    let work = database.writer.call_until(until, None, |connection| {
        Box::pin(async move {
            connection.begin().await?;
            take_steps(connection, &schema).await?;
            connection.commit().await
        })
    });
    work.await.map_err(|why| match why {
        StoreError::Refused(why) => StoreError::Setting {
            setting: setting.to_owned(),
            why: format!("the tables cannot be brought up to date: {why}"),
        },
        StoreError::Conflict(why) => StoreError::Setting {
            setting: setting.to_owned(),
            why: why.to_owned(),
        },
        other => other,
    })
}

async fn take_steps(connection: &mut Connection, schema: &str) -> Result<(), StoreError> {
    if connection.is_postgres() {
        connection.script("SET LOCAL statement_timeout = 0").await?;
        connection
            .rows("SELECT pg_advisory_xact_lock($1)", &[Value::Int(LOCK)])
            .await?;
    }
    prepare(connection, schema).await?;
    let newest = STEPS.last().map_or(0, |step| step.version);
    let state = connection
        .row(
            "SELECT coalesce(max(version), 0), coalesce(max(needs), 0) FROM hallway_schema",
            &[],
        )
        .await?;
    let (version, needs) = match state {
        Some(row) => (row.int(0)?, row.int(1)?),
        None => (0, 0),
    };
    if needs > newest {
        return Err(StoreError::Conflict(
            "the tables belong to a newer version of the gateway, which this one cannot work with",
        ));
    }
    for step in STEPS.iter().filter(|step| step.version > version) {
        let sql = if connection.is_postgres() {
            step.sql.postgres
        } else {
            step.sql.sqlite
        };
        connection.script(sql).await?;
        let taken = with_now!(
            "INSERT INTO hallway_schema (version, needs, taken_at) VALUES ($1, $2, ",
            ")"
        );
        connection
            .rows(taken, &[Value::Int(step.version), Value::Int(step.needs)])
            .await?;
        tracing::info!(version = step.version, "brought the tables up to date");
    }
    Ok(())
}

/// Makes the schema and the table of steps. Looks first: who made them beforehand need not let the gateway make any.
async fn prepare(connection: &mut Connection, schema: &str) -> Result<(), StoreError> {
    if connection.is_postgres() {
        let there = "SELECT to_regnamespace(quote_ident($1)) IS NOT NULL, to_regclass('hallway_schema') IS NOT NULL";
        let there = connection.row(there, &[Value::Text(schema)]).await?;
        let (has_schema, has_table) = match there {
            Some(row) => (row.bool(0)?, row.bool(1)?),
            None => (false, false),
        };
        if has_table {
            return Ok(());
        }
        if !has_schema {
            connection.script(&format!("CREATE SCHEMA \"{schema}\"")).await?;
        }
    }
    connection
        .script(
            "CREATE TABLE IF NOT EXISTS hallway_schema (version bigint PRIMARY KEY, needs bigint NOT NULL, \
             taken_at bigint NOT NULL)",
        )
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_numbered() {
        for (place, step) in STEPS.iter().enumerate() {
            assert_eq!(step.version, place as i64 + 1);
            assert!(step.needs <= step.version);
        }
    }
}
