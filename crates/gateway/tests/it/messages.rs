//! Messages: what is kept, who hears of it, and who may.

use hallway_client::{Client, RequestError};
use hallway_testkit::{Cluster, PostgresServer, RedisServer};
use serde_json::{Value, json};

use crate::broadcast;

pub(crate) const CHAT: &str = "chat-alice-bob";

pub(crate) async fn join(client: &Client, room: &str) {
    client.request("rooms.join", json!({"room": room})).await.unwrap();
}

pub(crate) async fn say(client: &Client, room: &str, content: &str) -> Value {
    let args = json!({"room": room, "content": content});
    client.request("messages.send", args).await.expect("stored")
}

/// The code and the field of a refusal.
pub(crate) fn refused(result: Result<Value, RequestError>) -> (String, Option<String>) {
    match result {
        Err(RequestError::Server(why)) => (why.code, why.field),
        other => panic!("refused, not {other:?}"),
    }
}

pub(crate) fn code(result: Result<Value, RequestError>) -> String {
    refused(result).0
}

/// Settings of nodes over a Redis and a database of their own.
pub(crate) async fn over(redis: &RedisServer, postgres: &PostgresServer, name: &str) -> String {
    let url = postgres.create_database(name).await;
    format!(
        "[redis]\nurl = '{}'\nprobe_interval = '200ms'\nprobe_timeout = '20s'\n[store]\nurl = '{url}'\n",
        redis.url()
    )
}

/// The same checks on the embedded database and bus, and on three nodes over Postgres and Redis.
pub(crate) async fn everywhere(name: &str, check: impl AsyncFn(&Cluster)) {
    check(&Cluster::alone("").await).await;
    let (redis, postgres) = (RedisServer::start().await, PostgresServer::shared().await);
    check(&Cluster::start(3, &over(&redis, &postgres, name).await).await).await;
}

