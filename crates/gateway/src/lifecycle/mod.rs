//! The node's life: whether it can do its job ([`readiness`]), and how clients are sent away: all of them when it goes
//! ([`drain`]), or what it has above the mean ([`rebalance`]); over how long ([`pace`]), and who is going now
//! ([`departures`]). [`standing`] is what other nodes and operators hear of it.

pub mod departures;
pub mod drain;
pub mod pace;
pub mod readiness;
pub mod rebalance;
pub mod standing;
