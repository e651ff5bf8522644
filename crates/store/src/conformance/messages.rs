//! Messages, reactions and read positions.

use std::collections::HashSet;

use super::{Setup, Subject, done, room, text, user};
use crate::{MessageId, MessageKind, NewMessage, REACTIONS_MAX, Range, Reacted, StoreError};

fn reacted(name: &str, reaction: &str, on: bool) -> Reacted {
    Reacted {
        user: user(name),
        reaction: reaction.to_owned(),
        on,
    }
}

/// What is stored comes back, to the last character.
pub async fn messages_are_stored_as_they_are(make: impl AsyncFn(Setup) -> Subject) {
    let subject = make(Setup::default()).await;
    let chat = room("chat-ann-bob");
    let first = subject.say(&chat, "hello").await.message;
    let new = NewMessage {
        kind: MessageKind::Image,
        reply_to: Some(first.id),
        client_message_id: Some("c-1 ø".into()),
        ..text(
            &chat,
            &user("bob"),
            "ünïcode 🚪\u{1}\r\n\t\\ \u{feff}\u{202e} %s {} $1 ?",
        )
    };
    let stored = done(subject.store.insert_message(new.clone())).await;
    let change = stored.change.expect("a change");
    assert_eq!((change.room, change.revision), (chat.clone(), stored.message.revision));
    let message = stored.message;
    assert_eq!((message.kind, &message.content), (new.kind, &new.content));
    assert_eq!(
        (message.reply_to_id, &message.client_message_id),
        (new.reply_to, &new.client_message_id)
    );
    assert_eq!((message.edited_at, message.deleted_at), (None, None));
    assert_eq!(message.created_at, message.id.millis());
    assert!(message.created_at > 1_600_000_000_000, "Unix milliseconds");
    assert!(message.reactions.is_empty());
    let read = done(subject.other.message(chat, message.id)).await;
    assert_eq!(read, Some(message.clone()));
    assert_eq!(
        done(subject.other.message(room("chat-ann-eve"), message.id)).await,
        None
    );
}

/// The same sender, room and client's id: the same message, also after it was changed.
pub async fn a_repeat_is_the_same_message(make: impl AsyncFn(Setup) -> Subject) {
    let subject = make(Setup::default()).await;
    let (store, chat) = (&subject.store, room("chat-ann-bob"));
    let named = |from: &str, content: &str| NewMessage {
        client_message_id: Some("c-1".into()),
        ..text(&chat, &user(from), content)
    };
    let first = done(store.insert_message(named("ann", "one"))).await;
    assert!(first.change.is_some());
    let again = done(subject.other.insert_message(named("ann", "two"))).await;
    assert_eq!((again.message, again.change), (first.message.clone(), None));
    let edited = done(store.edit_message(chat.clone(), first.message.id, "three".into())).await;
    let again = done(store.insert_message(named("ann", "one"))).await;
    assert_eq!(Some(again.message), edited.map(|stored| stored.message));
    // Somebody else's, another room's, and those without a name.
    assert!(done(store.insert_message(named("bob", "one"))).await.change.is_some());
    let elsewhere = NewMessage {
        room: room("group-1"),
        ..named("ann", "one")
    };
    assert!(done(store.insert_message(elsewhere)).await.change.is_some());
    for _ in 0..2 {
        assert!(subject.say(&chat, "one").await.change.is_some());
    }
    assert_eq!(done(store.list_messages(chat, Range::Newest, 100)).await.items.len(), 4);
}

/// A repeat that overtakes the first attempt on another node is the same message too.
pub async fn repeats_on_two_nodes_are_one_message(make: impl AsyncFn(Setup) -> Subject) {
    let subject = make(Setup::default()).await;
    let chat = room("chat-ann-bob");
    for round in 0..10 {
        let new = NewMessage {
            client_message_id: Some(format!("c-{round}")),
            ..text(&chat, &user("ann"), "x")
        };
        let calls = [&subject.store, &subject.other, &subject.store, &subject.other]
            .map(|store| tokio::spawn(store.insert_message(new.clone())));
        let (mut ids, mut changes) = (HashSet::new(), 0);
        for call in calls {
            let stored = call.await.expect("no panic").expect("stored");
            ids.insert(stored.message.id);
            changes += usize::from(stored.change.is_some());
        }
        assert_eq!((ids.len(), changes), (1, 1));
    }
}

