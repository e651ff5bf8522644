//! Coming back: with a position, with a ticket, to another node; and what cannot be proven.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hallway_client::{Broadcast, Client, Codec, ConnectError, FirstFrame, Hello, Options, ResumeFrom};
use hallway_testkit::{Cluster, Raw, RedisServer, token};
use serde_json::{Value, json};

use crate::broadcast;

const ROOM: &str = "board-1";

/// A broadcast of someone who is in the room; the reply.
async fn say(client: &Client, room: &str, data: u64) -> Value {
    let args = json!({"room": room, "destination": "d", "data": data});
    client.request("rooms.broadcast", args).await.unwrap()
}

/// A broadcast of the backend; the answer for the room.
async fn publish(cluster: &Cluster, room: &str, data: u64) -> Value {
    let body = json!({"room": room, "destination": "d", "data": data}).to_string();
    let (status, mut answer) = cluster.api(0, "POST", "/api/v1/broadcast", &body).await;
    assert_eq!(status, 200, "{answer}");
    answer["results"][0].take()
}

async fn join(client: &Client, room: &str, resume: Option<(&str, u64)>) -> Value {
    let mut args = json!({"room": room});
    if let Some((epoch, seq)) = resume {
        args["resume"] = json!({"epoch": epoch, "seq": seq});
    }
    client.request("rooms.join", args).await.unwrap()
}

/// The data of what was missed.
fn missed(entry: &Value) -> Vec<u64> {
    let missed = entry["missed"].as_array().expect("a list");
    missed
        .iter()
        .map(|one| one["data"].as_u64().expect("a number"))
        .collect()
}

/// The data of what was missed, and of what this node had not delivered yet, up to so many.
async fn missed_and_heard(entry: &Value, client: &mut Client, count: usize) -> Vec<u64> {
    let mut all = missed(entry);
    while all.len() < count {
        all.push(broadcast(client).await.data.as_u64().expect("a number"));
    }
    all
}

fn recovered(entry: &Value) -> bool {
    entry["recovered"].as_bool().expect("it says so")
}

fn places(places: &[(&str, &str, u64)]) -> BTreeMap<String, Option<ResumeFrom>> {
    let place = |(room, epoch, seq): &(&str, &str, u64)| {
        let epoch = (*epoch).to_owned();
        ((*room).to_owned(), Some(ResumeFrom { epoch, seq: *seq }))
    };
    places.iter().map(place).collect()
}

