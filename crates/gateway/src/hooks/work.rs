//! What telling the backend needs, shared by the tasks that do it.

use std::sync::Arc;
use std::time::Duration;

use hallway_bus::{Backlog, Entry, Journal, Lease, partition_of};
use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::backend::Backend;
use super::line::Line;
use super::throttle::Throttle;
use super::{HookEvent, HookKind, body};
use crate::clock::unix_ms;
use crate::metrics::Metrics;

/// Largest event.
const LARGEST: usize = 64 * 1024;

/// What an operator can say about it.
pub(super) struct Options {
    pub(super) events: Vec<HookKind>,
    pub(super) partitions: u16,
    pub(super) keep: u64,
    pub(super) concurrency: usize,
    pub(super) retry_first: Duration,
    pub(super) retry_most: Duration,
    pub(super) give_up_after: Duration,
    pub(super) lease: Duration,
}

pub(super) struct Work {
    pub(super) options: Options,
    pub(super) journal: Arc<dyn Journal>,
    pub(super) backend: Backend,
    pub(super) line: Line,
    pub(super) metrics: Arc<Metrics>,
    /// This node's name among those that take leases.
    pub(super) holder: String,
    pub(super) partitions: Vec<Partition>,
    /// No more is told by this node.
    pub(super) leaving: CancellationToken,
    /// A permit for each task that tells; all are back when none does any more.
    pub(super) telling: Arc<Semaphore>,
    dropped: Throttle,
}

/// A partition, as this node sees it.
#[derive(Default)]
pub(super) struct Partition {
    /// This node has appended something.
    pub(super) fresh: Notify,
    /// What waits there, while this node has the lease.
    held: Mutex<Option<Waiting>>,
}

struct Waiting {
    count: u64,
    /// When the oldest was appended, by this node's clock.
    oldest: Option<Instant>,
}

impl Partition {
    /// Keeps in mind what was read; nothing if another node has the lease.
    pub(super) fn note(&self, backlog: Option<&Backlog>) {
        let now = Instant::now();
        *self.held.lock() = backlog.map(|backlog| Waiting {
            count: backlog.waiting,
            oldest: (backlog.waiting > 0).then(|| now.checked_sub(backlog.age).unwrap_or(now)),
        });
    }
}

impl Work {
    pub(super) fn new(
        options: Options,
        (journal, holder): (Arc<dyn Journal>, String),
        backend: Backend,
        queue: usize,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            line: Line::new(options.partitions, queue),
            partitions: (0..options.partitions).map(|_| Partition::default()).collect(),
            telling: Arc::new(Semaphore::new(usize::from(options.partitions))),
            leaving: CancellationToken::new(),
            dropped: Throttle::default(),
            options,
            journal,
            backend,
            metrics,
            holder,
        }
    }

    pub(super) fn lease(&self, partition: u16) -> Lease {
        Lease {
            partition,
            holder: self.holder.clone(),
            life: self.options.lease,
        }
    }

    /// Puts an event in line.
    pub(super) fn push(&self, subject: String, event: &HookEvent) {
        self.metrics.hooks.told.with_label_values(&[event.kind().name()]).inc();
        let Ok(body) = body::of(event, unix_ms()) else {
            return self.drop_one("too-large");
        };
        if body.len() > LARGEST {
            return self.drop_one("too-large");
        }
        let partition = partition_of(&subject, self.options.partitions);
        let entry = Entry {
            id: format!("msg_{:032x}", rand::random::<u128>()),
            subject,
            body,
        };
        if self.line.push(partition, entry).is_err() {
            self.drop_one("queue-full");
        }
    }

    fn drop_one(&self, reason: &'static str) {
        self.dropped(reason, 1);
    }

    fn dropped(&self, reason: &'static str, count: u64) {
        self.metrics.hooks.dropped.with_label_values(&[reason]).inc_by(count);
        if let Some(unsaid) = self.dropped.say(count) {
            tracing::error!(reason, events = unsaid, "events for the backend were dropped");
        }
    }

    /// Writes what this node saw in a partition, for ever.
    pub(super) async fn write(&self, partition: u16) {
        let written = |pushed_out| {
            self.partitions[usize::from(partition)].fresh.notify_one();
            if pushed_out > 0 {
                self.dropped("pushed-out", pushed_out);
            }
        };
        let to = (Arc::clone(&self.journal), self.options.keep);
        self.line.write(partition, to, &self.metrics, written).await;
    }

    pub(super) fn refresh_gauges(&self) {
        let (mut partitions, mut waiting, mut lag) = (0, 0, Duration::ZERO);
        for partition in &self.partitions {
            if let Some(held) = &*partition.held.lock() {
                partitions += 1;
                waiting += held.count;
                lag = lag.max(held.oldest.map_or(Duration::ZERO, |oldest| oldest.elapsed()));
            }
        }
        let metrics = &self.metrics.hooks;
        metrics.queued_bytes.set(self.line.bytes() as i64);
        metrics.partitions.set(partitions);
        metrics.waiting.set(waiting as i64);
        metrics.lag.set(lag.as_millis() as i64);
    }
}
