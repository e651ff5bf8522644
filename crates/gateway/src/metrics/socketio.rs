//! Clients of Socket.IO, beside what is counted of all clients.

use super::declare::metrics;

metrics! {
    /// Clients of Socket.IO.
    pub struct SocketIo {
        /// Clients that came back with what they had, by whether all was there (`recovered`, `anew`).
        returned: counter ["outcome"] = "hallway_socketio_returned_total",
        /// Changes of who is in a room that clients of Socket.IO were not told of as a list: too many at once, or the bus was away.
        rosters_dropped: counter = "hallway_socketio_rosters_dropped_total",
    }
}
