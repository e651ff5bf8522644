//! Which sockets a user has, on all nodes. A seat ends by itself unless it is renewed, so that a node that dies gives its
//! own back.

use std::time::Duration;

use futures_util::future::BoxFuture;
use hallway_protocol::{ClientId, UserId};

use crate::BusError;

/// How long a seat lives after it was taken or renewed.
pub const SEAT_LIFE: Duration = Duration::from_secs(90);

/// A user's socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    /// Whose.
    pub user: UserId,
    /// Which.
    pub client: ClientId,
}

/// The memory of who sits where.
///
/// None of its futures waits longer than the bus's command timeout, and dropping one stops the waiting, never the work.
pub trait Seats: Send + Sync + 'static {
    /// Takes a seat, unless the user has `most` already. Whether it was taken.
    fn take_seat(&self, seat: Seat, most: usize) -> BoxFuture<'static, Result<bool, BusError>>;

    /// Renews seats, and takes again those that were forgotten.
    fn renew_seats(&self, seats: Vec<Seat>) -> BoxFuture<'static, Result<(), BusError>>;

    /// Gives seats back. Repeating it is harmless.
    fn give_back_seats(&self, seats: Vec<Seat>) -> BoxFuture<'static, Result<(), BusError>>;
}
