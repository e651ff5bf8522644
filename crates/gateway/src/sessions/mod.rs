//! Sessions that an application keeps in its database: who shows a token that finds one is its user.
//!
//! What must stay true: nobody is let in on a session that the database was not asked about within `sessions.fresh`; and one
//! that is gone ends the sockets that stand on it, and their tickets ([`review`]). Tokens are shown to nobody: nodes and logs
//! speak of a session by the hash of its token.

mod build;
pub mod review;

use std::sync::Arc;
use std::time::Duration;

use hallway_auth::{Identity, SessionId, SessionToken, TokenError};
use hallway_hub::{Hub, Socket};
use hallway_store::{Session, SessionQuery, StoreError};
use moka::future::Cache;

use crate::clock::unix_ms;
use crate::connection::admission::identity_of;
use crate::database::Late;
use crate::metrics::Metrics;
pub use build::build;

/// Most answers that are remembered; beyond it those that are least asked for go.
const MOST: u64 = 100_000;
/// That there is no such session is remembered for this long at most: one that is made now is soon known.
const NONE: Duration = Duration::from_secs(1);

/// What the database said about a session; nothing if it knows none.
type Answer = Option<Arc<Identity>>;

/// The sessions of a database, and what it said lately.
pub struct Sessions {
    query: Arc<Late<SessionQuery>>,
    cookies: Vec<String>,
    answers: Cache<SessionId, Answer>,
    metrics: Arc<Metrics>,
}

struct Freshness(Duration);

impl moka::Expiry<SessionId, Answer> for Freshness {
    fn expire_after_create(&self, _: &SessionId, answer: &Answer, _: std::time::Instant) -> Option<Duration> {
        Some(match answer {
            Some(_) => self.0,
            None => self.0.min(NONE),
        })
    }
}

impl Sessions {
    fn new(query: Arc<Late<SessionQuery>>, cookies: Vec<String>, fresh: Duration, metrics: Arc<Metrics>) -> Self {
        Self {
            query,
            cookies,
            answers: Cache::builder()
                .max_capacity(MOST)
                .expire_after(Freshness(fresh))
                .build(),
            metrics,
        }
    }

    /// Cookies that may hold a token, the first one first.
    #[must_use]
    pub fn cookies(&self) -> &[String] {
        &self.cookies
    }

    /// Who a token stands for, as known lately or asked now. Many who ask the same at once cause one question. May be
    /// dropped at any time; ends within the time of a call of the database.
    ///
    /// # Errors
    /// [`TokenError::NoSession`], or [`TokenError::SessionsUnavailable`].
    pub async fn find(&self, token: &SessionToken) -> Result<Identity, TokenError> {
        let answer = self.answers.try_get_with_by_ref(token.id(), self.ask(token)).await;
        let answer = answer.map_err(|why| TokenError::clone(&why))?;
        // It may have ended since it was asked about.
        let lives = |identity: &Arc<Identity>| identity.expires_at.is_none_or(|end| unix_ms() < end);
        match answer.filter(lives) {
            Some(identity) => Ok(Identity::clone(&identity)),
            None => Err(TokenError::NoSession),
        }
    }

    /// What the database says now.
    ///
    /// # Errors
    /// [`TokenError::SessionsUnavailable`].
    pub async fn look(&self, token: &SessionToken) -> Result<Answer, TokenError> {
        let answer = self.ask(token).await?;
        self.answers.insert(token.id().clone(), answer.clone()).await;
        Ok(answer)
    }

    /// Has the database asked anew about a session.
    pub async fn forget(&self, session: &SessionId) {
        self.answers.invalidate(session).await;
    }

    async fn ask(&self, token: &SessionToken) -> Result<Answer, TokenError> {
        // Before the question: whatever ends the session after this moment ends this answer too.
        let asked_at = unix_ms();
        let found = match self.query.get() {
            Ok(query) => query.find(token.expose()).await,
            Err(why) => Err(why),
        };
        let outcome = match &found {
            Ok(Some(_)) => "ok",
            Ok(None) => "none",
            Err(_) => "unavailable",
        };
        self.metrics.auth.session_questions.with_label_values(&[outcome]).inc();
        match found {
            Ok(session) => Ok(session.map(|session| Arc::new(identity(session, token, asked_at)))),
            Err(why) => Err(unavailable(&why)),
        }
    }
}

fn identity(session: Session, token: &SessionToken, asked_at: u64) -> Identity {
    Identity {
        user: Some(session.user_id),
        name: session.name.filter(|name| !name.is_empty() && Identity::is_name(name)),
        expires_at: session.expires_at.map(|end| u64::try_from(end).unwrap_or(0)),
        issued_at: Some(asked_at),
        session: Some(token.clone()),
        ..Identity::default()
    }
}

/// An answer that makes no sense is as good as none: the operator is told, and clients may come back.
fn unavailable(why: &StoreError) -> TokenError {
    match why {
        StoreError::Unavailable { .. } | StoreError::Busy => tracing::debug!(%why, "a session cannot be looked up"),
        why => tracing::error!(%why, "what the database says of a session cannot be used"),
    }
    TokenError::SessionsUnavailable
}

/// The sockets that stand on a session. Goes through all sockets: for what happens now and then.
pub(crate) fn sockets_on(hub: &Hub, session: &str) -> Vec<Arc<Socket>> {
    let mut ids = Vec::new();
    hub.for_each_socket(|socket| {
        if identity_of(socket).is_some_and(|identity| stands_on(&identity, session)) {
            ids.push(socket.id());
        }
    });
    ids.into_iter().filter_map(|id| hub.socket(id)).collect()
}

fn stands_on(identity: &Identity, session: &str) -> bool {
    identity
        .session
        .as_ref()
        .is_some_and(|token| token.id().as_str() == session)
}
