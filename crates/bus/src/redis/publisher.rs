//! Publishing: one task takes what waits, up to a batch, and has Redis do it in one script call. Several batches
//! are under way at once on one connection, so their order holds; while they are, the next one gathers. A lone
//! request leaves at once.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use fred::error::Error;
use fred::types::Value;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, poll_immediate};
use tokio::sync::{mpsc, oneshot};

use super::batch::{Batch, Item, Target};
use super::hints::Hints;
use super::lineage::Lineage;
use super::link::{Link, Up};
use super::names::Names;
use super::routes::Routes;
use super::{errors, script};
use crate::stats::count;
use crate::{BusError, Published, Stats};

/// Most requests in one script call: Redis does nothing else meanwhile.
pub(super) const BATCH: usize = 128;
/// Most calls under way. Few, so that batches fill when there is much to do.
const UNDER_WAY: usize = 4;

/// The way into the line.
pub(super) struct Publisher {
    queue: mpsc::Sender<Item>,
    routes: Arc<Routes>,
    stats: Arc<Stats>,
}

impl Publisher {
    /// A line that holds so many requests, and the end from which it is served.
    pub(super) fn new(capacity: usize, routes: Arc<Routes>, stats: Arc<Stats>) -> (Self, mpsc::Receiver<Item>) {
        let (queue, waiting) = mpsc::channel(capacity.max(1));
        (Self { queue, routes, stats }, waiting)
    }

    /// Puts a request in line, now.
    pub(super) fn push(&self, target: Target, body: Bytes) -> BoxFuture<'static, Result<Published, BusError>> {
        if !self.routes.is_up(&target) {
            return std::future::ready(Err(DOWN)).boxed();
        }
        let (answer, result) = oneshot::channel();
        let item = Item {
            target,
            body,
            queued: Instant::now(),
            answer,
        };
        match self.queue.try_send(item) {
            Ok(()) => result.map(|result| result.unwrap_or(Err(CLOSED))).boxed(),
            Err(mpsc::error::TrySendError::Full(_)) => {
                count(&self.stats.busy);
                std::future::ready(Err(BusError::Busy)).boxed()
            }
            Err(mpsc::error::TrySendError::Closed(_)) => std::future::ready(Err(CLOSED)).boxed(),
        }
    }
}

pub(super) type Answer = oneshot::Sender<Result<Published, BusError>>;

pub(super) const DOWN: BusError = BusError::Unavailable("the link is down");
pub(super) const LATE: BusError = BusError::Unavailable("it waited too long to be sent");
const CLOSED: BusError = BusError::Unavailable("it is closed");

type Call = Pin<Box<dyn Future<Output = Result<Value, Error>> + Send>>;

/// The serving end.
pub(super) struct Server {
    pub(super) waiting: mpsc::Receiver<Item>,
    pub(super) link: Link,
    pub(super) names: Arc<Names>,
    pub(super) lineage: Arc<Lineage>,
    pub(super) stats: Arc<Stats>,
    pub(super) patience: Duration,
    pub(super) hints: Hints,
}

/// How serving a link ended.
enum End {
    /// The link is gone.
    Gone,
    /// The line is closed and empty.
    Closed,
}

impl Server {
    /// Serves the line until it is closed and empty.
    pub(super) async fn run(mut self) {
        loop {
            let up = self.link.borrow_and_update().clone();
            let end = match up {
                Some(up) => self.serve(&up).await,
                None => self.turn_away().await,
            };
            if matches!(end, End::Closed) {
                return;
            }
        }
    }

    /// Without a link: answers at once.
    async fn turn_away(&mut self) -> End {
        loop {
            tokio::select! {
                biased;
                changed = self.link.changed() => return if changed.is_ok() { End::Gone } else { End::Closed },
                item = self.waiting.recv() => match item {
                    Some(item) => item.refuse(DOWN),
                    None => return End::Closed,
                },
            }
        }
    }

    /// On one link.
    async fn serve(&mut self, up: &Up) -> End {
        let mut under_way: VecDeque<(Call, Batch)> = VecDeque::with_capacity(UNDER_WAY);
        let mut items = Vec::with_capacity(BATCH);
        let mut is_open = true;
        while is_open || !under_way.is_empty() {
            tokio::select! {
                biased;
                result = first(&mut under_way), if !under_way.is_empty() => {
                    let Some((_, batch)) = under_way.pop_front() else { continue };
                    self.settle(up, result, batch, &mut under_way).await;
                }
                changed = self.link.changed() => {
                    self.interrupt(under_way);
                    return if changed.is_ok() { End::Gone } else { End::Closed };
                }
                taken = self.waiting.recv_many(&mut items, BATCH), if is_open && under_way.len() < UNDER_WAY => {
                    is_open = taken > 0;
                    self.stats.publish_queue.store(self.waiting.len() as u64, Ordering::Relaxed);
                    if let Some(batch) = self.batch(&mut items) {
                        under_way.push_back(self.send(up, batch).await);
                    }
                }
            }
        }
        End::Closed
    }

