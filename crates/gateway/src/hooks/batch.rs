//! What was read from a partition at once: told in order per subject, subjects beside one another, each event again and
//! again until the backend took it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use hallway_bus::{Entry, Kept, Place};
use rand::RngExt;
use tokio::time::Instant;

use super::backend::{Answer, Failure};
use super::work::Work;

/// Some events, and which of them are done with.
pub(super) struct Batch {
    entries: Vec<Kept>,
    done: Vec<AtomicBool>,
}

impl Batch {
    /// Those with ids that are `told` are done already.
    pub(super) fn new(entries: Vec<Kept>, told: &HashSet<String>) -> Self {
        let done = entries
            .iter()
            .map(|kept| AtomicBool::new(told.contains(&kept.entry.id)));
        Self {
            done: done.collect(),
            entries,
        }
    }

    fn is_done(&self, number: usize) -> bool {
        self.done[number].load(Ordering::Relaxed)
    }

    /// The place up to which all are done.
    pub(super) fn done_up_to(&self) -> Option<Place> {
        let first_open = (0..self.entries.len()).find(|number| !self.is_done(*number));
        let last_done = first_open.unwrap_or(self.entries.len()).checked_sub(1)?;
        Some(self.entries[last_done].place)
    }

    /// Ids of all that are done.
    pub(super) fn told(&self) -> HashSet<String> {
        let done = (0..self.entries.len()).filter(|number| self.is_done(*number));
        done.map(|number| self.entries[number].entry.id.clone()).collect()
    }

    /// Places in the batch that are open, by subject, each in order.
    fn open_by_subject(&self) -> Vec<Vec<usize>> {
        let mut lines: Vec<Vec<usize>> = Vec::new();
        let mut of_subject: HashMap<&str, usize> = HashMap::new();
        for (number, kept) in self
            .entries
            .iter()
            .enumerate()
            .filter(|(number, _)| !self.is_done(*number))
        {
            let line = *of_subject.entry(&kept.entry.subject).or_insert(lines.len());
            if line == lines.len() {
                lines.push(Vec::new());
            }
            lines[line].push(number);
        }
        lines
    }

    /// Tells all that is open. May be dropped at any time: the backend may have got what was under way.
    pub(super) async fn tell(self: &Arc<Self>, work: &Arc<Work>) {
        let lines = self.open_by_subject().into_iter().map(|line| {
            let (batch, work) = (Arc::clone(self), Arc::clone(work));
            async move {
                for number in line {
                    tell_until_taken(&work, &batch.entries[number].entry).await;
                    batch.done[number].store(true, Ordering::Relaxed);
                }
            }
        });
        let lines = stream::iter(lines.collect::<Vec<_>>());
        lines.buffer_unordered(work.options.concurrency).collect::<()>().await;
    }
}

/// Calls the backend until it takes an event, does not want it, or has not taken it for too long.
async fn tell_until_taken(work: &Work, entry: &Entry) {
    let metrics = &work.metrics.hooks;
    let (mut pause, mut refused_since, mut calls) = (work.options.retry_first, None, 0_u32);
    loop {
        let began = Instant::now();
        let answer = work.backend.tell(entry).await;
        metrics.seconds.observe(began.elapsed().as_secs_f64());
        metrics.calls.with_label_values(&[answer.outcome()]).inc();
        calls += 1;
        let failure = match answer {
            Answer::Taken => return,
            Answer::Unwanted => {
                metrics.dropped.with_label_values(&["unwanted"]).inc();
                tracing::info!(id = entry.id, "the backend does not want an event");
                return;
            }
            Answer::Failed(failure) => failure,
        };
        if is_over(&failure, &mut refused_since, began, work.options.give_up_after) {
            metrics.dropped.with_label_values(&["given-up"]).inc();
            tracing::error!(
                id = entry.id,
                calls,
                why = failure.why,
                "gave up telling the backend of an event"
            );
            return;
        }
        match calls {
            1 => tracing::warn!(
                id = entry.id,
                why = failure.why,
                "the backend did not take an event; it is told again"
            ),
            _ => tracing::debug!(
                id = entry.id,
                calls,
                why = failure.why,
                "the backend did not take an event"
            ),
        }
        tokio::time::sleep(spread(pause).max(failure.wait.unwrap_or_default())).await;
        pause = (pause * 2).min(work.options.retry_most);
    }
}

/// Whether a backend that is there has not taken an event for so long. One that is away says nothing about the event.
fn is_over(failure: &Failure, refused_since: &mut Option<Instant>, began: Instant, give_up_after: Duration) -> bool {
    if failure.is_away {
        *refused_since = None;
        return false;
    }
    refused_since.get_or_insert(began).elapsed() >= give_up_after
}

/// A pause between three quarters and five quarters of it, so that many who failed at once do not come back at once.
fn spread(pause: Duration) -> Duration {
    pause.mul_f64(rand::rng().random_range(0.75..1.25))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn kept(number: u64, subject: &str) -> Kept {
        Kept {
            place: Place(number, 0),
            entry: Entry {
                id: format!("msg_{number}"),
                subject: subject.into(),
                body: Bytes::new(),
            },
        }
    }

    #[test]
    fn a_batch_knows_what_is_open() {
        let entries = vec![kept(0, "a"), kept(1, "b"), kept(2, "a"), kept(3, "c"), kept(4, "b")];
        let batch = Batch::new(
            entries.clone(),
            &HashSet::from(["msg_1".to_owned(), "msg_9".to_owned()]),
        );
        assert_eq!(batch.done_up_to(), None);
        assert_eq!(batch.open_by_subject(), [vec![0, 2], vec![3], vec![4]]);
        batch.done[0].store(true, Ordering::Relaxed);
        assert_eq!(batch.done_up_to(), Some(Place(1, 0)));
        assert_eq!(batch.told(), HashSet::from(["msg_0".to_owned(), "msg_1".to_owned()]));
        let all = entries.iter().map(|kept| kept.entry.id.clone()).collect();
        assert_eq!(Batch::new(entries, &all).done_up_to(), Some(Place(4, 0)));
    }

    #[tokio::test(start_paused = true)]
    async fn giving_up_is_for_a_backend_that_is_there() {
        let failure = |is_away| Failure {
            outcome: "status",
            why: String::new(),
            is_away,
            wait: None,
        };
        let (mut since, patience) = (None, Duration::from_secs(10));
        assert!(!is_over(&failure(false), &mut since, Instant::now(), patience));
        tokio::time::advance(patience / 2).await;
        assert!(!is_over(&failure(false), &mut since, Instant::now(), patience));
        tokio::time::advance(patience).await;
        assert!(!is_over(&failure(true), &mut since, Instant::now(), patience), "away");
        assert!(
            !is_over(&failure(false), &mut since, Instant::now(), patience),
            "it counts anew"
        );
        tokio::time::advance(patience).await;
        assert!(is_over(&failure(false), &mut since, Instant::now(), patience));
    }
}
