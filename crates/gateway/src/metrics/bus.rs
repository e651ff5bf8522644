//! The bus as this node sees it.

use std::sync::atomic::Ordering::Relaxed;

use hallway_bus::{Health, Stats};

use super::catch_up;
use super::declare::metrics;

metrics! {
    /// The bus as this node sees it.
    pub struct Bus {
        /// Whether the link is up and the last loop-back probe came back in time: 1 or 0.
        up: gauge = "hallway_bus_up",
        /// Age of the last loop-back probe that came back, in milliseconds.
        probe_age: gauge = "hallway_bus_probe_age_milliseconds",
        /// Channels that this node is subscribed to or wants to be.
        subscriptions: gauge = "hallway_bus_subscriptions",
        /// Requests that wait in the publish queue.
        publish_queue: gauge = "hallway_bus_publish_queue_requests",
        /// Messages on our channels that could not be read.
        malformed: counter = "hallway_bus_messages_malformed_total",
        /// Words to this node that were dropped because it did not take them in time.
        told_dropped: counter = "hallway_bus_words_dropped_total",
        /// Messages dropped because the node did not take them in time; each such time is a gap.
        lagged: counter = "hallway_bus_messages_lagged_total",
        /// Publishes turned away because the queue was full.
        busy: counter = "hallway_bus_publishes_refused_total",
        /// Times that the link was made anew.
        reconnects: counter = "hallway_bus_reconnects_total",
    }
}

impl Bus {
    /// Takes over what the bus counts itself.
    pub fn refresh(&self, stats: &Stats, health: &Health) {
        self.up.set(i64::from(health.ready));
        self.probe_age
            .set(health.probed.map_or(-1, |at| at.elapsed().as_millis() as i64));
        self.subscriptions.set(stats.subscriptions.load(Relaxed) as i64);
        self.publish_queue.set(stats.publish_queue.load(Relaxed) as i64);
        catch_up(&self.malformed, stats.malformed.load(Relaxed));
        catch_up(&self.told_dropped, stats.told_dropped.load(Relaxed));
        catch_up(&self.reconnects, stats.reconnects.load(Relaxed));
        catch_up(&self.lagged, stats.lagged.load(Relaxed));
        catch_up(&self.busy, stats.busy.load(Relaxed));
    }
}
