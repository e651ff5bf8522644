//! What the backend is to be told, and who takes it.

use std::time::Duration;

use bytes::Bytes;

use super::{PATIENCE, Setup, Subject};
use crate::journal::{Backlog, Entry, Lease, Place};

const MANY: u64 = 100_000;

fn lease(partition: u16, holder: &str, life: Duration) -> Lease {
    Lease {
        partition,
        holder: holder.into(),
        life,
    }
}

fn entry(number: usize) -> Entry {
    Entry {
        id: format!("msg_{number}"),
        subject: format!("user/{}", number % 3),
        body: Bytes::from(format!("{{\"n\":{number},\"odd\":\"\0\u{e4}\"}}")),
    }
}

fn entries(numbers: std::ops::Range<usize>) -> Vec<Entry> {
    numbers.map(entry).collect()
}

async fn take(subject: &Subject, lease: &Lease, limit: usize) -> Option<Backlog> {
    subject.journal.take(lease.clone(), limit).await.expect("an answer")
}

fn read(backlog: &Backlog) -> Vec<Entry> {
    backlog.entries.iter().map(|kept| kept.entry.clone()).collect()
}

/// What was appended is there in its order until it is confirmed, also for the next who takes it.
pub async fn a_journal_keeps_what_is_not_confirmed(make: impl AsyncFn(Setup) -> Subject) {
    let subject = make(Setup::default()).await;
    let (one, other) = (lease(0, "one", PATIENCE), lease(1, "one", PATIENCE));
    let empty = take(&subject, &one, 10).await.expect("the lease");
    assert_eq!((empty.waiting, empty.age, empty.entries), (0, Duration::ZERO, vec![]));
    for numbers in [0..3, 3..4, 4..40] {
        assert_eq!(subject.journal.append(0, entries(numbers), MANY).await, Ok(0));
    }
    assert_eq!(subject.journal.append(1, entries(90..91), MANY).await, Ok(0));
    let first = take(&subject, &one, 10).await.expect("the lease");
    assert_eq!((first.waiting, read(&first)), (40, entries(0..10)));
    assert!(first.entries.is_sorted_by(|one, next| one.place < next.place));
    let again = take(&subject, &one, 10).await.expect("the lease");
    assert_eq!(again.entries, first.entries, "it is there until it is confirmed");
    assert_eq!(
        subject.journal.confirm(one.clone(), first.entries[4].place).await,
        Ok(true)
    );
    let rest = take(&subject, &one, 100).await.expect("the lease");
    assert_eq!((rest.waiting, read(&rest)), (35, entries(5..40)));
    let last = rest.entries.last().expect("some").place;
    assert_eq!(subject.journal.confirm(one.clone(), last).await, Ok(true));
    assert_eq!(take(&subject, &one, 10).await.expect("the lease").waiting, 0);
    assert_eq!(subject.journal.append(0, entries(40..41), MANY).await, Ok(0));
    let later = take(&subject, &one, 10).await.expect("the lease");
    assert!(later.entries[0].place > last, "it goes on behind");
    assert_eq!(
        read(&take(&subject, &other, 10).await.expect("the lease")),
        entries(90..91)
    );
}

/// One at a time takes from a partition, until it gives the lease back or does not renew it.
pub async fn a_partition_has_one_holder(make: impl AsyncFn(Setup) -> Subject) {
    let subject = make(Setup::default()).await;
    let (one, other) = (lease(7, "one", PATIENCE * 6), lease(7, "other", PATIENCE * 6));
    subject.journal.append(7, entries(0..2), MANY).await.expect("appended");
    assert!(take(&subject, &one, 1).await.is_some());
    assert!(take(&subject, &one, 1).await.is_some(), "renewed");
    assert!(take(&subject, &other, 1).await.is_none());
    assert_eq!(
        subject.journal.confirm(other.clone(), Place(u64::MAX >> 1, 0)).await,
        Ok(false)
    );
    assert_eq!(subject.journal.release(other.clone()).await, Ok(()));
    assert!(
        take(&subject, &other, 1).await.is_none(),
        "it was not theirs to give back"
    );
    assert!(take(&subject, &lease(8, "other", PATIENCE), 1).await.is_some());
    assert_eq!(subject.journal.release(one.clone()).await, Ok(()));
    let backlog = take(&subject, &other, 5).await.expect("given back");
    assert_eq!(read(&backlog), entries(0..2));
    assert_eq!(subject.journal.confirm(one, Place(u64::MAX >> 1, 0)).await, Ok(false));
    // One that is not renewed ends by itself.
    let short = lease(9, "short", Duration::from_millis(1));
    assert!(take(&subject, &short, 1).await.is_some());
    let next = lease(9, "next", PATIENCE);
    let taken = async { while take(&subject, &next, 1).await.is_none() {} };
    tokio::time::timeout(PATIENCE, taken).await.expect("the lease ended");
}

/// The oldest go first, and are counted.
pub async fn a_journal_is_bounded(make: impl AsyncFn(Setup) -> Subject) {
    let subject = make(Setup::default()).await;
    let (mut pushed_out, most, appended) = (0, 100, 2000);
    for begin in (0..appended).step_by(200) {
        let some = entries(begin..begin + 200);
        pushed_out += subject.journal.append(0, some, most).await.expect("appended");
    }
    let backlog = take(&subject, &lease(0, "one", PATIENCE), 5000)
        .await
        .expect("the lease");
    assert!((most..=most + 200).contains(&backlog.waiting), "{}", backlog.waiting);
    assert_eq!(pushed_out + backlog.waiting, appended as u64, "all are accounted for");
    assert_eq!(read(&backlog), entries(pushed_out as usize..appended));
}
