//! What happens to Postgres, and to the way there, and what the store makes of it.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use hallway_protocol::{RoomName, UserId};
use hallway_store::{
    DatabaseOptions, MessageId, MessageKind, Messages, NewMessage, Outbox, People, Range, SqlStore, Store, StoreError,
    StoreOptions,
};
use hallway_testkit::{PostgresServer, Proxy};
use tokio::time::timeout;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(120);

fn options(url: String) -> StoreOptions {
    StoreOptions {
        database: DatabaseOptions {
            url,
            timeout: Duration::from_secs(2),
            retry_interval: Duration::from_millis(20),
            ..DatabaseOptions::default()
        },
        lease: Duration::ZERO,
        ..StoreOptions::default()
    }
}

fn room() -> RoomName {
    RoomName::parse("chat-ann-bob").unwrap()
}

fn new(name: &str) -> NewMessage {
    NewMessage {
        room: room(),
        from_user: UserId::parse("ann").unwrap(),
        kind: MessageKind::Text,
        content: name.to_owned(),
        reply_to: None,
        client_message_id: Some(name.to_owned()),
    }
}

/// What a call answers, in whatever time it has.
async fn answer<T>(call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    timeout(PATIENCE, call).await.expect("every call ends")
}

/// Says something again and again until it is stored.
async fn say(store: &Arc<SqlStore>, name: &str) -> MessageId {
    let again = async {
        loop {
            match store.insert_message(new(name)).await {
                Ok(stored) => return stored.message.id,
                Err(StoreError::Unavailable { .. }) => tokio::time::sleep(Duration::from_millis(5)).await,
                Err(why) => panic!("{why}"),
            }
        }
    };
    timeout(PATIENCE, again).await.expect("the store works again")
}

async fn until_health(store: &Arc<SqlStore>, wanted: bool) {
    let mut health = store.health();
    let changed = timeout(PATIENCE, health.wait_for(|&it| it == wanted)).await;
    changed.expect("in time").expect("open");
}

/// All calls, while the database is away: each ends, and says that.
async fn everything_is_unavailable(store: &Arc<SqlStore>) {
    let list = answer(store.list_messages(room(), Range::Newest, 1)).await.map(|_| ());
    let insert = answer(store.insert_message(new("away"))).await.map(|_| ());
    let unsent = answer(store.unsent(1)).await.map(|_| ());
    let status = answer(store.set_status(UserId::parse("ann").unwrap(), "IDLE".into(), 1)).await;
    for result in [list, insert, unsent, status.map(|_| ())] {
        assert!(matches!(result, Err(StoreError::Unavailable { .. })), "{result:?}");
    }
}

