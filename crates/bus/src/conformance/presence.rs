//! Who is there.

use std::sync::Arc;
use std::time::Duration;

use hallway_protocol::{ClientId, Keep, RoomName, Status, UserId};
use tokio::time::{sleep, timeout};

use super::{PATIENCE, Setup, Subject, room};
use crate::presence::{
    Change, Deed, Noted, Person, RoomStep, RoomSteps, RoomTerms, Standing, Step, Stepped, Swept, Terms, UserDeed,
};

/// Times that never pass within a test.
const STILL: Terms = Terms {
    life: Duration::from_secs(600),
    grace: Duration::from_secs(600),
    remember: Duration::from_secs(600),
};
/// Where grace is over at once.
const HASTY: Terms = Terms {
    grace: Duration::from_millis(1),
    ..STILL
};

const ONLINE: Standing = Standing {
    is_here: true,
    status: Status::Online,
};
const OFFLINE: Standing = Standing {
    is_here: false,
    status: Status::Offline,
};

fn user(name: &str) -> UserId {
    UserId::parse(name).expect("a user")
}

fn client(number: u32) -> ClientId {
    ClientId::from_bits(number.into())
}

fn here(name: &str, number: u32) -> UserDeed {
    UserDeed {
        user: user(name),
        deed: Deed::Here {
            client: client(number),
            about: format!("about \"{number}\" ä"),
        },
    }
}

fn deed(name: &str, deed: Deed) -> UserDeed {
    UserDeed { user: user(name), deed }
}

fn left(name: &str, number: u32) -> UserDeed {
    deed(name, Deed::Left(client(number)))
}

fn terms(merge_above: u32) -> RoomTerms {
    RoomTerms {
        keep: Some(Keep {
            count: 100,
            bytes: 1 << 20,
            life: Duration::from_secs(3600),
        }),
        merge_above,
        merge_interval: Duration::from_millis(100),
    }
}

fn steps(merge_above: u32, steps: &[(Step, &str, u32)]) -> Vec<RoomSteps> {
    let step = |(step, name, number): &(Step, &str, u32)| RoomStep {
        step: *step,
        user: (!name.is_empty()).then(|| user(name)),
        client: client(*number),
    };
    vec![RoomSteps {
        room: room("board-1"),
        terms: terms(merge_above),
        steps: steps.iter().map(step).collect(),
    }]
}

impl Subject {
    async fn note(&self, terms: Terms, deeds: Vec<UserDeed>) -> Noted {
        let noted = timeout(PATIENCE, self.presence.note_users(terms, deeds)).await;
        let noted = noted.expect("in time");
        assert_eq!(noted.failed, None);
        noted
    }

    async fn step(&self, terms: Terms, rooms: Vec<RoomSteps>) -> Stepped {
        let stepped = timeout(PATIENCE, self.presence.note_rooms(terms, rooms)).await;
        let stepped = stepped.expect("in time");
        assert_eq!((&stepped.failed, stepped.untold), (&None, 0));
        stepped
    }

    async fn person(&self, name: &str) -> Person {
        let people = timeout(PATIENCE, self.presence.people(vec![user(name)])).await;
        people.expect("in time").expect("people").remove(0)
    }

    async fn sweep(&self, terms: Terms, merge_above: u32) -> Swept {
        let terms_of = Arc::new(move |_: &RoomName| Some(self::terms(merge_above)));
        let swept = timeout(PATIENCE, self.presence.sweep(terms, terms_of)).await;
        swept.expect("in time").expect("a look")
    }

