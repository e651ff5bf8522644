//! One connection, of either dialect.

use std::time::Duration;

use sqlx::postgres::{PgArguments, PgConnectOptions};
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection as _, Executor, PgConnection, Postgres, SqlSafeStr, Sqlite,
    SqliteConnection,
};

use super::errors::{from_connecting, from_sqlx, said};
use super::value::{Row, Sql, Value};
use crate::StoreError;

/// How connections are made.
#[derive(Debug, Clone)]
pub(crate) enum Connector {
    Postgres {
        options: Box<PgConnectOptions>,
        /// What is set in each session.
        session: String,
    },
    Sqlite(Box<SqliteConnectOptions>),
}

impl Connector {
    /// Makes one. The caller limits the time.
    pub(crate) async fn connect(&self) -> Result<Connection, StoreError> {
        let broken = |why: sqlx::Error| from_connecting(&why);
        let way = match self {
            Self::Postgres { options, session } => {
                let mut connection = options.connect().await.map_err(broken)?;
                let set = sqlx::raw_sql(AssertSqlSafe(session.clone()));
                set.execute(&mut connection).await.map_err(broken)?;
                Way::Postgres(Box::new(connection))
            }
            Self::Sqlite(options) => Way::Sqlite(Box::new(options.connect().await.map_err(broken)?)),
        };
        Ok(Connection {
            way,
            in_transaction: false,
        })
    }

    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgres { .. })
    }
}

/// A connection. Dropping it closes it; what was under way is rolled back.
#[derive(Debug)]
pub(crate) struct Connection {
    way: Way,
    in_transaction: bool,
}

#[derive(Debug)]
enum Way {
    Postgres(Box<PgConnection>),
    Sqlite(Box<SqliteConnection>),
}

/// What is known of an operator's SQL once it is prepared.
#[derive(Debug)]
pub(crate) struct Described {
    pub(crate) parameters: usize,
    pub(crate) columns: Vec<String>,
}