/// A message answers one of the same room, or none.
pub async fn an_answer_needs_its_message(make: impl AsyncFn(Setup) -> Subject) {
    let subject = make(Setup::default()).await;
    let (store, chat) = (&subject.store, room("chat-ann-bob"));
    let first = subject.say(&chat, "one").await.message.id;
    for (place, answered, is_there) in [
        (&chat, first, true),
        (&room("group-1"), first, false),
        (&chat, MessageId::just_before(0), false),
    ] {
        let new = NewMessage {
            reply_to: Some(answered),
            ..text(place, &user("ann"), "x")
        };
        let stored = store.insert_message(new).await;
        assert_eq!(stored.is_ok(), is_there, "{stored:?}");
        assert!(matches!(stored, Ok(_) | Err(StoreError::NotFound(_))), "{stored:?}");
    }
    assert_eq!(done(store.list_messages(chat, Range::Newest, 10)).await.items.len(), 2);
}

/// Forward and backward, every message once, whatever the size of the pages.
pub async fn messages_come_in_pages(make: impl AsyncFn(Setup) -> Subject) {
    let subject = make(Setup::default()).await;
    let (store, chat) = (&subject.store, room("chat-ann-bob"));
    let mut ids = vec![];
    for number in 0..7 {
        ids.push(subject.say(&chat, &number.to_string()).await.message.id);
        subject.say(&room("group-1"), "elsewhere").await;
    }
    for limit in [1, 3, 7, 100] {
        let (mut seen, mut range) = (vec![], Range::Newest);
        loop {
            let page = done(store.list_messages(chat.clone(), range, limit)).await;
            let part: Vec<_> = page.items.iter().map(|message| message.id).collect();
            assert!(part.len() <= limit && part.is_sorted());
            seen.splice(0..0, part);
            let Some(next) = page.next else { break };
            range = Range::Before(next);
        }
        assert_eq!(seen, ids);
        let (mut seen, mut range) = (vec![], Range::After(MessageId::just_before(0)));
        loop {
            let page = done(store.list_messages(chat.clone(), range, limit)).await;
            seen.extend(page.items.iter().map(|message| message.id));
            let Some(next) = page.next else { break };
            range = Range::After(next);
        }
        assert_eq!(seen, ids);
    }
    let middle = done(store.list_messages(chat.clone(), Range::Before(ids[4]), 2)).await;
    assert_eq!(middle.items.iter().map(|it| it.id).collect::<Vec<_>>(), ids[2..4]);
    assert_eq!(middle.next, Some(ids[2]));
    let end = done(store.list_messages(chat, Range::After(ids[5]), 5)).await;
    assert_eq!((end.items.len(), end.next), (1, None));
    assert!(
        done(store.list_messages(room("group-2"), Range::Newest, 5))
            .await
            .items
            .is_empty()
    );
}

/// Nodes that write to one room at once give ids in the order in which their calls ended.
pub async fn ids_rise_across_nodes(make: impl AsyncFn(Setup) -> Subject) {
    let subject = make(Setup::default()).await;
    let chat = room("chat-ann-bob");
    let mut last = MessageId::just_before(0);
    for round in 0..20 {
        let store = if round % 2 == 0 { &subject.store } else { &subject.other };
        let id = done(store.insert_message(text(&chat, &user("ann"), "x")))
            .await
            .message
            .id;
        assert!(id > last);
        last = id;
    }
}

/// Who reads page by page what is new, while two nodes write, gets everything once: nothing appears behind a cursor.
pub async fn a_reader_misses_nothing_while_nodes_write(make: impl AsyncFn(Setup) -> Subject) {
    const EACH: usize = 40;
    let subject = make(Setup::default()).await;
    let chat = room("chat-ann-bob");
    let writers: Vec<_> = [&subject.store, &subject.other, &subject.store, &subject.other]
        .into_iter()
        .map(|store| {
            let (store, chat) = (store.clone(), chat.clone());
            tokio::spawn(async move {
                for _ in 0..EACH {
                    done(store.insert_message(text(&chat, &user("ann"), "x"))).await;
                }
            })
        })
        .collect();
    let (mut seen, mut place) = (Vec::new(), MessageId::just_before(0));
    loop {
        // Looked at before reading: what was written by then is found.
        let is_last = writers.iter().all(|writer| writer.is_finished());
        let page = done(
            subject
                .store
                .list_messages(chat.clone(), Range::ChangedAfter(place), 500),
        )
        .await;
        seen.extend(page.items.iter().map(|message| message.id));
        place = page.items.last().map_or(place, |message| message.revision);
        if is_last && page.items.is_empty() {
            break;
        }
    }
    for writer in writers {
        writer.await.expect("no panic");
    }
    assert_eq!(seen.len(), 4 * EACH);
    assert_eq!(seen.iter().collect::<HashSet<_>>().len(), 4 * EACH);
    assert!(seen.is_sorted());
}