async fn resume(
    cluster: &Cluster,
    node: usize,
    ticket: &str,
    codec: Codec,
    rooms: BTreeMap<String, Option<ResumeFrom>>,
) -> Result<(Client, Hello), ConnectError> {
    let ticket = ticket.to_owned();
    let options = Options::new(cluster.url(node)).codec(codec);
    Client::connect(options.first_frame(FirstFrame::Resume { ticket, rooms })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_missed_is_brought_and_then_what_follows() {
    let cluster = Cluster::alone("").await;
    let epoch = publish(&cluster, ROOM, 1).await["epoch"].as_str().unwrap().to_owned();
    for data in 2..=5 {
        publish(&cluster, ROOM, data).await;
    }
    for (codec, next) in [(Codec::Json, 6), (Codec::Msgpack, 7)] {
        let (mut alice, _) = cluster.try_connect(0, "alice", codec).await.unwrap();
        let joined = join(&alice, ROOM, Some((&epoch, 2))).await;
        assert!(recovered(&joined));
        assert_eq!(missed(&joined), (3..next).collect::<Vec<_>>());
        let whole = &joined["missed"][0];
        assert_eq!((&whole["room"], &whole["destination"]), (&json!(ROOM), &json!("d")));
        assert_eq!((&whole["seq"], &whole["epoch"]), (&json!(3), &json!(epoch)));
        assert!(whole["ts"].is_u64());
        assert_eq!(joined["state"]["seq"], next - 1);
        publish(&cluster, ROOM, next).await;
        assert_eq!(broadcast(&mut alice).await.seq, Some(next));
        // Asked again in the room, it is told again.
        assert_eq!(missed(&join(&alice, ROOM, Some((&epoch, next - 1))).await), [next]);
        let nothing = join(&alice, ROOM, Some((&epoch, next))).await;
        assert!(recovered(&nothing) && missed(&nothing).is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_proven_is_not_recovered() {
    let settings = "[[kinds]]\nname = 'board'\nkeep_count = 3\n[limits]\nresume_bytes = '4KiB'";
    let cluster = Cluster::alone(settings).await;
    let state = publish(&cluster, ROOM, 1).await;
    let epoch = state["epoch"].as_str().unwrap();
    for data in 2..=9 {
        publish(&cluster, ROOM, data).await;
    }
    let (alice, _) = cluster.connect(0, "alice").await;
    assert_eq!(missed(&join(&alice, ROOM, Some((epoch, 6))).await), [7, 8, 9]);
    for (epoch, seq) in [(epoch, 5), (epoch, 10), ("0", 3), ("zzzzzz", 1), (epoch, 0)] {
        let joined = join(&alice, ROOM, Some((epoch, seq))).await;
        assert!(!recovered(&joined) && missed(&joined).is_empty(), "{epoch} {seq}");
        assert_eq!(joined["state"]["seq"], 9);
    }
    // More than may be brought at once.
    let big = json!({"room": "board-2", "destination": "d", "data": "x".repeat(3000)}).to_string();
    for _ in 0..3 {
        assert_eq!(cluster.api(0, "POST", "/api/v1/broadcast", &big).await.0, 200);
    }
    let state = alice.request("rooms.state", json!({"room": "board-2"})).await.unwrap();
    let epoch = state["epoch"].as_str().unwrap();
    assert!(recovered(&join(&alice, "board-2", Some((epoch, 2))).await));
    assert!(!recovered(&join(&alice, "board-2", Some((epoch, 1))).await));
    // A room that does not number has nothing to bring.
    let joined = join(&alice, "public-news", Some((epoch, 1))).await;
    assert!(!recovered(&joined) && joined["state"].is_null());
    let wrong = json!({"room": ROOM, "resume": {"epoch": "K!", "seq": 1}});
    let why = alice.request("rooms.join", wrong).await.unwrap_err();
    assert_eq!(why.code(), Some("bad-args"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_room_is_resumed_too() {
    let redis = RedisServer::start().await;
    let settings = format!("[redis]\nurl = 'redis://127.0.0.1:{}'", redis.port());
    for cluster in [Cluster::alone("").await, Cluster::start(1, &settings).await] {
        let (alice, _) = cluster.connect(0, "alice").await;
        let joined = join(&alice, ROOM, None).await;
        assert!(joined["state"].is_null());
        let place = joined["position"].clone();
        let place = Some((place["epoch"].as_str().unwrap(), place["seq"].as_u64().unwrap()));
        alice.close().await;
        let (alice, _) = cluster.connect(0, "alice").await;
        let joined = join(&alice, ROOM, place).await;
        assert!(recovered(&joined) && missed(&joined).is_empty() && joined["state"].is_null());
        alice.close().await;
        for data in 1..=3 {
            publish(&cluster, ROOM, data).await;
        }
        let (mut alice, _) = cluster.connect(0, "alice").await;
        let joined = join(&alice, ROOM, place).await;
        assert!(recovered(&joined));
        assert_eq!(missed_and_heard(&joined, &mut alice, 3).await, [1, 2, 3]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_brings_everything_back_on_another_node() {
    let redis = RedisServer::start().await;
    let settings = format!("[redis]\nurl = 'redis://127.0.0.1:{}'", redis.port());
    let cluster = Cluster::start(2, &settings).await;
    let (alice, hello) = cluster.connect(0, "alice").await;
    let ticket = hello.resume_ticket.expect("a ticket");
    let (bob, _) = cluster.connect(1, "bob").await;
    for room in [ROOM, "board-2"] {
        join(&alice, room, None).await;
        join(&bob, room, None).await;
    }
    let epoch = say(&bob, ROOM, 1).await["epoch"].as_str().unwrap().to_owned();
    let epoch2 = say(&bob, "board-2", 1).await["epoch"].as_str().unwrap().to_owned();
    let first = publish(&cluster, "user-alice", 1).await;
    let own_epoch = first["epoch"].as_str().unwrap();
    alice.close().await;
    say(&bob, ROOM, 2).await;
    publish(&cluster, "user-alice", 2).await;
    let asked = places(&[
        (ROOM, &epoch, 1),
        ("board-2", &epoch2, 1),
        ("user-alice", own_epoch, 1),
        ("user-bob", own_epoch, 1),
        ("no such room", own_epoch, 1),
    ]);
    let (mut alice, hello) = resume(&cluster, 1, &ticket, Codec::Json, asked).await.unwrap();
    assert_eq!(hello.user_id.as_deref(), Some("alice"));
    assert!(hello.resume_ticket.is_some());
    let resumed = Value::from(hello.resumed.expect("the rooms"));
    assert_eq!(resumed.as_object().unwrap().len(), 5);
    assert!(recovered(&resumed[ROOM]) && recovered(&resumed["board-2"]) && recovered(&resumed["user-alice"]));
    // Bob is on this node, which may not have delivered his last to the room yet.
    assert_eq!(missed_and_heard(&resumed[ROOM], &mut alice, 1).await, [2]);
    assert_eq!(missed(&resumed["board-2"]), [0; 0]);
    assert_eq!(missed(&resumed["user-alice"]), [2]);
    assert_eq!(resumed["user-bob"]["error"]["code"], "forbidden");
    assert_eq!(resumed["no such room"]["error"]["code"], "bad-args");
    // It is in the rooms, and nothing that was brought comes again.
    let said = say(&bob, "board-2", 2).await;
    let heard = broadcast(&mut alice).await;
    assert_eq!((heard.room.as_str(), heard.seq), ("board-2", said["seq"].as_u64()));
    say(&alice, ROOM, 3).await;
    // Nothing asked for: the identity alone comes back.
    let (_, hello) = resume(&cluster, 0, &ticket, Codec::Msgpack, BTreeMap::new())
        .await
        .unwrap();
    assert!(hello.resumed.expect("an empty answer").is_empty());
    assert!(cluster.metric(1, "hallway_resumes_total").await >= 5.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_own_room_is_resumed_from_the_place_in_the_hello() {
    let cluster = Cluster::alone("").await;
    let address = cluster.node(0).public_address();
    let mut raw = Raw::open(address, &format!("Authorization: Bearer {}\r\n", token("alice", &[])))
        .await
        .unwrap();
    let hello: Value = serde_json::from_str(&raw.answer().await.unwrap().text()).unwrap();
    let place = &hello["hello"]["positions"]["user-alice"];
    assert_eq!(place["seq"], 0);
    drop(raw);
    publish(&cluster, "user-alice", 7).await;
    let ticket = hello["hello"]["resumeTicket"].as_str().unwrap();
    let asked = places(&[("user-alice", place["epoch"].as_str().unwrap(), 0)]);
    let (mut alice, hello) = resume(&cluster, 0, ticket, Codec::Json, asked).await.unwrap();
    let resumed = Value::from(hello.resumed.unwrap());
    assert!(recovered(&resumed["user-alice"]));
    assert_eq!(missed_and_heard(&resumed["user-alice"], &mut alice, 1).await, [7]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_ticket_closes_with_4401() {
    let cluster = Cluster::alone("").await;
    let (alice, hello) = cluster.connect(0, "alice").await;
    let ticket = hello.resume_ticket.unwrap();
    // Not its last letter, of which the lowest bits mean nothing.
    let (signed, signature) = ticket.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    let forged = format!("{signed}.{first}{}", &signature[1..]);
    for text in ["", "x.y.z", forged.as_str(), &token("alice", &["board-*"])] {
        let refused = resume(&cluster, 0, text, Codec::Json, BTreeMap::new()).await;
        match refused {
            Err(ConnectError::Closed(closed)) => assert_eq!(closed.code, 4401, "{text}"),
            other => panic!("closed, not {:?}", other.map(|(_, hello)| hello)),
        }
    }
    // Nor is a ticket a token.
    let refused = Client::connect(Options::new(cluster.url(0)).token(&ticket)).await;
    assert!(matches!(refused, Err(ConnectError::Refused { status: 401, .. })));
    // It comes with the first frame or not at all.
    alice.request("ping", json!({})).await.unwrap();
    let why = alice
        .request("auth.resume", json!({"ticket": ticket, "rooms": {}}))
        .await;
    assert_eq!(why.unwrap_err().code(), Some("conflict"));
    // A new one for who asks.
    let pong = alice.request("ping", json!({"ticket": true})).await.unwrap();
    let ticket = pong["resumeTicket"].as_str().expect("a ticket");
    assert!(resume(&cluster, 0, ticket, Codec::Json, BTreeMap::new()).await.is_ok());
    let pong = alice.request("ping", json!({})).await.unwrap();
    assert!(pong.get("resumeTicket").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_anonymous_connection_resumes_with_its_first_frame() {
    let cluster = Cluster::alone("[auth]\nanonymous = true").await;
    let (alice, hello) = cluster.connect(0, "alice").await;
    let ticket = hello.resume_ticket.unwrap();
    let epoch = publish(&cluster, ROOM, 1).await["epoch"].as_str().unwrap().to_owned();
    publish(&cluster, ROOM, 2).await;
    alice.close().await;
    let mut raw = Raw::open(cluster.node(0).public_address(), "").await.unwrap();
    let hello: Value = serde_json::from_str(&raw.answer().await.unwrap().text()).unwrap();
    assert!(hello["hello"].get("userId").is_none());
    let args = json!({"ticket": ticket, "rooms": {ROOM: {"epoch": epoch, "seq": 1}, "board-2": null}});
    raw.text(&json!({"id": 1, "endpoint": "auth.resume", "args": args}).to_string())
        .await;
    let hello: Value = serde_json::from_str(&raw.answer().await.unwrap().text()).unwrap();
    assert_eq!(hello["hello"]["userId"], "alice");
    let resumed = &hello["hello"]["resumed"];
    assert_eq!(missed(&resumed[ROOM]), [2]);
    assert!(!recovered(&resumed["board-2"]));
    assert_eq!(raw.answer().await.unwrap().text(), r#"{"reply":{"id":1,"data":{}}}"#);
    publish(&cluster, "board-2", 3).await;
    assert!(raw.answer().await.unwrap().text().contains(r#""room":"board-2""#));
}

/// One who comes and goes while others publish, and checks that every number comes once and in order, or is told to be
/// missing: a node that is too busy to prove that it has everything says so.
struct Wanderer {
    epoch: Option<String>,
    seq: u64,
    recoveries: usize,
    /// What it heard and how it came in, for whoever looks at a failure.
    trail: Vec<String>,
}

impl Wanderer {
    fn hear(&mut self, seq: u64, epoch: &str) {
        assert_eq!(seq, self.seq + 1, "{:?}", self.trail);
        self.trail.push(format!("{seq}"));
        assert!(self.epoch.as_deref().is_none_or(|had| had == epoch), "one life");
        self.seq = seq;
        self.epoch = Some(epoch.to_owned());
    }

    fn enter(&mut self, entry: &Value) {
        self.trail.push(entry.to_string());
        if self.epoch.is_some() && !recovered(entry) {
            assert!(
                missed(entry).is_empty(),
                "never a part as if it were the whole: {entry}"
            );
            assert!(entry["state"]["seq"].as_u64().unwrap() >= self.seq, "{entry}");
            self.epoch = None;
        } else if self.epoch.is_some() {
            self.recoveries += 1;
        }
        for one in entry["missed"].as_array().unwrap() {
            self.hear(one["seq"].as_u64().unwrap(), one["epoch"].as_str().unwrap());
        }
        if let Some(state) = entry["state"].as_object() {
            if self.epoch.is_none() {
                self.seq = state["seq"].as_u64().unwrap();
                self.epoch = state["epoch"].as_str().map(str::to_owned);
            }
            assert_eq!(state["seq"], self.seq);
        }
    }

    fn hear_live(&mut self, heard: &Broadcast) {
        self.hear(heard.seq.unwrap(), heard.epoch.as_deref().unwrap());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_and_goes_under_load_hears_everything_once() {
    let redis = RedisServer::start().await;
    let settings = format!(
        "[redis]\nurl = 'redis://127.0.0.1:{}'\nunsubscribe_after = '0s'",
        redis.port()
    );
    let cluster = Arc::new(Cluster::start(3, &settings).await);
    let stop = Arc::new(AtomicBool::new(false));
    let publisher = {
        let (cluster, stop) = (Arc::clone(&cluster), Arc::clone(&stop));
        tokio::spawn(async move {
            let (client, _) = cluster.connect(0, "publisher").await;
            join(&client, ROOM, None).await;
            let mut said = 0;
            while !stop.load(Ordering::Relaxed) {
                said += 1;
                say(&client, ROOM, said).await;
            }
            said
        })
    };
    let wander = |number: usize| {
        let cluster = Arc::clone(&cluster);
        async move {
            let mut wanderer = Wanderer {
                epoch: None,
                seq: 0,
                recoveries: 0,
                trail: Vec::new(),
            };
            let user = format!("wanderer-{number}");
            let (mut client, mut hello) = cluster.connect(number % 3, &user).await;
            wanderer.enter(&join(&client, ROOM, None).await);
            for turn in 0..30 {
                for _ in 0..5 {
                    wanderer.hear_live(&broadcast(&mut client).await);
                }
                drop(client);
                wanderer.trail.push(format!("turn {turn} number {number}"));
                let (epoch, node) = (wanderer.epoch.clone().unwrap(), (number + turn) % 3);
                if turn % 2 == 0 {
                    let ticket = hello.resume_ticket.unwrap();
                    let asked = places(&[(ROOM, &epoch, wanderer.seq)]);
                    (client, hello) = resume(&cluster, node, &ticket, Codec::Json, asked).await.unwrap();
                    wanderer.enter(&Value::from(hello.resumed.clone().unwrap())[ROOM]);
                } else {
                    (client, hello) = cluster.connect(node, &user).await;
                    wanderer.enter(&join(&client, ROOM, Some((&epoch, wanderer.seq))).await);
                }
            }
            assert!(wanderer.recoveries > 0, "on no return");
            wanderer.seq
        }
    };
    let heard = futures_util::future::join_all((0..8).map(wander)).await;
    stop.store(true, Ordering::Relaxed);
    let said = publisher.await.unwrap();
    assert!(
        heard.iter().all(|seq| *seq > 100 && *seq <= said),
        "{heard:?} of {said}"
    );
    for node in 0..3 {
        assert_eq!(cluster.metric(node, "hallway_resyncs_total").await, 0.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn included_rooms_are_resumed_with_their_home() {
    let cluster = Cluster::alone("").await;
    let (alice, hello) = cluster.connect(0, "alice").await;
    let ticket = hello.resume_ticket.unwrap();
    let args = json!({"room": ROOM, "includes": {}});
    let joined = alice.request("rooms.join", args).await.unwrap();
    let included = joined["includes"].as_object().expect("as asked");
    assert_eq!(included.len(), 2);
    let place = |room: &str| included[room]["position"]["epoch"].as_str().unwrap().to_owned();
    let (tasks, sprints) = (place("board-1-tasks"), place("board-1-sprints"));
    alice.close().await;
    for data in 1..=2 {
        publish(&cluster, "board-1-tasks", data).await;
    }
    let asked = places(&[
        (ROOM, &tasks, 0),
        ("board-1-tasks", &tasks, 0),
        ("board-1-sprints", &sprints, 0),
        ("board-2-tasks", &tasks, 0),
    ]);
    let (mut alice, hello) = resume(&cluster, 0, &ticket, Codec::Json, asked).await.unwrap();
    let resumed = Value::from(hello.resumed.unwrap());
    for room in [ROOM, "board-1-tasks", "board-1-sprints"] {
        assert!(recovered(&resumed[room]), "{room}");
    }
    assert_eq!(missed_and_heard(&resumed["board-1-tasks"], &mut alice, 2).await, [1, 2]);
    assert_eq!(resumed["board-2-tasks"]["error"]["code"], "bad-args");
    alice.close().await;

    let (alice, _) = cluster.connect(0, "alice").await;
    let args = json!({"room": ROOM, "includes": {"board-1-tasks": {"epoch": tasks, "seq": 0}}});
    let joined = alice.request("rooms.join", args).await.unwrap();
    assert_eq!(missed(&joined["includes"]["board-1-tasks"]), [1, 2]);
    assert!(!recovered(&joined["includes"]["board-1-sprints"]), "no place was given");
    let args = json!({"room": ROOM, "includes": {"board-2-tasks": null}});
    let why = alice.request("rooms.join", args).await.unwrap_err();
    assert_eq!(why.code(), Some("bad-args"));
}