    /// Looks until someone stands otherwise.
    async fn changed(&self, terms: Terms) -> Vec<Change> {
        let look = async {
            loop {
                let changes = self.sweep(terms, 100).await.people.changes;
                if !changes.is_empty() {
                    return changes;
                }
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, look).await.expect("in time")
    }

    /// The same, while someone looks at what is due.
    async fn told_at_last(&mut self, terms: Terms, merge_above: u32) -> (u64, String, serde_json::Value) {
        let look = async {
            while self.lanes[0].is_empty() {
                self.sweep(terms, merge_above).await;
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, look).await.expect("in time");
        self.told().await
    }

    /// What the room is told next: its number, the event and what it says.
    async fn told(&mut self) -> (u64, String, serde_json::Value) {
        let heard = self.heard().await;
        let data = serde_json::from_slice(&heard.message.data).expect("JSON");
        (super::seq(&heard), heard.message.destination.to_string(), data)
    }
}

fn standings(noted: &Noted) -> Vec<(Standing, Standing)> {
    noted.changes.iter().map(|change| (change.before, change.now)).collect()
}

/// A user is there from the first socket to the grace after the last, and shows what they chose.
pub async fn a_user_stands_as_their_sockets_do(make: impl AsyncFn(Setup) -> Subject) {
    let subject = make(Setup::default()).await;
    let noted = subject
        .note(STILL, vec![here("alice", 1), here("alice", 2), here("bob", 3)])
        .await;
    assert_eq!(standings(&noted), [(OFFLINE, ONLINE), (OFFLINE, ONLINE)]);
    let alice = subject.person("alice").await;
    let sockets: Vec<ClientId> = alice.sockets.iter().map(|(client, _)| *client).collect();
    assert_eq!((alice.standing, sockets.len()), (ONLINE, 2));
    assert!(alice.sockets.contains(&(client(2), "about \"2\" ä".into())));
    let idle = Standing {
        is_here: true,
        status: Status::Idle,
    };
    let noted = subject
        .note(STILL, vec![deed("alice", Deed::Chose(Status::Idle))])
        .await;
    assert_eq!(standings(&noted), [(ONLINE, idle)]);
    // Two left, one came back: within the grace nothing changes.
    let noted = subject
        .note(STILL, vec![left("alice", 1), left("alice", 2), here("alice", 4)])
        .await;
    assert_eq!(standings(&noted), []);
    let noted = subject.note(STILL, vec![left("alice", 4), left("alice", 4)]).await;
    assert_eq!(standings(&noted), []);
    assert_eq!(subject.person("alice").await.standing, idle, "until the grace is over");
    // The agenda was told of the longer grace; another deed tells it of the shorter.
    let noted = subject.note(HASTY, vec![left("alice", 4)]).await;
    let changes = match noted.changes.is_empty() {
        true => subject.changed(HASTY).await,
        false => noted.changes,
    };
    assert_eq!((changes[0].before, changes[0].now), (idle, OFFLINE));
    assert!(changes[0].seen_at <= changes[0].at && changes[0].seen_at > 1_500_000_000_000);
    assert_eq!(subject.person("alice").await.seen_at, Some(changes[0].seen_at));
    let noted = subject.note(STILL, vec![here("alice", 5)]).await;
    assert_eq!(standings(&noted), [(OFFLINE, idle)], "what was chosen is remembered");
    let unseen = Standing {
        is_here: true,
        status: Status::Offline,
    };
    let noted = subject
        .note(STILL, vec![deed("alice", Deed::Chose(Status::Offline))])
        .await;
    assert_eq!(standings(&noted), [(idle, unseen)]);
    assert_eq!(subject.person("nobody").await.standing, OFFLINE);
}

/// A socket that is not kept is over, and what is kept and not known is told of.
pub async fn who_is_not_kept_is_gone(make: impl AsyncFn(Setup) -> Subject) {
    let subject = make(Setup::default()).await;
    let short = Terms {
        life: Duration::from_millis(1),
        ..HASTY
    };
    subject.note(STILL, vec![here("bob", 2)]).await;
    subject.note(short, vec![here("alice", 1)]).await;
    let changes = subject.changed(HASTY).await;
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert_eq!((&changes[0].user, changes[0].now), (&user("alice"), OFFLINE));
    let kept = vec![deed("bob", Deed::Keep(client(2))), deed("alice", Deed::Keep(client(1)))];
    let noted = subject.note(STILL, kept).await;
    assert_eq!(noted.unknown, [(user("alice"), client(1))]);
    assert_eq!(standings(&noted), []);
    let back = Deed::Back {
        client: client(1),
        about: "x".into(),
    };
    let noted = subject.note(STILL, vec![deed("alice", back)]).await;
    assert_eq!(standings(&noted), [(OFFLINE, ONLINE)], "it was told that they are gone");
    let many: Vec<UserDeed> = (0..700).map(|n| here(&format!("user{n}"), 1000 + n)).collect();
    assert_eq!(subject.note(STILL, many).await.changes.len(), 700);
    let asked: Vec<UserId> = (0..700).rev().map(|n| user(&format!("user{n}"))).collect();
    let people = subject.presence.people(asked).await.expect("people");
    assert_eq!(people.len(), 700);
    assert_eq!(people[0].sockets[0].0, client(1699), "in the order asked");
}

/// A room is told of a user's first socket and of the last, and shows who is in it in pages.
pub async fn a_room_hears_who_comes_and_goes(make: impl AsyncFn(Setup) -> Subject) {
    let mut subject = make(Setup::default()).await;
    let board = room("board-1");
    subject.subscribe(&[&board]).await;
    let enter = [
        (Step::Enter, "bob", 1),
        (Step::Enter, "alice", 2),
        (Step::Enter, "alice", 3),
        (Step::Enter, "", 4),
    ];
    let stepped = subject.step(STILL, steps(100, &enter)).await;
    assert_eq!(
        stepped.changes.iter().map(|one| one.is_occupied).collect::<Vec<_>>(),
        [true]
    );
    let joined = |name: &str, count: u32| serde_json::json!({"userId": name, "userCount": count});
    assert_eq!(subject.told().await, (1, "user-joined".into(), joined("bob", 1)));
    assert_eq!(subject.told().await, (2, "user-joined".into(), joined("alice", 2)));
    let first = subject.presence.roster(board.clone(), None, 1).await.expect("a page");
    assert_eq!((first.users, first.has_more), (vec![(user("alice"), 2)], true));
    assert_eq!((first.user_count, first.socket_count), (2, 4));
    let second = subject
        .presence
        .roster(board.clone(), Some(user("alice")), 1)
        .await
        .expect("a page");
    assert_eq!((second.users, second.has_more), (vec![(user("bob"), 1)], false));
    // All again, one tab less, and one that comes right back: nothing to tell.
    subject.step(STILL, steps(100, &enter)).await;
    let tabs = [
        (Step::Leave, "alice", 3),
        (Step::Leave, "bob", 1),
        (Step::Enter, "bob", 5),
        (Step::Keep, "bob", 5),
    ];
    subject.step(STILL, steps(100, &tabs)).await;
    subject
        .step(HASTY, steps(100, &[(Step::Leave, "alice", 2), (Step::Leave, "", 4)]))
        .await;
    subject.step(HASTY, steps(100, &[(Step::Leave, "bob", 5)])).await;
    let mut gone = Vec::new();
    for number in 3..5 {
        let (seq, destination, data) = subject.told_at_last(HASTY, 100).await;
        assert_eq!((seq, destination.as_str()), (number, "user-left"));
        gone.push(data["userId"].as_str().expect("a user").to_owned());
    }
    assert_eq!(gone, ["alice", "bob"]);
    assert_eq!(
        subject
            .presence
            .roster(board, None, 9)
            .await
            .expect("a page")
            .socket_count,
        0
    );
}

/// Above a size, coming and going is told merged, and who goes and comes back meanwhile is not named.
pub async fn a_large_room_hears_it_merged(make: impl AsyncFn(Setup) -> Subject) {
    let mut subject = make(Setup::default()).await;
    let board = room("board-1");
    subject.subscribe(&[&board]).await;
    let names: Vec<String> = (1..=400).map(|number| format!("u{number}")).collect();
    let enter: Vec<(Step, &str, u32)> = names
        .iter()
        .zip(1..)
        .map(|(name, number)| (Step::Enter, name.as_str(), number))
        .collect();
    subject.step(STILL, steps(2, &enter)).await;
    for (number, name) in (1..).zip(["u1", "u2"]) {
        let (seq, destination, data) = subject.told().await;
        assert_eq!(
            (seq, destination.as_str(), &data["userId"]),
            (number, "user-joined", &name.into())
        );
    }
    let (seq, destination, data) = subject.told_at_last(STILL, 2).await;
    assert_eq!((seq, destination.as_str()), (3, "members-updated"));
    let named = data["joined"].as_array().expect("names").len() as u64;
    assert_eq!(
        (&data["userCount"], &data["left"]),
        (&400.into(), &serde_json::json!([]))
    );
    assert!((100..=200).contains(&named), "{named}");
    assert_eq!(named + data["more"].as_u64().expect("a count"), 398);
}
