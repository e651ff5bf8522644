//! Broadcasts on their way from the bus to sockets.

use hallway_hub::Delivered;

use super::declare::{latency, metrics};

metrics! {
    /// Broadcasts on their way from the bus to sockets.
    pub struct Delivery {
        /// Broadcasts that this node published, by what became of them.
        broadcasts_out: counter ["outcome"] = "hallway_broadcasts_published_total",
        /// Broadcasts that this node heard from the bus.
        broadcasts_in: counter = "hallway_broadcasts_received_total",
        /// Broadcasts written or queued to a socket, each socket counted.
        deliveries: counter = "hallway_deliveries_total",
        /// Bytes of those deliveries, frame headers included.
        bytes: counter = "hallway_delivery_bytes_total",
        /// Bursts that had to wait for a socket.
        queued: counter = "hallway_deliveries_queued_total",
        /// Sockets closed as slow consumers because their queue overflowed.
        overflowed: counter = "hallway_slow_consumers_total",
        /// Broadcasts dropped because they had been delivered before.
        duplicates: counter = "hallway_broadcasts_duplicate_total",
        /// Times that broadcasts may have been missed, by cause.
        gaps: counter ["cause"] = "hallway_gaps_total",
        /// Broadcasts read from history to close a gap.
        repaired: counter = "hallway_broadcasts_repaired_total",
        /// Times that a room was told to fetch anew, because a gap could not be proven closed.
        resyncs: counter = "hallway_resyncs_total",
        /// Broadcasts that were brought to sockets which had missed them, in the answer to a resume.
        caught_up: counter = "hallway_broadcasts_caught_up_total",
        /// Rooms that sockets resumed, by what became of it.
        resumes: counter ["outcome"] = "hallway_resumes_total",
        /// Messages published past the gateway that are no payload for all codecs.
        foreign_refused: counter = "hallway_foreign_messages_refused_total",
        /// Events that wait in the fullest lane looked at last.
        lane_depth: gauge = "hallway_lane_depth_events",
        /// From a broadcast's acceptance on this node, through the bus, to its last write here.
        publish_to_socket: histogram(latency()) = "hallway_publish_to_socket_seconds",
    }
}

impl Delivery {
    /// Counts a gap by its cause.
    pub fn gap(&self, cause: &str) {
        self.gaps.with_label_values(&[cause]).inc();
    }

    /// Counts a room that was resumed: recovered or not, or nothing where it was refused.
    pub fn resumed(&self, recovered: Option<bool>) {
        let outcome = match recovered {
            Some(true) => "recovered",
            Some(false) => "not-recovered",
            None => "refused",
        };
        self.resumes.with_label_values(&[outcome]).inc();
    }

    /// Counts what became of a burst.
    pub fn delivered(&self, delivered: &Delivered) {
        self.deliveries.inc_by(delivered.frames);
        self.bytes.inc_by(delivered.bytes);
        self.queued.inc_by(delivered.queued);
        self.overflowed.inc_by(delivered.overflowed);
    }
}
