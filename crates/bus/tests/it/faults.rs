//! What happens to Redis, and to the way there, and what the bus makes of it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hallway_bus::redis::{self, RedisBus, RedisOptions};
use hallway_bus::{Bus, BusError, Event, Heard, Keep, Lanes, Lost, Message, Publish};
use hallway_protocol::RoomName;
use hallway_testkit::{Proxy, RedisServer};
use tokio::sync::mpsc;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);
/// Redis must be noticed to be away, or used again, within this.
const SOON: Duration = Duration::from_secs(5);
const COMMAND_TIMEOUT: Duration = Duration::from_millis(500);

struct Node {
    bus: Arc<RedisBus>,
    lane: mpsc::Receiver<Event>,
    room: RoomName,
}

impl Node {
    async fn connect(port: u16) -> Self {
        Self::connect_with(port, 4096, |_| {}).await
    }

    async fn connect_with(port: u16, lane_capacity: usize, change: impl FnOnce(&mut RedisOptions)) -> Self {
        let (lanes, mut receivers) = Lanes::new(1, lane_capacity);
        let mut options = RedisOptions {
            url: format!("redis://127.0.0.1:{port}"),
            command_timeout: COMMAND_TIMEOUT,
            probe_interval: Duration::from_millis(200),
            probe_timeout: Duration::from_secs(1),
            ..RedisOptions::default()
        };
        change(&mut options);
        let (bus, _told) = redis::connect(options, lanes).await.unwrap();
        let room = RoomName::parse("board-1").unwrap();
        let node = Self {
            bus,
            lane: receivers.remove(0),
            room,
        };
        node.ready(true).await;
        timeout(PATIENCE, node.bus.subscribe(vec![node.room.clone()]))
            .await
            .unwrap()
            .unwrap();
        node
    }

    fn request(&self, data: &str) -> Publish {
        let message = Message {
            destination: "x".into(),
            data: Bytes::from(data.to_owned()),
            exclude: None,
            sent: None,
        };
        let keep = Some(Keep {
            count: 1000,
            bytes: 1 << 20,
            life: Duration::from_secs(3600),
        });
        Publish {
            room: self.room.clone(),
            message,
            keep,
            idempotency_key: None,
        }
    }

    async fn publish(&self, data: &str) -> Result<u64, BusError> {
        let answer = self.bus.publish(self.request(data));
        let answer = timeout(COMMAND_TIMEOUT * 2, answer)
            .await
            .expect("within the command timeout");
        answer.map(|published| published.position.unwrap().seq)
    }

    async fn ready(&self, ready: bool) {
        let mut health = self.bus.health();
        timeout(SOON, health.wait_for(|health| health.ready == ready))
            .await
            .expect("soon")
            .unwrap();
    }

    async fn event(&mut self) -> Event {
        timeout(PATIENCE, self.lane.recv()).await.expect("in time").unwrap()
    }

    async fn heard(&mut self) -> Heard {
        loop {
            match self.event().await {
                Event::Heard(heard) => return heard,
                Event::Lost(_) => {}
            }
        }
    }

    /// Waits until the link for publishing is given up. Each link finds out by itself, so one that is not ready may
    /// still take a publish and have it break.
    async fn publishing_is_away(&self) {
        let away = async {
            loop {
                match self.publish("x").await.unwrap_err() {
                    BusError::Unavailable(_) => return,
                    why => assert!(why.is_uncertain(), "{why}"),
                }
            }
        };
        timeout(SOON, away).await.expect("soon");
    }

    /// Waits until the link for subscriptions is given up.
    async fn subscribing_fails(&self) {
        let asked = self.bus.subscribe(vec![RoomName::parse("board-unheard").unwrap()]);
        let result = timeout(SOON, asked).await.expect("soon");
        assert!(
            matches!(result, Err(BusError::Interrupted | BusError::Unavailable(_))),
            "{result:?}"
        );
    }

