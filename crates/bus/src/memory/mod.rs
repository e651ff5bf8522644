//! A bus inside one process, and the reference for what a bus does. Nothing outlives the process, and a node
//! on it is alone.
//!
//! A publish is done when the call returns: its future is ready at the first poll.

mod idempotency;
mod journal;
mod lane;
mod lobbies;
mod nodes;
mod presence;
mod revocations;
mod room;
mod seats;
mod together;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use hallway_protocol::{Position, RoomName};
use parking_lot::{Mutex, RwLock};
use tokio::sync::{mpsc, watch};

use crate::cluster::TOLD_CAPACITY;
use crate::stats::count;
use crate::{
    Backlog, Bus, BusError, Cluster, Entry, Health, History, Journal, Lanes, Lease, NodeRecord, Place, Publish,
    Published, Revocation, Revocations, RoomState, Seat, Seats, Stats, Told,
};
use journal::Shelves;
use lane::Lane;
use nodes::Nodes;
use presence::There;
use revocations::Revoked;
use seats::Taken;

const CLOSED: BusError = BusError::Unavailable("it is closed");

/// The bus of a node that is alone.
pub struct MemoryBus {
    lanes: RwLock<Option<Lanes>>,
    kept: Vec<Mutex<Lane>>,
    subscribed: RwLock<HashSet<RoomName>>,
    nodes: Mutex<Nodes>,
    revoked: Mutex<Revoked>,
    seats: Mutex<Taken>,
    lobbies: Mutex<lobbies::Rooms>,
    there: Mutex<There>,
    journal: Mutex<Shelves>,
    told: mpsc::Sender<Bytes>,
    health: watch::Sender<Health>,
    stats: Stats,
    /// When it began, in milliseconds since 1970.
    began: u64,
    closed: AtomicBool,
}

/// A bus that delivers to these lanes, and what is told to this node.
#[must_use]
pub fn connect(lanes: Lanes) -> (Arc<MemoryBus>, Told) {
    let (told, receiver) = mpsc::channel(TOLD_CAPACITY);
    let health = Health {
        link: true,
        probed: Some(Instant::now()),
        ready: true,
    };
    let bus = MemoryBus {
        kept: (0..lanes.count()).map(|_| Mutex::default()).collect(),
        lanes: RwLock::new(Some(lanes)),
        subscribed: RwLock::default(),
        nodes: Mutex::default(),
        revoked: Mutex::default(),
        seats: Mutex::default(),
        lobbies: Mutex::default(),
        there: Mutex::default(),
        journal: Mutex::default(),
        told,
        health: watch::Sender::new(health),
        stats: Stats::default(),
        began: now(),
        closed: AtomicBool::new(false),
    };
    (Arc::new(bus), receiver)
}

impl MemoryBus {
    /// In one step: under the lock of the room's lane.
    fn publish_now(&self, request: Publish) -> Result<Published, BusError> {
        let lanes = self.lanes.read();
        let lanes = lanes.as_ref().ok_or(CLOSED)?;
        let number = lanes.of(&request.room);
        // Before anything is numbered: a full lane loses nothing. A place is taken even for a room that nobody
        // here hears, so that being busy does not depend on who listens.
        let place = lanes.sender(number).try_reserve().map_err(|why| match why {
            mpsc::error::TrySendError::Full(()) => BusError::Busy,
            mpsc::error::TrySendError::Closed(()) => CLOSED,
        })?;
        let mut lane = self.kept[number].lock();
        let (published, heard) = lane.publish(request, now(), Instant::now());
        if let Some(heard) = heard
            && self.subscribed.read().contains(&heard.room)
        {
            place.send(crate::Event::Heard(heard));
        }
        Ok(published)
    }

    fn lane_of(&self, room: &RoomName) -> &Mutex<Lane> {
        // As Lanes::of: `kept` has one entry per lane.
        &self.kept[(room.stable_hash() % self.kept.len() as u64) as usize]
    }

    fn open<T>(&self, answer: impl FnOnce() -> T) -> Result<T, BusError> {
        if self.closed.load(Ordering::Acquire) {
            Err(CLOSED)
        } else {
            Ok(answer())
        }
    }
}

/// The system's clock in milliseconds since 1970.
fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as u64)
}

fn done<T: Send + 'static>(result: T) -> BoxFuture<'static, T> {
    ready(result).boxed()
}

