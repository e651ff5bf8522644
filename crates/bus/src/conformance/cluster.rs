//! What nodes say to one another beside the rooms, and what they remember together.

use std::time::Duration;

use bytes::Bytes;
use hallway_protocol::{ClientId, UserId};
use tokio::time::timeout;

use super::{PATIENCE, Setup, Subject};

use crate::{NodeRecord, Revocation, Seat};

/// What was revoked is read in the order in which it was, and a later time takes the place of an earlier one.
pub async fn what_is_revoked_is_remembered(make: impl AsyncFn(Setup) -> Subject) {
    let subject = make(Setup::default()).await;
    let log = &subject.revocations;
    let life = Duration::from_secs(60);
    assert_eq!(log.revoked(0, 10).await, Ok(vec![]));
    let alice = log.revoke("user/alice".into(), life).await.expect("revoked");
    let bob = log.revoke("user/bob ä'\"\r\n".into(), life).await.expect("revoked");
    assert!(
        alice.before <= bob.before && alice.before > 1_500_000_000_000,
        "{alice:?} {bob:?}"
    );
    assert_eq!(log.revoked(0, 10).await, Ok(vec![alice.clone(), bob.clone()]));
    assert_eq!(log.revoked(0, 1).await, Ok(vec![alice.clone()]));
    assert_eq!(log.revoked(bob.before + 1, 10).await, Ok(vec![]));
    let again = loop {
        let again = log.revoke(alice.subject.clone(), life).await.expect("revoked");
        if again.before > bob.before {
            break again;
        }
    };
    assert_eq!(log.revoked(0, 10).await, Ok(vec![bob.clone(), again.clone()]));
    let ahead = Revocation {
        subject: "user/carol".into(),
        before: again.before + 50_000,
    };
    let known = vec![alice, ahead.clone()];
    assert_eq!(log.restore(known, life).await, Ok(()));
    assert_eq!(log.revoked(0, 10).await, Ok(vec![bob, again, ahead.clone()]));
    let last = log.revoke("user/dave".into(), life).await.expect("revoked");
    assert!(last.before >= ahead.before, "readers go on from the last: {last:?}");
    let soon = Duration::from_millis(1);
    let only = log.revoke("user/erin".into(), soon).await.expect("revoked");
    let left = log.revoked(0, 10).await.expect("read");
    assert!(left.iter().all(|one| one.before + 1 >= only.before), "{left:?}");
}

/// Words reach the node that told them.
pub async fn words_are_told(make: impl AsyncFn(Setup) -> Subject) {
    let mut subject = make(Setup::default()).await;
    for words in [&b"one"[..], b"", b"\0\xff\n"] {
        subject.cluster.tell(Bytes::copy_from_slice(words)).await.expect("told");
        let told = timeout(PATIENCE, subject.told.recv()).await.expect("in time");
        assert_eq!(told.as_deref(), Some(words));
    }
}

/// A node is known from its announcement until it withdraws.
pub async fn nodes_are_known(make: impl AsyncFn(Setup) -> Subject) {
    let subject = make(Setup::default()).await;
    assert_eq!(subject.cluster.nodes().await, Ok(vec![]));
    let mut record = NodeRecord {
        node: "node-1".into(),
        address: Some("10.0.0.1:8080".into()),
        version: "0.1.0".into(),
        started_at: 1_700_000_000_000,
        draining: false,
        connections: 5,
        rooms: 2,
    };
    for connections in [5, 6] {
        record.connections = connections;
        subject.cluster.announce(record.clone()).await.expect("announced");
        assert_eq!(subject.cluster.nodes().await, Ok(vec![record.clone()]));
    }
    subject.cluster.withdraw().await.expect("withdrawn");
    assert_eq!(subject.cluster.nodes().await, Ok(vec![]));
    subject.cluster.withdraw().await.expect("nothing to withdraw");
}

/// A user has as many seats as are allowed, whatever node takes them; others' do not count.
pub async fn seats_are_taken_and_given_back(make: impl AsyncFn(Setup) -> Subject) {
    let subject = make(Setup::default()).await;
    let seat = |user: &str, client: u128| Seat {
        user: UserId::parse(user).expect("a user"),
        client: ClientId::from_bits(client as _),
    };
    let seats = &subject.seats;
    for client in [1, 2, 1] {
        assert_eq!(seats.take_seat(seat("alice", client), 2).await, Ok(true), "{client}");
    }
    assert_eq!(seats.take_seat(seat("alice", 3), 2).await, Ok(false));
    assert_eq!(seats.take_seat(seat("bob", 3), 2).await, Ok(true));
    // What was forgotten is taken again by renewing it, even if that is one too many.
    let all: Vec<Seat> = (1..=3).map(|client| seat("alice", client)).collect();
    assert_eq!(seats.renew_seats(all.clone()).await, Ok(()));
    assert_eq!(seats.take_seat(seat("alice", 4), 3).await, Ok(false));
    let back = vec![seat("alice", 1), seat("bob", 3), seat("carol", 9)];
    assert_eq!(seats.give_back_seats(back).await, Ok(()));
    assert_eq!(seats.take_seat(seat("alice", 4), 3).await, Ok(true));
    let many: Vec<Seat> = (0..1200).map(|n| seat(&format!("user{n}"), n)).collect();
    assert_eq!(seats.renew_seats(many.clone()).await, Ok(()));
    assert_eq!(seats.take_seat(seat("user1199", 1), 1).await, Ok(false));
    assert_eq!(seats.give_back_seats(many).await, Ok(()));
    assert_eq!(seats.take_seat(seat("user1199", 1), 1).await, Ok(true));
}
