//! What a socket missed: the broadcasts between the place it resumes from and the place where it enters the room.
//!
//! The two meet exactly because the decision is made under the room's lock, where the room's track says what has
//! been delivered here and what is still to come: [`CatchUp::judge`] is asked there, and if too little is known it
//! says what is wanting, which is then got without the lock, and the lock is tried again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hallway_bus::{Bus, BusError, Heard, History, empty_since};
use hallway_hub::Track;
use hallway_protocol::{ClientId, Keep, Position, RoomName, limits};

/// How many bytes of missed broadcasts may still be brought. Shared by the rooms that are resumed together, since they
/// leave in one frame.
#[derive(Debug, Clone)]
pub struct Allowance {
    bytes: Arc<AtomicUsize>,
    /// Whose own broadcasts are not brought: the client that comes back was it.
    without: Option<ClientId>,
}

impl Allowance {
    /// So many bytes.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        Self {
            bytes: Arc::new(AtomicUsize::new(bytes)),
            without: None,
        }
    }

    /// Without what was not meant for this client.
    #[must_use]
    pub fn without(self, client: ClientId) -> Self {
        Self {
            without: Some(client),
            ..self
        }
    }

    /// Takes a share; false if that much is not left.
    fn take(&self, bytes: usize) -> bool {
        self.bytes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes))
            .is_ok()
    }
}

/// Where a socket resumes a room from.
#[derive(Debug, Clone)]
pub struct From {
    /// The last broadcast it has.
    position: Position,
    /// What may be brought.
    allowance: Allowance,
}

impl From {
    /// From a place, with a share in what may be brought.
    #[must_use]
    pub fn new(position: Position, allowance: &Allowance) -> Self {
        let allowance = allowance.clone();
        Self { position, allowance }
    }
}

/// How a socket enters a room.
#[derive(Debug)]
pub struct Entered {
    /// Where the room stands there.
    pub track: Track,
    /// Whether `missed` is everything between the place it resumes from and the track.
    pub recovered: bool,
    /// In order.
    pub missed: Vec<Heard>,
}

impl Entered {
    /// Without anything brought.
    #[must_use]
    pub fn plainly(track: Track) -> Self {
        Self {
            track,
            recovered: false,
            missed: Vec::new(),
        }
    }
}

/// What is wanting before it can be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanting {
    /// What is kept after the last that is known.
    History,
    /// That this node delivers what the socket has already: it was at a node that is ahead of this one.
    Delivery,
}

/// Whether a socket is caught up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// With what came up to this number.
    Recovered(u64),
    /// It cannot be had, or not be proven whole.
    NotRecovered,
}

/// The catching up of one socket in one line of a room.
#[derive(Debug, Clone)]
pub(super) struct CatchUp {
    keep: Keep,
    from: From,
    /// What came after `from`, without a hole, as far as it was read.
    missed: Vec<Heard>,
    /// Where reading has got to.
    read: Position,
    outcome: Option<Outcome>,
}

/// What reading has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Everything up to `read` is here, and the bus had nothing more at that time.
    Whole,
    /// What was missed cannot be had, or not be proven whole.
    Lost,
}

impl CatchUp {
    pub(super) fn new(keep: Keep, from: From) -> Self {
        Self {
            keep,
            read: from.position,
            from,
            missed: Vec::new(),
            outcome: None,
        }
    }

    /// Whether a socket that enters where the line stands at `track` is caught up; or what must be known first.
    pub(super) fn judge(&self, track: Track) -> Result<Verdict, Wanting> {
        if self.outcome == Some(Outcome::Lost) {
            return Ok(Verdict::NotRecovered);
        }
        let is_read = self.outcome == Some(Outcome::Whole);
        let here = match track {
            Track::Untracked => return Ok(Verdict::NotRecovered),
            // Before the first broadcast of whichever life comes.
            Track::Empty(_) => Position {
                epoch: self.read.epoch,
                seq: 0,
            },
            Track::At(here, _) => here,
        };
        if here == self.from.position && here.seq > 0 {
            return Ok(Verdict::Recovered(here.seq));
        }
        if !is_read || here.epoch > self.read.epoch || here.epoch == self.read.epoch && here.seq > self.read.seq {
            return Err(Wanting::History);
        }
        if here.epoch == self.read.epoch && here.seq >= self.from.position.seq {
            return Ok(Verdict::Recovered(here.seq));
        }
        if self.from.position.seq == 0 && here.epoch >= self.from.position.epoch {
            // The room had a life that began after it was seen empty, and is over.
            return Ok(Verdict::NotRecovered);
        }
        Err(Wanting::Delivery)
    }

    /// What the socket is told that enters at `track`, which was judged so.
    pub(super) fn enter(self, track: Track, verdict: Verdict) -> Entered {
        let Verdict::Recovered(here) = verdict else {
            return Entered::plainly(track);
        };
        let mut missed = self.missed;
        // What was read beyond the track is still to be delivered here.
        missed.retain(|heard| heard.position.is_some_and(|position| position.seq <= here));
        if let Some(without) = self.from.allowance.without {
            missed.retain(|heard| heard.message.exclude != Some(without));
        }
        Entered {
            track,
            recovered: true,
            missed,
        }
    }

