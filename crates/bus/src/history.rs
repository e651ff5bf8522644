//! What is kept of a room.

use hallway_protocol::Position;

use crate::Heard;

/// Where a room stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoomState {
    /// The place of its last numbered broadcast.
    pub position: Position,
    /// When that was, by the bus's clock, in milliseconds.
    pub ts: u64,
}

/// Kept broadcasts, and where the room stood when they were read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    /// Absent if the room has no numbered broadcasts in its life.
    pub state: Option<RoomState>,
    /// Ascending, without holes, all of the state's epoch. They begin right after the place asked for, or, where
    /// that is not kept any more or of another epoch, with the oldest kept.
    pub broadcasts: Vec<Heard>,
    /// Whether they are everything between the place asked for and the state. Without a place: whether they
    /// reach the state. After the place of an empty room this holds as far as what is kept can tell: whether a
    /// whole life came and went in between is for the asker to judge by the time that has passed.
    pub complete: bool,
}

impl History {
    /// Judges what was read after a place. `broadcasts` must be ascending, without holes, of the state's epoch.
    #[must_use]
    pub fn of(state: Option<RoomState>, after: Option<Position>, broadcasts: Vec<Heard>) -> Self {
        let Some(there) = state else {
            return Self {
                state,
                broadcasts,
                // Where nothing was, nothing is missing.
                complete: after.is_none_or(|here| here.seq == 0),
            };
        };
        let seqs = |heard: Option<&Heard>| heard.and_then(|heard| heard.position).map(|position| position.seq);
        let begins = match after {
            None => true,
            // It was empty at a time, and this life, from its first broadcast on, began later.
            Some(here) if here.seq == 0 && here.epoch <= there.position.epoch => seqs(broadcasts.first()) == Some(1),
            Some(here) if here.epoch != there.position.epoch => false,
            Some(here) => seqs(broadcasts.first()).map_or(here.seq == there.position.seq, |seq| {
                seq.checked_sub(1) == Some(here.seq)
            }),
        };
        let ends = seqs(broadcasts.last()).map_or(after.is_some(), |seq| seq == there.position.seq);
        Self {
            state,
            broadcasts,
            complete: begins && ends,
        }
    }
}