    /// Whatever comes, until a loss is told.
    async fn lost(&mut self) -> Lost {
        loop {
            if let Event::Lost(cause) = self.event().await {
                return cause;
            }
        }
    }

    /// After a fault: the loss is told, and what is published is heard again.
    async fn recovers(&mut self, marker: &str) {
        assert_eq!(self.lost().await, Lost::Reconnected);
        self.ready(true).await;
        let seq = self.publish(marker).await.unwrap();
        loop {
            let heard = self.heard().await;
            if heard.message.data == marker {
                assert_eq!(heard.position.unwrap().seq, seq);
                return;
            }
        }
    }
}

#[tokio::test]
async fn a_server_that_comes_back_empty_begins_a_new_epoch() {
    let mut server = RedisServer::start().await;
    let mut node = Node::connect(server.port()).await;
    node.publish("1").await.unwrap();
    node.publish("2").await.unwrap();
    let before = (node.heard().await, node.heard().await).1.position.unwrap();
    server.kill().await;
    node.ready(false).await;
    node.publishing_is_away().await;
    assert!(
        node.bus
            .subscribe(vec![RoomName::parse("board-2").unwrap()])
            .await
            .is_err()
    );
    server.restart_empty().await;
    assert_eq!(node.lost().await, Lost::Reconnected);
    node.ready(true).await;
    node.publish("3").await.unwrap();
    let after = node.heard().await.position.unwrap();
    assert!(after.epoch > before.epoch);
    assert_eq!(after.seq, 1);
}

#[tokio::test]
async fn a_server_that_keeps_its_data_goes_on() {
    let mut server = RedisServer::start_appendonly().await;
    let mut node = Node::connect(server.port()).await;
    for data in ["1", "2"] {
        node.publish(data).await.unwrap();
    }
    let before = (node.heard().await, node.heard().await).1.position.unwrap();
    server.restart().await;
    assert_eq!(node.lost().await, Lost::Reconnected);
    node.ready(true).await;
    assert_eq!(node.publish("3").await, Ok(3));
    let after = node.heard().await.position.unwrap();
    assert_eq!((after.epoch, after.seq), (before.epoch, 3));
    let history = node.bus.history(node.room.clone(), None, 10).await.unwrap();
    assert_eq!((history.broadcasts.len(), history.complete), (3, true));
}

#[tokio::test]
async fn a_hung_server_is_noticed_and_used_again() {
    let server = RedisServer::start().await;
    let mut node = Node::connect(server.port()).await;
    node.publish("1").await.unwrap();
    server.pause().await;
    let why = node.publish("2").await.unwrap_err();
    assert!(why.is_uncertain(), "{why}");
    node.ready(false).await;
    node.subscribing_fails().await;
    server.resume().await;
    node.recovers("marker").await;
}

#[tokio::test]
async fn a_killed_subscription_is_made_anew() {
    let server = RedisServer::start().await;
    let mut node = Node::connect(server.port()).await;
    for round in 0..3 {
        server.cli(&["CLIENT", "KILL", "TYPE", "pubsub"]).await.unwrap();
        node.recovers(&format!("marker-{round}")).await;
    }
}

