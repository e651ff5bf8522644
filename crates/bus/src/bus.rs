//! The seam between a node and what connects it to the others.

use futures_util::future::BoxFuture;
use hallway_protocol::{Epoch, Position, RoomName};
use tokio::sync::watch;

use crate::{BusError, Health, History, Publish, Published, RoomState, Stats};

/// Publishes to rooms, and brings what was published to the lanes.
///
/// All futures own what they need and may be dropped at any time; that stops the waiting, never the work. None
/// waits longer than the bus's command timeout.
pub trait Bus: Send + Sync + 'static {
    /// Numbers, keeps and publishes in one atomic step.
    ///
    /// The request takes its place in line when this is called, not when the future is first polled: per room,
    /// the order of calls on one node is the order of numbering. A full line answers [`BusError::Busy`], and a
    /// link that is known to be down [`BusError::Unavailable`], both at once. See [`BusError::is_uncertain`] for
    /// the errors after which the broadcast may have been published all the same.
    fn publish(&self, request: Publish) -> BoxFuture<'static, Result<Published, BusError>>;

    /// Makes this node hear rooms. Ready only when the bus has confirmed: everything that is published after
    /// that is heard, or its loss is told.
    ///
    /// Takes effect in the order of calls, together with [`Bus::unsubscribe`]; where rooms are on several servers, in
    /// that order on each of them. Subscribing to what is heard
    /// already is harmless. Once confirmed it holds over broken links until unsubscribed; after an error, rooms
    /// that this call was the first to ask for are not subscribed.
    fn subscribe(&self, rooms: Vec<RoomName>) -> BoxFuture<'static, Result<(), BusError>>;

    /// Ends that. What was published before may still arrive.
    fn unsubscribe(&self, rooms: Vec<RoomName>);

    /// Where rooms stand, in the order asked; nothing for those without numbered broadcasts in their life.
    fn states(&self, rooms: Vec<RoomName>) -> BoxFuture<'static, Result<Vec<Option<RoomState>>, BusError>>;

    /// At most `limit` kept broadcasts after a place, the oldest first; from the oldest kept without one. After the
    /// place of an empty room ([`empty_since`]): from the first of the life that began after it.
    fn history(
        &self,
        room: RoomName,
        after: Option<Position>,
        limit: usize,
    ) -> BoxFuture<'static, Result<History, BusError>>;

    /// A time that has passed by the clock that a room's epochs are taken from, in milliseconds; not more than
    /// some seconds old while the bus is ready, and 0 while the room's server is away. With what [`Bus::states`] says
    /// afterwards it makes the place of a room without broadcasts, see [`empty_since`].
    fn clock(&self, room: &RoomName) -> u64;

    /// Whether numbering goes back to a place, as far as is known here: if not, it may have been lost and begun anew since,
    /// perhaps more than once, and what came between cannot be known.
    fn reaches(&self, place: Position) -> bool;

    /// How the link is. The channel always holds the present state.
    fn health(&self) -> watch::Receiver<Health>;

    /// Counts since the start.
    fn stats(&self) -> &Stats;

    /// Ends everything: waits for publishes that are under way, answers later ones with
    /// [`BusError::Unavailable`], and drops its senders to the lanes. Repeating it is harmless.
    fn close(&self) -> BoxFuture<'static, ()>;
}

/// The place of a room that had no broadcast yet at some time by the bus's clock: number 0 of a life that begins
/// then or later (epochs are times of that clock). What was broadcast since can be asked for with it.
#[must_use]
pub fn empty_since(clock: u64) -> Position {
    Position {
        epoch: Epoch(clock),
        seq: 0,
    }
}
