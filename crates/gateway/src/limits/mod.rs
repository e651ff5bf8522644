//! Bounds that an operator sets, and who counts against them on this node.

mod addresses;
mod rates;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hallway_hub::{Hub, Socket};
use hallway_protocol::{ClientId, Endpoint, Error, ErrorCode, RoomName, UserId};

pub use addresses::{AddressPermit, Addresses};

use crate::config::Config;
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
    /// The same for some endpoints.
    pub endpoint_rates: Vec<(Endpoint, Rate)>,
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
    /// What a configuration says, with nobody counted.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let limits = &config.limits;
        let open = Arc::new(AtomicUsize::new(0));
        Self {
            connections: limits.connections as usize,
            handshakes: limits.handshakes as usize,
            handshake_timeout: limits.handshake_timeout,
            auth_timeout: config.auth.timeout,
            frame_size: limits.frame_size.bytes(),
            unauthenticated_frame_size: limits.unauthenticated_frame_size.bytes(),
            rate: Rate {
                per_second: limits.frames_per_second,
                burst: limits.frames_burst,
            },
            endpoint_rates: limits.endpoint_rates(),
            resume_bytes: limits.resume_bytes.bytes().min(limits.socket_queue.bytes() / 2),
            requests_in_flight: limits.requests_in_flight as usize,
            rooms_per_socket: limits.rooms_per_socket as usize,
            sockets_per_user: limits.sockets_per_user as usize,
            ping_interval: limits.ping_interval,
            pong_timeout: limits.pong_timeout,
            queue: limits.socket_queue.bytes(),
            addresses: Addresses::new(limits, Arc::clone(&open)),
            open,
        }
    }

    /// What a later configuration says, without what only a restart changes; who is counted stays counted.
    #[must_use]
    pub fn renewed(&self, config: &Config) -> Self {
        Self {
            handshakes: self.handshakes,
            ping_interval: self.ping_interval,
            addresses: self.addresses.with(&config.limits),
            open: Arc::clone(&self.open),
            ..Self::of(config)
        }
    }

    /// How many connections have a place now.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

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

    /// Whether a socket may be in one more room, a new one.
    ///
    /// # Errors
    /// `conflict`: leaving a room resolves it.
    pub fn check_one_more_room(&self, socket: &Socket) -> Result<(), Error> {
        self.check_rooms(socket, &RoomName::of_client(ClientId::from_bits(0)))
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