/// An edit changes the content, a deletion leaves a tombstone; repeating either is no change.
pub async fn edits_and_deletions_are_changes(make: impl AsyncFn(Setup) -> Subject) {
    let subject = make(Setup::default()).await;
    let (store, chat) = (&subject.store, room("chat-ann-bob"));
    let first = subject.say(&chat, "one").await.message;
    let edited = done(store.edit_message(chat.clone(), first.id, "two".into()))
        .await
        .expect("there");
    let change = edited.change.expect("a change");
    assert!(change.revision > first.revision);
    let message = edited.message;
    assert_eq!(
        (message.id, &*message.content, message.revision),
        (first.id, "two", change.revision)
    );
    assert!(message.edited_at >= Some(message.created_at));
    assert_eq!(message.created_at, first.created_at);
    let same = done(subject.other.edit_message(chat.clone(), first.id, "two".into()))
        .await
        .expect("there");
    assert_eq!((same.message, same.change), (message.clone(), None));
    done(store.react(chat.clone(), first.id, reacted("bob", "👍", true)))
        .await
        .expect("there");
    let deleted = done(store.delete_message(chat.clone(), first.id)).await.expect("there");
    assert!(deleted.change.is_some());
    let stone = deleted.message;
    assert!(stone.content.is_empty() && stone.reactions.is_empty() && stone.deleted_at.is_some());
    let again = done(subject.other.delete_message(chat.clone(), first.id))
        .await
        .expect("there");
    assert_eq!((again.message, again.change), (stone.clone(), None));
    let page = done(store.list_messages(chat.clone(), Range::Newest, 10)).await;
    assert_eq!(page.items, [stone]);
    assert_eq!(
        done(store.edit_message(chat.clone(), first.id, "three".into())).await,
        None
    );
    assert_eq!(
        done(store.react(chat, first.id, reacted("bob", "👍", true))).await,
        None
    );
}

/// Someone who was away finds what was said, edited, deleted and reacted to, and each message once.
pub async fn changes_are_found_since_a_time(make: impl AsyncFn(Setup) -> Subject) {
    let subject = make(Setup::default()).await;
    let (store, chat) = (&subject.store, room("chat-ann-bob"));
    let mut ids = vec![];
    for number in 0..5 {
        ids.push(subject.say(&chat, &number.to_string()).await.message.id);
    }
    let all = done(store.list_messages(chat.clone(), Range::Since(ids[0].millis()), 100)).await;
    assert_eq!(all.items.iter().map(|it| it.id).collect::<Vec<_>>(), ids);
    let future = Range::Since(ids[4].millis() + 3_600_000);
    assert!(
        done(store.list_messages(chat.clone(), future, 100))
            .await
            .items
            .is_empty()
    );
    // From a place that somebody saved: all messages so far.
    let place = all.items[4].revision;
    done(store.edit_message(chat.clone(), ids[1], "edited".into())).await;
    done(store.delete_message(chat.clone(), ids[0])).await;
    let new = subject.say(&chat, "new").await.message.id;
    done(store.react(chat.clone(), ids[2], reacted("bob", "👍", true))).await;
    done(store.edit_message(chat.clone(), ids[1], "edited again".into())).await;
    for limit in [1, 2, 100] {
        let (mut seen, mut place) = (vec![], place);
        loop {
            let page = done(store.list_messages(chat.clone(), Range::ChangedAfter(place), limit)).await;
            seen.extend(page.items.iter().map(|message| message.id));
            let Some(next) = page.next else { break };
            place = next;
        }
        assert_eq!(seen, [ids[0], new, ids[2], ids[1]]);
    }
}

