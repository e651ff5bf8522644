//! What operators ask of a running cluster: its greatest rooms ([`rooms`]), and how each node does ([`stats`]). Gathered
//! from the nodes when somebody asks, in bounded answers; nothing is kept for it but a counter per room.

pub mod rooms;
pub mod stats;
