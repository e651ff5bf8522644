//! One lane: takes what arrived together, room by room, and fans it out.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, SystemTime};

use hallway_bus::{Event, Heard as Arrived, Lost};
use hallway_hub::registry::Line;
use hallway_hub::{Burst, Heard};
use hallway_protocol::{RoomName, json};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::Delivery;
use crate::typing;

/// Events taken at once: what waits together leaves together.
const BATCH: usize = 256;
/// Most frames in one burst, so that a piece of it fits a socket's queue.
const BURST: usize = 64;
/// When suspects could not be checked, they are tried again after this.
const RETRY: Duration = Duration::from_millis(250);

pub(super) struct Lane {
    pub(super) delivery: Delivery,
    number: usize,
    /// Rooms of which something may be missing. Nothing that leaves a hole is delivered there until they are
    /// checked against the bus.
    pub(super) suspects: HashSet<RoomName>,
    retry_at: Instant,
}

impl Lane {
    pub(super) fn new(delivery: Delivery, number: usize) -> Self {
        Self {
            delivery,
            number,
            suspects: HashSet::new(),
            retry_at: Instant::now(),
        }
    }

    pub(super) async fn run(mut self, mut events: mpsc::Receiver<Event>, mut found: mpsc::Receiver<Vec<RoomName>>) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            if !self.suspects.is_empty() && Instant::now() >= self.retry_at && !self.check_suspects().await {
                self.retry_at = Instant::now() + RETRY;
            }
            let got = tokio::select! {
                biased;
                got = events.recv_many(&mut batch, BATCH) => got,
                Some(rooms) = found.recv() => {
                    self.suspect(rooms);
                    continue;
                }
                () = tokio::time::sleep_until(self.retry_at), if !self.suspects.is_empty() => continue,
            };
            if got == 0 {
                return;
            }
            self.delivery.metrics.delivery.lane_depth.set(events.len() as i64);
            let is_over = || events.is_closed();
            self.deal_with(&mut batch, is_over).await;
        }
    }

    /// Deals with what arrived together: in order per room, a room's share at a time.
    async fn deal_with(&mut self, batch: &mut Vec<Event>, is_over: impl Fn() -> bool) {
        let mut rooms: Vec<(RoomName, Vec<Arrived>)> = Vec::new();
        let mut places: HashMap<RoomName, usize> = HashMap::new();
        for event in batch.drain(..) {
            match event {
                Event::Heard(heard) => {
                    self.delivery.metrics.delivery.broadcasts_in.inc();
                    let place = *places.entry(heard.room.clone()).or_insert_with(|| {
                        rooms.push((heard.room.clone(), Vec::new()));
                        rooms.len() - 1
                    });
                    rooms[place].1.push(heard);
                }
                Event::Lost(cause) => {
                    // What came before it is whole; what comes after it may stand behind a hole.
                    places.clear();
                    for (room, arrived) in rooms.drain(..) {
                        self.deliver(&room, &arrived).await;
                    }
                    self.suspect_all(cause);
                    self.settle(&is_over).await;
                }
            }
        }
        for (room, arrived) in rooms {
            self.deliver(&room, &arrived).await;
        }
    }

    /// The patrol has found rooms behind.
    fn suspect(&mut self, rooms: Vec<RoomName>) {
        self.delivery.metrics.delivery.gap("patrol");
        tracing::warn!(
            rooms = rooms.len(),
            lane = self.number,
            "quiet rooms have missed something"
        );
        self.suspects.extend(rooms);
        self.retry_at = Instant::now();
    }

    fn suspect_all(&mut self, cause: Lost) {
        self.delivery.metrics.delivery.gap(cause.label());
        let rooms = self
            .delivery
            .hub
            .lines_where(|room| self.delivery.lane_of(room) == self.number);
        tracing::warn!(
            cause = cause.label(),
            rooms = rooms.len(),
            lane = self.number,
            "broadcasts may be missing"
        );
        self.suspects.extend(rooms);
        self.retry_at = Instant::now();
        // Words about memberships may be missing as well.
        self.delivery.review.wanted();
    }

    /// Waits until it is known who was revoked meanwhile, and their sockets are closed: nothing more is to reach them. What
    /// arrives waits in the lane as long; where it does not fit, the bus says that something is lost.
    async fn settle(&self, is_over: &impl Fn() -> bool) {
        while let Err(why) = self.delivery.revocations.settle().await {
            if is_over() {
                return;
            }
            tracing::warn!(%why, lane = self.number, "nothing is delivered until it is known who was revoked");
            tokio::time::sleep(RETRY).await;
        }
    }

    /// Delivers broadcasts of one room, in order.
    pub(super) async fn deliver(&mut self, room: &RoomName, arrived: &[Arrived]) {
        // The room may have been closed since they were sent here.
        let Some(line) = self.delivery.hub.line(room) else {
            return;
        };
        let mut rest = arrived;
        loop {
            let (old, left, heard) = self.deliver_next(&line, rest).await;
            self.delivery.metrics.delivery.duplicates.inc_by(old as u64);
            let Some((next, behind)) = left.split_first() else {
                return;
            };
            // Where it cannot be mended yet, it comes back from history when the suspect is checked, and so does what
            // follows it.
            self.mend(room, &line, next, heard).await;
            rest = behind;
        }
    }

    /// Delivers, in order, what follows on where the line stands by now, up to the first that does not: whoever asks may have
    /// waited since it looked, and an opening of the room may have put it where the bus stands; who entered since was
    /// brought what lies before. Gives how many had been delivered before, and what is left, with how its first stands.
    pub(super) async fn deliver_next<'a>(&self, line: &Line, arrived: &'a [Arrived]) -> (usize, &'a [Arrived], Heard) {
        let (mut old, mut rest) = (0, arrived);
        while !rest.is_empty() {
            let positions: Vec<_> = rest
                .iter()
                .take(BURST)
                .map(|one| (one.position, one.ts.unwrap_or(0)))
                .collect();
            let (count, heard, members) = line.room.hear(line.line, &positions);
            self.delivery.progress.make();
            let (these, later) = rest.split_at(count);
            match heard {
                Heard::Next => self.fan_out(these, &members).await,
                Heard::Old => old += count,
                Heard::Gap | Heard::OtherEpoch => return (old, rest, heard),
            }
            rest = later;
        }
        (old, rest, Heard::Next)
    }

    /// Before a broadcast that does not follow on: repairs what is missing and delivers it, or tells that it
    /// cannot be; or, with the bus away, makes the room suspect.
    async fn mend(&mut self, room: &RoomName, line: &Line, next: &Arrived, heard: Heard) {
        if self.suspects.contains(room) {
            return;
        }
        self.delivery.metrics.delivery.gap("number-missing");
        if heard == Heard::OtherEpoch {
            return self.resync_before(line, next).await;
        }
        if self.check(std::slice::from_ref(room)).await.is_err() {
            self.suspects.insert(room.clone());
            self.retry_at = Instant::now() + RETRY;
            return;
        }
        // The check has brought the room to where the bus stands, which is at or behind this broadcast only if
        // numbering was lost in between; then it is told and this one is counted anew.
        let (_, left, _) = self.deliver_next(line, std::slice::from_ref(next)).await;
        if !left.is_empty() {
            self.resync_before(line, next).await;
        }
    }

    /// Writes broadcasts to the members, and measures those that this node accepted.
    pub(super) async fn fan_out(&self, arrived: &[Arrived], members: &hallway_hub::members::Snapshot) {
        for burst in arrived.chunks(BURST) {
            self.send_burst(burst, members).await;
        }
    }

    async fn send_burst(&self, arrived: &[Arrived], members: &hallway_hub::members::Snapshot) {
        let metrics = &self.delivery.metrics.delivery;
        let mut burst = Burst::default();
        for one in arrived {
            if is_typing(one) {
                self.delivery.typing.heard(one).await;
                continue;
            }
            if one.ts.is_none() && json::check_payload(&String::from_utf8_lossy(&one.message.data), "data").is_err() {
                // Published past the gateway, so nobody has checked it yet.
                metrics.foreign_refused.inc();
                continue;
            }
            let place = one.position.map(|position| (one.room.clone(), position));
            burst.push(one.broadcast().to_json(), one.message.exclude, place);
        }
        if burst.is_empty() || members.is_empty() {
            return;
        }
        let traced = arrived
            .iter()
            .filter_map(|one| Some((&one.room, one.message.sent?.trace?)));
        let began = SystemTime::now();
        let spans: Vec<_> = traced
            .filter_map(|(room, of)| self.delivery.traces.delivering(of, room, began))
            .collect();
        let delivered = burst.send(members).await;
        for span in spans {
            span.end(members.iter().map(|chunk| chunk.len()).sum());
        }
        metrics.delivered(&delivered);
        for one in arrived {
            self.delivery.rosters.heard(&one.room, &one.message.destination);
        }
        let now = self.delivery.clock.micros();
        for sent in arrived.iter().filter_map(|one| one.message.sent.as_ref()) {
            if sent.node == self.delivery.clock.node() {
                metrics
                    .publish_to_socket
                    .observe(now.saturating_sub(sent.micros) as f64 / 1e6);
            }
        }
    }
}

/// Whether it is what nodes say of who writes: never numbered, and never from past the gateway, which gives no time.
fn is_typing(one: &Arrived) -> bool {
    &*one.message.destination == typing::WORDS && one.position.is_none() && one.ts.is_some()
}
