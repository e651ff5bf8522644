use std::time::Duration;

use hallway_bus::conformance::{Setup, Subject};
use hallway_bus::redis::{self, RedisOptions};
use hallway_bus::{BusError, Lanes};
use hallway_testkit::RedisServer;

async fn make(setup: Setup) -> Subject {
    let server = RedisServer::start().await;
    let (lanes, receivers) = Lanes::new(setup.lanes, setup.lane_capacity);
    let options = RedisOptions {
        url: server.url(),
        channel_prefix: "test:".into(),
        publish_queue: setup.publish_queue,
        ..RedisOptions::default()
    };
    let (bus, told) = redis::connect(options, lanes).await.unwrap();
    Subject {
        cluster: bus.clone(),
        revocations: bus.clone(),
        seats: bus.clone(),
        lobbies: bus.clone(),
        lobby_life: bus.clone(),
        leases: bus.clone(),
        presence: bus.clone(),
        journal: bus.clone(),
        bus,
        lanes: receivers,
        told,
        guard: Box::new(server),
    }
}

hallway_bus::conformance_tests!(make);

#[tokio::test]
async fn only_bad_options_are_an_error_at_the_start() {
    for (url, channel_prefix) in [
        ("nonsense", ""),
        ("http://h", ""),
        ("redisss://h", ""),
        ("redis-other://h", ""),
        ("redis-sentinel://h", ""),
        ("redis://h", "a{b"),
    ] {
        let options = RedisOptions {
            url: url.into(),
            channel_prefix: channel_prefix.into(),
            ..RedisOptions::default()
        };
        let result = redis::connect(options, Lanes::new(1, 1).0).await;
        assert!(matches!(result, Err(BusError::Options(_))), "{url}");
    }
    let options = RedisOptions {
        url: format!("redis://127.0.0.1:{}", hallway_testkit::free_port()),
        command_timeout: Duration::from_millis(100),
        ..RedisOptions::default()
    };
    let (bus, _told) = redis::connect(options, Lanes::new(1, 1).0).await.unwrap();
    assert!(!hallway_bus::Bus::health(&*bus).borrow().ready);
}