#[tokio::test]
async fn a_killed_server_is_used_again_and_lost_nothing() {
    let mut server = PostgresServer::start().await;
    let store = SqlStore::connect(options(server.url())).await.unwrap();
    let first = say(&store, "one").await;
    for _ in 0..2 {
        server.kill().await;
        everything_is_unavailable(&store).await;
        until_health(&store, false).await;
        // Known to be away: nothing is even tried.
        let why = answer(store.message(room(), first)).await.unwrap_err();
        assert!(!why.is_uncertain(), "{why}");
        server.restart().await;
        until_health(&store, true).await;
    }
    let second = say(&store, "two").await;
    let page = store.list_messages(room(), Range::Newest, 10).await.unwrap();
    let ids: Vec<_> = page.items.iter().map(|it| it.id).collect();
    assert_eq!(ids, [first, second]);
    assert_eq!(store.unsent(10).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_hung_server_is_noticed_and_used_again() {
    let server = PostgresServer::start().await;
    let store = SqlStore::connect(options(server.url())).await.unwrap();
    say(&store, "one").await;
    server.pause().await;
    everything_is_unavailable(&store).await;
    until_health(&store, false).await;
    server.resume().await;
    until_health(&store, true).await;
    say(&store, "two").await;
}

#[tokio::test]
async fn cut_connections_double_and_lose_nothing() {
    let server = PostgresServer::shared().await;
    let proxy = Proxy::start(server.port()).await;
    let mut options = options(server.url_at(proxy.port()));
    options.schema = "cut".into();
    let store = SqlStore::connect(options).await.unwrap();
    let mut said = vec![];
    for round in 0..5 {
        let calls: Vec<_> = (0..20)
            .map(|number| {
                let (store, name) = (store.clone(), format!("{round}-{number}"));
                tokio::spawn(async move { say(&store, &name).await })
            })
            .collect();
        tokio::task::yield_now().await;
        proxy.cut();
        for call in calls {
            said.push(call.await.unwrap());
        }
    }
    until_health(&store, true).await;
    let page = store.list_messages(room(), Range::Newest, 500).await.unwrap();
    let mut stored: Vec<_> = page.items.iter().map(|it| it.id).collect();
    stored.sort();
    said.sort();
    assert_eq!(stored, said);
    assert_eq!(store.unsent(500).await.unwrap().len(), said.len());
}

#[tokio::test]
async fn a_call_that_waits_for_a_lock_ends_and_harms_nobody() {
    let server = PostgresServer::shared().await;
    let mut options = options(server.url());
    options.schema = "locked".into();
    options.database.timeout = Duration::from_millis(300);
    // With the time of the other tests: the machine may be busy.
    let patient = SqlStore::connect(StoreOptions {
        database: DatabaseOptions {
            timeout: crate::LONG,
            ..options.database.clone()
        },
        ..options.clone()
    })
    .await
    .unwrap();
    let hasty = SqlStore::connect(options).await;
    let first = say(&patient, "one").await;
    let lock = "SET search_path = locked; BEGIN; LOCK messages; SELECT pg_sleep(3600)";
    let url = server.url();
    let holder = tokio::spawn({
        let (server, url) = (server.clone(), url.clone());
        async move { server.sql_at(&url, lock).await }
    });
    let is_locked = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted \
                     AND relation = 'locked.messages'::regclass";
    while server.sql(is_locked).await == "0" {}
    if let Ok(hasty) = hasty {
        let why = answer(hasty.message(room(), first)).await.unwrap_err();
        assert!(matches!(why, StoreError::Unavailable { .. }), "{why}");
    }
    // Others do not wait for it.
    answer(patient.user(UserId::parse("ann").unwrap())).await.unwrap();
    server
        .sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(3600)%' AND pid <> pg_backend_pid()")
        .await;
    assert!(holder.await.is_err(), "its session was ended");
    answer(patient.message(room(), first)).await.unwrap();
}

#[tokio::test]
async fn a_dropped_call_holds_nothing() {
    let server = PostgresServer::shared().await;
    let mut options = options(server.url());
    options.schema = "dropped".into();
    options.database.timeout = crate::LONG;
    options.database.connections = 1;
    let store = SqlStore::connect(options).await.unwrap();
    for round in 0..20 {
        let mut call = Box::pin(store.insert_message(new(&format!("dropped-{round}"))));
        for _ in 0..round {
            // Each look lets it go a bit further, into the midst of its transaction.
            tokio::select! {
                biased;
                _ = &mut call => break,
                () = tokio::time::sleep(Duration::from_micros(200)) => {}
            }
        }
        drop(call);
    }
    say(&store, "after").await;
}

#[tokio::test]
async fn a_full_queue_is_busy() {
    let server = PostgresServer::start().await;
    let mut options = options(server.url());
    options.database.connections = 1;
    options.database.queue = 2;
    let store = SqlStore::connect(options).await.unwrap();
    server.pause().await;
    let calls: Vec<_> = (0..6)
        .map(|_| tokio::spawn(store.list_messages(room(), Range::Newest, 1)))
        .collect();
    let mut busy = 0;
    for call in calls {
        match answer(async { call.await.unwrap() }).await {
            Err(StoreError::Busy) => busy += 1,
            Err(StoreError::Unavailable { .. }) => {}
            other => panic!("{other:?}"),
        }
    }
    // One has the connection, two wait.
    assert_eq!(busy, 3);
    let stats = store.stats();
    let read = |counter: &std::sync::atomic::AtomicU64| counter.load(std::sync::atomic::Ordering::Relaxed);
    assert_eq!((read(&stats.busy), read(&stats.waiting)), (3, 0));
    server.resume().await;
    say(&store, "after").await;
}

#[tokio::test]
async fn nobody_at_the_start_is_unavailable() {
    let url = format!(
        "postgres://postgres@127.0.0.1:{}/postgres",
        hallway_testkit::free_port()
    );
    let why = answer(SqlStore::connect(options(url))).await.err().unwrap();
    assert!(matches!(why, StoreError::Unavailable { .. }), "{why}");
}

#[tokio::test]
async fn a_server_that_is_full_serves_those_who_are_in() {
    let server = PostgresServer::start().await;
    server.sql("CREATE ROLE few LOGIN CONNECTION LIMIT 2").await;
    server.sql("GRANT CREATE ON DATABASE postgres TO few").await;
    let mut options = options(server.url().replace("postgres@", "few@"));
    options.database.timeout = crate::LONG;
    let store = SqlStore::connect(options).await.unwrap();
    for round in 0..5 {
        let calls: Vec<_> = (0..20)
            .map(|number| {
                let room = RoomName::parse(&format!("group-{number}")).unwrap();
                tokio::spawn(store.insert_message(NewMessage {
                    room,
                    ..new(&round.to_string())
                }))
            })
            .collect();
        let mut done = 0;
        for call in calls {
            match answer(async { call.await.unwrap() }).await {
                Ok(_) => done += 1,
                Err(StoreError::Busy) => {}
                other => panic!("{other:?}"),
            }
        }
        assert!(done > 0);
        assert!(*store.health().borrow());
    }
}

#[tokio::test]
async fn a_busy_room_leaves_connections_to_others() {
    let server = PostgresServer::shared().await;
    let mut options = options(server.url());
    options.schema = "busy_room".into();
    options.database.timeout = crate::LONG;
    let store = SqlStore::connect(options.clone()).await.unwrap();
    // Another node has the room's turn, and keeps it.
    let lock =
        "BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('chat-ann-bob', 1751215212)); SELECT pg_sleep(3601)";
    let holder = tokio::spawn({
        let server = server.clone();
        async move { server.sql(lock).await }
    });
    let sleeping =
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(3601)%' AND wait_event = 'PgSleep'";
    while server.sql(sleeping).await == "0" {}
    let waiting: Vec<_> = (0..50)
        .map(|number| tokio::spawn(store.insert_message(new(&number.to_string()))))
        .collect();
    // More calls than there are connections.
    for number in 0..20 {
        let room = RoomName::parse(&format!("group-{number}")).unwrap();
        // Rooms that share its line wait with it.
        if room.stable_hash() % 64 != super::faults::room().stable_hash() % 64 {
            answer(store.insert_message(NewMessage {
                room,
                ..new("elsewhere")
            }))
            .await
            .unwrap();
        }
    }
    assert!(waiting.iter().all(|call| !call.is_finished()));
    server
        .sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(3601)%' AND pid <> pg_backend_pid()")
        .await;
    assert!(holder.await.is_err(), "its session was ended");
    for call in waiting {
        answer(async { call.await.unwrap() }).await.unwrap();
    }
}
