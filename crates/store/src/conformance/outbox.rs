//! The outbox.

use std::collections::HashSet;
use std::time::Duration;

use super::{Setup, Subject, done, room, user};
use crate::{Change, ChangeId, Reacted, Unsent};

/// Changes are due at once.
const NO_LEASE: Setup = Setup { lease: Duration::ZERO };

fn ids(unsent: &[Unsent]) -> Vec<ChangeId> {
    unsent.iter().map(|it| it.id.clone()).collect()
}

/// A change is handed out until somebody says that it was sent.
pub async fn changes_wait_until_they_are_sent(make: impl AsyncFn(Setup) -> Subject) {
    let subject = make(NO_LEASE).await;
    let (store, chat) = (&subject.store, room("chat-ann-bob"));
    assert!(done(store.unsent(10)).await.is_empty());
    let mut changes = vec![];
    for number in 0..3 {
        changes.push(subject.say(&chat, &number.to_string()).await.change.expect("a change"));
    }
    for attempt in 1..=3 {
        let due = done(subject.other.unsent(10)).await;
        assert_eq!(ids(&due), changes);
        assert!(
            due.iter()
                .all(|it| it.attempts == attempt && it.change == Change::Created)
        );
    }
    assert_eq!(done(store.unsent(2)).await.len(), 2);
    assert!(done(store.unsent(0)).await.is_empty());
    for _ in 0..2 {
        done(store.mark_sent(vec![changes[1].clone()])).await;
    }
    assert_eq!(
        ids(&done(store.unsent(10)).await),
        [changes[0].clone(), changes[2].clone()]
    );
    done(subject.other.mark_sent(changes)).await;
    assert!(done(store.unsent(10)).await.is_empty());
    done(store.mark_sent(vec![])).await;
}

/// Who stored a change, or took it, has it to themselves.
pub async fn a_lease_keeps_changes_from_others(make: impl AsyncFn(Setup) -> Subject) {
    let subject = make(Setup::default()).await;
    let stored = subject.say(&room("chat-ann-bob"), "one").await;
    for store in [&subject.store, &subject.other] {
        assert!(done(store.unsent(10)).await.is_empty());
    }
    let change = stored.change.expect("a change");
    done(subject.store.give_back(vec![])).await;
    done(subject.store.give_back(vec![change.clone()])).await;
    assert_eq!(ids(&done(subject.other.unsent(10)).await), [change]);
    assert!(
        done(subject.store.unsent(10)).await.is_empty(),
        "who took it has it again"
    );
}

/// Nodes that look at once share everything that is due, and wait for one another no longer than a moment.
pub async fn nodes_share_what_is_unsent(make: impl AsyncFn(Setup) -> Subject) {
    const COUNT: usize = 40;
    let subject = make(NO_LEASE).await;
    for number in 0..COUNT {
        subject.say(&room(&format!("group-{}", number % 5)), "x").await;
    }
    let mut sent = HashSet::new();
    for _ in 0..COUNT {
        let takers = [&subject.store, &subject.other].map(|store| tokio::spawn(store.unsent(7)));
        for taker in takers {
            let due = taker.await.expect("no panic").expect("taken");
            sent.extend(ids(&due));
            done(subject.store.mark_sent(ids(&due))).await;
        }
        if sent.len() == COUNT {
            break;
        }
    }
    assert_eq!(sent.len(), COUNT);
    assert!(done(subject.store.unsent(10)).await.is_empty());
}

/// Every kind of change is told with all that its broadcast needs, and in its order.
pub async fn what_an_outbox_tells_is_complete(make: impl AsyncFn(Setup) -> Subject) {
    let subject = make(NO_LEASE).await;
    let (store, chat) = (&subject.store, room("chat-ann-bob"));
    let id = subject.say(&chat, "one").await.message.id;
    let by_bob = |on| Reacted {
        user: user("bob"),
        reaction: "👍".into(),
        on,
    };
    done(store.edit_message(chat.clone(), id, "two".into())).await;
    done(store.react(chat.clone(), id, by_bob(true))).await;
    done(store.edit_message(chat.clone(), id, "two".into())).await;
    let due = done(store.unsent(10)).await;
    assert!(
        due.iter()
            .all(|it| it.message.reactions.len() == 1 && it.message.content == "two")
    );
    done(store.react(chat.clone(), id, by_bob(false))).await;
    done(store.delete_message(chat.clone(), id)).await;
    let due = done(store.unsent(10)).await;
    let told: Vec<_> = due.iter().map(|it| it.change.clone()).collect();
    let expected = [
        Change::Created,
        Change::Edited,
        Change::Reacted(by_bob(true)),
        Change::Reacted(by_bob(false)),
        Change::Deleted,
    ];
    assert_eq!(told, expected);
    let message = done(store.message(chat, id)).await.expect("there");
    assert!(due.iter().all(|it| it.message == message));
    assert_eq!(due.last().map(|it| it.id.revision), Some(message.revision));
}
