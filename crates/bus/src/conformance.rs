//! What every bus must do, as tests. [`conformance_tests!`](crate::conformance_tests) makes a test of each.

mod cluster;
mod journal;
mod lobbies;
mod presence;

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hallway_protocol::{ClientId, Epoch, Keep, Position, RoomName};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::{
    Bus, BusError, Cluster, Event, Heard, Journal, Leases, Lobbies, LobbyLife, Message, Presence, Publish, Published,
    Revocations, Seats, Sent, Told,
};

pub use cluster::{nodes_are_known, seats_are_taken_and_given_back, what_is_revoked_is_remembered, words_are_told};
pub use journal::{a_journal_is_bounded, a_journal_keeps_what_is_not_confirmed, a_partition_has_one_holder};
pub use lobbies::{
    a_user_is_in_one_lobby, lobbies_are_made_joined_and_left, pages_of_lobbies_are_stable, the_last_seat_is_taken_once,
    who_vanishes_is_taken_out, work_is_leased,
};
pub use presence::{
    a_large_room_hears_it_merged, a_room_hears_who_comes_and_goes, a_user_stands_as_their_sockets_do,
    who_is_not_kept_is_gone,
};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a case asks for.
#[derive(Debug, Clone, Copy)]
pub struct Setup {
    /// How many lanes.
    pub lanes: usize,
    /// How many events each holds.
    pub lane_capacity: usize,
    /// How many publishes may wait, where they do.
    pub publish_queue: usize,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            lanes: 1,
            lane_capacity: 4096,
            publish_queue: 4096,
        }
    }
}

/// A bus that nobody else uses.
pub struct Subject {
    /// The bus.
    pub bus: Arc<dyn Bus>,
    /// The same, as the other trait.
    pub cluster: Arc<dyn Cluster>,
    /// The same, as the third.
    pub revocations: Arc<dyn Revocations>,
    /// The same, as the fourth.
    pub seats: Arc<dyn Seats>,
    /// The same, as the fifth.
    pub lobbies: Arc<dyn Lobbies>,
    /// The same, as the sixth.
    pub lobby_life: Arc<dyn LobbyLife>,
    /// The same, as the seventh.
    pub leases: Arc<dyn Leases>,
    /// The same, as the eighth.
    pub presence: Arc<dyn Presence>,
    /// The same, as the ninth.
    pub journal: Arc<dyn Journal>,
    /// Its lanes.
    pub lanes: Vec<mpsc::Receiver<Event>>,
    /// What it was told.
    pub told: Told,
    /// What it needs to live, such as its server.
    pub guard: Box<dyn Any + Send>,
}

impl Subject {
    async fn published(&self, request: Publish) -> Published {
        let result = timeout(PATIENCE, self.bus.publish(request)).await;
        result.expect("an answer in time").expect("published")
    }

    async fn subscribe(&self, rooms: &[&RoomName]) {
        let rooms = rooms.iter().map(|&room| room.clone()).collect();
        timeout(PATIENCE, self.bus.subscribe(rooms))
            .await
            .expect("in time")
            .expect("subscribed");
    }

    /// Ready when all changes of subscriptions have been made that were asked for: others are in line behind them. So
    /// many that, where rooms are on several servers, each of those has some but for one time in millions.
    async fn all_is_done(&self, name: &str) {
        let rooms: Vec<RoomName> = (0..40).map(|number| room(&format!("{name}-{number}"))).collect();
        self.subscribe(&rooms.iter().collect::<Vec<_>>()).await;
    }

    /// The next broadcast of the first lane.
    async fn heard(&mut self) -> Heard {
        match timeout(PATIENCE, self.lanes[0].recv()).await.expect("in time") {
            Some(Event::Heard(heard)) => heard,
            other => panic!("a broadcast, not {other:?}"),
        }
    }

