//! Lobbies: who is in which, what is said of it, and what becomes of those who vanish.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use hallway_protocol::{Keep, Lobby, LobbyId, UserId};
use serde_json::Value;
use tokio::time::timeout;

use super::{PATIENCE, Setup, Subject, room};
use crate::{Comer, Entered, InLobby, LobbyTerms, NewLobby};

const TERMS: LobbyTerms = LobbyTerms {
    keep: Some(Keep {
        count: 100,
        bytes: 1 << 20,
        life: Duration::from_secs(3600),
    }),
    life: Duration::from_secs(90),
    grace: Duration::from_secs(30),
};
/// Time is up as soon as it is looked at.
const BRIEF: LobbyTerms = LobbyTerms {
    life: Duration::from_millis(1),
    grace: Duration::from_millis(1),
    ..TERMS
};

fn user(name: &str) -> UserId {
    UserId::parse(name).expect("a user")
}

fn comer(name: &str) -> Comer {
    Comer {
        user: user(name),
        name: Some(format!("{name} \"; ä")),
        node: 1,
    }
}

fn new(id: u128, capacity: u32) -> NewLobby {
    NewLobby {
        id: LobbyId::from_bits(id),
        name: Some("a \"name\"; ä".into()),
        capacity,
    }
}

fn names(lobby: &Lobby) -> Vec<&str> {
    lobby.members.iter().map(|member| member.user_id.as_str()).collect()
}

impl Subject {
    async fn make_lobby(&self, id: u128, capacity: u32, owner: &str) -> Lobby {
        let made = self.lobbies.create_lobby(new(id, capacity), comer(owner), TERMS).await;
        entered(made.expect("made"))
    }

    async fn join_lobby(&self, id: u128, name: &str) -> Entered {
        let joined = self.lobbies.join_lobby(LobbyId::from_bits(id), comer(name), TERMS);
        joined.await.expect("an answer")
    }

    /// The next broadcast: where, which, its number and its data.
    async fn news(&mut self) -> (String, String, Option<u64>, Value) {
        let heard = self.heard().await;
        let data = serde_json::from_slice(&heard.message.data).expect("JSON");
        let seq = heard.position.map(|position| position.seq);
        (heard.room.to_string(), heard.message.destination.to_string(), seq, data)
    }

