//! A log line at most once a second, with what was left unsaid.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

const BETWEEN: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(super) struct Throttle(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    said: Option<Instant>,
    unsaid: u64,
}

impl Throttle {
    /// How many to speak of now, those that nobody spoke of yet too; nothing if it was spoken of a moment ago.
    pub(super) fn say(&self, count: u64) -> Option<u64> {
        let mut state = self.0.lock();
        state.unsaid += count;
        if state.said.is_some_and(|said| said.elapsed() < BETWEEN) {
            return None;
        }
        state.said = Some(Instant::now());
        Some(std::mem::take(&mut state.unsaid))
    }
}