#[tokio::test]
async fn a_cut_connection_doubles_and_reorders_nothing() {
    let server = RedisServer::start().await;
    let proxy = Proxy::start(server.port()).await;
    let mut node = Node::connect_with(proxy.port(), 65_536, |_| {}).await;
    let (mut sent, mut acknowledged) = (0_u32, HashMap::new());
    for _ in 0..5 {
        let calls: Vec<_> = (0..500)
            .map(|number| {
                (
                    sent + number,
                    node.bus.publish(node.request(&(sent + number).to_string())),
                )
            })
            .collect();
        sent += 500;
        proxy.cut();
        for (number, call) in calls {
            match timeout(PATIENCE, call).await.unwrap() {
                Ok(published) => assert!(acknowledged.insert(number, published.position.unwrap()).is_none()),
                Err(why) => assert!(!matches!(why, BusError::Rejected(_)), "{why}"),
            }
        }
        node.recovers("marker").await;
    }
    let history = node.bus.history(node.room.clone(), None, 10_000).await.unwrap();
    let mut last = None;
    let mut places = HashMap::new();
    for heard in &history.broadcasts {
        let Ok(number) = String::from_utf8_lossy(&heard.message.data).parse::<u32>() else {
            continue;
        };
        assert!(last.is_none_or(|last| last < number), "{number} after {last:?}");
        last = Some(number);
        places.insert(number, heard.position.unwrap());
    }
    let oldest = places.values().map(|place| place.seq).min().unwrap_or(0);
    for (number, place) in acknowledged.into_iter().filter(|(_, place)| place.seq >= oldest) {
        assert_eq!(places.get(&number), Some(&place));
    }
}

#[tokio::test]
async fn a_way_that_swallows_everything_is_noticed() {
    let server = RedisServer::start().await;
    let proxy = Proxy::start(server.port()).await;
    let mut node = Node::connect(proxy.port()).await;
    proxy.stall();
    node.ready(false).await;
    node.subscribing_fails().await;
    proxy.heal();
    node.recovers("marker").await;
}

#[tokio::test]
async fn a_way_that_refuses_is_tried_again() {
    let server = RedisServer::start().await;
    let proxy = Proxy::start(server.port()).await;
    let mut node = Node::connect(proxy.port()).await;
    proxy.refuse();
    proxy.cut();
    node.ready(false).await;
    node.publishing_is_away().await;
    proxy.heal();
    node.recovers("marker").await;
}

#[tokio::test]
async fn a_slow_way_is_only_slow() {
    let server = RedisServer::start().await;
    let proxy = Proxy::start(server.port()).await;
    let mut node = Node::connect(proxy.port()).await;
    proxy.delay(Duration::from_millis(50));
    let calls: Vec<_> = (0..100)
        .map(|number| node.bus.publish(node.request(&number.to_string())))
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    for expected in 1..=100 {
        assert_eq!(node.heard().await.position.unwrap().seq, expected);
    }
}

#[tokio::test]
async fn a_receiver_that_lags_is_told() {
    let server = RedisServer::start().await;
    let mut node = Node::connect_with(server.port(), 16, |options| options.receive_queue = 64).await;
    let calls: Vec<_> = (0..1000)
        .map(|number| node.bus.publish(node.request(&number.to_string())))
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    // Everything has left Redis by now, but the lane has taken 16.
    let mut heard = Vec::new();
    let missed = loop {
        match node.event().await {
            Event::Heard(one) => heard.push(one.position.unwrap().seq),
            Event::Lost(Lost::Lagged(missed)) => break missed,
            Event::Lost(cause) => panic!("{cause:?}"),
        }
    };
    assert!(missed > 0);
    assert!(heard.is_sorted());
    node.publish("marker").await.unwrap();
    while node.heard().await.message.data != "marker" {}
    let lagged = node.bus.stats().lagged.load(std::sync::atomic::Ordering::Relaxed);
    assert!(lagged >= missed);
}

#[tokio::test]
async fn forgotten_scripts_are_loaded_again() {
    let server = RedisServer::start().await;
    let mut node = Node::connect(server.port()).await;
    for round in 0..3 {
        server.cli(&["SCRIPT", "FLUSH"]).await.unwrap();
        let calls: Vec<_> = (0..300)
            .map(|number| node.bus.publish(node.request(&number.to_string())))
            .collect();
        for call in calls {
            call.await.unwrap();
        }
        for number in 0..300 {
            let heard = node.heard().await;
            assert_eq!(heard.message.data, number.to_string());
            assert_eq!(heard.position.unwrap().seq, round * 300 + number + 1);
        }
        server.cli(&["SCRIPT", "FLUSH"]).await.unwrap();
        assert!(node.bus.states(vec![node.room.clone()]).await.unwrap()[0].is_some());
    }
}

