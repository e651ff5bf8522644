//! A Redis cluster: the suite that every bus passes, and what happens when its servers or slots change.

mod suite {
    use std::sync::{Arc, Weak, mpsc};
    use std::thread::JoinHandle;

    use hallway_bus::Lanes;
    use hallway_bus::conformance::{Setup, Subject};
    use hallway_bus::redis::{self, RedisOptions};
    use hallway_testkit::RedisCluster;
    use parking_lot::Mutex;

    /// A cluster that cases which run beside one another share, since starting six servers takes longer than a case.
    /// It has a thread with a runtime of its own: those of tests end with each. Ends with the last of them.
    struct Shared {
        url: String,
        stop: Option<mpsc::Sender<()>>,
        thread: Option<JoinHandle<()>>,
    }

    impl Shared {
        fn start() -> Self {
            let ((stop, stopped), (sender, receiver)) = (mpsc::channel(), mpsc::channel());
            let thread = std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                let runtime = runtime.unwrap();
                let cluster = runtime.block_on(RedisCluster::start());
                sender.send(cluster.url()).unwrap();
                // Nothing is ever sent: it ends when the sender is gone.
                let _: Result<(), _> = stopped.recv();
            });
            Self {
                url: receiver.recv().unwrap(),
                stop: Some(stop),
                thread: Some(thread),
            }
        }
    }

    impl Drop for Shared {
        fn drop(&mut self) {
            drop(self.stop.take());
            let _ = self.thread.take().map(JoinHandle::join);
        }
    }

    /// The cluster, and a prefix that no other case has.
    fn shared() -> (Arc<Shared>, String) {
        static CLUSTER: Mutex<(Weak<Shared>, u32)> = Mutex::new((Weak::new(), 0));
        let mut cluster = CLUSTER.lock();
        cluster.1 += 1;
        let shared = cluster.0.upgrade().unwrap_or_else(|| Arc::new(Shared::start()));
        cluster.0 = Arc::downgrade(&shared);
        (shared, format!("suite{}:", cluster.1))
    }

    async fn make(setup: Setup) -> Subject {
        let (shared, channel_prefix) = shared();
        let (lanes, receivers) = Lanes::new(setup.lanes, setup.lane_capacity);
        let options = RedisOptions {
            url: shared.url.clone(),
            channel_prefix,
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
            guard: Box::new(shared),
        }
    }

    hallway_bus::conformance_tests!(make);
}

use hallway_bus::{Bus, Cluster as _, Event, Lost, Publish};
use hallway_protocol::{Position, RoomName};
use hallway_testkit::RedisCluster;
use tokio::time::timeout;

use crate::lineage::{begins_anew, publish};
use crate::node::{Node, PATIENCE};
use crate::secure::{CLUSTER_PERMISSIONS, PERMISSIONS};

const KEY: &str = "{board-1}:h";

#[tokio::test]
async fn a_killed_primary_is_followed_by_its_replica() {
    let mut cluster = RedisCluster::start().await;
    let mut node = Node::connect_url(&cluster.url()).await;
    let before = publish(&mut node, 3).await;
    let owner = cluster.owner(0, KEY).await;
    cluster.servers[owner].kill().await;
    node.ready(false).await;
    cluster.promoted_instead_of(owner).await;
    begins_anew(&mut node, &cluster.url(), before).await;
}

#[tokio::test]
async fn a_replica_that_takes_over_is_used() {
    let cluster = RedisCluster::start().await;
    let mut node = Node::connect_url(&cluster.url()).await;
    let before = publish(&mut node, 3).await;
    let owner = cluster.owner(0, KEY).await;
    cluster.servers[owner + 3].cli(&["CLUSTER", "FAILOVER"]).await.unwrap();
    cluster.promoted_instead_of(owner).await;
    begins_anew(&mut node, &cluster.url(), before).await;
}

#[tokio::test]
async fn a_user_with_the_documented_permissions_is_enough() {
    let cluster = RedisCluster::start().await;
    let mut user = vec!["ACL", "SETUSER", "hallway", "on", ">s3cret", "resetchannels"];
    user.extend(PERMISSIONS);
    user.extend(CLUSTER_PERMISSIONS);
    for server in &cluster.servers {
        server.cli(&user).await.unwrap();
    }
    let url = cluster.url().replace("://", "://hallway:s3cret@");
    let mut node = Node::connect_with(0, 4096, |options| {
        options.url = url;
        options.channel_prefix = "app:".into();
    })
    .await;
    let before = publish(&mut node, 2).await;
    assert_eq!(node.bus_state().await, before);
    node.bus.tell("words".into()).await.unwrap();
    node.bus.unsubscribe(vec![node.room.clone()]);
    node.bus.subscribe(vec![node.room.clone()]).await.unwrap();
    publish(&mut node, 1).await;
}

