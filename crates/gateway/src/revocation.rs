//! Whose credentials are over. What the cluster remembers of it is held here as well, so that asking costs nothing,
//! and kept up to date in three ways: nodes are told at once when someone is revoked; each reads what is new every
//! second; and after any interruption of its link a node reads all of it before a lane delivers anything more.
//!
//! What must stay true: a socket is in the hub before its credentials are checked here, and a revocation is known here
//! before the sockets that it concerns are looked for. So none slips through between the two.

mod not_admitted;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use hallway_auth::{Identity, SessionId};
use hallway_bus::{BusError, Revocation, Revocations as Log};
use hallway_hub::{Hub, Socket};
use hallway_protocol::{CloseCode, UserId};
use parking_lot::{Mutex, RwLock};
use tokio::time::Instant;

use crate::metrics::Metrics;
use crate::sessions::sockets_on;
pub use not_admitted::{NotAdmitted, SESSION_OVER};

/// How often what is new is read.
const ROUND: Duration = Duration::from_secs(1);
/// After so many rounds all is read anew, and brought back where the bus has lost some of it.
const ROUNDS: u32 = 60;
/// What was read so long ago is still good for letting someone in: who is revoked meanwhile is told of.
const FRESH: Duration = Duration::from_secs(3);
/// Longest wait for the bus.
const PATIENCE: Duration = Duration::from_secs(3);
/// Revocations read with one question.
const PAGE: usize = 10_000;

/// What this node knows of the credentials that are over.
pub struct Revocations {
    log: Arc<dyn Log>,
    hub: Arc<Hub>,
    metrics: Arc<Metrics>,
    life: Duration,
    /// By subject, the time before which credentials are over, in Unix milliseconds.
    known: RwLock<HashMap<String, u64>>,
    /// Held by whoever reads.
    reader: tokio::sync::Mutex<Reader>,
    /// When the last read that went well began.
    read_at: Mutex<Option<Instant>>,
}

#[derive(Debug, Default)]
struct Reader {
    /// The latest time that was read.
    since: u64,
    /// When the last read of all of them began.
    all_at: Option<Instant>,
}

impl Revocations {
    /// Over what the cluster remembers. Credentials must not be good for longer than `life`.
    pub fn new(log: Arc<dyn Log>, hub: Arc<Hub>, metrics: Arc<Metrics>, life: Duration) -> Self {
        Self {
            log,
            hub,
            metrics,
            life,
            known: RwLock::default(),
            reader: tokio::sync::Mutex::default(),
            read_at: Mutex::default(),
        }
    }

    /// Revokes what a user has shown so far, and closes its sockets on this node. Remembered by the cluster when this is
    /// ready; the other nodes learn of it within a second or two, or at once if they are told.
    ///
    /// # Errors
    /// The bus is away.
    pub async fn revoke(&self, user: &UserId, reason: &str) -> Result<Revocation, BusError> {
        self.put(subject(user), reason).await
    }

    /// The same for what stands on a session.
    ///
    /// # Errors
    /// The bus is away.
    pub async fn revoke_session(&self, session: &SessionId, reason: &str) -> Result<Revocation, BusError> {
        self.put(subject_of_session(session), reason).await
    }

    /// Ends what stands on a session that is gone. While the bus is away this node remembers it, and tells the others when
    /// it is back.
    pub async fn end_session(&self, session: &SessionId) {
        if let Err(why) = self.revoke_session(session, SESSION_OVER).await {
            tracing::debug!(%session, %why, "the end of a session is told later");
            self.learn_session(session, crate::clock::unix_ms(), SESSION_OVER);
        }
    }

    async fn put(&self, subject: String, reason: &str) -> Result<Revocation, BusError> {
        let revocation = self.patiently(self.log.revoke(subject, self.life)).await?;
        self.learn(&revocation, reason);
        Ok(revocation)
    }

    /// Takes note that a user was revoked, see [`Revocations::learn`].
    pub fn learn_user(&self, user: &UserId, before: u64, reason: &str) -> usize {
        let subject = subject(user);
        self.learn(&Revocation { subject, before }, reason)
    }

    /// Takes note that a session is over, see [`Revocations::learn`].
    pub fn learn_session(&self, session: &SessionId, before: u64, reason: &str) -> usize {
        let subject = subject_of_session(session);
        self.learn(&Revocation { subject, before }, reason)
    }

    /// Takes note of a revocation, and closes the sockets on this node that it concerns. Answers how many.
    pub fn learn(&self, revocation: &Revocation, reason: &str) -> usize {
        let is_new = {
            let mut known = self.known.write();
            let before = known.entry(revocation.subject.clone()).or_default();
            let is_new = *before < revocation.before;
            *before = revocation.before.max(*before);
            is_new
        };
        if !is_new {
            return 0;
        }
        self.metrics.connections.revocations.inc();
        let (sockets, code) = self.sockets_under(&revocation.subject);
        let is_over = |socket: &Arc<Socket>| socket.issued_at().is_none_or(|at| at < revocation.before);
        let over: Vec<_> = sockets.into_iter().filter(is_over).collect();
        for socket in &over {
            // Whoever learns of it from the log was not told why.
            let reason = if reason.is_empty() { code.reason() } else { reason };
            socket.close(code, reason);
        }
        over.len()
    }

