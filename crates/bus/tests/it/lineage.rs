//! Numbers are never given out twice within an epoch, whatever comes back in the place of a server.

use hallway_bus::{Bus, Lost};
use hallway_protocol::Position;
use hallway_testkit::{Proxy, RedisServer};

use crate::node::Node;

/// Publishes and hears so many; the place of the last.
pub(crate) async fn publish(node: &mut Node, count: usize) -> Position {
    let mut last = None;
    for number in 0..count {
        node.publish(&number.to_string()).await.unwrap();
        last = node.heard().await.position;
    }
    last.unwrap()
}

/// After something else came back: it is told, nothing old is there, and the numbering begins anew, for this node
/// and for one that was not there before.
pub(crate) async fn begins_anew(node: &mut Node, url: &str, before: Position) {
    assert_eq!(node.lost().await, Lost::Reconnected);
    node.ready(true).await;
    has_begun_anew(node, url, before).await;
}

/// The same, when the loss was told.
pub(crate) async fn has_begun_anew(node: &mut Node, url: &str, before: Position) {
    assert_eq!(node.bus.states(vec![node.room.clone()]).await.unwrap(), [None]);
    let history = node.bus.history(node.room.clone(), Some(before), 10).await.unwrap();
    assert_eq!((history.state, history.complete), (None, false));
    let newcomer = Node::connect_url(url).await;
    assert_eq!(newcomer.publish("new").await, Ok(1));
    let after = node.heard().await.position.unwrap();
    assert!(
        after.epoch > before.epoch && after.seq == 1,
        "{after:?} after {before:?}"
    );
    assert_eq!(node.publish("next").await, Ok(2));
    let history = node.bus.history(node.room.clone(), Some(before), 10).await.unwrap();
    assert!(!history.complete);
    assert_eq!(history.broadcasts.len(), 2, "those of the new epoch only");
}

#[tokio::test]
async fn an_old_snapshot_begins_anew() {
    let mut server = RedisServer::start_with(&["--save", "3600 1000000", "--appendonly", "no"]).await;
    let mut node = Node::connect(server.port()).await;
    publish(&mut node, 2).await;
    server.cli(&["SAVE"]).await.unwrap();
    let before = publish(&mut node, 3).await;
    server.restart().await;
    begins_anew(&mut node, &server.url(), before).await;
}

#[tokio::test]
async fn a_file_that_may_lack_the_last_second_begins_anew() {
    let args = ["--save", "", "--appendonly", "yes", "--appendfsync", "everysec"];
    let mut server = RedisServer::start_with(&args).await;
    let mut node = Node::connect(server.port()).await;
    let before = publish(&mut node, 3).await;
    server.restart().await;
    begins_anew(&mut node, &server.url(), before).await;
}

#[tokio::test]
async fn a_file_that_has_everything_goes_on_whatever_the_way_to_it() {
    let mut server = RedisServer::start_appendonly().await;
    let ways = [Proxy::start(server.port()).await, Proxy::start(server.port()).await];
    let mut nodes = [Node::connect(ways[0].port()).await, Node::connect(ways[1].port()).await];
    publish(&mut nodes[0], 3).await;
    for first in [1, 0] {
        server.kill().await;
        ways[1 - first].refuse();
        server.restart().await;
        nodes[first].ready(true).await;
        ways[1 - first].heal();
        nodes[1 - first].ready(true).await;
    }
    assert_eq!(nodes[1].publish("4").await, Ok(4));
}

#[tokio::test]
async fn a_promoted_replica_that_was_behind_begins_anew() {
    let args = ["--save", "", "--appendonly", "yes", "--appendfsync", "always"];
    let mut primary = RedisServer::start_with(&args).await;
    let (way, replication) = (Proxy::start(primary.port()).await, Proxy::start(primary.port()).await);
    let replica = RedisServer::start_replica(replication.port(), &args).await;
    let mut node = Node::connect(way.port()).await;
    publish(&mut node, 2).await;
    replica.caught_up(&primary).await;
    replication.stall();
    let before = publish(&mut node, 3).await;
    primary.kill().await;
    replica.cli(&["REPLICAOF", "NO", "ONE"]).await.unwrap();
    way.lead_to(replica.port());
    begins_anew(&mut node, &replica.url(), before).await;
}

