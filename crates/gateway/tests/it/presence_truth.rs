//! Many users with several sockets each on several nodes, one of which is killed: what everybody is told and shown
//! afterwards is the truth.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use hallway_client::Client;
use hallway_testkit::{Cluster, RedisServer};
use serde_json::{Value, json};

use crate::broadcast;
use crate::messages::join;

const USERS: usize = 200;
const ROOMS: usize = 4;
/// The node that is killed; the others stay.
const KILLED: usize = 2;
/// After a node's death its sockets are known for so long at most.
const LIFE: Duration = Duration::from_secs(8);

fn room(user: usize) -> String {
    format!("board-{}", user % ROOMS)
}

fn name(user: usize) -> String {
    format!("user-{user:03}")
}

/// Where a user's three sockets are: all on the node that dies for one in four, spread over the nodes for the others.
fn nodes(user: usize) -> [usize; 3] {
    match user / ROOMS % 4 {
        0 => [KILLED; 3],
        1 => [0, 1, KILLED],
        2 => [KILLED, KILLED, 1],
        _ => [0, 0, 1],
    }
}

/// How many sockets of a user outlive the node.
fn sockets_left(user: usize) -> usize {
    nodes(user).iter().filter(|node| **node != KILLED).count()
}

/// What a room shows, and what it is to show.
async fn shown(client: &Client, room: &str) -> Option<BTreeMap<String, u64>> {
    let info = client.request("rooms.info", json!({ "room": room })).await.ok()?;
    let users = info["users"].as_array()?.iter();
    let users = users.map(|user| Some((user["userId"].as_str()?.to_owned(), user["sockets"].as_u64()?)));
    users.collect()
}

fn truth(number: usize, watchers: usize) -> BTreeMap<String, u64> {
    let of_room = (0..USERS).filter(|user| user % ROOMS == number && sockets_left(*user) > 0);
    let mut truth: BTreeMap<_, _> = of_room.map(|user| (name(user), sockets_left(user) as u64)).collect();
    truth.extend((0..watchers).map(|node| (format!("watcher-{node}"), 1)));
    truth
}

/// Everyone's status, as a node tells it.
async fn statuses(client: &Client) -> BTreeMap<String, Value> {
    let mut statuses = BTreeMap::new();
    for some in (0..USERS).collect::<Vec<_>>().chunks(50) {
        let ids: Vec<String> = some.iter().map(|user| name(*user)).collect();
        let answer = client.request("presence.get", json!({ "userIds": ids })).await.unwrap();
        for user in answer["users"].as_array().unwrap() {
            statuses.insert(user["userId"].as_str().unwrap().to_owned(), user["status"].clone());
        }
    }
    statuses
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_gone_with_a_node_is_gone_once_and_nobody_else() {
    let redis = RedisServer::start().await;
    let settings = format!(
        "[redis]\nurl = '{}'\nprobe_interval = '200ms'\n[presence]\nrooms = true\nlife = '{}s'\ngrace = '300ms'\n",
        redis.url(),
        LIFE.as_secs()
    );
    let mut cluster = Cluster::start(3, &settings).await;
    let connected = join_all((0..USERS).map(|user| {
        let cluster = &cluster;
        async move {
            let sockets = nodes(user).map(|node| async move {
                let (client, _) = cluster.connect(node, &name(user)).await;
                join(&client, &room(user)).await;
                client
            });
            join_all(sockets).await
        }
    }))
    .await;
    // One for each room and node that stays; they come last, so that they hear of nobody's coming.
    let mut watchers = Vec::new();
    for number in 0..ROOMS {
        for node in 0..KILLED {
            let (client, _) = cluster.connect(node, &format!("watcher-{node}")).await;
            join(&client, &format!("board-{number}")).await;
            watchers.push((number, client));
        }
    }
    for (number, watcher) in &watchers {
        let all = (0..USERS).filter(|user| user % ROOMS == *number).count() + KILLED;
        while shown(watcher, &format!("board-{number}"))
            .await
            .map_or(0, |users| users.len())
            != all
        {}
    }

    drop(cluster.take(KILLED));
    let killed = Instant::now();
    let standing = |user| json!(if sockets_left(user) > 0 { "ONLINE" } else { "OFFLINE" });
    let everyones: BTreeMap<String, Value> = (0..USERS).map(|user| (name(user), standing(user))).collect();
    let settled = async {
        for (number, watcher) in &watchers {
            let room = format!("board-{number}");
            while shown(watcher, &room).await.as_ref() != Some(&truth(*number, KILLED)) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            while statuses(watcher).await != everyones {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    };
    tokio::time::timeout(LIFE * 5, settled)
        .await
        .expect("the truth, everywhere");
    println!("{USERS} users, the truth after {:.1} s", killed.elapsed().as_secs_f64());

    for number in 0..ROOMS {
        let say = json!({"room": format!("board-{number}"), "destination": "marker", "data": 1}).to_string();
        assert_eq!(cluster.api(0, "POST", "/api/v1/broadcast", &say).await.0, 200);
    }
    for (number, watcher) in &mut watchers {
        let mut left: BTreeMap<String, usize> = BTreeMap::new();
        loop {
            let heard = broadcast(watcher).await;
            match heard.destination.as_str() {
                "marker" => break,
                "user-left" => {
                    *left
                        .entry(heard.data["userId"].as_str().unwrap().to_owned())
                        .or_default() += 1
                }
                "members-updated" => panic!("too few users to be told merged: {}", heard.data),
                _ => {}
            }
        }
        let gone = (0..USERS).filter(|user| user % ROOMS == *number && sockets_left(*user) == 0);
        let gone: BTreeSet<String> = gone.map(name).collect();
        assert!(left.values().all(|times| *times == 1), "told twice: {left:?}");
        assert_eq!(left.into_keys().collect::<BTreeSet<_>>(), gone, "board-{number}");
    }
    drop(connected);
}