    async fn history(&self, room: &RoomName, after: Option<Position>, limit: usize) -> (Vec<u64>, bool) {
        let asked = self.bus.history(room.clone(), after, limit);
        let history = timeout(PATIENCE, asked).await.expect("in time").expect("history");
        let seqs = history
            .broadcasts
            .iter()
            .map(|heard| heard.position.expect("a position").seq)
            .collect();
        (seqs, history.complete)
    }

    async fn state(&self, room: &RoomName) -> Option<crate::RoomState> {
        let states = timeout(PATIENCE, self.bus.states(vec![room.clone()]))
            .await
            .expect("in time")
            .expect("states");
        assert_eq!(states.len(), 1);
        states[0]
    }
}

fn room(name: &str) -> RoomName {
    RoomName::parse(name).expect("a room's name")
}

fn message(data: &str) -> Message {
    Message {
        destination: "update-task".into(),
        data: Bytes::from(format!("{data:?}")),
        exclude: None,
        sent: None,
    }
}

fn kept(room: &RoomName, data: &str) -> Publish {
    let keep = Some(Keep {
        count: 100,
        bytes: 1 << 20,
        life: Duration::from_secs(3600),
    });
    Publish {
        room: room.clone(),
        message: message(data),
        keep,
        idempotency_key: None,
    }
}

fn unkept(room: &RoomName, data: &str) -> Publish {
    Publish {
        keep: None,
        ..kept(room, data)
    }
}

fn seq(heard: &Heard) -> u64 {
    heard.position.expect("a position").seq
}

/// Makes a test of each case. The argument is an async function from [`Setup`] to [`Subject`].
#[macro_export]
macro_rules! conformance_tests {
    ($make:path) => {
        $crate::conformance_tests! { $make;
            numbers_rise_by_one
            order_is_kept_under_concurrent_publishers
            calls_take_their_place_when_made
            what_is_said_arrives_as_it_was
            without_keep_nothing_is_numbered
            history_has_limits
            history_of_another_epoch_is_not_complete
            an_empty_room_has_a_place
            what_is_kept_is_bounded
            what_is_kept_is_bounded_in_bytes
            states_are_told
            a_life_ends
            a_repeat_gets_the_first_answer
            only_subscribed_rooms_are_heard
            subscriptions_take_effect_in_order
            a_full_line_is_busy_and_loses_nothing
            every_lane_has_its_rooms
            what_is_revoked_is_remembered
            seats_are_taken_and_given_back
            lobbies_are_made_joined_and_left
            a_user_is_in_one_lobby
            the_last_seat_is_taken_once
            who_vanishes_is_taken_out
            pages_of_lobbies_are_stable
            work_is_leased
            words_are_told
            nodes_are_known
            a_user_stands_as_their_sockets_do
            who_is_not_kept_is_gone
            a_room_hears_who_comes_and_goes
            a_large_room_hears_it_merged
            a_journal_keeps_what_is_not_confirmed
            a_partition_has_one_holder
            a_journal_is_bounded
            closing_ends_the_lanes
        }
    };
    ($make:path; $($case:ident)*) => {
        $(
            #[tokio::test]
            async fn $case() {
                $crate::conformance::$case(async |setup| $make(setup).await).await;
            }
        )*
    };
}

/// Within an epoch, numbers begin at 1 and rise by 1, and publishers and hearers see the same.
pub async fn numbers_rise_by_one(make: impl AsyncFn(Setup) -> Subject) {
    let mut subject = make(Setup::default()).await;
    let room = room("board-1");
    subject.subscribe(&[&room]).await;
    let mut epoch = None;
    let mut ts = 0;
    for expected in 1..=25 {
        let published = subject.published(kept(&room, "x")).await;
        let heard = subject.heard().await;
        assert_eq!(published.position, heard.position);
        assert_eq!(Some(published.ts), heard.ts);
        assert_eq!(seq(&heard), expected);
        let this = heard.position.map(|position| position.epoch);
        assert_eq!(*epoch.get_or_insert(this), this);
        assert!(published.ts >= ts);
        ts = published.ts;
    }
}

