//! Rooms of members: owners and moderators keep them in order, on all nodes at once.

use hallway_client::{Broadcast, Client, Options};
use hallway_testkit::{Cluster, PostgresServer, RedisServer, token};
use serde_json::{Value, json};

use crate::broadcast;
use crate::messages::{code, join, over, refused, say};

const ROOM: &str = "group-7";

/// Someone whose token opens no room.
async fn connect(cluster: &Cluster, node: usize, user: &str) -> Client {
    let options = Options::new(cluster.url(node)).token(token(user, &[]));
    Client::connect(options).await.expect("connected").0
}

async fn add(cluster: &Cluster, user: &str, role: &str) -> u16 {
    let path = format!("/api/v1/rooms/{ROOM}/users/{user}?role={role}");
    cluster.api(0, "PUT", &path, "").await.0
}

/// Does something to a member: the answer, or the code of the refusal.
async fn to(client: &Client, what: &str, user: &str) -> Result<Value, String> {
    let args = json!({"room": ROOM, "userId": user});
    let answer = client.request(&format!("members.{what}"), args).await;
    answer.map_err(|why| why.code().unwrap_or("gone").to_owned())
}

/// The next broadcast that is not about presence.
async fn next(client: &mut Client) -> Broadcast {
    loop {
        let heard = broadcast(client).await;
        if !matches!(heard.destination.as_str(), "user-joined" | "user-left") {
            return heard;
        }
    }
}

/// The next word about one of the room's people.
async fn change(client: &mut Client) -> Value {
    loop {
        let heard = next(client).await;
        if heard.destination == "members-updated" && heard.data.get("change").is_some() {
            return heard.data;
        }
    }
}

async fn three_nodes(name: &str) -> (Cluster, RedisServer, std::sync::Arc<PostgresServer>) {
    let (redis, postgres) = (RedisServer::start().await, PostgresServer::shared().await);
    let settings = over(&redis, &postgres, name).await + "[members]\nfresh = '5m'\nreview = '1h'\n";
    let cluster = Cluster::start(3, &settings).await;
    for (user, role) in [
        ("olga", "owner"),
        ("max", "moderator"),
        ("alice", "member"),
        ("bob", "member"),
    ] {
        assert_eq!(add(&cluster, user, role).await, 200);
    }
    (cluster, redis, postgres)
}

