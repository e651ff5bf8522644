//! Messages that were stored and could not be broadcast at once: Redis was away, or the node died between the two.

use std::time::Duration;

use hallway_client::Client;
use hallway_store::{DatabaseOptions, MessageKind, Messages as _, NewMessage, SqlStore, StoreOptions};
use hallway_testkit::{Cluster, PostgresServer, Proxy, RedisServer};
use serde_json::{Value, json};

use crate::broadcast;
use crate::messages::{CHAT, code, join, over, say};

/// Contents of the new messages that are heard, up to one.
async fn heard_until(client: &mut Client, last: &str) -> Vec<String> {
    let mut heard = Vec::new();
    while heard.last().map(String::as_str) != Some(last) {
        let one = broadcast(client).await;
        if one.destination == "new-message" {
            heard.push(one.data["content"].as_str().unwrap().to_owned());
        }
    }
    heard
}

/// How many activities in a chat a user is told of until a last message's.
async fn activities_until(client: &mut Client, last: &Value) -> Vec<Value> {
    let mut ids = Vec::new();
    while ids.last() != Some(last) {
        let one = broadcast(client).await;
        if one.destination == "chat-activity" {
            ids.push(one.data["messageId"].clone());
        }
    }
    ids
}

/// Waits until the outbox is empty.
async fn all_is_sent(postgres: &PostgresServer, url: &str) {
    let empty = async {
        while postgres.sql_at(url, "SELECT count(*) FROM hallway.outbox").await.trim() != "0" {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), empty)
        .await
        .expect("the outbox is emptied");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_while_redis_is_away_is_sent_once_when_it_is_back() {
    let (mut redis, postgres) = (RedisServer::start_appendonly().await, PostgresServer::shared().await);
    let mut settings = over(&redis, &postgres, "redis_away").await;
    settings.push_str("lease = '1h'\n[messages]\nrelay_interval = '100ms'\n");
    let cluster = Cluster::start(2, &settings).await;
    let (alice, _) = cluster.connect(0, "alice").await;
    let (mut bob, _) = cluster.connect(1, "bob").await;
    let (mut bobs_phone, _) = cluster.connect(0, "bob").await;
    join(&bob, CHAT).await;
    let first = say(&alice, CHAT, "first").await;
    assert_eq!(first["seq"], 1);
    redis.kill().await;
    let mut later = Vec::new();
    for number in 0..20 {
        let stored = say(&alice, CHAT, &format!("later-{number}")).await;
        // It is acknowledged, and has no number yet.
        assert!(stored.get("seq").is_none() && stored["id"].is_string(), "{stored}");
        later.push(stored["id"].clone());
    }
    redis.restart().await;
    for number in 0..2 {
        cluster.wait_ready(number, true).await;
    }
    all_is_sent(&postgres, settings.split('\'').nth(7).expect("the store's URL")).await;
    let last = say(&alice, CHAT, "last").await;
    let mut expected: Vec<_> = (0..20).map(|number| format!("later-{number}")).collect();
    expected.insert(0, "first".into());
    expected.push("last".into());
    assert_eq!(heard_until(&mut bob, "last").await, expected, "each once, in order");
    let mut all = vec![first["id"].clone()];
    all.extend(later);
    all.push(last["id"].clone());
    assert_eq!(activities_until(&mut bobs_phone, &last["id"]).await, all);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_cannot_reach_redis_leaves_it_to_one_that_can() {
    let (redis, postgres) = (RedisServer::start().await, PostgresServer::shared().await);
    let way = Proxy::start(redis.port()).await;
    let near_settings =
        over(&redis, &postgres, "cut_off").await + "lease = '1h'\n[messages]\nrelay_interval = '50ms'\n";
    let far_settings = near_settings.replace(&redis.url(), &format!("redis://127.0.0.1:{}", way.port()));
    let (far, near) = (
        Cluster::start(1, &far_settings).await,
        Cluster::start(1, &near_settings).await,
    );
    let (alice, _) = far.connect(0, "alice").await;
    let (mut bob, _) = near.connect(0, "bob").await;
    join(&bob, CHAT).await;
    way.refuse();
    way.cut();
    far.wait_ready(0, false).await;
    say(&alice, CHAT, "help").await;
    assert_eq!(heard_until(&mut bob, "help").await, ["help"]);
    way.heal();
    far.wait_ready(0, true).await;
    say(&alice, CHAT, "thanks").await;
    assert_eq!(heard_until(&mut bob, "thanks").await, ["thanks"]);
}

/// A node that died right after the commit is a store that says nothing more.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_node_has_stored_is_sent_once_by_the_others() {
    let (redis, postgres) = (RedisServer::start().await, PostgresServer::shared().await);
    let settings = over(&redis, &postgres, "dead_node").await + "lease = '1s'\n[messages]\nrelay_interval = '20ms'\n";
    let url = settings.split('\'').nth(7).expect("the store's URL").to_owned();
    let cluster = Cluster::start(3, &settings).await;
    let (mut bob, _) = cluster.connect(0, "bob").await;
    join(&bob, CHAT).await;
    let dead = SqlStore::connect(StoreOptions {
        database: DatabaseOptions {
            url: url.clone(),
            ..DatabaseOptions::default()
        },
        schema: "hallway".into(),
        lease: Duration::from_secs(1),
    });
    let dead = dead.await.unwrap();
    for number in 0..100 {
        let message = NewMessage {
            room: hallway_protocol::RoomName::parse(CHAT).unwrap(),
            from_user: hallway_protocol::UserId::parse("alice").unwrap(),
            kind: MessageKind::Text,
            content: number.to_string(),
            reply_to: None,
            client_message_id: None,
        };
        dead.insert_message(message).await.unwrap();
    }
    all_is_sent(&postgres, &url).await;
    let (alice, _) = cluster.connect(1, "alice").await;
    say(&alice, CHAT, "last").await;
    let mut heard = heard_until(&mut bob, "last").await;
    heard.sort_by_key(|text| text.parse::<u32>().unwrap_or(u32::MAX));
    let mut expected: Vec<_> = (0..100).map(|number| number.to_string()).collect();
    expected.push("last".into());
    assert_eq!(heard, expected, "each once");
}

/// The broadcast is out, and the database never learns of it: another node takes it up, and nobody hears it again.
#[tokio::test(flavor = "multi_thread")]
async fn a_broadcast_that_nobody_took_note_of_is_not_repeated() {
    let (redis, postgres) = (RedisServer::start().await, PostgresServer::shared().await);
    let settings = over(&redis, &postgres, "not_noted").await + "lease = '1s'\n[messages]\nrelay_interval = '20ms'\n";
    let url = settings.split('\'').nth(7).expect("the store's URL").to_owned();
    let cluster = Cluster::start(2, &settings).await;
    let (alice, _) = cluster.connect(0, "alice").await;
    let (mut bob, _) = cluster.connect(1, "bob").await;
    join(&bob, CHAT).await;
    // Notes are kept from the outbox: its rows cannot be deleted. (No rule: a statement that is prepared under one that does
    // nothing does nothing for as long as its connection lives.)
    let hold = "CREATE FUNCTION hallway.hold() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; \
                CREATE TRIGGER hold BEFORE DELETE ON hallway.outbox FOR EACH ROW EXECUTE FUNCTION hallway.hold()";
    postgres.sql_at(&url, hold).await;
    say(&alice, CHAT, "once").await;
    let again = async {
        let attempts = "SELECT coalesce(max(attempts), 0) FROM hallway.outbox";
        while postgres.sql_at(&url, attempts).await.trim().parse::<u32>().unwrap() < 2 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), again)
        .await
        .expect("it is taken up again");
    postgres.sql_at(&url, "DROP TRIGGER hold ON hallway.outbox").await;
    all_is_sent(&postgres, &url).await;
    say(&alice, CHAT, "last").await;
    assert_eq!(heard_until(&mut bob, "last").await, ["once", "last"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_database_away_only_messages_fail_and_they_come_back() {
    let (redis, mut postgres) = (RedisServer::start().await, PostgresServer::start().await);
    let settings = over(&redis, &postgres, "away").await + "timeout = '500ms'\nretry_interval = '50ms'\n";
    let cluster = Cluster::start(1, &settings).await;
    let (alice, _) = cluster.connect(0, "alice").await;
    let (mut bob, _) = cluster.connect(0, "bob").await;
    for client in [&alice, &bob] {
        join(client, CHAT).await;
    }
    let sent = say(&alice, CHAT, "before").await;
    postgres.kill().await;
    let args = json!({"room": CHAT, "content": "during", "messageId": sent["id"], "reaction": "x", "on": true});
    for endpoint in ["send", "list", "edit", "delete", "react", "read"] {
        let refused = alice.request(&format!("messages.{endpoint}"), &args).await;
        let hallway_client::RequestError::Server(why) = refused.expect_err("away") else {
            panic!("{endpoint}: the socket stays")
        };
        assert_eq!(
            (why.code.as_str(), why.retry_after_ms.is_some()),
            ("unavailable", true),
            "{endpoint}"
        );
    }
    let others = json!({"room": CHAT, "destination": "d", "data": 1});
    alice.request("rooms.broadcast", others).await.expect("all else works");
    while broadcast(&mut bob).await.destination != "d" {}
    postgres.restart().await;
    let back = async {
        while let Err(why) = alice
            .request("messages.send", json!({"room": CHAT, "content": "after"}))
            .await
        {
            assert_eq!(code(Err(why)), "unavailable");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), back)
        .await
        .expect("it comes back by itself");
    assert_eq!(heard_until(&mut bob, "after").await, ["after"]);
}
