//! This node's events on their way into the journal: a line per partition, all of them bounded together in bytes. What
//! waits together is written together, and again until the bus has it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hallway_bus::{BusError, Entry, Journal};
use parking_lot::Mutex;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use crate::metrics::Metrics;

/// Most events in one write.
const BATCH: usize = 200;
/// What an event takes beside its text, about.
const OVERHEAD: usize = 128;
/// The pause after a write that failed; it doubles up to the other.
const PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// What waits for the bus.
pub(super) struct Line {
    // Each unbounded by itself: the bound is on the bytes in all of them.
    lines: Vec<UnboundedSender<Entry>>,
    waiting: Vec<Mutex<Option<UnboundedReceiver<Entry>>>>,
    bytes: AtomicUsize,
    most: usize,
}

/// It did not fit.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

fn size_of(entry: &Entry) -> usize {
    entry.id.len() + entry.subject.len() + entry.body.len() + OVERHEAD
}

impl Line {
    pub(super) fn new(partitions: u16, most: usize) -> Self {
        let (lines, waiting) = (0..partitions)
            .map(|_| mpsc::unbounded_channel())
            .unzip::<_, _, Vec<_>, Vec<_>>();
        Self {
            lines,
            waiting: waiting.into_iter().map(|line| Mutex::new(Some(line))).collect(),
            bytes: AtomicUsize::new(0),
            most,
        }
    }

    /// Bytes that wait.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Puts an event behind the others of its partition.
    pub(super) fn push(&self, partition: u16, entry: Entry) -> Result<(), Full> {
        let size = size_of(&entry);
        if self.bytes.fetch_add(size, Ordering::Relaxed) + size > self.most {
            self.bytes.fetch_sub(size, Ordering::Relaxed);
            return Err(Full);
        }
        self.lines[usize::from(partition)].send(entry).map_err(|_| Full)
    }

    /// Writes a partition's events into the journal, for ever. `written` is called when some are there, with how many were pushed
    /// out for them. To be run once per partition.
    pub(super) async fn write(
        &self,
        partition: u16,
        (journal, keep): (Arc<dyn Journal>, u64),
        metrics: &Metrics,
        written: impl Fn(u64),
    ) {
        let Some(mut line) = self.waiting[usize::from(partition)].lock().take() else {
            return;
        };
        let mut batch = Vec::new();
        while line.recv_many(&mut batch, BATCH).await > 0 {
            let mut pause = PAUSE;
            loop {
                match journal.append(partition, batch.clone(), keep).await {
                    Ok(pushed_out) => {
                        written(pushed_out);
                        break;
                    }
                    Err(why) => failed(metrics, partition, &why),
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            metrics.hooks.appended.inc_by(batch.len() as u64);
            let size = batch.iter().map(size_of).sum();
            self.bytes.fetch_sub(size, Ordering::Relaxed);
            batch.clear();
        }
    }
}

fn failed(metrics: &Metrics, partition: u16, why: &BusError) {
    metrics.hooks.append_failures.inc();
    tracing::debug!(partition, %why, "events for the backend wait for the bus");
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn entry(size: usize) -> Entry {
        Entry {
            id: "1".into(),
            subject: "2".into(),
            body: Bytes::from(vec![0; size]),
        }
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let line = Line::new(2, 2 * (OVERHEAD + 2 + 10));
        assert_eq!(line.push(0, entry(10)), Ok(()));
        assert_eq!(line.push(1, entry(11)), Err(Full), "all lines together");
        assert_eq!(line.push(1, entry(10)), Ok(()));
        assert_eq!(line.push(0, entry(0)), Err(Full));
        assert_eq!(line.bytes(), 2 * (OVERHEAD + 2 + 10));
    }
}
