//! What the database is to be told of broadcasts: that they were sent, or that another node may send them. Told together, a
//! moment later: an acknowledgement need not wait for it, and many cost one write.

use std::sync::Arc;
use std::time::Duration;

use hallway_store::{ChangeId, Outbox as _, SqlStore, StoreError};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::database::Late;
use crate::metrics::Metrics;

/// Most notes that wait. Beyond it the newest are dropped: the outbox hands those changes out again when their lease is over.
const MOST: usize = 20_000;
/// Notes in one write.
const BATCH: usize = 500;
/// What comes within this time is told together.
const GATHER: Duration = Duration::from_millis(50);
/// When the database is away, it is tried again after this.
const RETRY: Duration = Duration::from_millis(500);

/// Notes for the database.
pub struct Notes {
    store: Arc<Late<SqlStore>>,
    metrics: Arc<Metrics>,
    waiting: Mutex<Waiting>,
    added: Notify,
}

#[derive(Default)]
struct Waiting {
    sent: Vec<ChangeId>,
    not_sent: Vec<ChangeId>,
}

impl Notes {
    /// Notes for a store. [`Notes::run`] must run beside it.
    pub fn new(store: Arc<Late<SqlStore>>, metrics: Arc<Metrics>) -> Self {
        Self {
            store,
            metrics,
            waiting: Mutex::default(),
            added: Notify::new(),
        }
    }

    /// A change was broadcast.
    pub fn sent(&self, change: ChangeId) {
        self.put(change, |waiting| &mut waiting.sent);
    }

    /// It was not, or nobody knows: whoever can may do it.
    pub fn not_sent(&self, change: ChangeId) {
        self.put(change, |waiting| &mut waiting.not_sent);
    }

    fn put(&self, change: ChangeId, list: impl FnOnce(&mut Waiting) -> &mut Vec<ChangeId>) {
        let mut waiting = self.waiting.lock();
        let count = waiting.sent.len() + waiting.not_sent.len();
        if count >= MOST {
            self.metrics.messages.notes_dropped.inc();
            return;
        }
        list(&mut waiting).push(change);
        self.metrics.messages.notes.set(count as i64 + 1);
        drop(waiting);
        self.added.notify_one();
    }

    /// Tells them as they come. Runs until it is dropped.
    pub async fn run(&self) {
        loop {
            self.added.notified().await;
            tokio::time::sleep(GATHER).await;
            while let Err(why) = self.tell_all().await {
                tracing::debug!(%why, "the database does not know yet what was broadcast");
                tokio::time::sleep(RETRY).await;
            }
        }
    }

    /// Tells all that wait. Cancel safe: what is not told by then is broadcast again under the same key.
    ///
    /// # Errors
    /// The database is away; what was not told waits on.
    pub async fn tell_all(&self) -> Result<(), StoreError> {
        loop {
            let (sent, not_sent) = {
                let mut waiting = self.waiting.lock();
                (take(&mut waiting.sent), take(&mut waiting.not_sent))
            };
            if sent.is_empty() && not_sent.is_empty() {
                self.metrics.messages.notes.set(0);
                return Ok(());
            }
            if let Err(why) = self.tell(&sent, &not_sent).await {
                // Telling again is harmless.
                let mut waiting = self.waiting.lock();
                waiting.sent.extend(sent);
                waiting.not_sent.extend(not_sent);
                return Err(why);
            }
        }
    }

    async fn tell(&self, sent: &[ChangeId], not_sent: &[ChangeId]) -> Result<(), StoreError> {
        let store = self.store.get()?;
        if !sent.is_empty() {
            store.mark_sent(sent.to_vec()).await?;
        }
        if !not_sent.is_empty() {
            store.give_back(not_sent.to_vec()).await?;
        }
        Ok(())
    }
}

fn take(from: &mut Vec<ChangeId>) -> Vec<ChangeId> {
    let count = from.len().min(BATCH);
    from.drain(..count).collect()
}
