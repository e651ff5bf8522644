//! The client against a small scripted server.

#![allow(clippy::unwrap_used, reason = "these are tests, helpers included")]

mod connecting;
mod conversing;
mod server;
mod session;