#[tokio::test]
async fn rooms_of_all_shards_are_heard_and_asked_for() {
    let cluster = RedisCluster::start().await;
    let mut node = Node::connect_url(&cluster.url()).await;
    let rooms: Vec<_> = (0..300)
        .map(|number| RoomName::parse(&format!("board-many-{number}")).unwrap())
        .collect();
    timeout(PATIENCE, node.bus.subscribe(rooms.clone()))
        .await
        .unwrap()
        .unwrap();
    let calls: Vec<_> = rooms
        .iter()
        .map(|room| {
            node.bus.publish(Publish {
                room: room.clone(),
                ..node.request("x")
            })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap().position.unwrap().seq, 1);
    }
    let mut heard: Vec<_> = Vec::new();
    for _ in &rooms {
        heard.push(node.heard().await.room);
    }
    heard.sort();
    heard.dedup();
    assert_eq!(heard.len(), rooms.len());
    let states = node.bus.states(rooms).await.unwrap();
    assert!(states.iter().all(Option::is_some));
}

/// A room that is not there yet cannot be made where its slot leaves, and nobody would hear it where the slot goes.
#[tokio::test]
async fn a_publish_waits_until_its_slot_has_moved() {
    let cluster = RedisCluster::start().await;
    let url = cluster.url();
    let mut node = Node::connect_with(0, 4096, |options| {
        options.url = url;
        options.command_timeout = PATIENCE;
    })
    .await;
    let owner = cluster.owner(0, KEY).await;
    let to = (owner + 1) % 3;
    cluster.begin_move(KEY, owner, to).await;
    let calls: Vec<_> = ["1", "2"].map(|data| node.bus.publish(node.request(data))).into();
    cluster.end_move(KEY, owner, to).await;
    for (call, expected) in calls.into_iter().zip(1..) {
        assert_eq!(call.await.unwrap().position.unwrap().seq, expected);
    }
    assert_eq!(node.lost().await, Lost::Reconnected);
    let history = node.bus.history(node.room.clone(), None, 10).await.unwrap();
    assert_eq!((history.broadcasts.len(), history.complete), (2, true));
}

/// Publishes while the room's slot goes from server to server: every number is given once, in the order of calls, and
/// what was not heard was told as lost and is in history.
#[tokio::test]
async fn a_slot_that_moves_loses_nothing() {
    const EACH: usize = 200;
    let cluster = RedisCluster::start().await;
    let mut node = Node::connect_url(&cluster.url()).await;
    let start = publish(&mut node, 1).await;
    let mut sent = 1;
    let mut owner = cluster.owner(0, KEY).await;
    for _ in 0..3 {
        let to = (owner + 1) % 3;
        let calls: Vec<_> = (0..EACH)
            .map(|number| node.bus.publish(node.request(&(sent + number).to_string())))
            .collect();
        let moving = cluster.move_slot(KEY, owner, to);
        let publishing = async {
            for call in calls {
                let position = timeout(PATIENCE, call).await.unwrap().unwrap().position.unwrap();
                sent += 1;
                assert_eq!((position.epoch, position.seq), (start.epoch, sent as u64));
            }
        };
        tokio::join!(moving, publishing);
        // One more, after the move, so that the new place is used.
        sent += 1;
        assert_eq!(node.publish("after").await, Ok(sent as u64));
        owner = to;
        let mut last = 0;
        loop {
            match node.event().await {
                Event::Lost(Lost::Reconnected) => break,
                Event::Heard(heard) => {
                    let seq = heard.position.unwrap().seq;
                    assert!(seq > last, "{seq} after {last}");
                    last = seq;
                }
                other @ Event::Lost(_) => panic!("{other:?}"),
            }
        }
        node.ready(true).await;
        let history = node.bus.history(node.room.clone(), Some(start), 10_000).await.unwrap();
        assert!(history.complete);
        assert_eq!(
            history.state.unwrap().position,
            Position {
                seq: sent as u64,
                ..start
            }
        );
        // What is published now is heard.
        sent += 1;
        assert_eq!(node.publish("marker").await, Ok(sent as u64));
        while node.heard().await.position.unwrap().seq != sent as u64 {}
    }
}