/// A user gives a reaction once; reactions come in the order in which they were first given.
pub async fn reactions_are_counted(make: impl AsyncFn(Setup) -> Subject) {
    let subject = make(Setup::default()).await;
    let (store, chat) = (&subject.store, room("group-1"));
    let ids = [
        subject.say(&chat, "one").await.message.id,
        subject.say(&chat, "two").await.message.id,
    ];
    let react = async |id, by, is_change| {
        let stored = done(store.react(chat.clone(), id, by)).await.expect("there");
        assert_eq!(stored.change.is_some(), is_change);
    };
    react(ids[0], reacted("ann", "👍", true), true).await;
    react(ids[0], reacted("ann", "👍", true), false).await;
    react(ids[1], reacted("ann", "🎉", true), true).await;
    react(ids[0], reacted("bob", "👍", true), true).await;
    react(ids[0], reacted("bob", "❤️", true), true).await;
    react(ids[0], reacted("bob", "🎉", false), false).await;
    let page = done(subject.other.list_messages(chat.clone(), Range::Newest, 10)).await;
    let counted: Vec<Vec<(&str, i64)>> = page
        .items
        .iter()
        .map(|message| message.reactions.iter().map(|it| (&*it.reaction, it.count)).collect())
        .collect();
    assert_eq!(counted[1], [("🎉", 1)]);
    // Two that were first given in the same millisecond come in the order of their text.
    assert_eq!(
        counted[0].iter().copied().collect::<HashSet<_>>(),
        [("👍", 2), ("❤️", 1)].into()
    );
    let mut users: Vec<_> = page.items[0]
        .reactions
        .iter()
        .find(|it| it.count == 2)
        .expect("there")
        .users
        .clone();
    users.sort();
    assert_eq!(users, [user("ann"), user("bob")]);
    react(ids[0], reacted("ann", "👍", false), true).await;
    react(ids[0], reacted("ann", "👍", false), false).await;
    let message = done(store.message(chat.clone(), ids[0])).await.expect("there");
    assert!(
        message
            .reactions
            .iter()
            .all(|it| it.users == [user("bob")] && it.count == 1)
    );
}

/// A message has so many different reactions and no more, none of them too long.
pub async fn reactions_are_bounded(make: impl AsyncFn(Setup) -> Subject) {
    let subject = make(Setup::default()).await;
    let (store, chat) = (&subject.store, room("group-1"));
    let id = subject.say(&chat, "one").await.message.id;
    for number in 0..REACTIONS_MAX {
        done(store.react(chat.clone(), id, reacted("ann", &number.to_string(), true))).await;
    }
    let more = store.react(chat.clone(), id, reacted("ann", "more", true)).await;
    assert!(matches!(more, Err(StoreError::Conflict(_))), "{more:?}");
    let known = done(store.react(chat.clone(), id, reacted("bob", "0", true))).await;
    assert!(known.is_some_and(|stored| stored.change.is_some()));
    for reaction in [String::new(), "x".repeat(65)] {
        let refused = store.react(chat.clone(), id, reacted("ann", &reaction, true)).await;
        assert!(matches!(refused, Err(StoreError::Invalid(_))), "{refused:?}");
    }
}

/// Another room's message is not there.
pub async fn what_is_not_there_cannot_be_changed(make: impl AsyncFn(Setup) -> Subject) {
    let subject = make(Setup::default()).await;
    let store = &subject.store;
    let id = subject.say(&room("chat-ann-bob"), "one").await.message.id;
    for (place, id) in [
        (room("chat-ann-eve"), id),
        (room("chat-ann-bob"), MessageId::just_before(id.millis())),
    ] {
        assert_eq!(done(store.message(place.clone(), id)).await, None);
        assert_eq!(done(store.edit_message(place.clone(), id, "x".into())).await, None);
        assert_eq!(done(store.delete_message(place.clone(), id)).await, None);
        assert_eq!(
            done(store.react(place.clone(), id, reacted("ann", "x", true))).await,
            None
        );
        assert_eq!(done(store.mark_read(place, user("ann"), id)).await, None);
    }
}