/// Each room's broadcasts arrive by number, and those of one publisher in the order of its calls.
pub async fn order_is_kept_under_concurrent_publishers(make: impl AsyncFn(Setup) -> Subject) {
    const PUBLISHERS: usize = 8;
    const EACH: usize = 60;
    let mut subject = make(Setup::default()).await;
    let rooms = [room("board-1"), room("board-2"), room("chat-a-b")];
    subject.subscribe(&rooms.iter().collect::<Vec<_>>()).await;
    let publishers: Vec<_> = (0..PUBLISHERS)
        .map(|publisher| {
            let (bus, rooms) = (Arc::clone(&subject.bus), rooms.clone());
            tokio::spawn(async move {
                let calls: Vec<_> = (0..EACH)
                    .map(|number| bus.publish(kept(&rooms[number % 3], &format!("{publisher} {number}"))))
                    .collect();
                let mut positions = HashMap::new();
                for (number, call) in calls.into_iter().enumerate() {
                    let published = timeout(PATIENCE, call).await.expect("in time").expect("published");
                    positions.insert(format!("\"{publisher} {number}\""), published.position);
                }
                positions
            })
        })
        .collect();
    let mut heard = HashMap::new();
    let mut last: HashMap<RoomName, u64> = HashMap::new();
    let mut last_of: HashMap<(RoomName, usize), usize> = HashMap::new();
    for _ in 0..PUBLISHERS * EACH {
        let one = subject.heard().await;
        let before = last.insert(one.room.clone(), seq(&one)).unwrap_or(0);
        assert_eq!(seq(&one), before + 1, "{:?}", one.room);
        let text = String::from_utf8(one.message.data.to_vec()).expect("text");
        let (publisher, number) = text.trim_matches('"').split_once(' ').expect("two numbers");
        let (publisher, number): (usize, usize) = (publisher.parse().expect("one"), number.parse().expect("two"));
        let earlier = last_of.insert((one.room, publisher), number);
        assert!(earlier.is_none_or(|earlier| earlier < number));
        heard.insert(text, one.position);
    }
    for publisher in publishers {
        for (text, position) in publisher.await.expect("no panic") {
            assert_eq!(heard[&text], position);
        }
    }
}

/// The place in line is taken by the call, whether the future is polled late, in another order, or never.
pub async fn calls_take_their_place_when_made(make: impl AsyncFn(Setup) -> Subject) {
    let mut subject = make(Setup::default()).await;
    let room = room("board-1");
    subject.subscribe(&[&room]).await;
    let first = subject.bus.publish(kept(&room, "first"));
    drop(subject.bus.publish(kept(&room, "dropped")));
    let third = subject.bus.publish(kept(&room, "third"));
    let third = timeout(PATIENCE, third).await.expect("in time").expect("published");
    let first = timeout(PATIENCE, first).await.expect("in time").expect("published");
    assert_eq!(first.position.map(|position| position.seq), Some(1));
    assert_eq!(third.position.map(|position| position.seq), Some(3));
    for data in ["\"first\"", "\"dropped\"", "\"third\""] {
        assert_eq!(subject.heard().await.message.data, data);
    }
}

/// Whatever a message holds, it arrives, and is kept, as it was.
pub async fn what_is_said_arrives_as_it_was(make: impl AsyncFn(Setup) -> Subject) {
    let mut subject = make(Setup::default()).await;
    let room = room("board-1");
    subject.subscribe(&[&room]).await;
    let long = format!("\"{}\"", "ä\u{1}\n".repeat(5000));
    for data in ["null", "{\"a\":[1,2,3]}", "\"\\u0000 \r\n\u{1F600}\"", &long] {
        for (exclude, sent) in [
            (
                Some(ClientId::from_bits(77)),
                Some(Sent {
                    node: u64::MAX,
                    micros: 1,
                }),
            ),
            (None, None),
        ] {
            let message = Message {
                destination: "ä-new-message".into(),
                data: data.to_owned().into(),
                exclude,
                sent,
            };
            let published = subject
                .published(Publish {
                    message: message.clone(),
                    ..kept(&room, "")
                })
                .await;
            let expected = Heard {
                room: room.clone(),
                position: published.position,
                ts: Some(published.ts),
                message,
            };
            assert_eq!(subject.heard().await, expected);
            let after = published.position.map(|here| Position {
                seq: here.seq - 1,
                ..here
            });
            let history = subject.bus.history(room.clone(), after, 10).await.expect("history");
            assert_eq!(history.broadcasts, [expected]);
        }
    }
}

