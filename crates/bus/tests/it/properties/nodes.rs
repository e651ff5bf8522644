//! Three nodes on one Redis whose clock is the test's, and an ear at rooms.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hallway_bus::redis::{self, RedisBus, RedisOptions};
use hallway_bus::{Bus, Event, Heard, Lanes, Message, Publish};
use hallway_protocol::RoomName;
use hallway_testkit::{Random, RedisServer, SteppedClock};
use tokio::sync::mpsc;
use tokio::time::timeout;

const NODES: usize = 3;
/// How long anything may take, by the true clock.
const PATIENCE: Duration = Duration::from_secs(20);
/// Where every run begins: some day.
const BEGIN: u64 = 1_760_000_000_000;

pub(super) struct Nodes {
    pub(super) clock: SteppedClock,
    pub(super) buses: Vec<Arc<RedisBus>>,
    /// What the first of them hears.
    lane: mpsc::Receiver<Event>,
    markers: u64,
    _server: RedisServer,
}

impl Nodes {
    pub(super) async fn start(rooms: Vec<RoomName>) -> Self {
        let clock = SteppedClock::at(BEGIN);
        let server = clock.start_redis().await;
        let (mut buses, mut ears) = (Vec::new(), Vec::new());
        for _ in 0..NODES {
            let (lanes, receivers) = Lanes::new(1, 4096);
            let options = RedisOptions {
                url: server.url(),
                channel_prefix: "test:".into(),
                // Two cores may be busy with other tests; nothing here is about slow answers.
                command_timeout: PATIENCE,
                probe_timeout: PATIENCE,
                receive_queue: 1024,
                ..RedisOptions::default()
            };
            let (bus, _told) = redis::connect(options, lanes).await.unwrap();
            buses.push(bus);
            ears.extend(receivers);
        }
        let nodes = Self {
            clock,
            buses,
            lane: ears.swap_remove(0),
            markers: 0,
            _server: server,
        };
        nodes.listen(rooms).await;
        nodes.listen(vec![marker_room()]).await;
        nodes
    }

    /// Hears rooms from now on.
    pub(super) async fn listen(&self, rooms: Vec<RoomName>) {
        let subscribed = timeout(PATIENCE, self.buses[0].subscribe(rooms)).await;
        subscribed.unwrap().unwrap();
    }

    pub(super) fn any(&self, random: &mut Random) -> Arc<RedisBus> {
        Arc::clone(&self.buses[random.below(NODES)])
    }

    pub(super) fn any_number(random: &mut Random) -> usize {
        random.below(NODES)
    }

    /// All that was said up to now: everything comes over one link in the order in which it was said.
    pub(super) async fn heard(&mut self) -> Vec<Heard> {
        self.markers += 1;
        let marker = Message {
            destination: "marker".into(),
            data: Bytes::from(self.markers.to_string()),
            exclude: None,
            sent: None,
        };
        let request = Publish {
            room: marker_room(),
            message: marker.clone(),
            keep: None,
            idempotency_key: None,
        };
        self.buses[0].publish(request).await.unwrap();
        let mut heard = Vec::new();
        loop {
            match timeout(PATIENCE, self.lane.recv()).await.unwrap() {
                Some(Event::Heard(one)) if one.room == marker_room() => {
                    assert_eq!(one.message.data, marker.data);
                    return heard;
                }
                Some(Event::Heard(one)) => heard.push(one),
                other => panic!("a broadcast, not {other:?}"),
            }
        }
    }
}

fn marker_room() -> RoomName {
    RoomName::parse("marker").unwrap()
}
