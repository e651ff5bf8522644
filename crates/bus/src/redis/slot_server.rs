//! Publishing to a cluster: a call may touch one slot only, and slots move. So each slot has a line of its own with at
//! most one batch under way; the calls of different slots run beside one another. What a server did not do because
//! the slot is elsewhere goes back to the head of its line and is sent again: order per slot holds by construction.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use fred::error::Error;
use fred::types::Value;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;

use super::batch::{Batch, Item};
use super::hints::Hints;
use super::names::Names;
use super::publisher::{BATCH, DOWN, LATE};
use super::routes::Routes;
use super::shard::Shard;
use super::{errors, script, slots};
use crate::{BusError, Stats};

/// How long a slot that moves is left alone, unless it is learned earlier where it is.
const PAUSE: Duration = Duration::from_millis(25);

/// The serving end of the line.
pub(super) struct SlotServer {
    pub(super) waiting: mpsc::Receiver<Item>,
    pub(super) routes: Arc<Routes>,
    pub(super) names: Arc<Names>,
    pub(super) stats: Arc<Stats>,
    pub(super) patience: Duration,
    /// Most requests that stand in lines; beyond it they wait in front.
    pub(super) capacity: usize,
    pub(super) hints: Hints,
    pub(super) lines: HashMap<u16, Line>,
    /// How many requests stand in lines.
    pub(super) held: usize,
}

/// One slot's requests.
#[derive(Default)]
pub(super) struct Line {
    items: VecDeque<Item>,
    state: State,
}

#[derive(Default, PartialEq, Eq, Clone, Copy)]
enum State {
    #[default]
    Idle,
    UnderWay,
    /// Its slot moves.
    Paused,
}

/// What became of a slot's batch.
enum Outcome {
    Answer(Result<Value, Error>, Batch, Arc<Shard>),
    /// The link broke.
    Gone(Batch),
    /// It was paused for long enough.
    Rested,
}

type UnderWay = FuturesUnordered<BoxFuture<'static, (u16, Outcome)>>;

impl SlotServer {
    /// Serves the line until it is closed and empty.
    pub(super) async fn run(mut self) {
        let mut under_way = UnderWay::new();
        let mut items = Vec::with_capacity(BATCH);
        let mut changed = self.routes.changed.subscribe();
        let mut is_open = true;
        while is_open || self.held > 0 || !under_way.is_empty() {
            tokio::select! {
                biased;
                Some((slot, outcome)) = under_way.next(), if !under_way.is_empty() => {
                    self.settle(slot, outcome, &under_way);
                }
                Ok(()) = changed.changed() => self.wake(&under_way),
                taken = self.waiting.recv_many(&mut items, BATCH), if is_open && self.held < self.capacity => {
                    is_open = taken > 0;
                    self.line_up(&mut items, &under_way);
                }
            }
            let queued = self.waiting.len() + self.held;
            self.stats.publish_queue.store(queued as u64, Ordering::Relaxed);
        }
    }

    fn line_up(&mut self, items: &mut Vec<Item>, under_way: &UnderWay) {
        let mut slots = Vec::new();
        for item in items.drain(..) {
            let slot = slots::of(&item.target.channel(&self.names));
            self.lines.entry(slot).or_default().items.push_back(item);
            self.held += 1;
            slots.push(slot);
        }
        for slot in slots {
            self.send(slot, under_way);
        }
    }

    /// Where slots are has changed: none is paused any more.
    fn wake(&mut self, under_way: &UnderWay) {
        let paused = |(slot, line): (&u16, &mut Line)| (line.state == State::Paused).then_some(*slot);
        let slots: Vec<u16> = self.lines.iter_mut().filter_map(paused).collect();
        for slot in slots {
            self.set(slot, State::Idle);
            self.send(slot, under_way);
        }
    }

    fn set(&mut self, slot: u16, state: State) {
        if let Some(line) = self.lines.get_mut(&slot) {
            line.state = state;
        }
    }

    /// Sends what waits for a slot, if nothing of it is under way.
    fn send(&mut self, slot: u16, under_way: &UnderWay) {
        let Some(line) = self.lines.get_mut(&slot) else { return };
        if line.state != State::Idle {
            return;
        }
        let now = Instant::now();
        let mut batch = Vec::new();
        while let Some(item) = (batch.len() < BATCH).then(|| line.items.pop_front()).flatten() {
            self.held -= 1;
            if now.duration_since(item.queued) < self.patience {
                batch.push(item);
            } else {
                item.refuse(LATE);
            }
        }
        if batch.is_empty() {
            self.lines.remove(&slot);
            return;
        }
        let shard = self.routes.of_slot(slot);
        let up = shard.as_ref().and_then(|shard| shard.commands.borrow().clone());
        let (Some(shard), Some(up)) = (shard, up) else {
            batch.into_iter().for_each(|item| item.refuse(DOWN));
            return self.send(slot, under_way);
        };
        line.state = State::UnderWay;
        let batch = Batch::new(batch, &self.names, &self.hints, shard.lineage.since(), now);
        let (keys, args) = batch.command();
        let mut link = shard.commands.clone();
        under_way.push(Box::pin(async move {
            let gone = link.wait_for(|now| now.as_ref().is_none_or(|now| now.generation != up.generation));
            let outcome = tokio::select! {
                biased;
                result = script::PUBLISH.run_loading(&up.client, keys, args) => Outcome::Answer(result, batch, shard),
                _ = gone => Outcome::Gone(batch),
            };
            (slot, outcome)
        }));
    }

    /// Hands out what came of a slot's batch, and sends what waits behind it.
    fn settle(&mut self, slot: u16, outcome: Outcome, under_way: &UnderWay) {
        match outcome {
            Outcome::Rested => {
                if self.lines.get(&slot).is_none_or(|line| line.state != State::Paused) {
                    return;
                }
            }
            Outcome::Gone(batch) => batch.fail(&BusError::Interrupted),
            Outcome::Answer(Ok(value), batch, shard) => {
                let done = batch.settle(value, &mut self.hints, shard.lineage.floors());
                if let Some(up) = &*shard.commands.borrow() {
                    up.tick(shard.lineage.since().on_epochs_clock(done.ts));
                }
                self.stats.published.fetch_add(done.published, Ordering::Relaxed);
                if done.must_reconnect {
                    tear_down(&shard);
                }
            }
            Outcome::Answer(Err(why), batch, _) if errors::is_elsewhere(&why) => {
                return self.put_back(slot, batch, under_way);
            }
            Outcome::Answer(Err(why), batch, shard) => {
                let why = errors::from_fred(&why);
                if !matches!(why, BusError::Rejected(_)) {
                    tear_down(&shard);
                }
                batch.fail(&why);
            }
        }
        self.set(slot, State::Idle);
        self.send(slot, under_way);
    }

    /// Nothing of it was done: it goes back to where it was, until it is known where its slot is.
    fn put_back(&mut self, slot: u16, batch: Batch, under_way: &UnderWay) {
        let line = self.lines.entry(slot).or_default();
        for item in batch.into_items().into_iter().rev() {
            line.items.push_front(item);
            self.held += 1;
        }
        line.state = State::Paused;
        self.routes.are_stale.notify_one();
        under_way.push(Box::pin(async move {
            tokio::time::sleep(PAUSE).await;
            (slot, Outcome::Rested)
        }));
    }
}

fn tear_down(shard: &Shard) {
    if let Some(up) = &*shard.commands.borrow() {
        up.tear_down();
    }
}