/// A broadcast that is not kept has no number, moves no numbering and is in no history.
pub async fn without_keep_nothing_is_numbered(make: impl AsyncFn(Setup) -> Subject) {
    let mut subject = make(Setup::default()).await;
    let room = room("presence-ada");
    subject.subscribe(&[&room]).await;
    let published = subject.published(unkept(&room, "x")).await;
    assert_eq!(published.position, None);
    let heard = subject.heard().await;
    assert_eq!((heard.position, heard.ts), (None, Some(published.ts)));
    assert_eq!(subject.state(&room).await, None);
    assert_eq!(subject.history(&room, None, 10).await, (vec![], true));
    subject.published(kept(&room, "y")).await;
    subject.published(unkept(&room, "z")).await;
    assert_eq!(subject.history(&room, None, 10).await, (vec![1], true));
}

/// History is read in pages, from the oldest on, and says whether it reaches the state.
pub async fn history_has_limits(make: impl AsyncFn(Setup) -> Subject) {
    let subject = make(Setup::default()).await;
    let room = room("board-1");
    assert_eq!(subject.history(&room, None, 10).await, (vec![], true));
    let mut last = None;
    for _ in 0..5 {
        last = subject.published(kept(&room, "x")).await.position;
    }
    let last = last.expect("a position");
    let at = |seq| Some(Position { seq, ..last });
    assert_eq!(subject.history(&room, None, 10).await, (vec![1, 2, 3, 4, 5], true));
    assert_eq!(subject.history(&room, None, 5).await, (vec![1, 2, 3, 4, 5], true));
    assert_eq!(subject.history(&room, None, 2).await, (vec![1, 2], false));
    assert_eq!(subject.history(&room, at(0), 10).await, (vec![1, 2, 3, 4, 5], true));
    assert_eq!(subject.history(&room, at(2), 2).await, (vec![3, 4], false));
    assert_eq!(subject.history(&room, at(2), 3).await, (vec![3, 4, 5], true));
    assert_eq!(subject.history(&room, at(4), 1).await, (vec![5], true));
    assert_eq!(subject.history(&room, at(4), 0).await, (vec![], false));
    assert_eq!(subject.history(&room, at(5), 10).await, (vec![], true));
    // Ahead of the room: its numbering went back, so nothing is proven.
    assert_eq!(subject.history(&room, at(6), 10).await, (vec![], false));
    assert_eq!(subject.history(&room, at(u64::MAX), 10).await, (vec![], false));
}

/// After a place of another epoch nothing is proven.
pub async fn history_of_another_epoch_is_not_complete(make: impl AsyncFn(Setup) -> Subject) {
    let subject = make(Setup::default()).await;
    let room = room("board-1");
    let elsewhere = Some(Position {
        epoch: Epoch(1),
        seq: 1,
    });
    assert_eq!(subject.history(&room, elsewhere, 10).await, (vec![], false));
    for _ in 0..3 {
        subject.published(kept(&room, "x")).await;
    }
    assert_eq!(subject.history(&room, elsewhere, 10).await, (vec![1, 2, 3], false));
}

