//! One server that holds rooms: two links, its subscriptions, and a probe that sees whether it delivers. A Redis that
//! is no cluster is one shard with all rooms.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Weak};

use bytes::Bytes;
use fred::types::config::Config;
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;

use super::drain::Drain;
use super::lineage::{Floors, Lineage};
use super::link::{Keeper, Link, Proof};
use super::names::Names;
use super::probe::{Probe, Prober};
use super::publisher::Publisher;
use super::routes::Routes;
use super::subscriber::Subscriber;
use super::wanted::{ShardId, Wanted};
use super::{RedisOptions, is_up};
use crate::{Health, Lanes, Stats};

/// Messages that the client of the link for commands may hold: it gets none.
const NO_MESSAGES: usize = 16;

/// What all shards of a bus have in common.
pub(super) struct Common {
    pub(super) options: RedisOptions,
    pub(super) lanes: Lanes,
    pub(super) told: mpsc::Sender<Bytes>,
    pub(super) wanted: Arc<Wanted>,
    pub(super) floors: Arc<Floors>,
    pub(super) routes: Arc<Routes>,
    pub(super) stats: Arc<Stats>,
    /// Weak, so that shards do not hold the line open.
    pub(super) publisher: Weak<Publisher>,
}

/// A server that holds rooms. Ends when dropped.
pub(super) struct Shard {
    pub(super) id: ShardId,
    pub(super) names: Arc<Names>,
    pub(super) commands: Link,
    pub(super) subscriptions: Link,
    pub(super) lineage: Arc<Lineage>,
    pub(super) health: watch::Receiver<Health>,
    tasks: Vec<AbortHandle>,
}

impl Drop for Shard {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

impl Shard {
    /// Starts all of its tasks. `hears_words`: whether words to all nodes are told there.
    pub(super) fn start(
        id: ShardId,
        config: &Config,
        names: Names,
        hears_words: bool,
        known_run: String,
        common: &Common,
    ) -> Self {
        let names = Arc::new(names);
        let Common { options, stats, .. } = common;
        let floors = Arc::clone(&common.floors);
        let lineage = Arc::new(Lineage::new(names.lineage.clone(), floors, known_run));
        let mut tasks = Vec::new();
        let mut keep = |name, messages, lineage| {
            let (up, link) = watch::channel(None);
            let keeper = Keeper {
                name,
                config: config.clone(),
                options: options.clone(),
                messages,
                stats: Arc::clone(stats),
                up,
                lineage,
            };
            tasks.push(tokio::spawn(keeper.run()).abort_handle());
            link
        };
        let subscriptions = keep("subscriptions", options.receive_queue, None);
        let proof = Proof {
            lineage: Arc::clone(&lineage),
            subscriptions: subscriptions.clone(),
        };
        let commands = keep("commands", NO_MESSAGES, Some(proof));

        let probe = Arc::new(Probe::default());
        let is_waiting = Arc::new(AtomicBool::new(false));
        let (feeds, feeds_receiver) = mpsc::channel(16);
        let drain = Drain {
            lanes: common.lanes.clone(),
            names: Arc::clone(&names),
            told: common.told.clone(),
            probe: Arc::clone(&probe),
            stats: Arc::clone(stats),
            is_waiting: Arc::clone(&is_waiting),
            last_log: None,
        };
        let mut own = vec![names.probe.clone()];
        own.extend(hears_words.then(|| names.words.clone()));
        let (restored, is_restored) = watch::channel(false);
        let subscriber = Subscriber {
            shard: id,
            changed: common.wanted.add(id),
            link: subscriptions.clone(),
            wanted: Arc::clone(&common.wanted),
            routes: Arc::clone(&common.routes),
            names: Arc::clone(&names),
            own,
            feeds,
            stats: Arc::clone(stats),
            is_restored: restored,
        };
        let (health, health_receiver) = watch::channel(Health::default());
        let prober = Prober {
            probe,
            publisher: Weak::clone(&common.publisher),
            names: Arc::clone(&names),
            commands: commands.clone(),
            subscriptions: subscriptions.clone(),
            is_restored,
            is_waiting,
            health,
            interval: options.probe_interval,
            timeout: options.probe_timeout,
        };
        tasks.push(tokio::spawn(drain.run(feeds_receiver)).abort_handle());
        tasks.push(tokio::spawn(subscriber.run()).abort_handle());
        tasks.push(tokio::spawn(prober.run()).abort_handle());
        Self {
            id,
            names,
            commands,
            subscriptions,
            lineage,
            health: health_receiver,
            tasks,
        }
    }

    /// Whether it takes commands now.
    pub(super) fn is_up(&self) -> bool {
        is_up(&self.commands)
    }
}