    /// What is not too late yet.
    fn batch(&self, items: &mut Vec<Item>) -> Option<Batch> {
        let now = Instant::now();
        let mut batch = Vec::with_capacity(items.len());
        for item in items.drain(..) {
            if now.duration_since(item.queued) < self.patience {
                batch.push(item);
            } else {
                item.refuse(LATE);
            }
        }
        (!batch.is_empty()).then(|| Batch::new(batch, &self.names, &self.hints, self.lineage.since(), now))
    }

    /// Sends a batch: its command is in the client's line when this returns.
    async fn send(&self, up: &Up, batch: Batch) -> (Call, Batch) {
        let (keys, args) = batch.command();
        let client = up.client.clone();
        let mut call: Call = Box::pin(async move { script::PUBLISH.run(&client, keys, args).await });
        // The first poll sends. An answer this early is an error, which is kept for its turn.
        let early = poll_immediate(&mut call).await;
        match early {
            Some(result) => (Box::pin(std::future::ready(result)), batch),
            None => (call, batch),
        }
    }

    /// Hands out the answers of a batch.
    async fn settle(
        &mut self,
        up: &Up,
        result: Result<Value, Error>,
        batch: Batch,
        under_way: &mut VecDeque<(Call, Batch)>,
    ) {
        match result {
            Ok(value) => {
                let done = batch.settle(value, &mut self.hints, self.lineage.floors());
                up.tick(self.lineage.since().on_epochs_clock(done.ts));
                self.stats.published.fetch_add(done.published, Ordering::Relaxed);
                if done.must_reconnect {
                    up.tear_down();
                }
            }
            Err(why) if script::is_unknown_script(&why) => self.load_and_repeat(up, batch, under_way).await,
            Err(why) => {
                let why = errors::from_fred(&why);
                // Who does not answer in time, or cannot be written to, is not to be relied on.
                if !matches!(why, BusError::Rejected(_)) {
                    up.tear_down();
                }
                batch.fail(&why);
            }
        }
    }

    /// The server has forgotten the script: it is loaded, and what it did not do is sent again, in order. Those
    /// under way are waited for, since they failed likewise; one that did not must not be overtaken.
    async fn load_and_repeat(&mut self, up: &Up, batch: Batch, under_way: &mut VecDeque<(Call, Batch)>) {
        let mut again = vec![batch];
        for (call, batch) in under_way.drain(..) {
            match call.await {
                Err(why) if script::is_unknown_script(&why) => again.push(batch),
                Err(why) => batch.fail(&errors::from_fred(&why)),
                Ok(value) => {
                    // Someone else has loaded it in between.
                    for batch in again.drain(..) {
                        batch.fail(&BusError::Unavailable("the server had lost its scripts"));
                    }
                    self.stats.published.fetch_add(
                        batch.settle(value, &mut self.hints, self.lineage.floors()).published,
                        Ordering::Relaxed,
                    );
                }
            }
        }
        if let Err(why) = Box::pin(script::load(&up.client)).await {
            let why = errors::from_fred(&why);
            up.tear_down();
            return again.into_iter().for_each(|batch| batch.fail(&why));
        }
        for batch in again {
            let sent = self.send(up, batch).await;
            under_way.push_back(sent);
        }
    }

    /// The link is gone: what was answered is handed out, the rest is in doubt.
    fn interrupt(&mut self, under_way: VecDeque<(Call, Batch)>) {
        for (call, batch) in under_way {
            match call.now_or_never() {
                Some(Ok(value)) => {
                    self.stats.published.fetch_add(
                        batch.settle(value, &mut self.hints, self.lineage.floors()).published,
                        Ordering::Relaxed,
                    );
                }
                Some(Err(why)) => batch.fail(&errors::from_fred(&why)),
                None => batch.fail(&BusError::Interrupted),
            }
        }
    }
}

/// The first call's result. Cancel safe: the call stays where it is.
async fn first(under_way: &mut VecDeque<(Call, Batch)>) -> Result<Value, Error> {
    match under_way.front_mut() {
        Some((call, _)) => call.await,
        None => std::future::pending().await,
    }
}
