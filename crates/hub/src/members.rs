//! The members of a room as a plain list of handles, in chunks. A fan-out takes a snapshot (the chunks, not
//! the handles) and walks it without any lock; a join or leave meanwhile copies only the chunk it changes.

use std::collections::HashMap;
use std::sync::Arc;

use hallway_protocol::ClientId;
use smallvec::SmallVec;

use crate::socket::Socket;

/// Handles in a chunk: what a join may have to copy while a fan-out is under way.
const CHUNK: usize = 128;
/// Up to this many members a search by walking is cheaper than a map.
const WALKED: usize = 32;

/// Members at one moment.
pub type Snapshot = SmallVec<[Arc<Vec<Arc<Socket>>>; 2]>;

/// The list.
#[derive(Debug, Default)]
pub(crate) struct Members {
    chunks: SmallVec<[Arc<Vec<Arc<Socket>>>; 1]>,
    len: usize,
    /// Where each member stands, once there are too many to walk. Boxed, since nearly all rooms are small.
    #[allow(clippy::box_collection)]
    places: Option<Box<HashMap<ClientId, u32>>>,
}

impl Members {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        self.chunks.iter().cloned().collect()
    }

    pub(crate) fn contains(&self, socket: &Socket) -> bool {
        self.place(socket.id()).is_some()
    }

    pub(crate) fn insert(&mut self, socket: Arc<Socket>) {
        let place = self.len;
        if let Some(places) = &mut self.places {
            places.insert(socket.id(), place as u32);
        }
        if place.is_multiple_of(CHUNK) {
            self.chunks.push(Arc::default());
        }
        if let Some(last) = self.chunks.last_mut() {
            Arc::make_mut(last).push(socket);
        }
        self.len += 1;
        if self.len > WALKED && self.places.is_none() {
            self.places = Some(Box::new(
                self.iter().enumerate().map(|(at, one)| (one.id(), at as u32)).collect(),
            ));
        }
    }

    /// Takes a member out; the last one moves to its place. False if it was not there.
    pub(crate) fn remove(&mut self, socket: &Socket) -> bool {
        let Some(place) = self.place(socket.id()) else {
            return false;
        };
        let Some(last) = self.pop() else { return false };
        if let Some(places) = &mut self.places {
            places.remove(&socket.id());
        }
        if last.id() != socket.id() {
            if let Some(places) = &mut self.places {
                places.insert(last.id(), place as u32);
            }
            Arc::make_mut(&mut self.chunks[place / CHUNK])[place % CHUNK] = last;
        }
        if self.len <= WALKED / 2 {
            self.places = None;
        }
        true
    }

    fn pop(&mut self) -> Option<Arc<Socket>> {
        let chunk = Arc::make_mut(self.chunks.last_mut()?);
        let last = chunk.pop();
        if chunk.is_empty() {
            self.chunks.pop();
        }
        self.len -= 1;
        last
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Socket>> {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }

    fn place(&self, id: ClientId) -> Option<usize> {
        match &self.places {
            Some(places) => places.get(&id).map(|place| *place as usize),
            None => self.iter().position(|member| member.id() == id),
        }
    }
}
