//! Nodes that share a Redis.
