//! Keys from a URL: a JSON Web Key Set (RFC 7517) that is fetched, kept, and fetched anew.
//!
//! - [`Jwks`], here: when it is fetched, and who waits for that.
//! - `set.rs`: what of a set is accepted.
//! - [`KeySource`]: where a set comes from; [`HttpSource`]: over HTTP.
//!
//! What must stay true: a token whose key is known waits for nothing and nobody. There is never more than one fetch
//! under way, and tokens cause at most one in each `cooldown`, whatever keys they name. A source that is away, or
//! answers something else than a set, changes nothing; a set that was fetched is believed in whole, so that a key which
//! is no longer in it is no longer good.

mod http;
mod set;
mod source;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::RwLock;
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, timeout};

use crate::claims::Claims;
use crate::header::Header;
use crate::token_error::TokenError;

pub use http::{HttpSource, UrlError};
pub use source::{FetchError, Fetching, KeySource};

use set::KeySet;

/// How many tokens may wait for a fetch at once. Each holds a connection that is not let in yet.
const WAITING: usize = 64;
/// The pause after a first failure; each further one doubles it.
const RETRY: Duration = Duration::from_secs(1);
/// The longest pause after a failure.
const RETRY_MAX: Duration = Duration::from_secs(60);

/// When keys are fetched.
#[derive(Debug, Clone, Copy)]
pub struct JwksOptions {
    /// How often without being asked.
    pub refresh: Duration,
    /// The least time between two fetches that tokens with unknown keys cause.
    pub cooldown: Duration,
    /// How long a fetch may take.
    pub timeout: Duration,
}

/// The keys of a source. [`run`](Self::run) fetches them; until it did so once, there are none.
pub struct Jwks {
    source: Box<dyn KeySource>,
    options: JwksOptions,
    keys: RwLock<Option<Arc<KeySet>>>,
    fetches: watch::Sender<Fetches>,
    places: Semaphore,
    stats: Stats,
}

/// How the fetching goes.
#[derive(Debug, Clone, Copy)]
struct Fetches {
    /// One is under way, or about to be.
    pending: bool,
    /// How many there were.
    done: u64,
    /// Whether the last one brought a set.
    good: bool,
    /// When a token caused one last.
    asked: Option<Instant>,
}

/// What is counted.
#[derive(Debug, Default)]
pub struct Stats {
    outcomes: [AtomicU64; FetchError::LABELS.len() + 1],
    /// Tokens that could not wait for a fetch because too many others did.
    pub turned_away: AtomicU64,
}

impl Stats {
    /// Fetches by what became of them: `ok`, or an error's label.
    pub fn fetches(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let labels = std::iter::once("ok").chain(FetchError::LABELS);
        let counts = self.outcomes.iter().map(|count| count.load(Ordering::Relaxed));
        labels.zip(counts)
    }