impl Connection {
    /// All rows of an answer. Statements bound their rows themselves.
    pub(crate) async fn rows(&mut self, sql: impl Into<Sql>, values: &[Value<'_>]) -> Result<Vec<Row>, StoreError> {
        let sql = sql.into();
        let text = match self.way {
            Way::Postgres(_) => sql.postgres.into_sql_str(),
            Way::Sqlite(_) => sql.sqlite.into_sql_str(),
        };
        for value in values {
            value.check()?;
        }
        self.fetch(text, values).await.map_err(|why| from_sqlx(&why))
    }

    /// The first row, if there is one.
    pub(crate) async fn row(&mut self, sql: impl Into<Sql>, values: &[Value<'_>]) -> Result<Option<Row>, StoreError> {
        Ok(self.rows(sql, values).await?.into_iter().next())
    }

    /// Rows of an operator's own SQL.
    pub(crate) async fn ask(&mut self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, sqlx::Error> {
        self.fetch(AssertSqlSafe(sql).into_sql_str(), values).await
    }

    async fn fetch(&mut self, sql: sqlx::SqlStr, values: &[Value<'_>]) -> Result<Vec<Row>, sqlx::Error> {
        match &mut self.way {
            Way::Postgres(connection) => {
                let mut query = sqlx::query::<Postgres>(sql);
                for value in values {
                    query = bind_postgres(query, *value);
                }
                let rows = query.fetch_all(&mut **connection).await?;
                Ok(rows.into_iter().map(Row::Postgres).collect())
            }
            Way::Sqlite(connection) => {
                let mut query = sqlx::query::<Sqlite>(sql);
                for value in values {
                    query = bind_sqlite(query, *value);
                }
                let rows = query.fetch_all(&mut **connection).await?;
                Ok(rows.into_iter().map(Row::Sqlite).collect())
            }
        }
    }

    /// Runs statements of our own, without parameters.
    pub(crate) async fn script(&mut self, sql: &str) -> Result<(), StoreError> {
        let script = sqlx::raw_sql(AssertSqlSafe(sql));
        let done = match &mut self.way {
            Way::Postgres(connection) => script.execute(&mut **connection).await.map(|_| ()),
            Way::Sqlite(connection) => script.execute(&mut **connection).await.map(|_| ()),
        };
        done.map_err(|why| from_sqlx(&why))
    }

    /// Has the database read an operator's SQL, with parameters that are texts.
    ///
    /// # Errors
    /// What the database said about it; or it is away.
    pub(crate) async fn describe(&mut self, sql: &str, parameters: usize) -> Result<Described, Complaint> {
        use sqlx::{Column, Either, Statement, TypeInfo};
        fn described<S: Statement>(statement: &S) -> Described {
            let parameters = match statement.parameters() {
                Some(Either::Left(kinds)) => kinds.len(),
                Some(Either::Right(count)) => count,
                None => 0,
            };
            let columns = statement.columns().iter().map(|column| column.name().to_owned());
            Described {
                parameters,
                columns: columns.collect(),
            }
        }
        let sql = AssertSqlSafe(sql).into_sql_str();
        let result = match &mut self.way {
            Way::Postgres(connection) => {
                let text = <String as sqlx::Type<Postgres>>::type_info();
                debug_assert_eq!(text.name(), "TEXT");
                let kinds = vec![text; parameters];
                connection.prepare_with(sql, &kinds).await.map(|it| described(&it))
            }
            Way::Sqlite(connection) => connection.prepare(sql).await.map(|it| described(&it)),
        };
        result.map_err(|why| match from_sqlx(&why) {
            away @ StoreError::Unavailable { .. } => Complaint::Away(away),
            _ => Complaint::Said(said(&why)),
        })
    }

    /// Begins a transaction; one of SQLite's may write from its beginning, so that it never fails half way for another.
    pub(crate) async fn begin(&mut self) -> Result<(), StoreError> {
        let begin = Sql {
            postgres: "BEGIN",
            sqlite: "BEGIN IMMEDIATE",
        };
        self.in_transaction = true;
        self.rows(begin, &[]).await.map(|_| ())
    }

    /// Ends it. An error leaves open whether it was done.
    pub(crate) async fn commit(&mut self) -> Result<(), StoreError> {
        self.rows("COMMIT", &[]).await.map_err(|why| match why {
            StoreError::Unavailable { why, .. } => StoreError::lost(why),
            other => other,
        })?;
        self.in_transaction = false;
        Ok(())
    }

    /// Undoes what was not committed.
    pub(crate) async fn roll_back(&mut self) -> Result<(), StoreError> {
        if self.in_transaction {
            self.rows("ROLLBACK", &[]).await?;
            self.in_transaction = false;
        }
        Ok(())
    }

    /// Whether the other side answers.
    pub(crate) async fn ping(&mut self) -> Result<(), StoreError> {
        let answer = match &mut self.way {
            Way::Postgres(connection) => connection.ping().await,
            Way::Sqlite(connection) => connection.ping().await,
        };
        answer.map_err(|why| from_sqlx(&why))
    }

    /// Takes its leave.
    pub(crate) async fn close(self) -> Result<(), StoreError> {
        let left = match self.way {
            Way::Postgres(connection) => connection.close().await,
            Way::Sqlite(connection) => connection.close().await,
        };
        left.map_err(|why| from_sqlx(&why))
    }

    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self.way, Way::Postgres(_))
    }
}

/// Why a statement could not be prepared.
#[derive(Debug)]
pub(crate) enum Complaint {
    Away(StoreError),
    Said(String),
}

type Query<'q, D, A> = sqlx::query::Query<'q, D, A>;

fn bind_postgres<'q>(query: Query<'q, Postgres, PgArguments>, value: Value<'q>) -> Query<'q, Postgres, PgArguments> {
    match value {
        Value::Text(text) => query.bind(text),
        Value::MaybeText(text) => query.bind(text),
        Value::Int(number) => query.bind(number),
        Value::MaybeInt(number) => query.bind(number),
        Value::Bool(bool) => query.bind(bool),
    }
}

fn bind_sqlite<'q>(query: Query<'q, Sqlite, SqliteArguments>, value: Value<'q>) -> Query<'q, Sqlite, SqliteArguments> {
    // Owned: the statement goes to SQLite's own thread.
    match value {
        Value::Text(text) => query.bind(text.to_owned()),
        Value::MaybeText(text) => query.bind(text.map(str::to_owned)),
        Value::Int(number) => query.bind(number),
        Value::MaybeInt(number) => query.bind(number),
        Value::Bool(bool) => query.bind(bool),
    }
}

/// What each session of Postgres is told. The server ends what its client has given up; a node that hangs in the midst of a
/// transaction holds no lock for longer than that either.
pub(crate) fn session(schema: Option<&str>, timeout: Duration) -> String {
    let millis = timeout.as_millis().max(1);
    let mut text = format!("SET statement_timeout = {millis}; SET idle_in_transaction_session_timeout = {millis};");
    if let Some(schema) = schema {
        // Checked to be a plain name when the options were read.
        text.push_str(&format!(" SET search_path = \"{schema}\";"));
    }
    text
}
