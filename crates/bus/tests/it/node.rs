//! A bus with one lane and one room, as the tests of faults use it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hallway_bus::redis::{self, RedisBus, RedisOptions};
use hallway_bus::{Bus, BusError, Event, Heard, Keep, Lanes, Lost, Message, Publish};
use hallway_protocol::{Position, RoomName};
use tokio::sync::mpsc;
use tokio::time::timeout;

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// Redis must be noticed to be away, or used again, within this.
pub(crate) const SOON: Duration = Duration::from_secs(5);
pub(crate) const COMMAND_TIMEOUT: Duration = Duration::from_millis(500);

pub(crate) struct Node {
    pub(crate) bus: Arc<RedisBus>,
    pub(crate) lane: mpsc::Receiver<Event>,
    pub(crate) room: RoomName,
}

impl Node {
    pub(crate) async fn connect(port: u16) -> Self {
        Self::connect_with(port, 4096, |_| {}).await
    }

    pub(crate) async fn connect_url(url: &str) -> Self {
        Self::connect_with(0, 4096, |options| url.clone_into(&mut options.url)).await
    }

    pub(crate) async fn connect_with(port: u16, lane_capacity: usize, change: impl FnOnce(&mut RedisOptions)) -> Self {
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

    pub(crate) fn request(&self, data: &str) -> Publish {
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

    pub(crate) async fn publish(&self, data: &str) -> Result<u64, BusError> {
        let answer = self.bus.publish(self.request(data));
        let answer = timeout(COMMAND_TIMEOUT * 2, answer)
            .await
            .expect("within the command timeout");
        answer.map(|published| published.position.unwrap().seq)
    }

    /// Where the room stands.
    pub(crate) async fn bus_state(&self) -> Position {
        let states = self.bus.states(vec![self.room.clone()]).await.unwrap();
        states[0].unwrap().position
    }

    pub(crate) async fn ready(&self, ready: bool) {
        let mut health = self.bus.health();
        timeout(SOON, health.wait_for(|health| health.ready == ready))
            .await
            .expect("soon")
            .unwrap();
    }

    pub(crate) async fn event(&mut self) -> Event {
        timeout(PATIENCE, self.lane.recv()).await.expect("in time").unwrap()
    }

    pub(crate) async fn heard(&mut self) -> Heard {
        loop {
            match self.event().await {
                Event::Heard(heard) => return heard,
                Event::Lost(_) => {}
            }
        }
    }

    /// Waits until the link for publishing is given up. Each link finds out by itself, so one that is not ready may
    /// still take a publish and have it break.
    pub(crate) async fn publishing_is_away(&self) {
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
    pub(crate) async fn subscribing_fails(&self) {
        let asked = self.bus.subscribe(vec![RoomName::parse("board-unheard").unwrap()]);
        let result = timeout(SOON, asked).await.expect("soon");
        assert!(
            matches!(result, Err(BusError::Interrupted | BusError::Unavailable(_))),
            "{result:?}"
        );
    }

    /// Whatever comes, until a loss is told.
    pub(crate) async fn lost(&mut self) -> Lost {
        loop {
            if let Event::Lost(cause) = self.event().await {
                return cause;
            }
        }
    }

    /// After a fault: the loss is told, and what is published is heard again.
    pub(crate) async fn recovers(&mut self, marker: &str) {
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