#[tokio::test]
async fn a_server_that_was_a_replica_in_between_begins_anew() {
    let primary = RedisServer::start().await;
    let other = RedisServer::start_replica(primary.port(), &["--save", ""]).await;
    let mut node = Node::connect(primary.port()).await;
    let before = publish(&mut node, 2).await;
    other.caught_up(&primary).await;
    other.cli(&["REPLICAOF", "NO", "ONE"]).await.unwrap();
    let before = Position {
        seq: before.seq + 1,
        ..before
    };
    assert_eq!(node.publish("only here").await, Ok(before.seq));
    // Before the server changes: a link that is given up meanwhile could take it along.
    while node.heard().await.message.data != "only here" {}
    // Its clients stay connected all the while.
    let port = other.port().to_string();
    primary.cli(&["REPLICAOF", "127.0.0.1", &port]).await.unwrap();
    primary.caught_up(&other).await;
    primary.cli(&["REPLICAOF", "NO", "ONE"]).await.unwrap();
    begins_anew(&mut node, &primary.url(), before).await;
}

#[tokio::test]
async fn a_server_that_is_seen_as_a_replica_begins_anew() {
    let primary = RedisServer::start().await;
    let other = RedisServer::start_replica(primary.port(), &["--save", ""]).await;
    let mut node = Node::connect(primary.port()).await;
    let before = publish(&mut node, 2).await;
    other.caught_up(&primary).await;
    other.cli(&["REPLICAOF", "NO", "ONE"]).await.unwrap();
    let port = other.port().to_string();
    primary.cli(&["REPLICAOF", "127.0.0.1", &port]).await.unwrap();
    // The link for commands is given up, and the one for subscriptions holds all the while.
    node.ready(false).await;
    primary.caught_up(&other).await;
    primary.cli(&["REPLICAOF", "NO", "ONE"]).await.unwrap();
    begins_anew(&mut node, &primary.url(), before).await;
}

#[tokio::test]
async fn a_first_replica_changes_nothing() {
    let primary = RedisServer::start().await;
    let mut node = Node::connect(primary.port()).await;
    publish(&mut node, 2).await;
    let replica = RedisServer::start_replica(primary.port(), &["--save", ""]).await;
    replica.caught_up(&primary).await;
    // A link that is made anew reads the record again.
    primary.cli(&["CLIENT", "KILL", "TYPE", "normal"]).await.unwrap();
    primary.cli(&["CLIENT", "KILL", "TYPE", "pubsub"]).await.unwrap();
    assert_eq!(node.lost().await, Lost::Reconnected);
    node.ready(true).await;
    assert_eq!(node.publish("3").await, Ok(3));
}

#[tokio::test]
async fn a_replica_is_not_used() {
    let primary = RedisServer::start().await;
    let replica = RedisServer::start_replica(primary.port(), &["--save", ""]).await;
    replica.caught_up(&primary).await;
    let way = Proxy::start(primary.port()).await;
    let node = Node::connect(way.port()).await;
    way.lead_to(replica.port());
    way.cut();
    node.ready(false).await;
    node.publishing_is_away().await;
    way.lead_to(primary.port());
    node.ready(true).await;
    assert_eq!(node.publish("1").await.map(drop), Ok(()));
}

#[tokio::test]
async fn the_clock_is_known_as_soon_as_the_server_is_back() {
    let server = RedisServer::start().await;
    let way = Proxy::start(server.port()).await;
    let mut node = Node::connect(way.port()).await;
    for _ in 0..3 {
        way.cut();
        assert_eq!(node.lost().await, Lost::Reconnected);
        // The first answer of the server, not of a publish: without the clock an empty room would have no place.
        while node.bus.states(vec![node.room.clone()]).await.is_err() {
            tokio::task::yield_now().await;
        }
        assert!(node.bus.clock(&node.room) > 0);
    }
}
