//! Memberships.

use super::{Setup, Subject, done, room, user};
use crate::{Role, StoreError, Who};

/// The time at which nothing ends that lasts.
const FAR: i64 = 4_000_000_000_000;

/// A membership is there until it is removed.
pub async fn members_come_and_go(make: impl AsyncFn(Setup) -> Subject) {
    let subject = make(Setup::default()).await;
    let (store, group, ann) = (&subject.store, room("group-1"), user("ann"));
    assert_eq!(done(store.role_in(ann.clone(), group.clone())).await, None);
    assert!(!done(store.remove_member(group.clone(), ann.clone())).await);
    let put = done(store.put_member(group.clone(), ann.clone(), Role::Owner)).await;
    assert_eq!((put.room.clone(), put.user.clone()), (group.clone(), ann.clone()));
    assert_eq!(
        (put.role, put.muted_until, put.banned),
        (Some(Role::Owner), None, false)
    );
    assert!(put.created_at > 1_600_000_000_000, "Unix milliseconds");
    let read = done(subject.other.membership(group.clone(), ann.clone())).await;
    assert_eq!(read, Some(put));
    assert_eq!(done(store.role_in(ann.clone(), group.clone())).await, Some(Role::Owner));
    assert_eq!(done(store.role_in(user("bob"), group.clone())).await, None);
    assert_eq!(done(store.role_in(ann.clone(), room("group-2"))).await, None);
    assert!(done(store.remove_member(group.clone(), ann.clone())).await);
    assert_eq!(done(store.membership(group, ann)).await, None);
}

/// Putting a member again gives them another role and keeps the rest.
pub async fn a_member_has_one_role(make: impl AsyncFn(Setup) -> Subject) {
    let subject = make(Setup::default()).await;
    let (store, group, ann) = (&subject.store, room("group-1"), user("ann"));
    let first = done(store.put_member(group.clone(), ann.clone(), Role::Member)).await;
    done(store.mute(group.clone(), ann.clone(), Some(FAR)))
        .await
        .expect("a member");
    let second = done(store.put_member(group.clone(), ann.clone(), Role::Moderator)).await;
    assert_eq!(second.role, Some(Role::Moderator));
    assert_eq!((second.created_at, second.muted_until), (first.created_at, Some(FAR)));
}

/// Who leaves and comes back is as mute as before; a mute that is over leaves nothing behind.
pub async fn a_mute_outlives_leaving(make: impl AsyncFn(Setup) -> Subject) {
    let subject = make(Setup::default()).await;
    let (store, group, ann) = (&subject.store, room("group-1"), user("ann"));
    assert_eq!(
        done(store.mute(group.clone(), ann.clone(), Some(FAR))).await,
        None,
        "no member"
    );
    done(store.put_member(group.clone(), ann.clone(), Role::Member)).await;
    done(store.mute(group.clone(), ann.clone(), Some(FAR)))
        .await
        .expect("a member");
    assert!(done(store.remove_member(group.clone(), ann.clone())).await);
    assert!(!done(store.remove_member(group.clone(), ann.clone())).await);
    assert_eq!(done(store.role_in(ann.clone(), group.clone())).await, None);
    let back = done(store.put_member(group.clone(), ann.clone(), Role::Member)).await;
    assert_eq!(back.muted_until, Some(FAR));
    let unmuted = done(store.mute(group.clone(), ann.clone(), None))
        .await
        .expect("a member");
    assert_eq!(unmuted.muted_until, None);
    done(store.mute(group.clone(), ann.clone(), Some(1000)))
        .await
        .expect("a member");
    assert!(done(store.remove_member(group.clone(), ann.clone())).await);
    assert_eq!(done(store.membership(group, ann)).await, None);
}

/// A ban holds against leaving and coming again, until it is lifted.
pub async fn a_ban_ends_a_membership_and_forbids_another(make: impl AsyncFn(Setup) -> Subject) {
    let subject = make(Setup::default()).await;
    let (store, group, ann) = (&subject.store, room("group-1"), user("ann"));
    done(store.put_member(group.clone(), ann.clone(), Role::Moderator)).await;
    assert!(done(store.ban(group.clone(), ann.clone(), true)).await);
    assert!(!done(store.ban(group.clone(), ann.clone(), true)).await);
    assert_eq!(done(store.role_in(ann.clone(), group.clone())).await, None);
    assert!(!done(store.remove_member(group.clone(), ann.clone())).await);
    let refused = subject.other.put_member(group.clone(), ann.clone(), Role::Member).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    // One who never was a member.
    assert!(done(store.ban(group.clone(), user("bob"), true)).await);
    let banned = done(store.members(group.clone(), Who::Banned, None, 10)).await;
    let banned: Vec<_> = banned
        .items
        .iter()
        .map(|it| (it.user.as_str(), it.banned, it.role))
        .collect();
    assert_eq!(banned, [("ann", true, None), ("bob", true, None)]);
    assert!(
        done(store.members(group.clone(), Who::Members, None, 10))
            .await
            .items
            .is_empty()
    );
    assert!(done(store.ban(group.clone(), ann.clone(), false)).await);
    assert!(!done(store.ban(group.clone(), ann.clone(), false)).await);
    assert_eq!(done(store.membership(group.clone(), ann.clone())).await, None);
    assert_eq!(
        done(store.put_member(group, ann, Role::Member)).await.role,
        Some(Role::Member)
    );
}

/// Every member and every room once, whatever the size of the pages.
pub async fn members_and_rooms_come_in_pages(make: impl AsyncFn(Setup) -> Subject) {
    let subject = make(Setup::default()).await;
    let store = &subject.store;
    // Upper before lower case, and punctuation by its byte: no language's order.
    let (users, rooms) = (
        ["B", "a", "a-b", "a.b", "aa"],
        ["chat-a-b", "group-1", "group-10", "group-2"],
    );
    for name in users {
        done(store.put_member(room("group-1"), user(name), Role::Member)).await;
    }
    for name in rooms {
        done(store.put_member(room(name), user("a"), Role::Member)).await;
    }
    for limit in [1, 2, 3, 100] {
        let (mut seen, mut after) = (vec![], None);
        loop {
            let page = done(store.members(room("group-1"), Who::Members, after, limit)).await;
            assert!(page.items.len() <= limit);
            seen.extend(page.items.into_iter().map(|member| member.user.to_string()));
            let Some(next) = page.next else { break };
            after = Some(next);
        }
        assert_eq!(seen, users);
        let (mut seen, mut after) = (vec![], None);
        loop {
            let page = done(store.rooms_of(user("a"), after, limit)).await;
            assert!(page.items.len() <= limit);
            seen.extend(page.items.into_iter().map(|member| member.room.to_string()));
            let Some(next) = page.next else { break };
            after = Some(next);
        }
        assert_eq!(seen, rooms);
    }
}
