//! Connections, handshakes and what clients say.

use super::declare::{latency, metrics};

metrics! {
    /// Connections, handshakes and what clients say.
    pub struct Connections {
        /// Connections that are open now.
        open: gauge ["codec", "transport"] = "hallway_connections_open",
        /// Connections opened since the node began.
        opened: counter ["codec", "transport"] = "hallway_connections_opened_total",
        /// Connections that ended, by WebSocket close code (1006: without a close frame).
        closed: counter ["code"] = "hallway_connections_closed_total",
        /// Seconds in which a tenth of the connections, and at least 20, ended without a word (1006) or an answer (4501).
        loss_bursts: counter = "hallway_connections_loss_bursts_total",
        /// Handshakes by what became of them.
        handshakes: counter ["outcome"] = "hallway_handshakes_total",
        /// Handshakes that are under way now.
        handshakes_open: gauge = "hallway_handshakes_open",
        /// From the first byte to the hello frame, without the wait for a token in the first frame.
        handshake_seconds: histogram(latency()) = "hallway_handshake_seconds",
        /// Frames from clients, by endpoint and by what became of them (`ok` or an error code).
        frames: counter ["endpoint", "outcome"] = "hallway_frames_received_total",
        /// Bytes that wait in the queues of slow sockets now.
        queued_bytes: gauge = "hallway_socket_queue_bytes",
        /// Sockets that have something waiting now.
        queued_sockets: gauge = "hallway_socket_queue_sockets",
        /// Sockets pinged.
        pings: counter = "hallway_pings_sent_total",
        /// Revocations that this node has learned of.
        revocations: counter = "hallway_revocations_total",
        /// Rooms with sockets on this node now.
        rooms: gauge = "hallway_rooms_open",
    }
}
