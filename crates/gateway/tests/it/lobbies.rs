//! Lobbies: made, joined, left, found again, and over when nobody is left; on one node and on several.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use hallway_client::{Client, Codec, FirstFrame, Incoming, Options, RequestError};
use hallway_testkit::{Cluster, Proxy, RedisServer};
use serde_json::{Value, json};

use crate::{broadcast, next};

fn over(url: &str, more: &str) -> String {
    format!("[redis]\nurl = '{url}'\nprobe_interval = '200ms'\nprobe_timeout = '5s'\n{more}")
}

async fn create(client: &Client) -> Value {
    client.request("lobby.create", json!({})).await.unwrap()
}

async fn join(client: &Client, lobby: &Value) -> Result<Value, RequestError> {
    client.request("lobby.join", json!({"lobbyId": lobby["lobbyId"]})).await
}

fn refusal<T: std::fmt::Debug>(result: Result<T, RequestError>) -> (String, Value) {
    match result {
        Err(RequestError::Server(why)) => (why.code.clone(), why.more.get("lobby").cloned().unwrap_or_default()),
        other => panic!("refused, not {other:?}"),
    }
}

fn members(lobby: &Value) -> Vec<&str> {
    let members = lobby["members"].as_array().expect("members");
    members
        .iter()
        .map(|member| member["userId"].as_str().expect("a user"))
        .collect()
}

/// The next broadcast of such a name; others are passed over.
async fn hears(client: &mut Client, what: &str) -> Value {
    loop {
        let heard = broadcast(client).await;
        if heard.destination == what {
            return heard.data;
        }
    }
}

/// The diff of the next update that says who left; who joins may still hear of their own joining.
async fn hears_left(client: &mut Client) -> Value {
    loop {
        let diff = hears(client, "lobby-updated").await["diff"].take();
        if !diff["left"].is_null() {
            return diff;
        }
    }
}

