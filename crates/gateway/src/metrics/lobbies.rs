//! Lobbies.

use super::declare::metrics;

metrics! {
    /// Lobbies.
    pub struct Lobbies {
        /// Lobbies made through this node.
        made: counter = "hallway_lobbies_made_total",
        /// Members whom this node took out because they had no socket any more.
        vanished: counter = "hallway_lobby_members_vanished_total",
        /// Lobbies that this node found without anybody left.
        ended: counter = "hallway_lobbies_abandoned_total",
        /// Members that this node's sockets stand for, as of the last round.
        held: gauge = "hallway_lobby_members_held",
        /// Leaves that did not fit into the queue; those members stay until their time is up.
        dropped: counter = "hallway_lobby_leaves_dropped_total",
        /// Rounds of renewing and of looking for who has vanished that failed.
        failed: counter = "hallway_lobby_rounds_failed_total",
    }
}
