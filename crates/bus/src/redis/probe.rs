//! Loop-back probes: a Redis that answers may still not deliver, so the node publishes something to itself, the way
//! every broadcast goes, and sees whether it comes back.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio::time::MissedTickBehavior;

use super::batch::Target;
use super::is_up;
use super::link::Link;
use super::names::Names;
use super::publisher::Publisher;
use crate::Health;

/// What came back.
#[derive(Default)]
pub(super) struct Probe {
    last: Mutex<Option<Instant>>,
    arrived: Notify,
}

impl Probe {
    /// One has come back.
    pub(super) fn came_back(&self) {
        *self.last.lock() = Some(Instant::now());
        self.arrived.notify_one();
    }
}

/// The task that probes and says how the bus is.
pub(super) struct Prober {
    pub(super) probe: Arc<Probe>,
    /// Weak, so that it does not hold the line open.
    pub(super) publisher: Weak<Publisher>,
    pub(super) names: Arc<Names>,
    pub(super) commands: Link,
    pub(super) subscriptions: Link,
    pub(super) is_restored: watch::Receiver<bool>,
    pub(super) is_waiting: Arc<AtomicBool>,
    pub(super) health: watch::Sender<Health>,
    pub(super) interval: Duration,
    pub(super) timeout: Duration,
}

impl Prober {
    /// Probes for ever.
    pub(super) async fn run(mut self) {
        let mut ticks = tokio::time::interval(self.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // Since when the links are up without a probe having come back.
        let mut silent_since: Option<Instant> = None;
        loop {
            let changed = tokio::select! {
                _ = ticks.tick() => { self.send(); true }
                changed = self.commands.changed() => changed.is_ok(),
                changed = self.is_restored.changed() => changed.is_ok(),
                () = self.probe.arrived.notified() => { silent_since = None; true }
            };
            if !changed {
                return;
            }
            let was_up = self.health.borrow().link;
            let link = is_up(&self.commands) && *self.is_restored.borrow();
            if link && !was_up {
                self.send();
            }
            silent_since = if link {
                silent_since.or_else(|| Some(Instant::now()))
            } else {
                None
            };
            self.judge(link);
            if silent_since.is_some_and(|since| since.elapsed() >= self.timeout) {
                silent_since = None;
                self.give_up();
            }
        }
    }

    fn send(&self) {
        let Some(publisher) = self.publisher.upgrade() else {
            return;
        };
        // Whether it was published is seen by its coming back.
        drop(publisher.push(Target::Own(self.names.probe.clone()), Bytes::new()));
    }

    fn judge(&self, link: bool) {
        let probed = *self.probe.last.lock();
        let ready = link && probed.is_some_and(|at| at.elapsed() < self.timeout);
        self.health.send_if_modified(|health| {
            let is_news = health.ready != ready || health.link != link;
            *health = Health { link, probed, ready };
            is_news
        });
    }

    /// Makes the links anew, unless it is this node that does not take what arrives.
    fn give_up(&self) {
        if self.is_waiting.load(Ordering::Relaxed) {
            tracing::warn!("no probe came back, since a lane is full");
            return;
        }
        tracing::warn!("no probe came back: the links to Redis are made anew");
        for link in [&self.commands, &self.subscriptions] {
            if let Some(up) = &*link.borrow() {
                up.tear_down();
            }
        }
    }
}
