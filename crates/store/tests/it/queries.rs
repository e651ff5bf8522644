//! Questions to an operator's own tables.

use std::time::Duration;

use hallway_protocol::{RoomName, UserId};
use hallway_store::{
    AttributeQuery, Database, DatabaseOptions, MemberQuery, NEXT_AUTH_SQL, OperatorQuery, Role, Session, SessionQuery,
    StoreError,
};
use hallway_testkit::PostgresServer;
use serde_json::json;

/// What Prisma makes of next-auth's schema on Postgres, and two sessions.
const NEXT_AUTH: &str = r#"
    CREATE TABLE "User" (id text PRIMARY KEY, name text, email text UNIQUE);
    CREATE TABLE "Session" (id text PRIMARY KEY, "sessionToken" text UNIQUE NOT NULL, "userId" text NOT NULL,
        expires timestamp(3) NOT NULL);
    INSERT INTO "User" VALUES ('ann', 'Ann', NULL), ('bob', NULL, NULL);
    INSERT INTO "Session" VALUES ('1', 'token-ann', 'ann', '2100-01-02 03:04:05.678'),
        ('2', 'token-bob', 'bob', 'infinity'), ('3', 'token-old', 'ann', now() - interval '1 hour'),
        ('4', 'token-gone', 'nobody-left', '2100-01-02 03:04:05');
"#;

async fn connect(url: &str) -> Database {
    let options = DatabaseOptions {
        url: url.to_owned(),
        setting: "sessions.url",
        timeout: crate::LONG,
        ..DatabaseOptions::default()
    };
    Database::connect(&options).await.unwrap()
}

fn session(user: &str, name: Option<&str>, expires_at: Option<i64>) -> Session {
    Session {
        user_id: UserId::parse(user).unwrap(),
        name: name.map(str::to_owned),
        expires_at,
    }
}

/// A file of SQLite's with what the SQL makes.
async fn sqlite_file(folder: &tempfile::TempDir, sql: &'static str) -> String {
    use sqlx::{ConnectOptions, Connection};
    let file = folder.path().join("app.sqlite");
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(&file)
        .create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    format!("sqlite:{}", file.display())
}

#[tokio::test]
async fn sessions_of_next_auth_are_found() {
    let server = PostgresServer::shared().await;
    let url = server.create_database("next_auth").await;
    server.sql_at(&url, NEXT_AUTH).await;
    let sessions = SessionQuery::connect(&url, None).await.unwrap();
    for (token, found) in [
        ("token-ann", Some(session("ann", Some("Ann"), Some(4_102_542_245_678)))),
        ("token-bob", Some(session("bob", None, None))),
        (
            "token-gone",
            Some(session("nobody-left", None, Some(4_102_542_245_000))),
        ),
        ("token-old", None),
        ("token-Ann", None),
        ("", None),
        ("token-ann\0", None),
        ("' OR '1'='1", None),
        ("token-ann'; DROP TABLE \"Session\"; --", None),
    ] {
        assert_eq!(sessions.find(token).await.unwrap(), found, "{token:?}");
    }
}