    /// Looks at lobbies until as many members have vanished.
    async fn swept(&self, vanished: usize) -> usize {
        let (mut gone, mut ended) = (0, 0);
        let look = async {
            while gone < vanished {
                let swept = self.lobby_life.sweep_lobbies(100, TERMS).await.expect("swept");
                gone += swept.vanished;
                ended += swept.ended;
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(PATIENCE, look).await.expect("in time");
        assert_eq!(gone, vanished);
        ended
    }
}

fn entered(entered: Entered) -> Lobby {
    match entered {
        Entered::In(lobby) => lobby,
        other => panic!("in it, not {other:?}"),
    }
}

/// A lobby is made, joined and left, hands itself over, and ends with its last member; each is said once and in order.
pub async fn lobbies_are_made_joined_and_left(make: impl AsyncFn(Setup) -> Subject) {
    let mut subject = make(Setup::default()).await;
    let id = LobbyId::from_bits(7);
    subject.subscribe(&[&id.room(), &room("pool")]).await;
    let lobby = subject.make_lobby(7, 3, "alice").await;
    assert_eq!((lobby.owner_id.as_str(), lobby.capacity), ("alice", 3));
    assert_eq!(lobby.name.as_deref(), Some("a \"name\"; ä"));
    assert_eq!(lobby.members[0].name.as_deref(), Some("alice \"; ä"));
    assert!(lobby.created_at > 1_500_000_000_000 && lobby.updated_at == lobby.created_at);
    let (place, what, seq, data) = subject.news().await;
    assert_eq!((&*place, &*what, seq), ("pool", "lobby-created", None));
    assert_eq!(data, serde_json::to_value(lobby.summary()).expect("JSON"));

    let joined = entered(subject.join_lobby(7, "bob").await);
    assert_eq!(names(&joined), ["alice", "bob"]);
    let mut news = [subject.news().await, subject.news().await];
    news.sort_by_key(|one| one.2);
    assert_eq!((&*news[0].0, &*news[0].1, news[0].2), ("pool", "lobby-updated", None));
    assert_eq!(news[0].3["memberCount"], 2);
    let (place, what, seq, data) = &news[1];
    assert_eq!(
        (&**place, &**what, *seq),
        (id.room().as_str(), "lobby-updated", Some(1))
    );
    assert_eq!(data["diff"]["joined"][0]["userId"], "bob");
    assert_eq!(data["diff"]["memberCount"], 2);
    assert_eq!(data["baseUpdatedAt"], lobby.updated_at);
    assert_eq!(data["updatedAt"], joined.updated_at);

    // Who is in it stays so, and nobody is told.
    assert_eq!(entered(subject.join_lobby(7, "bob").await), joined);
    let left = subject.lobbies.leave_lobby(user("alice"), TERMS).await.expect("left");
    let left = left.expect("a lobby");
    assert_eq!((left.lobby, left.ended, left.at.map(|at| at.seq)), (id, false, Some(2)));
    assert_eq!(subject.lobbies.leave_lobby(user("alice"), TERMS).await, Ok(None));
    let lobby = subject.lobbies.lobby(id).await.expect("read").expect("there");
    assert_eq!((lobby.owner_id.as_str(), names(&lobby)), ("bob", vec!["bob"]));
    let left = subject.lobbies.leave_lobby(user("bob"), TERMS).await.expect("left");
    let left = left.expect("a lobby");
    assert_eq!((left.ended, left.at.map(|at| at.seq)), (true, Some(3)));
    assert_eq!(subject.lobbies.lobby(id).await, Ok(None));
    assert_eq!(subject.join_lobby(7, "carol").await, Entered::Missing);
    assert_eq!(subject.lobbies.lobby_of(user("carol")).await, Ok(None));
    // What a second joining would have said would be among them.
    let mut news = Vec::new();
    for _ in 0..4 {
        news.push(subject.news().await);
    }
    let of = |place: &str| {
        let here = news.iter().filter(|one| one.0 == place);
        here.map(|one| (one.1.clone(), one.3.clone())).collect::<Vec<_>>()
    };
    let own = of(id.room().as_str());
    assert_eq!(own[0].1["diff"]["left"][0], "alice");
    assert_eq!(own[0].1["diff"]["ownerId"], "bob");
    assert_eq!(own[1], ("lobby-deleted".into(), serde_json::json!({ "lobbyId": id })));
    let pool = of("pool");
    assert_eq!((&*pool[0].0, &*pool[1].0), ("lobby-updated", "lobby-deleted"));
}

/// Who is in a lobby enters no other, and is told which it is.
pub async fn a_user_is_in_one_lobby(make: impl AsyncFn(Setup) -> Subject) {
    let subject = make(Setup::default()).await;
    let first = subject.make_lobby(1, 2, "alice").await;
    subject.make_lobby(2, 2, "bob").await;
    assert_eq!(subject.join_lobby(2, "alice").await, Entered::Elsewhere(first.clone()));
    let again = subject.lobbies.create_lobby(new(3, 2), comer("alice"), TERMS).await;
    assert_eq!(again, Ok(Entered::Elsewhere(first.clone())));
    assert_eq!(subject.lobbies.lobby_of(user("alice")).await, Ok(Some(first)));
    assert_eq!(subject.lobbies.lobby(LobbyId::from_bits(3)).await, Ok(None));
    entered(subject.join_lobby(2, "carol").await);
    assert_eq!(subject.join_lobby(2, "dave").await, Entered::Full);
    assert_eq!(subject.lobbies.lobby_of(user("dave")).await, Ok(None));
    // Neither of two that are wanted at once is got twice.
    for round in 0..10 {
        let name = format!("erin{round}");
        let ids = [100 + 2 * round, 101 + 2 * round];
        let both = ids.map(|id| subject.lobbies.create_lobby(new(id, 2), comer(&name), TERMS));
        let results = join_all(both).await;
        let got = results.iter().filter(|one| matches!(one, Ok(Entered::In(_)))).count();
        assert_eq!(got, 1, "{results:?}");
        let mut there = 0;
        for id in ids {
            let lobby = subject.lobbies.lobby(LobbyId::from_bits(id)).await.expect("read");
            there += usize::from(lobby.is_some_and(|lobby| lobby.has(&user(&name))));
        }
        assert_eq!(there, 1);
    }
}

/// Of many who want the last seats, as many get one as there are.
pub async fn the_last_seat_is_taken_once(make: impl AsyncFn(Setup) -> Subject) {
    let subject = make(Setup::default()).await;
    for round in 0..20 {
        let capacity = 2 + round % 3;
        subject
            .make_lobby(round, capacity as u32, &format!("owner{round}"))
            .await;
        let names: Vec<String> = (0..10).map(|number| format!("u{round}-{number}")).collect();
        let joins = names.iter().map(|name| subject.join_lobby(round, name));
        let results = join_all(joins).await;
        let got = results.iter().filter(|one| matches!(one, Entered::In(_))).count();
        let full = results.iter().filter(|one| **one == Entered::Full).count();
        assert_eq!((got as u128, full as u128), (capacity - 1, 11 - capacity));
        let lobby = subject.lobbies.lobby(LobbyId::from_bits(round)).await.expect("read");
        assert_eq!(lobby.expect("there").members.len() as u128, capacity);
    }
}

/// Who has no socket any more is taken out when their time is up, and the last one takes the lobby with them.
pub async fn who_vanishes_is_taken_out(make: impl AsyncFn(Setup) -> Subject) {
    let mut subject = make(Setup::default()).await;
    let id = LobbyId::from_bits(9);
    let of = |name: &str| InLobby {
        lobby: id,
        user: user(name),
    };
    subject.make_lobby(9, 8, "alice").await;
    for name in ["bob", "carol", "dave"] {
        entered(subject.join_lobby(9, name).await);
    }
    subject.subscribe(&[&id.room()]).await;
    let life = Arc::clone(&subject.lobby_life);
    // Two nodes hold bob; carol came back within her time; dave was never here.
    assert_eq!(life.keep_in_lobbies(vec![of("bob")], 2, TERMS).await, Ok(vec![]));
    life.let_go_in_lobbies(vec![of("bob")], 1, BRIEF).await.expect("done");
    life.let_go_in_lobbies(vec![of("carol")], 1, TERMS).await.expect("done");
    assert_eq!(
        life.keep_in_lobbies(vec![of("carol"), of("nobody")], 2, TERMS).await,
        Ok(vec![of("nobody")])
    );
    life.let_go_in_lobbies(vec![of("alice")], 1, BRIEF).await.expect("done");
    assert_eq!(subject.swept(1).await, 0);
    let (_, what, seq, data) = subject.news().await;
    assert_eq!((&*what, seq), ("lobby-updated", Some(4)));
    assert_eq!(data["diff"]["left"], serde_json::json!(["alice"]));
    assert_eq!(data["diff"]["ownerId"], "bob");
    // What they were in says nothing any more.
    assert_eq!(subject.lobbies.lobby_of(user("alice")).await, Ok(None));
    subject.make_lobby(10, 2, "alice").await;
    // All at once: one notice, and it is the end.
    for (name, node) in [("bob", 2), ("carol", 1), ("carol", 2), ("dave", 1)] {
        life.let_go_in_lobbies(vec![of(name)], node, BRIEF).await.expect("done");
    }
    let mut ended = 0;
    let mut last = None;
    while last.is_none_or(|seq| seq < 5) || ended == 0 {
        ended += life.sweep_lobbies(100, TERMS).await.expect("swept").ended;
        let lobby = subject.lobbies.lobby(id).await.expect("read");
        if lobby.is_none() {
            let history = subject.bus.history(id.room(), None, 100).await.expect("history");
            let said: Vec<_> = history.broadcasts.iter().map(|one| &*one.message.destination).collect();
            let deleted = said.iter().filter(|what| **what == "lobby-deleted").count();
            assert_eq!((deleted, said.last()), (1, Some(&"lobby-deleted")));
            last = Some(5);
        }
    }
    assert_eq!(ended, 1);
    assert!(life.sweep_lobbies(100, TERMS).await.is_ok());
}

/// Pages go from the newest to the oldest, whatever is made or ends meanwhile.
pub async fn pages_of_lobbies_are_stable(make: impl AsyncFn(Setup) -> Subject) {
    let subject = make(Setup::default()).await;
    let empty = subject.lobbies.list_lobbies(None, 10).await.expect("a page");
    assert_eq!((empty.lobbies.len(), empty.next), (0, None));
    for id in 0..25 {
        subject.make_lobby(id, 2, &format!("owner{id}")).await;
    }
    let mut seen = Vec::new();
    let mut after = None;
    let mut pages = 0;
    loop {
        let page = subject.lobbies.list_lobbies(after, 4).await.expect("a page");
        seen.extend(page.lobbies.iter().map(|lobby| (lobby.created_at, lobby.lobby_id)));
        pages += 1;
        // The one at the cursor ends, one that was seen, and one that was not; and new ones come.
        if pages == 2 {
            let (_, last) = *seen.last().expect("some");
            for gone in [last, seen[0].1, LobbyId::from_bits(0)] {
                let ended = subject.lobbies.end_lobby(gone, TERMS).await.expect("ended");
                assert!(ended.is_some_and(|left| left.ended));
            }
            for id in 100..105 {
                subject.make_lobby(id, 2, &format!("owner{id}")).await;
            }
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert!(seen.is_sorted_by(|one, next| one > next), "{seen:?}");
    // New ones are seen where they were made in the same millisecond as the one at the cursor.
    let new: BTreeSet<_> = (100..105).map(LobbyId::from_bits).collect();
    let seen = seen.into_iter().map(|(_, id)| id).filter(|id| !new.contains(id));
    let expected: BTreeSet<_> = (1..25).map(LobbyId::from_bits).collect();
    assert_eq!(seen.collect::<BTreeSet<_>>(), expected);
}

/// A piece of work is one holder's at a time, until it ends.
pub async fn work_is_leased(make: impl AsyncFn(Setup) -> Subject) {
    let subject = make(Setup::default()).await;
    let long = Duration::from_secs(60);
    for _ in 0..2 {
        assert_eq!(subject.leases.take_lease("work", 1, long).await, Ok(true));
    }
    assert_eq!(
        subject.leases.take_lease("other", 1, Duration::from_millis(1)).await,
        Ok(true)
    );
    let taken = async { while subject.leases.take_lease("other", 1, long).await != Ok(true) {} };
    timeout(PATIENCE, taken).await.expect("it ends");
}