/// The place of an empty room: what was broadcast since is read with it.
pub async fn an_empty_room_has_a_place(make: impl AsyncFn(Setup) -> Subject) {
    let subject = make(Setup::default()).await;
    let (kept_room, empty) = (room("board-1"), room("board-2"));
    // Known before anything was published.
    let clock = subject.bus.clock(&kept_room);
    assert!(clock > 0);
    let place = Some(crate::empty_since(clock));
    for number in 0..20 {
        let other = room(&format!("board-{number}"));
        assert!(subject.bus.reaches(crate::empty_since(subject.bus.clock(&other))));
    }
    assert_eq!(subject.history(&empty, place, 10).await, (vec![], true));
    for data in ["1", "2"] {
        subject.published(kept(&kept_room, data)).await;
    }
    assert_eq!(subject.history(&kept_room, place, 10).await, (vec![1, 2], true));
    assert_eq!(subject.history(&kept_room, place, 1).await, (vec![1], false));
    let later = Some(crate::empty_since(clock + 3_600_000));
    assert!(
        !subject.history(&kept_room, later, 10).await.1,
        "it was not empty later"
    );
}

/// What is kept is bounded in bytes too, without holes, and the newest is always kept.
pub async fn what_is_kept_is_bounded_in_bytes(make: impl AsyncFn(Setup) -> Subject) {
    let subject = make(Setup::default()).await;
    let room = room("board-1");
    let big = "x".repeat(10_000);
    for _ in 0..100 {
        let keep = Some(Keep {
            count: 1000,
            bytes: 200_000,
            life: Duration::from_secs(3600),
        });
        subject
            .published(Publish {
                keep,
                ..kept(&room, &big)
            })
            .await;
    }
    let (seqs, complete) = subject.history(&room, None, 1000).await;
    assert!(
        complete && seqs.len() >= 10 && seqs.len() <= 30,
        "{} are kept",
        seqs.len()
    );
    assert!(seqs.windows(2).all(|two| two[1] == two[0] + 1) && seqs.last() == Some(&100));
    for size in [10_000, 100_000] {
        let keep = Some(Keep {
            count: 1000,
            bytes: 4096,
            life: Duration::from_secs(3600),
        });
        for _ in 0..10 {
            subject
                .published(Publish {
                    keep,
                    ..kept(&room, &"x".repeat(size))
                })
                .await;
        }
        assert!(!subject.history(&room, None, 1000).await.0.is_empty(), "the newest");
    }
}

/// At least as many as asked for are kept, without holes, and not many more.
pub async fn what_is_kept_is_bounded(make: impl AsyncFn(Setup) -> Subject) {
    let mut subject = make(Setup::default()).await;
    let room = room("board-1");
    let keep = Some(Keep {
        count: 20,
        bytes: 1 << 20,
        life: Duration::from_secs(3600),
    });
    let mut last = None;
    for _ in 0..1000 {
        last = subject
            .published(Publish {
                keep,
                ..kept(&room, "x")
            })
            .await
            .position;
    }
    let (seqs, is_complete) = subject.history(&room, None, 1000).await;
    assert!(is_complete);
    assert!((20..=200).contains(&seqs.len()), "{} are kept", seqs.len());
    assert!(seqs.is_sorted_by(|one, next| one + 1 == *next));
    assert_eq!(seqs.last(), Some(&1000));
    let gone = last.map(|last| Position { seq: 5, ..last });
    assert_eq!(subject.history(&room, gone, 1000).await, (seqs, false));
    assert!(subject.lanes[0].try_recv().is_err(), "nobody subscribed");
}

/// Each room's state, in the order asked.
pub async fn states_are_told(make: impl AsyncFn(Setup) -> Subject) {
    let subject = make(Setup::default()).await;
    let (one, other, none) = (room("board-1"), room("board-2"), room("board-3"));
    let first = subject.published(kept(&one, "x")).await;
    subject.published(kept(&other, "x")).await;
    let second = subject.published(kept(&other, "x")).await;
    let states = subject.bus.states(vec![other, none, one]).await.expect("states");
    let told: Vec<_> = states
        .iter()
        .map(|state| state.map(|state| (Some(state.position), state.ts)))
        .collect();
    assert_eq!(
        told,
        [
            Some((second.position, second.ts)),
            None,
            Some((first.position, first.ts))
        ]
    );
    assert_eq!(subject.bus.states(vec![]).await, Ok(vec![]));
    let many: Vec<_> = (0..1000).map(|number| room(&format!("board-many-{number}"))).collect();
    assert_eq!(subject.bus.states(many).await, Ok(vec![None; 1000]));
}