/// Whatever stands in a text, it stays one.
pub async fn sql_in_a_text_is_text(make: impl AsyncFn(Setup) -> Subject) {
    let subject = make(Setup::default()).await;
    let (store, chat) = (&subject.store, room("chat-ann-bob"));
    for nasty in [
        "'; DROP TABLE messages; --",
        "\"; DROP TABLE messages; --",
        "$1 $2 ?1 :name @name ? %s",
        "\\'; SELECT pg_sleep(100); --",
        "/* */ -- \n'",
        "[\"group-1\",\"x\"]",
        "x' OR '1'='1",
    ] {
        let new = NewMessage {
            client_message_id: Some(nasty.into()),
            ..text(&chat, &user("ann"), nasty)
        };
        let id = done(store.insert_message(new)).await.message.id;
        done(store.edit_message(chat.clone(), id, format!("{nasty}!")))
            .await
            .expect("there");
        done(store.react(chat.clone(), id, reacted("ann", nasty, true)))
            .await
            .expect("there");
        let message = done(store.message(chat.clone(), id)).await.expect("there");
        assert_eq!(message.content, format!("{nasty}!"));
        assert_eq!(message.client_message_id.as_deref(), Some(nasty));
        assert_eq!(message.reactions[0].reaction, nasty);
        done(store.put_user(user("ann"), Some(nasty.into()))).await;
        done(store.set_status(user("ann"), nasty.into(), 1)).await;
        let ann = done(store.user(user("ann"))).await.expect("known");
        assert_eq!((ann.name.as_deref(), ann.status.as_deref()), (Some(nasty), Some(nasty)));
    }
}

/// Postgres keeps no NUL, so nobody does; and what was refused leaves nothing behind.
pub async fn a_nul_is_refused_everywhere(make: impl AsyncFn(Setup) -> Subject) {
    fn refused<T: std::fmt::Debug>(answer: Result<T, StoreError>) {
        assert!(matches!(answer, Err(StoreError::Invalid(_))), "{answer:?}");
    }
    let subject = make(Setup::default()).await;
    let (store, chat, ann) = (&subject.store, room("chat-ann-bob"), user("ann"));
    refused(store.insert_message(text(&chat, &ann, "a\0b")).await);
    let named = NewMessage {
        client_message_id: Some("\0".into()),
        ..text(&chat, &ann, "x")
    };
    refused(store.insert_message(named).await);
    let id = subject.say(&chat, "one").await.message.id;
    refused(store.edit_message(chat.clone(), id, "\0".into()).await);
    refused(store.react(chat.clone(), id, reacted("ann", "\0", true)).await);
    refused(store.put_user(ann.clone(), Some("\0".into())).await);
    refused(store.set_status(ann.clone(), "\0".into(), 1).await);
    assert_eq!(done(store.user(ann)).await, None);
    let page = done(store.list_messages(chat, Range::Newest, 10)).await;
    assert_eq!(page.items.len(), 1);
}

/// A position never goes back, whichever node hears of it first.
pub async fn positions_only_move_forward(make: impl AsyncFn(Setup) -> Subject) {
    let subject = make(Setup::default()).await;
    let (chat, bob) = (room("chat-ann-bob"), user("bob"));
    let one = subject.say(&chat, "one").await.message.id;
    let two = subject.say(&chat, "two").await.message.id;
    for (store, message, position, moved) in [
        (&subject.store, one, one, true),
        (&subject.other, one, one, false),
        (&subject.other, two, two, true),
        (&subject.store, one, two, false),
    ] {
        let read = done(store.mark_read(chat.clone(), bob.clone(), message))
            .await
            .expect("there");
        assert_eq!((read.position.message_id, read.moved), (position, moved));
        assert_eq!(read.position.user_id, bob);
        assert!(read.position.read_at > 1_600_000_000_000, "Unix milliseconds");
    }
}

/// Everybody's position once, whatever the size of the pages.
pub async fn read_positions_come_in_pages(make: impl AsyncFn(Setup) -> Subject) {
    let subject = make(Setup::default()).await;
    let (store, chat) = (&subject.store, room("group-1"));
    let id = subject.say(&chat, "one").await.message.id;
    for name in ["b", "a", "c"] {
        done(store.mark_read(chat.clone(), user(name), id))
            .await
            .expect("there");
    }
    let first = done(store.read_positions(chat.clone(), None, 2)).await;
    let names = |page: &crate::Page<crate::ReadPosition, _>| -> Vec<String> {
        page.items.iter().map(|it| it.user_id.to_string()).collect()
    };
    assert_eq!(
        (names(&first), &first.next),
        (vec!["a".into(), "b".into()], &Some(user("b")))
    );
    let last = done(store.read_positions(chat, first.next, 2)).await;
    assert_eq!((names(&last), last.next), (vec!["c".into()], None));
}
