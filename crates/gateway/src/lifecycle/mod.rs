//! The node's life: whether it can do its job, and how it takes its leave.

pub mod drain;
pub mod readiness;
