//! Tells the backend what waits in one partition, while this node has its lease.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use hallway_bus::{Backlog, Lease};
use tokio::time::Instant;

use super::batch::Batch;
use super::work::Work;

/// Most events that are read at once.
const BATCH: usize = 100;
/// How often it is looked whether another node has appended something.
const LOOK: Duration = Duration::from_millis(200);

/// The task of a partition.
pub(super) struct Deliverer {
    work: Arc<Work>,
    lease: Lease,
    /// Ids of what the backend has and the journal does not know of yet, at most those of a batch.
    told: HashSet<String>,
}

impl Deliverer {
    pub(super) fn new(work: Arc<Work>, partition: u16) -> Self {
        Self {
            lease: work.lease(partition),
            told: HashSet::new(),
            work,
        }
    }

    /// Runs until the node takes its leave; then another node can go on at once.
    pub(super) async fn run(mut self) {
        let Ok(_telling) = Arc::clone(&self.work.telling).acquire_owned().await else {
            return;
        };
        let work = Arc::clone(&self.work);
        let partition = &work.partitions[usize::from(self.lease.partition)];
        while !work.leaving.is_cancelled() {
            let pause = match work.journal.take(self.lease.clone(), BATCH).await {
                Ok(Some(backlog)) => {
                    partition.note(Some(&backlog));
                    if !backlog.entries.is_empty() {
                        self.deliver(backlog).await;
                        continue;
                    }
                    LOOK
                }
                Ok(None) => {
                    partition.note(None);
                    self.lease.life / 3
                }
                Err(why) => {
                    tracing::debug!(%why, "could not look at what waits for the backend");
                    LOOK
                }
            };
            tokio::select! {
                () = work.leaving.cancelled() => {}
                () = partition.fresh.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        partition.note(None);
        let _ = work.journal.release(self.lease).await;
    }

    async fn deliver(&mut self, backlog: Backlog) {
        let work = Arc::clone(&self.work);
        let batch = Arc::new(Batch::new(backlog.entries, &self.told));
        tokio::select! {
            () = batch.tell(&work) => {}
            () = self.hold(&batch) => {}
            () = work.leaving.cancelled() => {}
        }
        self.told = batch.told();
        if !self.confirm(&batch).await {
            // Another time: what is known to be told is not told again by this node.
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Keeps the lease while a batch is told, and confirms what is done of it. Ends when the lease is lost, or must be taken
    /// for lost: another node may be telling then.
    async fn hold(&self, batch: &Batch) {
        let life = self.lease.life;
        let mut until = Instant::now() + life;
        while Instant::now() < until {
            tokio::time::sleep(life / 3).await;
            let asked = Instant::now();
            self.confirm(batch).await;
            match self.work.journal.take(self.lease.clone(), 1).await {
                Ok(Some(backlog)) => {
                    self.work.partitions[usize::from(self.lease.partition)].note(Some(&backlog));
                    until = asked + life;
                }
                Ok(None) => return,
                Err(why) => tracing::debug!(%why, "could not renew the lease of a partition"),
            }
        }
    }

    /// Whether the journal knows what was told.
    async fn confirm(&self, batch: &Batch) -> bool {
        let Some(place) = batch.done_up_to() else {
            return true;
        };
        match self.work.journal.confirm(self.lease.clone(), place).await {
            Ok(is_ours) => is_ours,
            Err(why) => {
                tracing::debug!(%why, "could not confirm what the backend was told");
                false
            }
        }
    }
}