#[tokio::test]
async fn sessions_of_next_auth_in_sqlite_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let sql = r#"
        CREATE TABLE "User" (id TEXT PRIMARY KEY, name TEXT);
        CREATE TABLE "Session" ("sessionToken" TEXT, "userId" TEXT, expires DATETIME);
        INSERT INTO "User" VALUES ('ann', 'Ann');
        INSERT INTO "Session" VALUES ('token-1', 'ann', 4102542245678), ('token-2', 'ann', '2100-01-02T03:04:05.678Z'),
            ('token-3', 'ann', 1000), ('token-4', 'ann', 'nonsense'), ('token-5', 'no user', NULL),
            ('token-6', 'ann', NULL), ('token-6', 'bob', NULL);
    "#;
    let url = sqlite_file(&folder, sql).await;
    let sessions = SessionQuery::connect(&url, None).await.unwrap();
    for token in ["token-1", "token-2"] {
        let found = sessions.find(token).await.unwrap();
        assert_eq!(
            found,
            Some(session("ann", Some("Ann"), Some(4_102_542_245_678))),
            "{token}"
        );
    }
    assert_eq!(sessions.find("token-3").await.unwrap(), None);
    // An end that cannot be read, a user who cannot be, two sessions for one token: nobody gets in.
    for token in ["token-4", "token-5", "token-6"] {
        let refused = sessions.find(token).await;
        assert!(
            matches!(&refused, Err(StoreError::Refused(why)) if why.contains("sessions.sql")),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn an_operators_own_sql_finds_sessions() {
    let server = PostgresServer::shared().await;
    let url = server.create_database("own_sessions").await;
    server
        .sql_at(
            &url,
            "CREATE TABLE sessions (token uuid PRIMARY KEY, account bigint, until timestamptz); \
             INSERT INTO sessions VALUES ('018bcfe5-687b-7fff-bfff-ffffffffffff', 42, '2100-01-02 03:04:05+02')",
        )
        .await;
    let database = connect(&url).await;
    let sql = "SELECT account AS user_id, until AS expires FROM sessions WHERE token = $1::uuid; -- the account's";
    let sql = sql.trim_end_matches(" -- the account's");
    let sessions = SessionQuery::prepare(&database, "sessions.sql", sql).await.unwrap();
    let found = sessions.find("018bcfe5-687b-7fff-bfff-ffffffffffff").await.unwrap();
    assert_eq!(found, Some(session("42", None, Some(4_102_535_045_000))));
    // No row has a token that is none.
    for token in ["nonsense", "", "018bcfe5-687b-7fff-bfff-fffffffffffe"] {
        assert_eq!(sessions.find(token).await.unwrap(), None, "{token}");
    }
}

#[tokio::test]
async fn bad_sql_is_told_with_the_setting_and_what_the_database_said() {
    let server = PostgresServer::shared().await;
    let url = server.create_database("bad_sql").await;
    server
        .sql_at(&url, "CREATE TABLE sessions (id uuid, user_id text)")
        .await;
    let postgres = connect(&url).await;
    let folder = tempfile::tempdir().unwrap();
    let sqlite = connect(&sqlite_file(&folder, "CREATE TABLE sessions (id text, user_id text)").await).await;
    for (sql, in_postgres, in_sqlite) in [
        (
            "SELEC user_id FROM sessions WHERE id = $1",
            "syntax error",
            "syntax error",
        ),
        (
            "SELECT user_id FROM nowhere WHERE id = $1",
            "\"nowhere\" does not exist",
            "no such table: nowhere",
        ),
        (
            "SELECT nope FROM sessions WHERE CAST(id AS text) = $1",
            "\"nope\" does not exist",
            "no such column: nope",
        ),
        (
            "SELECT user_id FROM sessions",
            "must use its parameter $1",
            "must use its parameter $1",
        ),
        (
            "SELECT user_id FROM sessions WHERE user_id = $1 OR user_id = $2",
            "has 2 parameters",
            "has 2 parameters",
        ),
        (
            "SELECT user_id AS id FROM sessions WHERE user_id = $1",
            "must have a column user_id",
            "must have a column user_id",
        ),
        (
            "SELECT user_id FROM sessions WHERE user_id = $1; SELECT 1",
            "multiple commands",
            "",
        ),
        (
            "DELETE FROM sessions WHERE user_id = $1 RETURNING user_id",
            "syntax error",
            "syntax error",
        ),
        ("", "must be one SELECT", "must be one SELECT"),
    ] {
        for (database, said) in [(&postgres, in_postgres), (&sqlite, in_sqlite)] {
            let why = SessionQuery::prepare(database, "sessions.sql", sql).await.err();
            let why = why.unwrap_or_else(|| panic!("{sql} is accepted"));
            assert!(
                matches!(&why, StoreError::Setting { setting, why } if setting == "sessions.sql" && why.contains(said)),
                "{sql}: {why}"
            );
        }
    }
    // What most will run into, and the way out of it.
    let uuid = "SELECT user_id FROM sessions WHERE id = $1";
    let why = SessionQuery::prepare(&postgres, "sessions.sql", uuid)
        .await
        .err()
        .unwrap()
        .to_string();
    assert!(
        why.contains("uuid = text") && why.contains("explicit type casts"),
        "{why}"
    );
    // The default, where there is no such table.
    let why = SessionQuery::prepare(&postgres, "sessions.sql", NEXT_AUTH_SQL)
        .await
        .err()
        .unwrap()
        .to_string();
    assert!(why.contains("relation \"Session\" does not exist"), "{why}");
}

#[tokio::test]
async fn memberships_of_an_operator_are_found() {
    let server = PostgresServer::shared().await;
    let url = server.create_database("own_members").await;
    let tables = "CREATE TABLE board_users (board integer, account text, level text); \
                  INSERT INTO board_users VALUES (7, 'ann', 'owner'), (7, 'bob', NULL), (8, 'bob', 'chief')";
    server.sql_at(&url, tables).await;
    let folder = tempfile::tempdir().unwrap();
    let file = sqlite_file(
        &folder,
        "CREATE TABLE board_users (board integer, account text, level text); \
         INSERT INTO board_users VALUES (7, 'ann', 'owner'), (7, 'bob', NULL), (8, 'bob', 'chief')",
    )
    .await;
    for url in [url, file] {
        let sql = "SELECT level AS role FROM board_users WHERE account = $1 AND 'board-' || board = $2 -- theirs";
        let query = MemberQuery::prepare(&connect(&url).await, "members.sql", sql)
            .await
            .unwrap();
        for (user, room, role) in [
            ("ann", "board-7", Some(Role::Owner)),
            ("bob", "board-7", Some(Role::Member)),
            ("bob", "board-8", Some(Role::Member)),
            ("ann", "board-8", None),
            ("eve", "board-7", None),
        ] {
            let found = query
                .role_in(&UserId::parse(user).unwrap(), &RoomName::parse(room).unwrap())
                .await;
            assert_eq!(found.unwrap(), role, "{user} in {room}");
        }
    }
}

#[tokio::test]
async fn attributes_are_json() {
    let server = PostgresServer::shared().await;
    let url = server.create_database("attributes").await;
    server
        .sql_at(
            &url,
            "CREATE TABLE people (id text, plan text, seats integer, price numeric, admin boolean, tags text[], \
             settings jsonb, since timestamptz, missing text); \
             INSERT INTO people VALUES ('ann', 'pro', 3, 1.50, true, '{a,b}', '{\"x\": [1]}', '2020-01-01 00:00:00+00', NULL), \
             ('two', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL), ('two', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
        )
        .await;
    let database = connect(&url).await;
    let sql = "SELECT plan, seats, price, admin, tags, settings, since, missing FROM people WHERE id = $1";
    let query = AttributeQuery::prepare(&database, "admission.sql", sql).await.unwrap();
    let found = query.of(&UserId::parse("ann").unwrap()).await.unwrap().unwrap();
    let expected = json!({
        "plan": "pro", "seats": 3, "price": 1.5, "admin": true, "tags": ["a", "b"], "settings": {"x": [1]},
        "since": "2020-01-01T00:00:00+00:00", "missing": null,
    });
    assert_eq!(serde_json::Value::Object(found), expected);
    assert_eq!(query.of(&UserId::parse("bob").unwrap()).await.unwrap(), None);
    assert!(query.of(&UserId::parse("two").unwrap()).await.is_err());

    let folder = tempfile::tempdir().unwrap();
    let file = sqlite_file(
        &folder,
        "CREATE TABLE people (id text, plan text, seats integer, price real, admin boolean, missing text, blob blob); \
         INSERT INTO people VALUES ('ann', 'pro', 3, 1.5, TRUE, NULL, NULL), ('bob', 'pro', 3, 1.5, TRUE, NULL, x'00ff')",
    )
    .await;
    let sql = "SELECT plan, seats, price, admin, missing, 1 + 1 AS two, blob FROM people WHERE id = $1";
    let query = AttributeQuery::prepare(&connect(&file).await, "admission.sql", sql)
        .await
        .unwrap();
    let found = query.of(&UserId::parse("ann").unwrap()).await.unwrap().unwrap();
    let expected = json!({
        "plan": "pro", "seats": 3, "price": 1.5, "admin": true, "missing": null, "two": 2, "blob": null,
    });
    assert_eq!(serde_json::Value::Object(found), expected);
    let why = query.of(&UserId::parse("bob").unwrap()).await.unwrap_err();
    assert!(
        matches!(&why, StoreError::Refused(why) if why.contains("admission.sql") && why.contains("BLOB")),
        "{why}"
    );
}

#[tokio::test]
async fn questions_write_nothing() {
    let server = PostgresServer::shared().await;
    let url = server.create_database("read_only").await;
    server
        .sql_at(
            &url,
            "CREATE TABLE calls (who text); CREATE FUNCTION note(who text) RETURNS text LANGUAGE sql \
             AS $$ INSERT INTO calls VALUES (who) RETURNING who $$",
        )
        .await;
    let query = SessionQuery::prepare(&connect(&url).await, "sessions.sql", "SELECT note($1) AS user_id")
        .await
        .unwrap();
    let why = query.find("ann").await.unwrap_err();
    assert!(why.to_string().contains("read-only"), "{why}");
    assert_eq!(server.sql_at(&url, "SELECT count(*) FROM calls").await, "0");
}

#[tokio::test]
async fn a_question_ends_in_time_and_works_again() {
    let mut server = PostgresServer::start().await;
    server.sql(NEXT_AUTH).await;
    let options = DatabaseOptions {
        url: server.url(),
        setting: "sessions.url",
        timeout: Duration::from_secs(2),
        retry_interval: Duration::from_millis(20),
        ..DatabaseOptions::default()
    };
    let database = Database::connect(&options).await.unwrap();
    let sessions = SessionQuery::prepare(&database, "sessions.sql", NEXT_AUTH_SQL)
        .await
        .unwrap();
    for hang in [true, false] {
        if hang {
            server.pause().await;
        } else {
            server.kill().await;
        }
        let away = sessions.find("token-ann").await;
        assert!(matches!(away, Err(StoreError::Unavailable { .. })), "{away:?}");
        database.health().wait_for(|&it| !it).await.unwrap();
        if hang {
            server.resume().await;
        } else {
            server.restart().await;
        }
        database.health().wait_for(|&it| it).await.unwrap();
        let found = async {
            loop {
                if let Ok(found) = sessions.find("token-ann").await {
                    return found;
                }
            }
        };
        assert!(tokio::time::timeout(crate::LONG, found).await.unwrap().is_some());
    }
}
