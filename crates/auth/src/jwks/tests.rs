//! When keys are fetched. Time is the test's own: nothing here waits.

use std::sync::Mutex;

use hallway_testkit::{Signer, key_set};
use tokio::task::JoinHandle;

use super::*;

const OPTIONS: JwksOptions = JwksOptions {
    refresh: Duration::from_secs(300),
    cooldown: Duration::from_secs(10),
    timeout: Duration::from_secs(5),
};

/// How long an answer takes, and what it is.
type Answer = (Duration, Result<String, FetchError>);

/// Answers as it is told to.
struct Script {
    answer: Arc<Mutex<Answer>>,
    fetches: Arc<AtomicU64>,
}

impl KeySource for Script {
    fn fetch(&self) -> Fetching<'_> {
        self.fetches.fetch_add(1, Ordering::SeqCst);
        let (takes, answer) = self.answer.lock().unwrap().clone();
        Box::pin(async move {
            tokio::time::sleep(takes).await;
            answer.map(String::into_bytes)
        })
    }
}

struct Running {
    jwks: Arc<Jwks>,
    answer: Arc<Mutex<Answer>>,
    fetches: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Running {
    fn start(takes: Duration, answer: Result<String, FetchError>) -> Self {
        let answer = Arc::new(Mutex::new((takes, answer)));
        let fetches = Arc::new(AtomicU64::new(0));
        let script = Script {
            answer: Arc::clone(&answer),
            fetches: Arc::clone(&fetches),
        };
        let jwks = Arc::new(Jwks::new(script, OPTIONS));
        let run = Arc::clone(&jwks);
        Self {
            task: tokio::spawn(async move { run.run().await }),
            jwks,
            answer,
            fetches,
        }
    }

    fn answer(&self, answer: Result<String, FetchError>) {
        self.answer.lock().unwrap().1 = answer;
    }

    fn fetches(&self) -> u64 {
        self.fetches.load(Ordering::SeqCst)
    }
}

fn set(signers: &[(&str, &Signer)]) -> String {
    let keys: Vec<String> = signers
        .iter()
        .map(|(kid, signer)| signer.jwk(&format!(r#""kid":"{kid}""#)))
        .collect();
    key_set(&keys)
}

const AT_ONCE: Duration = Duration::ZERO;

fn away() -> Result<String, FetchError> {
    Err(FetchError::Status(503))
}

#[tokio::test(start_paused = true)]
async fn many_unknown_keys_at_once_cause_one_fetch() {
    let running = Running::start(Duration::from_secs(1), Ok(set(&[])));
    // The first ones come while the first fetch is under way, and wait for it.
    let first = futures(&running, 40).await;
    assert!(first.iter().all(Result::is_ok), "{first:?}");
    assert_eq!(running.fetches(), 1);
    // Those after it cause one, together.
    let second = futures(&running, 40).await;
    assert!(second.iter().all(Result::is_ok));
    assert_eq!(running.fetches(), 2);
    // And then, for the cooldown, none, and nobody waits.
    let since = Instant::now();
    assert!(futures(&running, 1000).await.iter().all(Result::is_ok));
    assert_eq!((running.fetches(), since.elapsed()), (2, Duration::ZERO));
    tokio::time::sleep(OPTIONS.cooldown).await;
    assert!(futures(&running, 1).await[0].is_ok());
    assert_eq!(running.fetches(), 3);
}

async fn futures(running: &Running, count: usize) -> Vec<Result<(), TokenError>> {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..count {
        let jwks = Arc::clone(&running.jwks);
        tasks.spawn(async move { jwks.look().await });
    }
    tasks.join_all().await
}

#[tokio::test(start_paused = true)]
async fn no_more_than_so_many_wait() {
    let running = Running::start(Duration::from_secs(1), Ok(set(&[])));
    let verdicts = futures(&running, WAITING + 10).await;
    assert_eq!(verdicts.iter().filter(|verdict| verdict.is_ok()).count(), WAITING);
    assert_eq!(running.jwks.stats().turned_away.load(Ordering::Relaxed), 10);
}

#[tokio::test(start_paused = true)]
async fn an_attacker_gets_a_fetch_per_cooldown() {
    let running = Running::start(AT_ONCE, Ok(set(&[])));
    for _ in 0..600 {
        let _ = running.jwks.look().await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // A minute of it, and the one at the start.
    assert!(running.fetches() <= 7, "{}", running.fetches());
}

#[tokio::test(start_paused = true)]
async fn keys_come_go_and_are_kept_while_the_source_is_away() {
    let (a, b) = (Signer::make("ES256"), Signer::make("ES256"));
    let running = Running::start(AT_ONCE, Ok(set(&[("a", &a)])));
    let jwks = &running.jwks;
    let shown = |kid: &str, signer: &Signer| {
        let token = signer.sign("ES256", &format!(r#"{{"alg":"ES256","kid":"{kid}"}}"#), "{}");
        jwks.check(&token, &Header::of(&token).unwrap(), TokenError::Algorithm)
            .map(|_| ())
    };
    assert_eq!(shown("a", &a), Err(TokenError::UnknownKey), "nothing is known yet");
    assert_eq!(jwks.look().await, Ok(()));
    assert_eq!((shown("a", &a), shown("b", &b)), (Ok(()), Err(TokenError::UnknownKey)));
    // A new key is found when a token names it.
    running.answer(Ok(set(&[("a", &a), ("b", &b)])));
    assert_eq!(jwks.look().await, Ok(()));
    assert_eq!((shown("a", &a), shown("b", &b)), (Ok(()), Ok(())));
    // The source is away, then talks nonsense: what is known stays known, and what is not may be shown again.
    for answer in [away(), Ok("<html>".to_owned())] {
        running.answer(answer);
        tokio::time::sleep(OPTIONS.cooldown).await;
        assert_eq!(jwks.look().await, Err(TokenError::Unavailable));
        assert_eq!(
            jwks.look().await,
            Err(TokenError::Unavailable),
            "the cooldown knows no more"
        );
        assert_eq!((shown("a", &a), shown("b", &b)), (Ok(()), Ok(())));
    }
    running.answer(Ok(set(&[("b", &b)])));
    tokio::time::sleep(OPTIONS.refresh).await;
    assert_eq!(
        (shown("a", &a), shown("b", &b)),
        (Err(TokenError::UnknownKey), Ok(())),
        "gone"
    );
    running.answer(Ok(set(&[])));
    assert_eq!(jwks.look().await, Ok(()));
    assert_eq!(
        shown("b", &b),
        Err(TokenError::UnknownKey),
        "an empty set is believed too"
    );
    let mut counted: Vec<_> = jwks.stats().fetches().filter(|(_, count)| *count > 0).collect();
    counted.sort_unstable();
    assert_eq!(
        counted.iter().map(|(outcome, _)| *outcome).collect::<Vec<_>>(),
        ["malformed", "ok", "status"]
    );
}

#[tokio::test(start_paused = true)]
async fn keys_are_refreshed_without_being_asked_for() {
    let running = Running::start(AT_ONCE, Ok(set(&[])));
    tokio::time::sleep(OPTIONS.refresh * 3 + Duration::from_secs(1)).await;
    assert_eq!(running.fetches(), 4);
}

#[tokio::test(start_paused = true)]
async fn after_a_failure_it_is_tried_again_ever_later() {
    let running = Running::start(AT_ONCE, away());
    // At 0, 1, 3, 7, 15, 31, 63 s, and then each minute.
    tokio::time::sleep(Duration::from_millis(63_500)).await;
    assert_eq!(running.fetches(), 7);
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(running.fetches(), 9);
    assert_eq!(running.jwks.key_count(), None);
}

#[tokio::test(start_paused = true)]
async fn a_slow_source_is_given_up() {
    let running = Running::start(Duration::from_secs(3600), Ok(set(&[])));
    let since = Instant::now();
    assert_eq!(running.jwks.look().await, Err(TokenError::Unavailable));
    assert_eq!(since.elapsed(), OPTIONS.timeout);
    let timeouts = running
        .jwks
        .stats()
        .fetches()
        .find(|(outcome, _)| *outcome == "timeout");
    assert_eq!(timeouts, Some(("timeout", 1)));
}

#[tokio::test(start_paused = true)]
async fn who_leaves_while_waiting_takes_nothing_along() {
    let running = Running::start(Duration::from_secs(1), Ok(set(&[])));
    drop(timeout(Duration::from_millis(10), running.jwks.look()).await);
    assert_eq!(running.jwks.look().await, Ok(()));
    assert_eq!(running.fetches(), 1);
}
