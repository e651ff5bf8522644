//! A Redis that sentinels watch: who is promoted is found and used, and nobody stays with who was.

use hallway_bus::{Bus, Lost};
use hallway_testkit::RedisSentinel;

use crate::lineage::{begins_anew, has_begun_anew, publish};
use crate::node::Node;

#[tokio::test]
async fn a_killed_primary_is_followed_by_a_replica() {
    let mut redis = RedisSentinel::start(&[]).await;
    let mut node = Node::connect_url(&redis.url()).await;
    let before = publish(&mut node, 3).await;
    redis.servers[0].kill().await;
    node.ready(false).await;
    redis.promoted_instead_of(0).await;
    begins_anew(&mut node, &redis.url(), before).await;
}

#[tokio::test]
async fn nobody_stays_with_a_primary_that_was_only_paused() {
    let redis = RedisSentinel::start(&[]).await;
    let mut node = Node::connect_url(&redis.url()).await;
    let mut other = Node::connect_url(&redis.url()).await;
    let before = publish(&mut node, 3).await;
    redis.servers[0].pause().await;
    let promoted = redis.promoted_instead_of(0).await;
    // It still takes itself for the primary, until a sentinel tells it.
    redis.servers[0].resume().await;
    redis.servers[0].caught_up(&redis.servers[promoted]).await;
    // Who asked the sentinels just before may have gone back to it for as long.
    loop {
        assert_eq!(node.lost().await, Lost::Reconnected);
        node.ready(true).await;
        let states = node.bus.states(vec![node.room.clone()]).await;
        if states == Ok(vec![None]) {
            break;
        }
    }
    has_begun_anew(&mut node, &redis.url(), before).await;
    other.ready(true).await;
    for bus in [&node, &other] {
        bus.publish("both").await.unwrap();
    }
    let last = loop {
        let heard = other.heard().await;
        if heard.message.data == "both" && heard.position.unwrap().seq == 4 {
            break heard.position.unwrap();
        }
    };
    let state = node.bus_state().await;
    assert_eq!(state, last);
    // What the one hears is what all hear.
    assert!(redis.servers[0].info("replication", "role").await == "slave");
}

#[tokio::test]
async fn one_sentinel_is_enough_to_find_the_primary() {
    let mut redis = RedisSentinel::start(&[]).await;
    let url = redis.url();
    redis.sentinels[0].kill().await;
    redis.sentinels[1].pause().await;
    let mut node = Node::connect_url(&url).await;
    publish(&mut node, 1).await;
}

#[tokio::test]
async fn sentinels_have_a_user_of_their_own() {
    let redis = RedisSentinel::start(&[]).await;
    for sentinel in &redis.sentinels {
        let user = ["ACL", "SETUSER", "watcher", "on", ">s3cret", "~*", "&*", "+@all"];
        sentinel.cli(&user).await.unwrap();
        sentinel
            .cli(&["ACL", "SETUSER", "default", "resetpass", ">other"])
            .await
            .unwrap();
    }
    let url = format!("{}&sentinelUsername=watcher&sentinelPassword=s3cret", redis.url());
    let mut node = Node::connect_url(&url).await;
    publish(&mut node, 1).await;
}
