//! Ports for servers that cannot be told to choose one themselves.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

/// Where to look: below the range from which the system takes ports for outgoing connections, so that none of those
/// gets in the way between the look and the server's start.
const FIRST: u16 = 11_000;
const COUNT: u16 = 20_000;

/// A port on 127.0.0.1 that is free now, and that this process gives to no one else for a long while. Another process
/// may still take it; a server that is started there must be watched for that.
#[must_use]
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Each process begins somewhere else.
    let offset = u16::try_from(std::process::id() % u32::from(COUNT) * 37 % u32::from(COUNT)).unwrap_or(0);
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed) % COUNT;
        let port = FIRST + (offset + step) % COUNT;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no port is free");
}
