//! What was answered lately. Many who ask the same at once cause one question; and what was changed meanwhile is asked
//! anew.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hallway_protocol::{Error, RoomName, UserId};
use hallway_store::Role;
use moka::future::Cache;
use parking_lot::Mutex;

use super::Standing;
use super::muted::Muted;
use crate::clock::unix_ms;

/// Most answers that are remembered; beyond it those that are least asked for go.
const MOST: u64 = 200_000;
/// A refusal is remembered for this long at most: who has just become a member is soon let in.
const REFUSED: Duration = Duration::from_secs(1);
/// Times at which changes were told are remembered longer than any question takes.
const CHANGES: Duration = Duration::from_secs(120);

type Key = (UserId, RoomName);

/// An answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// The user's role; nothing if they are not a member.
    pub role: Option<Role>,
    /// When it was asked for.
    pub stamp: Stamp,
}

/// A moment in the order of changes: how many were told before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp(u64);

/// Answers, by user and room.
pub struct Decisions {
    answers: Cache<Key, Decision>,
    /// The last change of a user in a room.
    changes: moka::sync::Cache<Key, Stamp>,
    /// How many changes were told.
    told: AtomicU64,
    /// The last change that may have been of anything.
    all: AtomicU64,
    muted: Muted,
    /// Held while a change is told and while an answer is learned from: no answer from before a change comes after it.
    turn: Mutex<()>,
}

struct Freshness(Duration);

impl moka::Expiry<Key, Decision> for Freshness {
    fn expire_after_create(&self, _: &Key, decision: &Decision, _: std::time::Instant) -> Option<Duration> {
        Some(match decision.role {
            Some(_) => self.0,
            None => self.0.min(REFUSED),
        })
    }
}

impl Decisions {
    pub(super) fn new(fresh: Duration) -> Self {
        Self {
            answers: Cache::builder()
                .max_capacity(MOST)
                .expire_after(Freshness(fresh))
                .build(),
            changes: moka::sync::Cache::builder()
                .max_capacity(MOST)
                .time_to_live(CHANGES)
                .build(),
            told: AtomicU64::new(0),
            all: AtomicU64::new(0),
            muted: Muted::default(),
            turn: Mutex::new(()),
        }
    }

    fn now(&self) -> Stamp {
        Stamp(self.told.load(Ordering::SeqCst))
    }

    /// The answer that is known, or what `ask` brings. Errors are not remembered.
    pub(super) async fn get<F>(&self, user: &UserId, room: &RoomName, ask: impl Fn() -> F) -> Result<Decision, Error>
    where
        F: Future<Output = Result<Standing, Error>>,
    {
        let key = (user.clone(), room.clone());
        loop {
            let question = async {
                let stamp = self.now();
                let standing = ask().await?;
                self.learn(&key, standing, stamp);
                let role = standing.role;
                Ok(Decision { role, stamp })
            };
            let decision = self.answers.try_get_with_by_ref(&key, question).await;
            let decision = decision.map_err(|why: Arc<Error>| Error::clone(&why))?;
            if self.is_as_of_now(&key, decision.stamp) {
                return Ok(decision);
            }
            // Someone's question was under way while it was changed.
            self.answers.invalidate(&key).await;
        }
    }

    fn learn(&self, key: &Key, standing: Standing, stamp: Stamp) {
        let _turn = self.turn.lock();
        if self.is_as_of_now(key, stamp) {
            self.muted.learn(key, standing.muted_until, now());
        }
    }

    /// Whether a user is known to be muted in a room.
    pub(super) fn is_muted(&self, user: &UserId, room: &RoomName) -> bool {
        self.muted.is_muted(user, room, now())
    }

    /// What `ask` brings, whatever is known.
    pub(super) async fn ask_now(&self, ask: impl Future<Output = Result<Standing, Error>>) -> Result<Decision, Error> {
        let stamp = self.now();
        let role = ask.await?.role;
        Ok(Decision { role, stamp })
    }

    fn is_as_of_now(&self, key: &Key, stamp: Stamp) -> bool {
        stamp.0 >= self.all.load(Ordering::SeqCst) && self.changes.get(key).is_none_or(|change| stamp >= change)
    }

    /// Whether nothing was changed since.
    pub(super) fn holds(&self, user: &UserId, room: &RoomName, stamp: Stamp) -> bool {
        self.is_as_of_now(&(user.clone(), room.clone()), stamp)
    }

    pub(super) fn forget(&self, user: &UserId, room: &RoomName) {
        let _turn = self.turn.lock();
        let change = Stamp(self.told.fetch_add(1, Ordering::SeqCst) + 1);
        self.changes.insert((user.clone(), room.clone()), change);
    }

    pub(super) fn forget_all(&self) {
        let _turn = self.turn.lock();
        let change = self.told.fetch_add(1, Ordering::SeqCst) + 1;
        self.all.fetch_max(change, Ordering::SeqCst);
    }
}

fn now() -> i64 {
    i64::try_from(unix_ms()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use futures_util::future::join_all;
    use hallway_protocol::ErrorCode;
    use tokio::sync::Notify;

    use super::*;

    const MEMBER: Standing = Standing {
        role: Some(Role::Member),
        muted_until: None,
    };

    fn key() -> Key {
        let user = UserId::parse("alice").expect("a user");
        (user, RoomName::parse("board-1").expect("a room"))
    }

    #[tokio::test]
    async fn many_ask_once_and_errors_are_not_remembered() {
        let (decisions, (user, room)) = (Decisions::new(Duration::from_secs(60)), key());
        let asked = AtomicUsize::new(0);
        let away = || async { Err(Error::new(ErrorCode::Unavailable, "away")) };
        assert!(decisions.get(&user, &room, away).await.is_err());
        let ask = || async {
            asked.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            Ok(MEMBER)
        };
        let all = join_all((0..10).map(|_| decisions.get(&user, &room, ask))).await;
        assert!(all.iter().all(|one| one.as_ref().unwrap().role == Some(Role::Member)));
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn what_was_asked_before_a_change_is_not_used_after_it() {
        let (decisions, (user, room)) = (Decisions::new(Duration::from_secs(60)), key());
        let (begun, go) = (Notify::new(), Notify::new());
        let slow = || async {
            begun.notify_one();
            go.notified().await;
            Ok(MEMBER)
        };
        let first = async {
            let decision = decisions.get(&user, &room, slow).await.unwrap();
            decisions.holds(&user, &room, decision.stamp)
        };
        let change = async {
            begun.notified().await;
            decisions.forget(&user, &room);
            go.notify_one();
            // It is asked again, since the answer is of before the change.
            begun.notified().await;
            go.notify_one();
        };
        let (holds, ()) = tokio::join!(first, change);
        assert!(holds);
        let refused = || async { Ok(Standing::default()) };
        let known = decisions.get(&user, &room, refused).await.unwrap();
        assert_eq!(known.role, Some(Role::Member), "nothing was changed since");
        decisions.forget_all();
        assert!(!decisions.holds(&user, &room, known.stamp));
        assert_eq!(decisions.get(&user, &room, refused).await.unwrap().role, None);
    }
}
