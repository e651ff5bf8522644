//! Ways into rooms that are another's, each refused with its documented answer. Ways to be somebody else are tried on
//! tokens in the crate `auth`, on sessions in `sessions.rs`, on proxies' headers in `proxies.rs`.

use hallway_client::{Client, Options};
use hallway_testkit::{Cluster, token};
use serde_json::json;

/// Ids of users as applications have them, with dashes in every place.
const IDS: [&str; 6] = [
    "mallory",
    "a-b",
    "mallory-",
    "a--b",
    "550e8400-e29b-41d4-a716-446655440000",
    "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
];

async fn refusal(client: &Client, endpoint: &str, room: &str) -> String {
    let mut args = json!({"room": room});
    if endpoint == "rooms.broadcast" {
        args = json!({"room": room, "destination": "d", "data": 1});
    }
    match client.request(endpoint, args).await {
        Ok(answer) => format!("let in: {answer}"),
        Err(why) => why.code().unwrap_or("gone").to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_into_a_room_of_others() {
    let cluster = Cluster::alone("").await;
    let (victim, hello) = cluster.connect(0, "alice").await;
    victim.request("ping", json!({})).await.unwrap();
    for id in IDS {
        let options = Options::new(cluster.url(0)).token(token(id, &["board-1", "chat-*", "user-*", "client-*"]));
        let Ok((mallory, _)) = Client::connect(options).await else {
            panic!("{id} is a user");
        };
        let own = format!("user-{id}");
        let rooms = [
            "user-alice".to_owned(),
            format!("client-{}", hello.client_id),
            "chat-alice-bob".to_owned(),
            "chat-bob-carol".to_owned(),
            "board-2".to_owned(),
            "group-1".to_owned(),
            "org-1".to_owned(),
            "presence-alice-x".to_owned(),
        ];
        for room in rooms.iter().filter(|room| **room != own) {
            for endpoint in [
                "rooms.join",
                "rooms.state",
                "rooms.history",
                "rooms.info",
                "rooms.broadcast",
            ] {
                let is_presence = room.starts_with("presence-");
                let code = refusal(&mallory, endpoint, room).await;
                let expected: &[&str] = match (endpoint, is_presence) {
                    // Anyone signed in may watch a status, and nobody but the gateway publishes there.
                    ("rooms.broadcast", true) => &["not-in-room", "forbidden"],
                    (_, true) => continue,
                    _ => &["forbidden"],
                };
                assert!(expected.contains(&code.as_str()), "{id}: {endpoint} {room}: {code}");
            }
        }
        // A chat room's name that could be read as another pair's.
        for room in [
            format!("chat-{id}-alice-bob"),
            format!("chat-alice-{id}-bob"),
            format!("chat-alice-bob-{id}"),
            format!("chat-{id}"),
            format!("chat--{id}"),
        ] {
            let code = refusal(&mallory, "rooms.join", &room).await;
            let is_own = code.starts_with("let in")
                && hallway_protocol::Kinds::builtin()
                    .resolve(&hallway_protocol::RoomName::parse(&room).unwrap())
                    .is_ok_and(|resolved| {
                        matches!(
                            resolved.owner,
                            hallway_protocol::kind::Owner::Pair(a, b) if a.as_str() == id || b.as_str() == id
                        )
                    });
            assert!(
                is_own || ["forbidden", "bad-args"].contains(&code.as_str()),
                "{id}: {room}: {code}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_anonymous_reach_public_rooms_only() {
    let cluster = Cluster::alone("[auth]\nanonymous = true").await;
    let (nobody, hello) = Client::connect(Options::new(cluster.url(0))).await.unwrap();
    assert_eq!(hello.user_id, None);
    for room in [
        "user-alice",
        "org-1",
        "board-1",
        "chat-a-b",
        "group-1",
        "lobby-1",
        "pool",
        "presence-alice",
    ] {
        for endpoint in [
            "rooms.join",
            "rooms.state",
            "rooms.history",
            "rooms.info",
            "rooms.broadcast",
        ] {
            assert_eq!(
                refusal(&nobody, endpoint, room).await,
                "unauthenticated",
                "{endpoint} {room}"
            );
        }
    }
    nobody
        .request("rooms.join", json!({"room": "public-news"}))
        .await
        .unwrap();
    assert_eq!(refusal(&nobody, "rooms.broadcast", "public-news").await, "forbidden");
}
