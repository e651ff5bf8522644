//! The buses, against the suite that all must pass; and the one through Redis, against faults.

mod faults;
mod memory;
mod redis;
