//! Which sockets a user has, in this process.

use std::collections::HashMap;
use std::time::Instant;

use hallway_protocol::{ClientId, UserId};

use crate::Seat;
use crate::seats::SEAT_LIFE;

/// Users, their sockets, and until when each is known.
#[derive(Debug, Default)]
pub(super) struct Taken(HashMap<UserId, HashMap<ClientId, Instant>>);

impl Taken {
    pub(super) fn take(&mut self, seat: Seat, most: usize, now: Instant) -> bool {
        let seats = self.0.entry(seat.user).or_default();
        seats.retain(|_, end| *end > now);
        let is_taken = seats.len() < most || seats.contains_key(&seat.client);
        if is_taken {
            seats.insert(seat.client, now + SEAT_LIFE);
        }
        is_taken
    }

    pub(super) fn renew(&mut self, seats: Vec<Seat>, now: Instant) {
        for seat in seats {
            self.0
                .entry(seat.user)
                .or_default()
                .insert(seat.client, now + SEAT_LIFE);
        }
    }

    pub(super) fn give_back(&mut self, seats: &[Seat]) {
        for seat in seats {
            let Some(there) = self.0.get_mut(&seat.user) else {
                continue;
            };
            there.remove(&seat.client);
            if there.is_empty() {
                self.0.remove(&seat.user);
            }
        }
    }
}