impl Bus for MemoryBus {
    fn publish(&self, request: Publish) -> BoxFuture<'static, Result<Published, BusError>> {
        let result = self.publish_now(request);
        match &result {
            Ok(_) => count(&self.stats.published),
            Err(BusError::Busy) => count(&self.stats.busy),
            Err(_) => {}
        }
        done(result)
    }

    fn subscribe(&self, rooms: Vec<RoomName>) -> BoxFuture<'static, Result<(), BusError>> {
        done(self.open(|| {
            let mut subscribed = self.subscribed.write();
            subscribed.extend(rooms);
            self.stats
                .subscriptions
                .store(subscribed.len() as u64, Ordering::Relaxed);
        }))
    }

    fn unsubscribe(&self, rooms: Vec<RoomName>) {
        let mut subscribed = self.subscribed.write();
        for room in rooms {
            subscribed.remove(&room);
        }
        self.stats
            .subscriptions
            .store(subscribed.len() as u64, Ordering::Relaxed);
    }

    fn states(&self, rooms: Vec<RoomName>) -> BoxFuture<'static, Result<Vec<Option<RoomState>>, BusError>> {
        let states = || {
            rooms
                .iter()
                .map(|room| self.lane_of(room).lock().state(room, Instant::now()))
                .collect()
        };
        done(self.open(states))
    }

    fn history(
        &self,
        room: RoomName,
        after: Option<Position>,
        limit: usize,
    ) -> BoxFuture<'static, Result<History, BusError>> {
        let history = || {
            let mut history = self.lane_of(&room).lock().history(&room, after, limit, Instant::now());
            // A place of before this bus began says nothing about it.
            history.complete &= after.is_none_or(|here| self.reaches(here));
            history
        };
        done(self.open(history))
    }

    fn clock(&self, _room: &RoomName) -> u64 {
        now()
    }

    fn reaches(&self, place: Position) -> bool {
        place.epoch.0 >= self.began
    }

    fn health(&self) -> watch::Receiver<Health> {
        self.health.subscribe()
    }

    fn stats(&self) -> &Stats {
        &self.stats
    }

    fn close(&self) -> BoxFuture<'static, ()> {
        self.closed.store(true, Ordering::Release);
        *self.lanes.write() = None;
        self.health.send_replace(Health::default());
        done(())
    }
}

impl Cluster for MemoryBus {
    fn announce(&self, record: NodeRecord) -> BoxFuture<'static, Result<(), BusError>> {
        done(self.open(|| self.nodes.lock().announce(record, Instant::now())))
    }

    fn nodes(&self) -> BoxFuture<'static, Result<Vec<NodeRecord>, BusError>> {
        done(self.open(|| self.nodes.lock().alive(Instant::now())))
    }

    fn withdraw(&self) -> BoxFuture<'static, Result<(), BusError>> {
        done(self.open(|| self.nodes.lock().withdraw()))
    }

    fn tell(&self, words: Bytes) -> BoxFuture<'static, Result<(), BusError>> {
        done(self.open(|| {
            if self.told.try_send(words).is_err() {
                count(&self.stats.told_dropped);
            }
        }))
    }
}

impl Seats for MemoryBus {
    fn take_seat(&self, seat: Seat, most: usize) -> BoxFuture<'static, Result<bool, BusError>> {
        done(self.open(|| self.seats.lock().take(seat, most, Instant::now())))
    }

    fn renew_seats(&self, seats: Vec<Seat>) -> BoxFuture<'static, Result<(), BusError>> {
        done(self.open(|| self.seats.lock().renew(seats, Instant::now())))
    }

    fn give_back_seats(&self, seats: Vec<Seat>) -> BoxFuture<'static, Result<(), BusError>> {
        done(self.open(|| self.seats.lock().give_back(&seats)))
    }
}

impl Revocations for MemoryBus {
    fn revoke(&self, subject: String, life: Duration) -> BoxFuture<'static, Result<Revocation, BusError>> {
        done(self.open(|| self.revoked.lock().revoke(subject, life, now())))
    }

    fn restore(&self, known: Vec<Revocation>, life: Duration) -> BoxFuture<'static, Result<(), BusError>> {
        done(self.open(|| self.revoked.lock().restore(known, life, now())))
    }

    fn revoked(&self, since: u64, limit: usize) -> BoxFuture<'static, Result<Vec<Revocation>, BusError>> {
        done(self.open(|| self.revoked.lock().since(since, limit)))
    }
}

impl Journal for MemoryBus {
    fn append(&self, partition: u16, entries: Vec<Entry>, most: u64) -> BoxFuture<'static, Result<u64, BusError>> {
        done(self.open(|| self.journal.lock().append(partition, entries, most, now())))
    }

    fn take(&self, lease: Lease, limit: usize) -> BoxFuture<'static, Result<Option<Backlog>, BusError>> {
        done(self.open(|| self.journal.lock().take(lease, limit, Instant::now(), now())))
    }

    fn confirm(&self, lease: Lease, up_to: Place) -> BoxFuture<'static, Result<bool, BusError>> {
        done(self.open(|| self.journal.lock().confirm(&lease, up_to, Instant::now())))
    }

    fn release(&self, lease: Lease) -> BoxFuture<'static, Result<(), BusError>> {
        done(self.open(|| self.journal.lock().release(&lease, Instant::now())))
    }
}