#[tokio::test]
async fn what_others_do_to_the_data_is_survived() {
    let server = RedisServer::start().await;
    let mut node = Node::connect(server.port()).await;
    node.publish("1").await.unwrap();
    let first = node.heard().await.position.unwrap();

    // The numbering vanishes: a later epoch.
    server.cli(&["FLUSHALL"]).await.unwrap();
    node.publish("2").await.unwrap();
    let second = node.heard().await.position.unwrap();
    assert!(second.epoch > first.epoch && second.seq == 1);

    // An older copy comes back, under a node that knows a later epoch: neither goes on.
    server.cli(&["DEL", "{board-1}:h"]).await.unwrap();
    server
        .cli(&[
            "XADD",
            "{board-1}:h",
            &format!("{}-7", first.epoch.0),
            "t",
            "1",
            "m",
            "x",
        ])
        .await
        .unwrap();
    node.publish("3").await.unwrap();
    let third = node.heard().await.position.unwrap();
    assert!(third.epoch > second.epoch && third.seq == 1);

    // A newer epoch than the node knows goes on.
    server
        .cli(&[
            "XADD",
            "{board-1}:h",
            &format!("{}-7", third.epoch.0 + 5),
            "t",
            "1",
            "m",
            "x",
        ])
        .await
        .unwrap();
    node.publish("4").await.unwrap();
    let fourth = node.heard().await.position.unwrap();
    assert_eq!((fourth.epoch.0, fourth.seq), (third.epoch.0 + 5, 8));

    // Something else has the key: refused, while other rooms in the same batch are not.
    server.cli(&["SET", "{board-1}:h", "x"]).await.unwrap();
    let other = Publish {
        room: RoomName::parse("board-2").unwrap(),
        ..node.request("x")
    };
    let (refused, done) = (node.bus.publish(node.request("x")), node.bus.publish(other));
    assert!(matches!(refused.await, Err(BusError::Rejected(_))));
    assert_eq!(done.await.unwrap().position.unwrap().seq, 1);
}

#[tokio::test]
async fn what_was_published_past_the_gateway_is_heard() {
    let server = RedisServer::start().await;
    let mut node = Node::connect(server.port()).await;
    for malformed in ["hello", "{}", "\u{1}", "[1]"] {
        server.cli(&["PUBLISH", "board-1", malformed]).await.unwrap();
    }
    server
        .cli(&["PUBLISH", "board-1", r#"{"destination":"update-task","data":{"id":1}}"#])
        .await
        .unwrap();
    let heard = node.heard().await;
    assert_eq!((heard.position, heard.ts), (None, None));
    assert_eq!(&*heard.message.destination, "update-task");
    assert_eq!(heard.message.data, r#"{"id":1}"#);
    assert_eq!(node.bus.stats().malformed.load(std::sync::atomic::Ordering::Relaxed), 4);
}

#[tokio::test]
async fn thousands_of_rooms_come_back() {
    let mut server = RedisServer::start().await;
    let mut node = Node::connect(server.port()).await;
    let rooms: Vec<_> = (0..3000)
        .map(|number| RoomName::parse(&format!("board-many-{number}")).unwrap())
        .collect();
    timeout(PATIENCE, node.bus.subscribe(rooms.clone()))
        .await
        .unwrap()
        .unwrap();
    server.restart_empty().await;
    assert_eq!(node.lost().await, Lost::Reconnected);
    assert_eq!(
        server.cli(&["PUBSUB", "NUMSUB", "board-many-2999"]).await.unwrap(),
        "*2\r\n$15\r\nboard-many-2999\r\n:1\r\n"
    );
    node.ready(true).await;
    node.room = rooms[1234].clone();
    node.publish("marker").await.unwrap();
    assert_eq!(node.heard().await.room, rooms[1234]);
}
