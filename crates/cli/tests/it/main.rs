//! The binary from outside: what it prints, where, and how it ends.

// What is no `#[test]` itself helps one here, and fails it in the same way.
#![allow(clippy::unwrap_used)]

mod chaos;
mod config;
mod messages;
mod messages_cost;
mod reload;
mod run;
mod serve;
mod token;
