//! Bounds that an operator sets, and who counts against them on this node.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use hallway_hub::{Hub, Socket};
use hallway_protocol::{Error, ErrorCode, RoomName, UserId};

use crate::connection::rate::Rate;

/// The bounds. Zero is no limit where the field says so.
#[derive(Debug)]
pub struct Limits {
    /// Connections on this node; zero is no limit.
    pub connections: usize,
    /// Handshakes under way at once.
    pub handshakes: usize,
    /// Longest handshake, from accept to upgrade.
    pub handshake_timeout: Duration,
    /// Longest wait for a token in the first frame.
    pub auth_timeout: Duration,
    /// Largest message of an authenticated client, in bytes.
    pub frame_size: usize,
    /// Largest message before that.
    pub unauthenticated_frame_size: usize,
    /// Most bytes that wait for a client that does not take them.
    pub queue: usize,
    /// Frames a second.
    pub rate: Rate,
    /// Requests of one socket under way at once; more are left unread.
    pub requests_in_flight: usize,
    /// Bytes of missed broadcasts that one answer may bring.
    pub resume_bytes: usize,
    /// Rooms of one socket, its own two aside.
    pub rooms_per_socket: usize,
    /// Sockets of one user on this node; zero is no limit.
    pub sockets_per_user: usize,
    /// How often sockets are pinged.
    pub ping_interval: Duration,
    /// How long they may take to answer.
    pub pong_timeout: Duration,
    /// Sockets of one address on this node.
    pub addresses: Addresses,
    /// Connections that have a place now.
    pub open: Arc<AtomicUsize>,
}

impl Limits {
    /// Whether a user may have one more socket here.
    ///
    /// # Errors
    /// `rate-limited`.
    pub fn check_user(&self, hub: &Hub, user: &UserId) -> Result<(), Error> {
        if self.sockets_per_user > 0 && hub.socket_count_of(user) >= self.sockets_per_user {
            return Err(Error::new(ErrorCode::RateLimited, "too many sockets of one user").retry_after(1000));
        }
        Ok(())
    }

    /// Whether a socket may be in one more room.
    ///
    /// # Errors
    /// `conflict`: leaving a room resolves it.
    pub fn check_rooms(&self, socket: &Socket, home: &RoomName) -> Result<(), Error> {
        let rooms = socket.rooms();
        let own = 1 + usize::from(socket.user().is_some());
        let full = rooms.len().saturating_sub(own) >= self.rooms_per_socket;
        if full && !rooms.iter().any(|room| room.name() == home) {
            let why = format!(
                "this socket is in {} rooms, the most there may be",
                self.rooms_per_socket
            );
            return Err(Error::new(ErrorCode::Conflict, why));
        }
        Ok(())
    }
}

/// Connections by address.
#[derive(Debug, Clone)]
pub struct Addresses {
    counts: Arc<DashMap<IpAddr, u32>>,
    most: u32,
    open: Arc<AtomicUsize>,
}

/// One connection's share, given back when dropped.
#[derive(Debug)]
pub struct AddressPermit {
    addresses: Addresses,
    address: IpAddr,
}

impl Addresses {
    /// At most `most` for each address; zero is no limit. `open` counts all of them.
    #[must_use]
    pub fn new(most: u32, open: Arc<AtomicUsize>) -> Self {
        Self {
            counts: Arc::default(),
            most,
            open,
        }
    }

    /// A share for one more connection, or nothing if the address has all that it may.
    #[must_use]
    pub fn enter(&self, address: IpAddr) -> Option<AddressPermit> {
        // IPv4 written as IPv6 is the same address.
        let address = address.to_canonical();
        let mut count = self.counts.entry(address).or_insert(0);
        if self.most > 0 && *count >= self.most {
            return None;
        }
        *count += 1;
        self.open.fetch_add(1, Ordering::Relaxed);
        Some(AddressPermit {
            addresses: self.clone(),
            address,
        })
    }
}

impl Drop for AddressPermit {
    fn drop(&mut self) {
        self.addresses.open.fetch_sub(1, Ordering::Relaxed);
        if let Entry::Occupied(mut entry) = self.addresses.counts.entry(self.address) {
            *entry.get_mut() -= 1;
            if *entry.get() == 0 {
                entry.remove();
            }
        }
    }
}