    fn count(&self, outcome: &'static str) {
        let place = FetchError::LABELS.iter().position(|label| *label == outcome);
        if let Some(counter) = self.outcomes.get(place.map_or(0, |place| place + 1)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl fmt::Debug for Jwks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwks")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl Jwks {
    /// Keys of a source, none yet.
    #[must_use]
    pub fn new(source: impl KeySource + 'static, options: JwksOptions) -> Self {
        let fetches = Fetches {
            // The first one is what `run` begins with: who comes before it waits for it.
            pending: true,
            done: 0,
            good: false,
            asked: None,
        };
        Self {
            source: Box::new(source),
            options,
            keys: RwLock::new(None),
            fetches: watch::Sender::new(fetches),
            places: Semaphore::new(WAITING),
            stats: Stats::default(),
        }
    }

    /// Fetches at once, then now and then, and when a token asks for it; never ends. Whoever waits in
    /// [`look`](Self::look) relies on this being polled.
    pub async fn run(&self) {
        let mut asked = self.fetches.subscribe();
        let mut failures = 0;
        loop {
            failures = if self.fetch().await { 0 } else { failures + 1 };
            let pause = match failures {
                0 => self.options.refresh,
                _ => backoff(failures).min(self.options.refresh),
            };
            // An error would mean that the sender is gone, and it is ours.
            let _ = timeout(pause, asked.wait_for(|fetches| fetches.pending)).await;
        }
    }

    /// Waits for a fetch: the one under way, or one that begins now, unless the last that was asked for began less than
    /// the cooldown ago. Cancel safe: the fetch goes on.
    ///
    /// # Errors
    /// [`TokenError::Unavailable`]: the source did not answer with a set when it was asked last, or too many wait.
    pub async fn look(&self) -> Result<(), TokenError> {
        let mut fetches = self.fetches.subscribe();
        let Some(before) = self.ask() else {
            return verdict(*fetches.borrow());
        };
        let Ok(_place) = self.places.try_acquire() else {
            self.stats.turned_away.fetch_add(1, Ordering::Relaxed);
            return Err(TokenError::Unavailable);
        };
        // One under way and one's own behind it: longer it cannot take.
        let ended = timeout(
            2 * self.options.timeout,
            fetches.wait_for(|fetches| fetches.done > before),
        )
        .await;
        match ended {
            Ok(Ok(after)) => verdict(*after),
            _ => Err(TokenError::Unavailable),
        }
    }

    /// Whether keys were ever fetched, and how many there are.
    #[must_use]
    pub fn key_count(&self) -> Option<usize> {
        self.keys.read().as_ref().map(|keys| keys.len())
    }

    /// What is counted.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// The claims of a token that is signed with one of the keys. `refused` is why no other key fits.
    pub(crate) fn check(&self, token: &str, header: &Header, refused: TokenError) -> Result<Claims, TokenError> {
        // Taken out from under the lock: a signature takes longer than an exchange of the set.
        let keys = self.keys.read().clone();
        match keys {
            Some(keys) => keys.check(token, header, refused),
            None => Err(TokenError::UnknownKey),
        }
    }

    /// Sees to it that a fetch is under way, if one may be; says how many were done before it.
    fn ask(&self) -> Option<u64> {
        let now = Instant::now();
        let mut joined = None;
        self.fetches.send_if_modified(|fetches| {
            let cool = fetches.asked.is_none_or(|at| now >= at + self.options.cooldown);
            let begins = !fetches.pending && cool;
            if begins {
                fetches.pending = true;
                fetches.asked = Some(now);
            }
            joined = fetches.pending.then_some(fetches.done);
            begins
        });
        joined
    }

    async fn fetch(&self) -> bool {
        self.fetches.send_if_modified(|fetches| {
            fetches.pending = true;
            false
        });
        let fetched = timeout(self.options.timeout, self.source.fetch()).await;
        let fetched = fetched
            .unwrap_or(Err(FetchError::TimedOut))
            .and_then(|body| KeySet::read(&body));
        let good = fetched.is_ok();
        match fetched {
            Ok(set) => {
                self.stats.count("ok");
                self.take_over(set);
            }
            Err(why) => {
                self.stats.count(why.label());
                tracing::warn!(%why, kept = self.key_count().unwrap_or(0), "the keys that tokens are checked with could not be fetched");
            }
        }
        self.fetches.send_modify(|fetches| {
            fetches.pending = false;
            fetches.done += 1;
            fetches.good = good;
        });
        good
    }

    fn take_over(&self, set: KeySet) {
        let before = self.key_count();
        if set.is_empty() {
            tracing::warn!(
                left_out = set.left_out(),
                "the key source has no key that tokens could be checked with"
            );
        } else if before != Some(set.len()) {
            tracing::info!(
                keys = set.len(),
                left_out = set.left_out(),
                "the keys that tokens are checked with were fetched"
            );
        }
        *self.keys.write() = Some(Arc::new(set));
    }
}

/// Who still does not find its key after a fetch that went well, has none; after one that did not, nobody knows.
fn verdict(fetches: Fetches) -> Result<(), TokenError> {
    if fetches.good {
        Ok(())
    } else {
        Err(TokenError::Unavailable)
    }
}

fn backoff(failures: u32) -> Duration {
    RETRY.saturating_mul(1 << (failures - 1).min(6)).min(RETRY_MAX)
}

#[cfg(test)]
mod tests;