/// A node of a cluster, whatever its size.
pub(crate) fn node(cluster: &Cluster, number: usize) -> usize {
    number % cluster.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_is_kept_and_heard_by_all_but_the_sending_socket() {
    everywhere("said", async |cluster| {
        let (mut here, _) = cluster.connect(node(cluster, 0), "alice").await;
        let (mut there, _) = cluster.connect(node(cluster, 1), "alice").await;
        let (mut bob, _) = cluster.connect(node(cluster, 2), "bob").await;
        for client in [&here, &there] {
            join(client, CHAT).await;
        }
        let args = json!({"room": CHAT, "content": "hello", "type": "IMAGE", "clientMessageId": "c1"});
        let sent = here.request("messages.send", args).await.unwrap();
        assert_eq!(
            (&sent["content"], &sent["type"], &sent["fromUserId"], &sent["seq"]),
            (&json!("hello"), &json!("IMAGE"), &json!("alice"), &json!(1))
        );
        assert!(sent["ts"].is_u64() && sent["epoch"].is_string() && sent["createdAt"].is_u64());
        let heard = broadcast(&mut there).await;
        assert_eq!((heard.room.as_str(), heard.destination.as_str()), (CHAT, "new-message"));
        assert_eq!((heard.seq, &heard.data["id"]), (Some(1), &sent["id"]));
        for (field, value) in heard.data.as_object().unwrap() {
            assert_eq!(value, &sent[field], "{field}");
        }
        // Bob has never joined: he learns that there is something to read.
        let told = broadcast(&mut bob).await;
        assert_eq!(
            (told.room.as_str(), told.destination.as_str()),
            ("user-bob", "chat-activity")
        );
        assert_eq!(
            told.data,
            json!({"room": CHAT, "messageId": sent["id"], "fromUserId": "alice"})
        );
        assert!(told.seq.is_some());
        let page = bob.request("messages.list", json!({"room": CHAT})).await.unwrap();
        assert_eq!(
            (&page["messages"][0]["id"], &page["nextCursor"]),
            (&sent["id"], &Value::Null)
        );
        // He may answer without having joined.
        let args = json!({"room": CHAT, "content": "hi", "replyToId": sent["id"]});
        let answer = bob.request("messages.send", args).await.unwrap();
        assert_eq!((&answer["replyToId"], &answer["seq"]), (&sent["id"], &json!(2)));
        // The sending socket has heard nothing of its own message.
        let next = loop {
            let heard = broadcast(&mut here).await;
            // Two rooms have no order between them: she is told of his answer in her own, too.
            if heard.room == CHAT {
                break heard;
            }
        };
        assert_eq!((next.seq, &next.data["id"]), (Some(2), &answer["id"]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_changes_and_everybody_hears_how() {
    everywhere("changes", async |cluster| {
        let (alice, _) = cluster.connect(node(cluster, 0), "alice").await;
        let (mut bob, _) = cluster.connect(node(cluster, 1), "bob").await;
        join(&bob, CHAT).await;
        let sent = say(&alice, CHAT, "first").await;
        let mut next = async || loop {
            let heard = broadcast(&mut bob).await;
            // Two rooms have no order between them.
            if heard.room == CHAT {
                return (heard.destination, heard.data);
            }
        };
        assert_eq!(next().await.0, "new-message");
        let of = |more: Value| {
            let mut args = json!({"room": CHAT, "messageId": sent["id"]});
            args.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            args
        };
        let edited = alice
            .request("messages.edit", of(json!({"content": "second"})))
            .await
            .unwrap();
        assert_eq!((&edited["content"], &edited["seq"]), (&json!("second"), &json!(2)));
        assert!(edited["editedAt"].is_u64() && edited["revision"].as_str() > sent["revision"].as_str());
        let (event, data) = next().await;
        assert_eq!((event.as_str(), &data["content"]), ("message-edited", &json!("second")));
        let same = alice
            .request("messages.edit", of(json!({"content": "second"})))
            .await
            .unwrap();
        assert!(same.get("seq").is_none(), "nothing has changed, so nothing is said");

        let react = |on| of(json!({"reaction": "\u{1f44d}\u{1f3fd}", "on": on}));
        let reacted = alice.request("messages.react", react(true)).await.unwrap();
        assert_eq!(reacted["reactions"][0]["users"], json!(["alice"]));
        let (event, data) = next().await;
        assert_eq!(event, "message-reaction");
        let said = json!({"room": CHAT, "messageId": sent["id"], "userId": "alice", "reaction": "\u{1f44d}\u{1f3fd}",
            "on": true, "count": 1, "revision": reacted["revision"]});
        assert_eq!(data, said);
        alice.request("messages.react", react(false)).await.unwrap();
        let (_, data) = next().await;
        assert_eq!((&data["on"], &data["count"]), (&json!(false), &json!(0)));

        assert_eq!(alice.request("messages.read", of(json!({}))).await.unwrap(), json!({}));
        let (event, data) = next().await;
        assert_eq!((event.as_str(), &data["userId"]), ("message-read", &json!("alice")));
        assert_eq!(data["messageId"], sent["id"]);
        assert!(data["readAt"].is_u64());
        alice
            .request("messages.read", of(json!({})))
            .await
            .expect("again, without noise");

        let deleted = alice.request("messages.delete", of(json!({}))).await.unwrap();
        assert_eq!(deleted["content"], "");
        let (event, data) = next().await;
        assert_eq!((event.as_str(), &data["content"]), ("message-deleted", &json!("")));
        assert!(data["deletedAt"].is_u64());
        for (endpoint, more) in [
            ("messages.edit", json!({"content": "x"})),
            ("messages.react", json!({"reaction": "x", "on": true})),
        ] {
            assert_eq!(code(alice.request(endpoint, of(more)).await), "not-found");
        }
        assert!(alice.request("messages.delete", of(json!({}))).await.is_ok());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_on_any_node_is_the_same_message() {
    let (redis, postgres) = (RedisServer::start().await, PostgresServer::shared().await);
    let cluster = Cluster::start(3, &over(&redis, &postgres, "repeats").await).await;
    let (mut bob, _) = cluster.connect(0, "bob").await;
    join(&bob, CHAT).await;
    let args = json!({"room": CHAT, "content": "hello", "clientMessageId": "c1"});
    let mut clients = Vec::new();
    for number in 0..6 {
        clients.push(cluster.connect(number % 3, "alice").await.0);
    }
    let all = futures_util::future::join_all(clients.iter().map(|client| client.request("messages.send", &args))).await;
    let ids: Vec<_> = all.into_iter().map(|sent| sent.unwrap()["id"].clone()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    // Another user's message of that name is another message.
    bob.request("messages.send", &args).await.unwrap();
    say(&clients[0], CHAT, "last").await;
    let mut heard = Vec::new();
    while heard.len() < 2 {
        let one = broadcast(&mut bob).await;
        if one.destination == "new-message" {
            heard.push(one.data["content"].clone());
        }
    }
    assert_eq!(heard, ["hello", "last"]);
    let page = bob.request("messages.list", json!({"room": CHAT})).await.unwrap();
    assert_eq!(page["messages"].as_array().unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_those_may_whose_room_and_whose_message_it_is() {
    let kinds = "[[kinds]]\nname = 'org'\nmessages = true\n\
                 [[kinds]]\nname = 'plaza'\njoin = 'signed-in'\nmessages = true\nkeep_count = 10\n";
    let cluster = Cluster::alone(&format!("[auth]\nanonymous = true\n{kinds}")).await;
    let (alice, _) = cluster.connect(0, "alice").await;
    let (bob, _) = cluster.connect(0, "bob").await;
    let (eve, _) = cluster.connect(0, "eve").await;
    let (nobody, _) = Client::connect(hallway_client::Options::new(cluster.url(0)))
        .await
        .unwrap();
    let sent = say(&alice, CHAT, "secret").await;
    let of = |more: Value| {
        let mut args = json!({"room": CHAT, "messageId": sent["id"], "content": "x", "reaction": "x", "on": true});
        args.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        args
    };
    for endpoint in ["send", "list", "edit", "delete", "react", "read"] {
        let endpoint = format!("messages.{endpoint}");
        assert_eq!(
            code(eve.request(&endpoint, of(json!({}))).await),
            "forbidden",
            "{endpoint}"
        );
        assert_eq!(
            code(nobody.request(&endpoint, of(json!({}))).await),
            "unauthenticated",
            "{endpoint}"
        );
    }
    // A message of one room is not reached by way of another.
    let elsewhere = of(json!({"room": "chat-bob-eve"}));
    for endpoint in ["messages.edit", "messages.delete", "messages.react", "messages.read"] {
        assert_eq!(code(eve.request(endpoint, &elsewhere).await), "not-found", "{endpoint}");
    }
    for endpoint in ["messages.edit", "messages.delete"] {
        assert_eq!(
            code(bob.request(endpoint, of(json!({}))).await),
            "forbidden",
            "{endpoint}"
        );
    }
    let system = json!({"room": CHAT, "content": "x", "type": "SYSTEM"});
    assert_eq!(code(alice.request("messages.send", system).await), "forbidden");
    let by_backend = json!({"fromUserId": "bob", "content": "bob was here", "type": "SYSTEM"}).to_string();
    let path = format!("/api/v1/rooms/{CHAT}/messages");
    let (_, system) = cluster.api(0, "POST", &path, &by_backend).await;
    let args = of(json!({"messageId": system["id"]}));
    assert_eq!(
        code(bob.request("messages.edit", args).await),
        "forbidden",
        "not his words"
    );

    // Where anybody may join, who talks is in it.
    let plaza = json!({"room": "plaza-1", "content": "x"});
    assert_eq!(code(alice.request("messages.send", &plaza).await), "not-in-room");
    join(&alice, "plaza-1").await;
    assert!(alice.request("messages.send", &plaza).await.is_ok());
    // Which kinds keep messages is configured.
    assert!(
        alice
            .request("messages.send", json!({"room": "org-1", "content": "x"}))
            .await
            .is_ok()
    );
    for room in ["board-1", "user-alice", "pool", "nonsense-1"] {
        let args = json!({"room": room, "content": "x"});
        let refusal = refused(alice.request("messages.send", args).await);
        assert_eq!(refusal, ("bad-args".into(), Some("room".into())), "{room}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_and_what_looks_dangerous_is_only_text() {
    everywhere("text", async |cluster| {
        let (alice, _) = cluster.connect(0, "alice").await;
        for letter in ["a", "\u{e9}", "\u{1f600}"] {
            let most = letter.repeat(5000);
            assert_eq!(say(&alice, CHAT, &most).await["content"], most);
            let args = json!({"room": CHAT, "content": letter.repeat(5001)});
            let refusal = refused(alice.request("messages.send", args).await);
            assert_eq!(refusal, ("bad-args".into(), Some("content".into())), "{letter}");
        }
        let sent = say(&alice, CHAT, "x").await;
        let good = json!({"room": CHAT, "messageId": sent["id"], "content": "x", "reaction": "x", "on": true});
        for (endpoint, field, value) in [
            ("messages.send", "content", json!("")),
            ("messages.send", "content", json!("a\0b")),
            ("messages.send", "type", json!("VIDEO")),
            ("messages.send", "replyToId", json!("7")),
            ("messages.send", "clientMessageId", json!("")),
            ("messages.send", "clientMessageId", json!("x".repeat(201))),
            ("messages.send", "clientMessageId", json!("\0")),
            ("messages.edit", "content", json!("x".repeat(5001))),
            ("messages.edit", "messageId", json!("' OR 1=1 --")),
            ("messages.delete", "messageId", json!("")),
            ("messages.react", "reaction", json!("")),
            ("messages.react", "reaction", json!("x".repeat(65))),
            ("messages.react", "reaction", json!("\0")),
            ("messages.read", "messageId", json!("'; DROP TABLE messages; --")),
            ("messages.list", "after", json!("'; DROP TABLE messages; --")),
            ("messages.list", "before", json!("c.")),
            ("messages.list", "limit", json!(0)),
            ("messages.list", "limit", json!(201)),
            ("messages.list", "since", json!("yesterday")),
        ] {
            let mut args = good.clone();
            args[field] = value.clone();
            let refusal = refused(alice.request(endpoint, args).await);
            assert_eq!(refusal, ("bad-args".into(), Some(field.into())), "{endpoint} {value}");
        }
        let two = json!({"room": CHAT, "after": sent["id"], "since": 1});
        assert_eq!(code(alice.request("messages.list", two).await), "bad-args");
        for text in [
            "'; DROP TABLE messages; --",
            "$1",
            "\\'",
            "\u{202e}\u{0}x".trim_end_matches("\u{0}x"),
            "%_",
        ] {
            let args = json!({"room": CHAT, "content": text, "clientMessageId": text});
            let kept = alice.request("messages.send", args).await.unwrap();
            assert_eq!(
                (&kept["content"], &kept["clientMessageId"]),
                (&json!(text), &json!(text))
            );
            let args = json!({"room": CHAT, "messageId": sent["id"], "reaction": text, "on": true});
            alice.request("messages.react", args).await.unwrap();
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_backend_says_something_once_and_reads_all() {
    everywhere("backend", async |cluster| {
        let (mut bob, _) = cluster.connect(0, "bob").await;
        join(&bob, "group-1").await;
        let body = json!({"fromUserId": "helpdesk", "content": "welcome", "type": "SYSTEM", "clientMessageId": "1"});
        let path = "/api/v1/rooms/group-1/messages";
        let (status, first) = cluster.api(node(cluster, 1), "POST", path, &body.to_string()).await;
        assert_eq!(
            (status, &first["seq"], &first["type"]),
            (200, &json!(1), &json!("SYSTEM"))
        );
        let (_, again) = cluster.api(node(cluster, 2), "POST", path, &body.to_string()).await;
        assert_eq!((&again["id"], again.get("seq")), (&first["id"], None));
        assert_eq!(broadcast(&mut bob).await.data["id"], first["id"]);
        say(&bob, "group-1", "thanks").await;
        let (status, page) = cluster.api(0, "GET", &format!("{path}?limit=1"), "").await;
        assert_eq!((status, page["messages"][0]["content"].clone()), (200, json!("thanks")));
        let cursor = page["nextCursor"].as_str().unwrap();
        let (_, page) = cluster.api(0, "GET", &format!("{path}?before={cursor}"), "").await;
        assert_eq!(
            (&page["messages"][0]["id"], &page["nextCursor"]),
            (&first["id"], &Value::Null)
        );
        for (path, body) in [
            ("/api/v1/rooms/board-1/messages", body.to_string()),
            (path, json!({"fromUserId": "a b", "content": "x"}).to_string()),
            (path, json!({"content": "x"}).to_string()),
        ] {
            assert_eq!(cluster.api(0, "POST", path, &body).await.0, 400, "{body}");
        }
    })
    .await;
}