/// When a room's life ends, its numbering begins anew in a later epoch.
pub async fn a_life_ends(make: impl AsyncFn(Setup) -> Subject) {
    let subject = make(Setup::default()).await;
    let room = room("board-1");
    let keep = Some(Keep {
        count: 20,
        bytes: 1 << 20,
        life: Duration::from_millis(50),
    });
    let brief = || Publish {
        keep,
        ..kept(&room, "x")
    };
    let first = subject.published(brief()).await.position.expect("a position");
    let ended = async {
        while subject.state(&room).await.is_some() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, ended).await.expect("it ends");
    let next = subject.published(brief()).await.position.expect("a position");
    assert!(next.epoch > first.epoch);
    assert_eq!(next.seq, 1);
}

/// A key that was used before in the same room publishes nothing and gets the first answer.
pub async fn a_repeat_gets_the_first_answer(make: impl AsyncFn(Setup) -> Subject) {
    let mut subject = make(Setup::default()).await;
    let (one, other) = (room("board-1"), room("board-2"));
    subject.subscribe(&[&one, &other]).await;
    let keyed = |request: Publish, key: &str| Publish {
        idempotency_key: Some(key.to_owned()),
        ..request
    };
    for request in [kept as fn(&RoomName, &str) -> Publish, unkept] {
        let key = if request(&one, "").keep.is_some() {
            "kept"
        } else {
            "unkept {}"
        };
        let first = subject.published(keyed(request(&one, "first"), key)).await;
        let again = subject.published(keyed(request(&one, "again"), key)).await;
        assert_eq!(first, again);
        subject.published(request(&one, "marker")).await;
        let heard = subject.heard().await;
        assert_eq!(
            (&heard.message.data[..], heard.position),
            (&b"\"first\""[..], first.position)
        );
        assert_eq!(subject.heard().await.message.data, "\"marker\"");
        let elsewhere = subject.published(keyed(request(&other, "elsewhere"), key)).await;
        let heard = subject.heard().await;
        let expected = (&b"\"elsewhere\""[..], elsewhere.position);
        assert_eq!((&heard.message.data[..], heard.position), expected);
    }
}

/// What is not subscribed, or not any more, is not heard.
pub async fn only_subscribed_rooms_are_heard(make: impl AsyncFn(Setup) -> Subject) {
    let mut subject = make(Setup::default()).await;
    let (one, marker) = (room("board-1"), room("board-2"));
    subject.subscribe(&[&marker]).await;
    subject.published(kept(&one, "too early")).await;
    subject.subscribe(&[&one]).await;
    subject.subscribe(&[&one, &marker]).await;
    subject.published(kept(&one, "heard")).await;
    assert_eq!(subject.heard().await.message.data, "\"heard\"");
    subject.bus.unsubscribe(vec![one.clone()]);
    subject.all_is_done("board-3").await;
    subject.published(kept(&one, "too late")).await;
    subject.published(kept(&marker, "marker")).await;
    assert_eq!(subject.heard().await.message.data, "\"marker\"");
}