/// A socket on each node, in the room.
async fn sockets(cluster: &Cluster, user: &str) -> Vec<Client> {
    let mut all = Vec::new();
    for node in 0..cluster.len() {
        let client = connect(cluster, node, user).await;
        join(&client, ROOM).await;
        all.push(client);
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_muted_is_silent_on_every_node_at_once() {
    let (cluster, _redis, _postgres) = three_nodes("muted").await;
    let alices = sockets(&cluster, "alice").await;
    let mut bob = connect(&cluster, 2, "bob").await;
    join(&bob, ROOM).await;
    let max = connect(&cluster, 1, "max").await;
    let mut ids = Vec::new();
    for alice in &alices {
        ids.push(say(alice, ROOM, "hello").await["id"].clone());
    }
    let shout = json!({"room": ROOM, "destination": "d", "data": 1});
    let member = to(&max, "mute", "alice").await.unwrap();
    assert_eq!(
        (&member["userId"], &member["role"]),
        (&json!("alice"), &json!("member"))
    );
    assert!(member["mutedUntil"].as_u64().unwrap() > 4_000_000_000_000, "for good");
    for (alice, id) in alices.iter().zip(&ids) {
        let args = json!({"room": ROOM, "content": "x", "messageId": id, "reaction": "x", "on": true});
        for endpoint in ["messages.send", "messages.edit", "messages.react"] {
            assert_eq!(code(alice.request(endpoint, &args).await), "forbidden", "{endpoint}");
        }
        assert_eq!(code(alice.request("rooms.broadcast", &shout).await), "forbidden");
        alice
            .request("messages.list", json!({"room": ROOM}))
            .await
            .expect("she may read");
        alice.request("messages.read", &args).await.expect("and say so");
        alice.request("messages.delete", &args).await.expect("and take back");
    }
    assert_eq!(
        change(&mut bob).await,
        json!({"room": ROOM, "userId": "alice", "change": "muted"})
    );
    // Going and coming back does not end it.
    to(&max, "kick", "alice").await.unwrap();
    assert_eq!(change(&mut bob).await["change"], "kicked");
    assert_eq!(add(&cluster, "alice", "member").await, 200);
    let alice = connect(&cluster, 0, "alice").await;
    join(&alice, ROOM).await;
    assert_eq!(code(alice.request("rooms.broadcast", &shout).await), "forbidden");
    assert_eq!(to(&max, "unmute", "alice").await.unwrap()["mutedUntil"], Value::Null);
    say(&alice, ROOM, "back").await;
    alice.request("rooms.broadcast", &shout).await.expect("she may speak");
    // One that is over is none.
    let over = json!({"room": ROOM, "userId": "alice", "until": 1_000});
    max.request("members.mute", over).await.unwrap();
    say(&alice, ROOM, "still").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_kicked_or_banned_is_out_on_every_node() {
    let (cluster, _redis, _postgres) = three_nodes("kicked").await;
    let mut bob = connect(&cluster, 0, "bob").await;
    join(&bob, ROOM).await;
    let olga = connect(&cluster, 2, "olga").await;
    for (what, reason) in [("kick", "kicked"), ("ban", "banned")] {
        add(&cluster, "alice", "member").await;
        let mut alices = sockets(&cluster, "alice").await;
        assert_eq!(to(&olga, what, "alice").await, Ok(json!({})));
        for alice in &mut alices {
            let told = next(alice).await;
            assert_eq!(
                (told.destination.as_str(), &told.data["reason"]),
                ("room.left", &json!(reason))
            );
            for endpoint in ["rooms.join", "messages.send", "messages.list", "members.list"] {
                let args = json!({"room": ROOM, "content": "x"});
                assert_eq!(code(alice.request(endpoint, args).await), "forbidden", "{endpoint}");
            }
        }
        assert_eq!(
            change(&mut bob).await,
            json!({"room": ROOM, "userId": "alice", "change": reason})
        );
    }
    assert_eq!(add(&cluster, "alice", "member").await, 409, "banned");
    let banned = olga
        .request("members.list", json!({"room": ROOM, "banned": true}))
        .await
        .unwrap();
    assert_eq!(banned["members"][0]["userId"], "alice");
    assert_eq!(to(&olga, "unban", "alice").await, Ok(json!({})));
    let alice = connect(&cluster, 1, "alice").await;
    let again = alice.request("rooms.join", json!({"room": ROOM})).await;
    assert_eq!(code(again), "forbidden", "that makes nobody a member");
    assert_eq!(add(&cluster, "alice", "member").await, 200);
    join(&alice, ROOM).await;
    // Who was never there can be kept out.
    assert_eq!(to(&olga, "ban", "eve").await, Ok(json!({})));
    assert_eq!(add(&cluster, "eve", "member").await, 409);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_acts_stands_above_whom_it_is_done_to() {
    let (cluster, _redis, _postgres) = three_nodes("ranks").await;
    let (olga, max) = (connect(&cluster, 0, "olga").await, connect(&cluster, 1, "max").await);
    let (alice, eve) = (connect(&cluster, 2, "alice").await, connect(&cluster, 0, "eve").await);
    for what in ["kick", "mute", "unmute", "ban", "unban"] {
        for (who, whom) in [(&alice, "bob"), (&eve, "bob"), (&max, "olga")] {
            assert_eq!(to(who, what, whom).await, Err("forbidden".into()), "{what} {whom}");
        }
        assert_eq!(to(&olga, what, "olga").await, Err("bad-args".into()), "{what}");
    }
    for what in ["kick", "mute", "unmute"] {
        assert_eq!(to(&olga, what, "nobody").await, Err("not-found".into()), "{what}");
    }
    let role = async |client: &Client, user: &str, role: &str| {
        let args = json!({"room": ROOM, "userId": user, "role": role});
        client.request("members.setRole", args).await
    };
    assert_eq!(code(role(&max, "alice", "moderator").await), "forbidden");
    assert_eq!(code(role(&olga, "nobody", "member").await), "not-found");
    assert_eq!(refused(role(&olga, "alice", "king").await).1.as_deref(), Some("role"));
    assert_eq!(role(&olga, "alice", "moderator").await.unwrap()["role"], "moderator");
    // At once, on the node where she is.
    to(&alice, "mute", "bob").await.unwrap();
    assert_eq!(to(&alice, "kick", "max").await, Err("forbidden".into()), "her equal");
    // The backend's repeat takes no role away.
    let path = format!("/api/v1/rooms/{ROOM}/users/alice");
    assert_eq!(cluster.api(1, "PUT", &path, "").await.0, 200);
    let members = alice.request("members.list", json!({"room": ROOM})).await.unwrap();
    let roles: Vec<_> = members["members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["role"].clone())
        .collect();
    assert_eq!(roles, ["moderator", "member", "moderator", "owner"]);
    assert_eq!(
        code(alice.request("members.list", json!({"room": ROOM, "limit": 0})).await),
        "bad-args"
    );
    let page = alice
        .request("members.list", json!({"room": ROOM, "limit": 3}))
        .await
        .unwrap();
    let rest = json!({"room": ROOM, "after": page["nextCursor"]});
    let rest = alice.request("members.list", rest).await.unwrap();
    assert_eq!(
        (rest["members"][0]["userId"].clone(), rest["nextCursor"].clone()),
        (json!("olga"), Value::Null)
    );
    let bob = connect(&cluster, 1, "bob").await;
    let banned = json!({"room": ROOM, "banned": true});
    assert_eq!(code(bob.request("members.list", banned).await), "forbidden");
    // Moderators change what others said; members do not.
    let sent = say(&max, ROOM, "x").await;
    let of = json!({"room": ROOM, "messageId": sent["id"], "content": "y"});
    assert_eq!(code(bob.request("messages.edit", &of).await), "forbidden");
    assert_eq!(alice.request("messages.edit", &of).await.unwrap()["content"], "y");
    assert_eq!(olga.request("messages.delete", &of).await.unwrap()["content"], "");
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_without_members_of_ours_say_so() {
    let cluster = Cluster::alone("").await;
    assert_eq!(add(&cluster, "olga", "owner").await, 200);
    assert_eq!(add(&cluster, "olga", "king").await, 400);
    let (olga, _) = cluster.connect(0, "olga").await;
    for room in ["chat-bob-olga", "public-1", "board-1-tasks"] {
        let args = json!({"room": room, "userId": "bob"});
        let refusal = refused(olga.request("members.kick", args).await);
        assert_eq!(refusal, ("bad-args".into(), Some("room".into())), "{room}");
    }
    // A token opens a room and gives no role in it.
    let (claim, _) = cluster.connect(0, "carl").await;
    assert_eq!(to(&claim, "kick", "olga").await, Err("forbidden".into()));

    let (redis, postgres) = (RedisServer::start().await, PostgresServer::shared().await);
    let settings = over(&redis, &postgres, "foreign").await;
    let url = settings.split('\'').nth(7).expect("the store's URL").to_owned();
    let table = "CREATE TABLE team (room text, person text, role text); \
                 INSERT INTO team VALUES ('group-7', 'olga', 'owner'), ('group-7', 'bob', NULL)";
    postgres.sql_at(&url, table).await;
    let sql = "[members]\nsql = 'SELECT role FROM team WHERE person = $1 AND room = $2'\n";
    let cluster = Cluster::start(1, &(settings + sql)).await;
    let (olga, bob) = (connect(&cluster, 0, "olga").await, connect(&cluster, 0, "bob").await);
    for what in ["kick", "mute", "ban", "list"] {
        assert_eq!(to(&olga, what, "bob").await, Err("forbidden".into()), "{what}");
    }
    // Its roles count all the same.
    let sent = say(&bob, ROOM, "x").await;
    let of = json!({"room": ROOM, "messageId": sent["id"]});
    olga.request("messages.delete", of).await.expect("an owner may");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_database_keeps_roles_and_mutes_too() {
    let cluster = Cluster::alone("").await;
    for (user, role) in [("olga", "owner"), ("alice", "member")] {
        assert_eq!(add(&cluster, user, role).await, 200);
    }
    let (olga, alice) = (connect(&cluster, 0, "olga").await, connect(&cluster, 0, "alice").await);
    join(&alice, ROOM).await;
    to(&olga, "mute", "alice").await.unwrap();
    let shout = json!({"room": ROOM, "destination": "d", "data": 1, "content": "x"});
    for endpoint in ["messages.send", "rooms.broadcast"] {
        assert_eq!(code(alice.request(endpoint, &shout).await), "forbidden", "{endpoint}");
    }
    to(&olga, "ban", "alice").await.unwrap();
    assert_eq!(code(alice.request("messages.send", &shout).await), "forbidden");
    assert_eq!(code(alice.request("rooms.broadcast", &shout).await), "forbidden");
}
