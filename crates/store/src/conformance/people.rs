//! Users, and the store itself.

use super::{PATIENCE, Setup, Subject, done, user};
use crate::StoreError;

/// A user is known from the first thing that is stored of them.
pub async fn users_have_names_and_statuses(make: impl AsyncFn(Setup) -> Subject) {
    let subject = make(Setup::default()).await;
    let (store, ann) = (&subject.store, user("ann"));
    assert_eq!(done(store.user(ann.clone())).await, None);
    assert!(done(store.set_status(ann.clone(), "ONLINE".into(), 1000)).await);
    done(store.put_user(ann.clone(), Some("Ann Ø.".into()))).await;
    let known = done(subject.other.user(ann.clone())).await.expect("known");
    assert_eq!(known.id, ann);
    assert_eq!(known.name.as_deref(), Some("Ann Ø."));
    assert_eq!(
        (known.status.as_deref(), known.last_seen_at),
        (Some("ONLINE"), Some(1000))
    );
    assert!(known.created_at > 1_600_000_000_000, "Unix milliseconds");
    done(store.put_user(ann.clone(), None)).await;
    let renamed = done(store.user(ann)).await.expect("known");
    assert_eq!((renamed.name, renamed.created_at), (None, known.created_at));
}

/// Two nodes tell a user's statuses in either order.
pub async fn an_older_status_is_not_taken(make: impl AsyncFn(Setup) -> Subject) {
    let subject = make(Setup::default()).await;
    let ann = user("ann");
    assert!(done(subject.store.set_status(ann.clone(), "OFFLINE".into(), 2000)).await);
    assert!(!done(subject.other.set_status(ann.clone(), "ONLINE".into(), 1999)).await);
    let known = done(subject.store.user(ann.clone())).await.expect("known");
    assert_eq!(
        (known.status.as_deref(), known.last_seen_at),
        (Some("OFFLINE"), Some(2000))
    );
    assert!(done(subject.other.set_status(ann, "IDLE".into(), 2000)).await);
}

/// Later calls are answered at once; closing again is harmless.
pub async fn closing_ends_calls(make: impl AsyncFn(Setup) -> Subject) {
    let subject = make(Setup::default()).await;
    assert!(*subject.store.health().borrow());
    for _ in 0..2 {
        tokio::time::timeout(PATIENCE, subject.store.close())
            .await
            .expect("in time");
    }
    let answer = subject.store.user(user("ann")).await;
    assert!(matches!(answer, Err(StoreError::Unavailable { .. })), "{answer:?}");
    assert!(!*subject.store.health().borrow());
    // A database in memory has one store, which is both.
    if !std::ptr::addr_eq(&raw const *subject.store, &raw const *subject.other) {
        done(subject.other.user(user("ann"))).await;
    }
}
