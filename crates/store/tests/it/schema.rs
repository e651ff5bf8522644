//! How the tables come to be and stay.

use hallway_protocol::{RoomName, UserId};
use hallway_store::{DatabaseOptions, Messages, People, Range, SqlStore, Store, StoreError, StoreOptions};
use hallway_testkit::PostgresServer;

fn options(url: &str, schema: &str) -> StoreOptions {
    StoreOptions {
        database: DatabaseOptions {
            url: url.to_owned(),
            timeout: crate::LONG,
            ..DatabaseOptions::default()
        },
        schema: schema.to_owned(),
        ..StoreOptions::default()
    }
}

#[tokio::test]
async fn nodes_that_start_at_once_make_the_tables_once() {
    let server = PostgresServer::shared().await;
    let folder = tempfile::tempdir().unwrap();
    let file = format!("sqlite:{}", folder.path().join("h.sqlite").display());
    for url in [server.url(), file] {
        let nodes: Vec<_> = (0..8)
            .map(|_| tokio::spawn(SqlStore::connect(options(&url, "at_once"))))
            .collect();
        for node in nodes {
            let store = node.await.unwrap().unwrap();
            store.put_user(UserId::parse("ann").unwrap(), None).await.unwrap();
        }
    }
    assert_eq!(server.sql("SELECT count(*) FROM at_once.hallway_schema").await, "1");
}

#[tokio::test]
async fn a_newer_schema_is_worked_with_where_it_says_so() {
    let server = PostgresServer::shared().await;
    let options = options(&server.url(), "newer");
    SqlStore::connect(options.clone()).await.unwrap().close().await;
    server
        .sql(
            "INSERT INTO newer.hallway_schema VALUES (1000, 1, 0); \
             ALTER TABLE newer.messages ADD COLUMN mood text NOT NULL DEFAULT 'good'; \
             ALTER TABLE newer.users ADD COLUMN shoe_size integer",
        )
        .await;
    let store = SqlStore::connect(options.clone()).await.unwrap();
    let room = RoomName::parse("group-1").unwrap();
    // Prepared before and after the table changes under it.
    for column in ["a", "b"] {
        let page = store.list_messages(room.clone(), Range::Newest, 1).await.unwrap();
        assert!(page.items.is_empty());
        server
            .sql(&format!("ALTER TABLE newer.messages ADD COLUMN {column} text"))
            .await;
    }
    store.list_messages(room, Range::Newest, 1).await.unwrap();
    server
        .sql("INSERT INTO newer.hallway_schema VALUES (1001, 1001, 0)")
        .await;
    let why = SqlStore::connect(options).await.err().unwrap();
    assert!(
        matches!(&why, StoreError::Setting { why, .. } if why.contains("newer version")),
        "{why}"
    );
}

#[tokio::test]
async fn a_user_who_may_make_nothing_uses_what_is_there() {
    let server = PostgresServer::shared().await;
    SqlStore::connect(options(&server.url(), "prepared"))
        .await
        .unwrap()
        .close()
        .await;
    server
        .sql(
            "CREATE ROLE modest LOGIN; GRANT USAGE ON SCHEMA prepared TO modest; \
             GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA prepared TO modest",
        )
        .await;
    let url = server.url().replace("postgres@", "modest@");
    let store = SqlStore::connect(options(&url, "prepared")).await.unwrap();
    store.put_user(UserId::parse("ann").unwrap(), None).await.unwrap();
    // And where there is nothing, it is told what is missing.
    let why = SqlStore::connect(options(&url, "absent")).await.err().unwrap();
    assert!(
        matches!(&why, StoreError::Setting { setting, why } if setting == "store.url" && why.contains("permission denied")),
        "{why}"
    );
}

#[tokio::test]
async fn an_applications_own_tables_are_left_alone() {
    let server = PostgresServer::shared().await;
    let url = server.create_database("with_users").await;
    server
        .sql_at(&url, "CREATE TABLE public.users (id integer, password text)")
        .await;
    let store = SqlStore::connect(options(&url, "hallway")).await.unwrap();
    store.put_user(UserId::parse("ann").unwrap(), None).await.unwrap();
    assert_eq!(server.sql_at(&url, "SELECT count(*) FROM public.users").await, "0");
    assert_eq!(server.sql_at(&url, "SELECT count(*) FROM hallway.users").await, "1");
}

#[tokio::test]
async fn bad_options_are_told() {
    for (url, schema, setting) in [
        ("", "hallway", "store.url"),
        ("mysql://h/d", "hallway", "store.url"),
        ("postgres://h:notaport/d", "hallway", "store.url"),
        ("postgres://u:secret@h/d?sslmode=nonsense", "hallway", "store.url"),
        ("sqlite:h?mode=nonsense", "hallway", "store.url"),
        ("sqlite::memory:", "", "store.schema"),
        ("sqlite::memory:", "1x", "store.schema"),
        ("sqlite::memory:", "a\"; DROP", "store.schema"),
    ] {
        let why = SqlStore::connect(options(url, schema)).await.err().unwrap();
        assert!(
            matches!(&why, StoreError::Setting { setting: it, .. } if it == setting),
            "{url}: {why}"
        );
        assert!(!why.to_string().contains("secret"), "{why}");
    }
}

#[tokio::test]
async fn a_file_is_there_again_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("h.sqlite").display());
    let ann = UserId::parse("ann").unwrap();
    let store = SqlStore::connect(options(&url, "hallway")).await.unwrap();
    store.put_user(ann.clone(), Some("Ann".into())).await.unwrap();
    store.close().await;
    // Closed in order, all is in the one file: a copy of it is whole.
    let names: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|it| it.unwrap().file_name())
        .collect();
    assert_eq!(names, ["h.sqlite"]);
    let store = SqlStore::connect(options(&url, "hallway")).await.unwrap();
    assert_eq!(store.user(ann).await.unwrap().unwrap().name.as_deref(), Some("Ann"));
    let nowhere = format!("sqlite:{}", folder.path().join("no/such/folder/h.sqlite").display());
    let why = SqlStore::connect(options(&nowhere, "hallway")).await.err().unwrap();
    assert!(matches!(why, StoreError::Unavailable { .. }), "{why}");
}

#[tokio::test]
async fn who_is_not_let_in_is_told_at_the_start() {
    let server = PostgresServer::shared().await;
    let (no_database, no_user) = (
        format!("{}x", server.url()),
        server.url().replace("postgres@", "nobody:hunter2@"),
    );
    for (url, said) in [
        (no_database, "does not exist"),
        (no_user, "role \"nobody\" does not exist"),
    ] {
        let why = SqlStore::connect(options(&url, "hallway")).await.err().unwrap();
        assert!(
            matches!(&why, StoreError::Setting { setting, why } if setting == "store.url" && why.contains(said)),
            "{why}"
        );
        assert!(!why.to_string().contains("hunter2"));
    }
}