    /// Reads what is kept after the last that is known, until the bus has no more.
    pub(super) async fn read(&mut self, bus: &dyn Bus, room: &RoomName) -> Result<(), BusError> {
        loop {
            let clock = bus.clock(room);
            let history = bus.history(room.clone(), Some(self.read), limits::HISTORY_PAGE).await?;
            let more = self.take(history, clock);
            if !more {
                return Ok(());
            }
        }
    }

    /// Takes a page. True if there is another.
    fn take(&mut self, history: History, clock: u64) -> bool {
        let is_full_page = history.broadcasts.len() >= limits::HISTORY_PAGE;
        let follows = history.complete || is_full_page && follows_on(self.read, &history);
        let bytes = history
            .broadcasts
            .iter()
            .map(|heard| heard.message.data.len() + AROUND)
            .sum();
        if !follows || !self.is_recent(&history, clock) || !self.from.allowance.take(bytes) {
            self.outcome = Some(Outcome::Lost);
            return false;
        }
        if let Some(last) = history.broadcasts.last().and_then(|heard| heard.position) {
            self.read = last;
        }
        let complete = history.complete;
        self.missed.extend(history.broadcasts);
        self.outcome = Some(Outcome::Whole);
        !complete
    }

    /// Whether what was missed lies within the time for which the kind keeps it. For an empty room's place this also
    /// shows that no life of the room can have come and gone unseen.
    fn is_recent(&self, history: &History, clock: u64) -> bool {
        let life = u64::try_from(self.keep.life.as_millis()).unwrap_or(u64::MAX);
        if self.read.seq == 0 {
            return clock > 0 && clock.saturating_sub(self.read.epoch.0) < life;
        }
        let oldest = history.broadcasts.first().and_then(|heard| heard.ts);
        oldest.is_none_or(|ts| clock.saturating_sub(ts) < life)
    }
}

/// Whether a page begins right behind a place.
fn follows_on(place: Position, history: &History) -> bool {
    let first = history.broadcasts.first().and_then(|heard| heard.position);
    first.is_some_and(|first| {
        first.seq == place.seq + 1 && (first.epoch == place.epoch || place.seq == 0 && first.epoch >= place.epoch)
    })
}

/// Something for some lines of a room: its own, and those of the rooms that it includes.
#[derive(Debug)]
pub struct Lines<T>(Vec<(usize, T)>);

impl<T> Default for Lines<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Lines<T> {
    /// For the room's own line, if there is something.
    #[must_use]
    pub fn own(own: Option<T>) -> Self {
        Self(own.map(|own| (0, own)).into_iter().collect())
    }

    /// For one more line.
    pub fn push(&mut self, line: usize, what: T) {
        self.0.push((line, what));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn map<U>(self, mut each: impl FnMut(T) -> U) -> Lines<U> {
        Lines(self.0.into_iter().map(|(line, what)| (line, each(what))).collect())
    }
}

impl Lines<CatchUp> {
    /// What must be known before all lines can be entered at these tracks, and of which line.
    pub(super) fn wanting(&self, tracks: &[Track]) -> Option<(usize, Wanting)> {
        let wanting = |(line, one): &(usize, CatchUp)| one.judge(tracks[*line]).err().map(|what| (*line, what));
        self.0.iter().find_map(wanting)
    }

    /// What the socket is told of each line. Those of which something is still wanting are not recovered.
    pub(super) fn enter(&mut self, tracks: &[Track]) -> Vec<Entered> {
        let mut entered: Vec<Entered> = tracks.iter().copied().map(Entered::plainly).collect();
        for (line, one) in self.0.drain(..) {
            let verdict = one.judge(tracks[line]).unwrap_or(Verdict::NotRecovered);
            entered[line] = one.enter(tracks[line], verdict);
        }
        entered
    }

    /// Reads on in one line.
    pub(super) async fn read(&mut self, line: usize, bus: &dyn Bus, name: &RoomName) -> Result<(), BusError> {
        match self.0.iter_mut().find(|(of, _)| *of == line) {
            Some((_, one)) => one.read(bus, name).await,
            None => Ok(()),
        }
    }
}

/// What to resume from where a room stands at `track`, as long as nothing more is broadcast there.
#[must_use]
pub fn place_of(track: Track) -> Option<Position> {
    match track {
        Track::Untracked => None,
        Track::Empty(since) => (since > 0).then(|| empty_since(since)),
        Track::At(position, _) => Some(position),
    }
}

/// Longest wait for this node to catch up with what a socket has from another.
pub(super) const DELIVERY_PATIENCE: Duration = Duration::from_secs(2);
/// How often history may be read anew because the room went on meanwhile.
pub(super) const READS: usize = 16;
/// What a broadcast costs beside its data, in bytes of the allowance.
const AROUND: usize = 200;

#[cfg(test)]
mod tests;