async fn in_pool(cluster: &Cluster, node: usize, user: &str) -> Client {
    let (client, _) = cluster.connect(node, user).await;
    client.request("rooms.join", json!({"room": "pool"})).await.unwrap();
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lobby_is_made_joined_and_left() {
    let cluster = Cluster::alone("").await;
    let mut watcher = in_pool(&cluster, 0, "watcher").await;
    let (mut alice, _) = cluster.connect(0, "alice").await;
    let (bob, _) = cluster.connect(0, "bob").await;
    let args = json!({"name": "Chess \u{265e}", "capacity": 2});
    let lobby = alice.request("lobby.create", args).await.unwrap();
    let room = format!("lobby-{}", lobby["lobbyId"].as_str().unwrap());
    assert_eq!(
        (&lobby["ownerId"], &lobby["name"]),
        (&json!("alice"), &json!("Chess \u{265e}"))
    );
    assert_eq!((&lobby["capacity"], members(&lobby)), (&json!(2), vec!["alice"]));
    assert_eq!((&lobby["room"], &lobby["state"]), (&json!(room), &Value::Null));
    let news = hears(&mut watcher, "lobby-created").await;
    assert_eq!((&news["lobbyId"], &news["memberCount"]), (&lobby["lobbyId"], &json!(1)));

    let joined = join(&bob, &lobby).await.unwrap();
    assert_eq!(members(&joined), ["alice", "bob"]);
    // Whether the notice of it was delivered here before bob came in.
    assert!(matches!(joined["state"]["seq"].as_u64(), None | Some(1)), "{joined}");
    let update = broadcast(&mut alice).await;
    assert_eq!((update.room, update.seq), (room.clone(), Some(1)));
    assert_eq!(
        update.data["diff"],
        json!({"joined": [{"userId": "bob", "name": null}], "memberCount": 2})
    );
    assert_eq!(update.data["baseUpdatedAt"], lobby["updatedAt"]);
    assert_eq!(update.data["updatedAt"], joined["updatedAt"]);
    assert_eq!(hears(&mut watcher, "lobby-updated").await["memberCount"], 2);

    let (carol, _) = cluster.connect(0, "carol").await;
    assert_eq!(refusal(join(&carol, &lobby).await), ("conflict".into(), Value::Null));
    assert_eq!(
        refusal(join(&carol, &json!({"lobbyId": "0000000000000000"})).await).0,
        "not-found"
    );
    let (code, theirs) = refusal(bob.request("lobby.create", json!({})).await);
    assert_eq!((code.as_str(), &theirs["lobbyId"]), ("conflict", &lobby["lobbyId"]));
    for (endpoint, args, code) in [
        ("lobby.create", json!({"name": ""}), "bad-args"),
        ("lobby.create", json!({"name": "x".repeat(101)}), "bad-args"),
        ("lobby.create", json!({"capacity": 1}), "bad-args"),
        ("lobby.create", json!({"capacity": 1001}), "bad-args"),
        ("lobby.join", json!({"lobbyId": "x"}), "bad-args"),
        ("lobby.get", json!({}), "not-found"),
        ("lobby.leave", json!({}), "not-found"),
        ("lobby.list", json!({"limit": 0}), "bad-args"),
        ("lobby.list", json!({"cursor": "x"}), "bad-args"),
        ("rooms.join", json!({"room": room}), "forbidden"),
        ("rooms.info", json!({"room": room}), "forbidden"),
    ] {
        assert_eq!(
            refusal(carol.request(endpoint, args.clone()).await).0,
            code,
            "{endpoint} {args}"
        );
    }
    // A page that is loaded anew finds it, and comes back into its room.
    let (again, _) = cluster.connect(0, "alice").await;
    let found = again.request("lobby.get", json!({})).await.unwrap();
    assert_eq!(members(&found), ["alice", "bob"]);
    again.request("rooms.join", json!({"room": room})).await.unwrap();

    assert_eq!(alice.request("lobby.leave", json!({})).await.unwrap(), json!({}));
    let (_, after) = (hears(&mut watcher, "lobby-updated").await, carol);
    let lobby = after
        .request("lobby.get", json!({"lobbyId": lobby["lobbyId"]}))
        .await
        .unwrap();
    assert_eq!((&lobby["ownerId"], members(&lobby)), (&json!("bob"), vec!["bob"]));
    // Her other socket hears why, and is out of the room too. Where it was still on its way in, it is told so instead.
    let mut again = again;
    loop {
        let heard = broadcast(&mut again).await;
        if heard.destination == "room.left" || heard.data["diff"]["left"] == json!(["alice"]) {
            break;
        }
    }
    // The notice comes first, and then it is taken out, unless it goes by itself.
    while again.request("rooms.leave", json!({"room": room})).await.is_ok() {}
    assert_eq!(
        refusal(again.request("rooms.leave", json!({"room": room})).await).0,
        "not-in-room"
    );
    bob.request("lobby.leave", json!({})).await.unwrap();
    assert_eq!(
        hears(&mut watcher, "lobby-deleted").await,
        json!({"lobbyId": lobby["lobbyId"]})
    );
    assert_eq!(refusal(join(&alice, &lobby).await).0, "not-found");
    create(&alice).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_vanishes_leaves_after_the_time_of_grace() {
    let cluster = Cluster::alone("[lobbies]\ngrace = '4s'").await;
    let mut watcher = in_pool(&cluster, 0, "watcher").await;
    let (alice, hello) = cluster.connect(0, "alice").await;
    let (mut bob, _) = cluster.connect(0, "bob").await;
    let lobby = create(&alice).await;
    let room = lobby["room"].as_str().unwrap().to_owned();
    join(&bob, &lobby).await.unwrap();
    // A quick return, by ticket, is none.
    alice.close().await;
    let mut options = Options::new(cluster.url(0));
    options.first_frame = Some(FirstFrame::Resume {
        ticket: hello.resume_ticket.unwrap(),
        rooms: BTreeMap::from([(room, None)]),
    });
    let (alice, _) = Client::connect(options).await.unwrap();
    assert_eq!(
        members(&alice.request("lobby.get", json!({})).await.unwrap()),
        ["alice", "bob"]
    );
    // The owner goes for good.
    alice.close().await;
    assert_eq!(
        hears_left(&mut bob).await,
        json!({"left": ["alice"], "ownerId": "bob", "memberCount": 1})
    );
    // And so does everyone else.
    bob.close().await;
    assert_eq!(hears(&mut watcher, "lobby-deleted").await["lobbyId"], lobby["lobbyId"]);
    let (alice, _) = cluster.connect(0, "alice").await;
    assert_eq!(refusal(alice.request("lobby.get", json!({})).await).0, "not-found");
    create(&alice).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_dies_and_its_lobbies_live_on() {
    let redis = RedisServer::start().await;
    let proxy = Proxy::start(redis.port()).await;
    let times = "[lobbies]\nlife = '3s'\ngrace = '1s'";
    let cluster = Cluster::start(2, &over(&redis.url(), times)).await;
    let url = format!("redis://127.0.0.1:{}", proxy.port());
    let doomed = Cluster::start(1, &over(&url, times)).await;
    let mut watcher = in_pool(&cluster, 1, "watcher").await;
    let (alice, _) = doomed.connect(0, "alice").await;
    let (bob, _) = doomed.connect(0, "bob").await;
    let (carol, _) = doomed.connect(0, "carol").await;
    let lobby = create(&alice).await;
    join(&bob, &lobby).await.unwrap();
    let abandoned = create(&carol).await;
    for _ in 0..2 {
        hears(&mut watcher, "lobby-created").await;
    }
    // From here on nothing of it gets through, as if it had been killed.
    proxy.refuse();
    proxy.cut();
    // Who reconnects finds the lobby again.
    let (mut bob, _) = cluster.connect(0, "bob").await;
    let found = bob.request("lobby.get", json!({})).await.unwrap();
    assert_eq!(
        (&found["lobbyId"], members(&found)),
        (&lobby["lobbyId"], vec!["alice", "bob"])
    );
    join(&bob, &lobby).await.unwrap();
    // Who does not is taken out, and what nobody comes back to ends once.
    let update = hears(&mut bob, "lobby-updated").await;
    assert_eq!(
        update["diff"],
        json!({"left": ["alice"], "ownerId": "bob", "memberCount": 1})
    );
    assert_eq!(
        hears(&mut watcher, "lobby-deleted").await["lobbyId"],
        abandoned["lobbyId"]
    );
    let history = watcher
        .request("rooms.history", json!({"room": abandoned["room"]}))
        .await;
    assert_eq!(refusal(history).0, "forbidden", "it is no room any more");
    let path = format!("/api/v1/rooms/{}/history", abandoned["room"].as_str().unwrap());
    let (_, history) = cluster.api(0, "GET", &path, "").await;
    assert_eq!(history["broadcasts"].as_array().unwrap().len(), 1, "{history}");
    assert_eq!(history["broadcasts"][0]["destination"], "lobby-deleted");
    // Bob is renewed: he outlives his first life here, and everything in Redis has an end.
    let (dave, _) = cluster.connect(1, "dave").await;
    let theirs = create(&dave).await;
    dave.request("lobby.leave", json!({})).await.unwrap();
    assert_eq!(hears(&mut watcher, "lobby-deleted").await["lobbyId"], theirs["lobbyId"]);
    assert_eq!(members(&bob.request("lobby.get", json!({})).await.unwrap()), ["bob"]);
    let keys = redis.cli(&["KEYS", "*"]).await.unwrap();
    for key in keys
        .lines()
        .filter(|line| line.ends_with(":l") || line.ends_with(":d") || line.contains("lease"))
    {
        let life: i64 = redis.cli(&["PTTL", key]).await.unwrap().parse().unwrap();
        // -2: it ended just now.
        assert!(life > 0 || life == -2, "{key} has no end");
    }
    drop(doomed);
}

/// Users who make, join and leave lobbies at random; ended by a marker of the test.
async fn wander(cluster: Arc<Cluster>, number: usize, rounds: usize) -> Vec<String> {
    let codec = if number.is_multiple_of(2) {
        Codec::Json
    } else {
        Codec::Msgpack
    };
    let user = format!("u{number}");
    let (client, _) = cluster.try_connect(number % cluster.len(), &user, codec).await.unwrap();
    let mut random = Random(number as u64 + 1);
    let mut made = Vec::new();
    for _ in 0..rounds {
        let result = match random.below(4) {
            0 => {
                client
                    .request("lobby.create", json!({"capacity": 2 + random.below(3)}))
                    .await
            }
            1 => client.request("lobby.leave", json!({})).await,
            _ => {
                let page = client.request("lobby.list", json!({"limit": 5})).await.unwrap();
                let lobbies = page["lobbies"].as_array().unwrap();
                match lobbies.is_empty() {
                    true => continue,
                    false => join(&client, &lobbies[random.below(lobbies.len() as u64) as usize]).await,
                }
            }
        };
        match result {
            Ok(lobby) if lobby["lobbyId"].is_string() => {
                let members = members(&lobby);
                assert!(members.contains(&user.as_str()), "{lobby}");
                assert!(members.len() as u64 <= lobby["capacity"].as_u64().unwrap(), "{lobby}");
                made.push(lobby["lobbyId"].as_str().unwrap().to_owned());
            }
            Ok(_) => {}
            Err(why) => assert!(
                matches!(why.code(), Some("conflict" | "not-found" | "unavailable")),
                "{why}"
            ),
        }
    }
    // They stay where they are, until everything was looked at.
    std::mem::forget(client);
    made
}

struct Random(u64);

impl Random {
    fn below(&mut self, most: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % most
    }
}

/// Every lobby that the list shows, page by page.
async fn all(client: &Client) -> BTreeMap<String, Value> {
    let mut seen = BTreeMap::new();
    let mut last = (u64::MAX, String::new());
    let mut cursor = Value::Null;
    loop {
        let page = client
            .request("lobby.list", json!({"cursor": cursor, "limit": 7}))
            .await
            .unwrap();
        for lobby in page["lobbies"].as_array().unwrap() {
            let place = (
                lobby["createdAt"].as_u64().unwrap(),
                lobby["lobbyId"].as_str().unwrap().to_owned(),
            );
            assert!(last.0 == u64::MAX || place < last, "newest first, none twice");
            last = place;
            seen.insert(last.1.clone(), lobby.clone());
        }
        cursor = page["nextCursor"].clone();
        if cursor.is_null() {
            return seen;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_users_on_three_nodes_never_pass_a_bound() {
    const USERS: usize = 60;
    const ROUNDS: usize = 40;
    let redis = RedisServer::start().await;
    let patient = format!(
        "[redis]\nurl = '{}'\ncommand_timeout = '20s'\nprobe_timeout = '20s'\n",
        redis.url()
    );
    let cluster = Arc::new(Cluster::start(3, &patient).await);
    let (reader, _) = cluster.connect(0, "reader").await;
    let users: Vec<_> = (0..USERS)
        .map(|number| tokio::spawn(wander(Arc::clone(&cluster), number, ROUNDS)))
        .collect();
    // Pages stay in order while lobbies come and go.
    while !users.iter().all(tokio::task::JoinHandle::is_finished) {
        all(&reader).await;
    }
    let mut made = BTreeSet::new();
    for user in join_all(users).await {
        made.extend(user.unwrap());
    }
    assert!(made.len() > USERS, "{} lobbies", made.len());
    let lobbies = all(&reader).await;
    assert!(lobbies.keys().all(|id| made.contains(id)));
    let mut homes: BTreeMap<String, String> = BTreeMap::new();
    for (id, listed) in &lobbies {
        let lobby = reader.request("lobby.get", json!({ "lobbyId": id })).await.unwrap();
        let members = members(&lobby);
        assert!(members.len() as u64 <= lobby["capacity"].as_u64().unwrap());
        assert!(members.contains(&lobby["ownerId"].as_str().unwrap()));
        assert_eq!(listed["memberCount"], members.len());
        for user in members {
            assert_eq!(homes.insert(user.to_owned(), id.clone()), None, "{user} is in two");
        }
    }
    // And each user finds the one that they are in.
    for number in 0..USERS {
        let user = format!("u{number}");
        let (client, _) = cluster.connect(number % 3, &user).await;
        let found = client.request("lobby.get", json!({})).await.ok();
        let id = found.and_then(|lobby| lobby["lobbyId"].as_str().map(str::to_owned));
        assert_eq!(id.as_ref(), homes.get(&user), "{user}");
    }
}

/// More lobbies: `HALLWAY_TEST_ROUNDS=1000`.
#[tokio::test(flavor = "multi_thread")]
async fn the_last_seats_are_taken_once() {
    const RACERS: usize = 50;
    let lobbies = std::env::var("HALLWAY_TEST_ROUNDS").map_or(60, |rounds| rounds.parse().unwrap());
    let redis = RedisServer::start().await;
    let patient = format!(
        "[redis]\nurl = '{}'\ncommand_timeout = '20s'\nprobe_timeout = '20s'\n",
        redis.url()
    );
    let cluster = Cluster::start(3, &patient).await;
    let racers = join_all((0..RACERS).map(|number| {
        let user = format!("r{number}");
        let cluster = &cluster;
        async move { cluster.connect(number % 3, &user).await.0 }
    }));
    let racers = racers.await;
    for round in 0..lobbies {
        let (owner, _) = cluster.connect(round % 3, &format!("owner{round}")).await;
        let lobby = owner.request("lobby.create", json!({"capacity": 2})).await.unwrap();
        let results = join_all(racers.iter().map(|racer| join(racer, &lobby))).await;
        let (got, refused): (Vec<_>, Vec<_>) = results.into_iter().enumerate().partition(|(_, one)| one.is_ok());
        assert_eq!(got.len(), 1, "neither lost nor taken twice");
        assert!(
            refused
                .iter()
                .all(|(_, one)| one.as_ref().unwrap_err().code() == Some("conflict"))
        );
        let full = owner.request("lobby.get", json!({})).await.unwrap();
        let winner = got[0].0;
        assert_eq!(members(&full), [format!("owner{round}"), format!("r{winner}")]);
        for member in [&racers[winner], &owner] {
            member.request("lobby.leave", json!({})).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_backend_sees_and_ends_them() {
    let redis = RedisServer::start().await;
    let cluster = Cluster::start(2, &over(&redis.url(), "")).await;
    let (mut alice, _) = cluster.connect(0, "alice").await;
    let (mut bob, _) = cluster.connect(1, "bob").await;
    let lobby = create(&alice).await;
    join(&bob, &lobby).await.unwrap();
    let id = lobby["lobbyId"].as_str().unwrap();
    let (status, page) = cluster.api(1, "GET", "/api/v1/lobbies?limit=1", "").await;
    assert_eq!((status, &page["lobbies"][0]["lobbyId"]), (200, &json!(id)), "{page}");
    let path = format!("/api/v1/lobbies/{id}");
    let (_, one) = cluster.api(1, "GET", &path, "").await;
    assert_eq!((members(&one), &one["memberCount"]), (vec!["alice", "bob"], &json!(2)));
    let user = format!("/api/v1/rooms/lobby-{id}/users/carol");
    assert_eq!(cluster.api(0, "PUT", &user, "").await.0, 403);
    assert_eq!(cluster.api(0, "DELETE", &path, "").await.0, 200);
    for client in [&mut alice, &mut bob] {
        assert_eq!(hears(client, "lobby-deleted").await["lobbyId"], lobby["lobbyId"]);
        // Out of the room, without a notice of its own.
        loop {
            let left = client.request("rooms.leave", json!({"room": lobby["room"]})).await;
            if left.is_err_and(|why| why.code() == Some("not-in-room")) {
                break;
            }
        }
        create(client).await;
    }
    assert_eq!(cluster.api(0, "GET", &path, "").await.0, 404);
    assert_eq!(cluster.api(0, "DELETE", &path, "").await.0, 404);
    assert_eq!(cluster.api(0, "GET", "/api/v1/lobbies?cursor=x", "").await.0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_taken_for_vanished_is_told() {
    let redis = RedisServer::start().await;
    let proxy = Proxy::start(redis.port()).await;
    let times = "[lobbies]\nlife = '1s'\ngrace = '100ms'";
    let url = format!("redis://127.0.0.1:{}", proxy.port());
    let cut_off = Cluster::start(1, &over(&url, times)).await;
    let others = Cluster::start(1, &over(&redis.url(), times)).await;
    let mut watcher = in_pool(&others, 0, "watcher").await;
    let (mut alice, _) = cut_off.connect(0, "alice").await;
    let lobby = create(&alice).await;
    proxy.refuse();
    proxy.cut();
    assert_eq!(hears(&mut watcher, "lobby-deleted").await["lobbyId"], lobby["lobbyId"]);
    proxy.heal();
    // The room's end is caught up with, and then the socket is out of it.
    let mut is_told = false;
    while !is_told {
        match next(&mut alice).await {
            Some(Incoming::Broadcast(heard)) => is_told = heard.destination == "room.left",
            other => panic!("a broadcast, not {other:?}"),
        }
    }
    let create = async { while alice.request("lobby.create", json!({})).await.is_err() {} };
    tokio::time::timeout(Duration::from_secs(20), create).await.unwrap();
}

/// A lobby and the people in its room are kept beside each other.
#[tokio::test(flavor = "multi_thread")]
async fn people_come_and_go_in_a_lobby_over_redis() {
    let redis = RedisServer::start().await;
    let cluster = Cluster::start(2, &over(&redis.url(), "[presence]\nrooms = true\ngrace = '300ms'")).await;
    let (mut alice, _) = cluster.connect(0, "alice").await;
    let (bob, _) = cluster.connect(1, "bob").await;
    let lobby = create(&alice).await;
    let by_id = json!({"lobbyId": lobby["lobbyId"]});
    for _ in 0..3 {
        join(&bob, &lobby).await.unwrap();
        while hears(&mut alice, "user-joined").await["userId"] != "bob" {}
        bob.request("lobby.leave", json!({})).await.unwrap();
        assert_eq!(hears(&mut alice, "user-left").await["userId"], "bob");
        let left = alice.request("lobby.get", by_id.clone()).await.unwrap();
        assert_eq!(members(&left), ["alice"]);
    }
    alice.request("lobby.leave", json!({})).await.unwrap();
    for client in [&alice, &bob] {
        assert_eq!(refusal(client.request("lobby.get", by_id.clone()).await).0, "not-found");
        assert_eq!(refusal(client.request("lobby.get", json!({})).await).0, "not-found");
    }
    // Nothing that the bus refused is hidden behind that.
    create(&bob).await;
    join(&alice, &bob.request("lobby.get", json!({})).await.unwrap())
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_lobby_takes_in_redis() {
    let redis = RedisServer::start().await;
    let cluster = Cluster::start(1, &over(&redis.url(), "")).await;
    let (alice, _) = cluster.connect(0, "alice").await;
    let lobby = alice
        .request("lobby.create", json!({"name": "a lobby of two"}))
        .await
        .unwrap();
    let (bob, _) = cluster.connect(0, "bob").await;
    join(&bob, &lobby).await.unwrap();
    let id = lobby["lobbyId"].as_str().unwrap();
    let mut bytes = 0;
    for key in [
        format!("{{lobby-{id}}}:b"),
        "{user-alice}:b".into(),
        "{user-bob}:b".into(),
    ] {
        bytes += redis
            .cli(&["MEMORY", "USAGE", &key])
            .await
            .unwrap()
            .parse::<u64>()
            .unwrap();
    }
    println!("a lobby of two takes {bytes} bytes, its places in the list aside");
    assert!(bytes < 700, "{bytes}");
}
