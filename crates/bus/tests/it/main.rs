//! The buses, against the suite that all must pass; and the one through Redis, against faults.

#![allow(clippy::unwrap_used, reason = "tests; helpers among them are not recognized as such")]

mod cluster;
mod faults;
mod lineage;
mod memory;
mod node;
mod properties;
mod redis;
mod secure;
mod sentinel;