    /// The sockets that a subject concerns, and what they are closed with.
    fn sockets_under(&self, subject: &str) -> (Vec<Arc<Socket>>, CloseCode) {
        if let Some(session) = subject.strip_prefix(SESSION) {
            return (sockets_on(&self.hub, session), CloseCode::Unauthenticated);
        }
        let user = subject.strip_prefix(USER).map(UserId::parse);
        let sockets = match user {
            Some(Ok(user)) => self.hub.sockets_of(&user),
            _ => Vec::new(),
        };
        (sockets, CloseCode::Revoked)
    }

    /// Whether credentials are over, as far as is known here.
    ///
    /// # Errors
    /// They are.
    pub fn check(&self, identity: &Identity) -> Result<(), NotAdmitted> {
        let known = self.known.read();
        // Who cannot say when it was made may have been made before.
        let is_over = |before: &u64| identity.issued_at.is_none_or(|at| at < *before);
        let user = identity.user.as_ref().and_then(|user| known.get(&subject(user)));
        if user.is_some_and(is_over) {
            return Err(NotAdmitted::Revoked);
        }
        let session = identity.session.as_ref();
        let session = session.and_then(|token| known.get(&subject_of_session(token.id())));
        match session.is_some_and(is_over) {
            true => Err(NotAdmitted::SessionOver),
            false => Ok(()),
        }
    }

    /// Whether someone may come in, whose socket is in the hub already.
    ///
    /// # Errors
    /// See [`NotAdmitted`].
    pub async fn admit(&self, identity: &Identity) -> Result<(), NotAdmitted> {
        if identity.user.is_none() {
            return Ok(());
        }
        let is_fresh = self.read_at.lock().is_some_and(|at| at.elapsed() < FRESH);
        if !is_fresh {
            self.read(Instant::now(), false)
                .await
                .map_err(|_| NotAdmitted::Unknown)?;
        }
        self.check(identity)
    }

    /// Reads all of them, unless someone else has begun to do so after this was called.
    ///
    /// # Errors
    /// The bus is away.
    pub async fn settle(&self) -> Result<(), BusError> {
        self.read(Instant::now(), true).await
    }

    /// Reads what is new every second, and all of them every minute. Runs until it is dropped.
    pub async fn run(&self) {
        let mut tick = tokio::time::interval(ROUND);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        for round in 0_u32.. {
            tick.tick().await;
            if let Err(why) = self.read(Instant::now(), round % ROUNDS == 0).await {
                tracing::debug!(%why, "revocations cannot be read yet");
            }
        }
    }

    /// Reads once, at most as long ago as `asked`.
    async fn read(&self, asked: Instant, all: bool) -> Result<(), BusError> {
        let mut reader = self.reader.lock().await;
        let is_done = match all {
            true => reader.all_at.is_some_and(|at| at >= asked),
            false => self.read_at.lock().is_some_and(|at| at >= asked),
        };
        if is_done {
            return Ok(());
        }
        let began = Instant::now();
        if all {
            let read = self.pages(0).await?;
            reader.since = latest(&read);
            self.remind(&read).await?;
            reader.all_at = Some(began);
        } else {
            let read = self.pages(reader.since).await?;
            reader.since = latest(&read).max(reader.since);
        }
        *self.read_at.lock() = Some(began);
        Ok(())
    }

    /// Reads and learns those at `since` or later.
    async fn pages(&self, mut since: u64) -> Result<HashMap<String, u64>, BusError> {
        let (mut all, mut limit) = (HashMap::new(), PAGE);
        loop {
            let page = self.patiently(self.log.revoked(since, limit)).await?;
            let is_last = page.len() < limit;
            let end = page.last().map_or(since, |last| last.before);
            for revocation in page {
                self.learn(&revocation, "");
                all.insert(revocation.subject, revocation.before);
            }
            if is_last {
                return Ok(all);
            }
            // The next page begins with the last time of this one, of which there may be more.
            limit = if end == since { limit * 2 } else { PAGE };
            since = end;
        }
    }

    /// Brings back what the bus has lost, and forgets what is so old that it covers nothing any more.
    async fn remind(&self, read: &HashMap<String, u64>) -> Result<(), BusError> {
        let life = u64::try_from(self.life.as_millis()).unwrap_or(u64::MAX);
        let oldest = crate::clock::unix_ms().saturating_sub(life);
        let lost: Vec<Revocation> = {
            let mut known = self.known.write();
            known.retain(|_, before| *before >= oldest);
            let lost = known
                .iter()
                .filter(|(subject, before)| read.get(*subject) < Some(before));
            lost.map(|(subject, before)| Revocation {
                subject: subject.clone(),
                before: *before,
            })
            .collect()
        };
        if lost.is_empty() {
            return Ok(());
        }
        tracing::warn!(
            count = lost.len(),
            "the bus has lost revocations: they are brought back"
        );
        self.patiently(self.log.restore(lost, self.life)).await
    }

    async fn patiently<T>(&self, answer: impl Future<Output = Result<T, BusError>>) -> Result<T, BusError> {
        let answer = tokio::time::timeout(PATIENCE, answer).await;
        answer.unwrap_or(Err(BusError::Timeout))
    }
}

/// What subjects that are users begin with.
const USER: &str = "user/";

fn subject(user: &UserId) -> String {
    format!("{USER}{user}")
}

/// What subjects that are sessions begin with.
const SESSION: &str = "session/";

fn subject_of_session(session: &SessionId) -> String {
    format!("{SESSION}{session}")
}

fn latest(read: &HashMap<String, u64>) -> u64 {
    read.values().copied().max().unwrap_or(0)
}