/// Subscribing and unsubscribing take effect in the order of calls, however fast they follow each other.
pub async fn subscriptions_take_effect_in_order(make: impl AsyncFn(Setup) -> Subject) {
    let mut subject = make(Setup::default()).await;
    let (one, marker) = (room("board-1"), room("board-2"));
    subject.subscribe(&[&marker]).await;
    for number in 0..20 {
        let first = subject.bus.subscribe(vec![one.clone()]);
        subject.bus.unsubscribe(vec![one.clone()]);
        let second = subject.bus.subscribe(vec![one.clone()]);
        timeout(PATIENCE, second).await.expect("in time").expect("subscribed");
        timeout(PATIENCE, first).await.expect("in time").expect("subscribed");
        subject.published(kept(&one, "heard")).await;
        assert_eq!(subject.heard().await.message.data, "\"heard\"");
        subject.bus.unsubscribe(vec![one.clone()]);
        drop(subject.bus.subscribe(vec![one.clone()]));
        subject.bus.unsubscribe(vec![one.clone()]);
        subject.all_is_done(&format!("board-new-{number}")).await;
        subject.published(kept(&one, "not heard")).await;
        subject.published(kept(&marker, "marker")).await;
        assert_eq!(subject.heard().await.message.data, "\"marker\"");
    }
}

/// What a full line turns away was not numbered, and what it took is heard.
pub async fn a_full_line_is_busy_and_loses_nothing(make: impl AsyncFn(Setup) -> Subject) {
    let mut subject = make(Setup {
        lane_capacity: 4,
        publish_queue: 4,
        ..Setup::default()
    })
    .await;
    let room = room("board-1");
    subject.subscribe(&[&room]).await;
    let calls: Vec<_> = (0..20).map(|_| subject.bus.publish(kept(&room, "x"))).collect();
    let mut taken = 0;
    for call in calls {
        match timeout(PATIENCE, call).await.expect("in time") {
            Ok(published) => {
                taken += 1;
                assert_eq!(published.position.map(|position| position.seq), Some(taken));
            }
            Err(why) => assert_eq!(why, BusError::Busy),
        }
    }
    assert!((1..20).contains(&taken), "{taken} were taken");
    for expected in 1..=taken {
        assert_eq!(seq(&subject.heard().await), expected);
    }
    subject.published(kept(&room, "x")).await;
    assert_eq!(seq(&subject.heard().await), taken + 1);
}

/// A room belongs to the lane that [`crate::Lanes::of`] says.
pub async fn every_lane_has_its_rooms(make: impl AsyncFn(Setup) -> Subject) {
    let mut subject = make(Setup {
        lanes: 4,
        ..Setup::default()
    })
    .await;
    let rooms: Vec<_> = (0..40).map(|number| room(&format!("board-{number}"))).collect();
    subject.subscribe(&rooms.iter().collect::<Vec<_>>()).await;
    let (places, _receivers) = crate::Lanes::new(4, 1);
    for one in &rooms {
        subject.published(kept(one, "x")).await;
        let lane = &mut subject.lanes[places.of(one)];
        match timeout(PATIENCE, lane.recv()).await.expect("in time") {
            Some(Event::Heard(heard)) => assert_eq!(&heard.room, one),
            other => panic!("a broadcast, not {other:?}"),
        }
    }
}

/// Closing finishes what is in line, then ends the lanes; later calls are answered at once.
pub async fn closing_ends_the_lanes(make: impl AsyncFn(Setup) -> Subject) {
    let mut subject = make(Setup::default()).await;
    let room = room("board-1");
    subject.subscribe(&[&room]).await;
    let last = subject.bus.publish(kept(&room, "last"));
    timeout(PATIENCE, subject.bus.close()).await.expect("closed in time");
    timeout(PATIENCE, last).await.expect("in time").expect("published");
    let end = async { while subject.lanes[0].recv().await.is_some() {} };
    timeout(PATIENCE, end).await.expect("the lanes end");
    let refused = timeout(PATIENCE, subject.bus.publish(kept(&room, "x")))
        .await
        .expect("in time");
    assert!(matches!(refused, Err(BusError::Unavailable(_))), "{refused:?}");
    assert!(subject.bus.subscribe(vec![room]).await.is_err());
    timeout(PATIENCE, subject.bus.close()).await.expect("closed again");
}
