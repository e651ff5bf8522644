//! The binary from outside: what it prints, where, and how it ends.

mod config;
mod run;
mod serve;
mod token;
