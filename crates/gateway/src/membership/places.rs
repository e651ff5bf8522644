//! Clients that are told with every event where they stand in their rooms are told of entering and leaving at once,
//! before the reply that says so: where the connection ends between the two, what such a client brings back has the room
//! that it knows itself to be in.

use std::sync::Arc;

use hallway_hub::places::Home;
use hallway_hub::{Room, Socket, Track};
use hallway_protocol::{Kind, RoomName};

use super::catch_up::place_of;
use crate::connection::reply;

/// A socket enters a room whose lines stand at these tracks; under the room's lock.
pub(super) fn enter(kind: &Kind, room: &Room, tracks: &[Track], socket: &Arc<Socket>) {
    // A client's own room ends with it.
    if !socket.has_places() || kind.by_node && kind.keep.is_none() {
        return;
    }
    let places = tracks.iter().map(|track| place_of(*track));
    let home = Home {
        lines: room.lines().iter().cloned().zip(places).collect(),
    };
    if socket.enters(&home) {
        socket.send(&reply::place(socket.form()));
    }
}

/// A socket has left a room.
pub(super) fn leave(home: &RoomName, socket: &Arc<Socket>) {
    if socket.leaves(home) {
        socket.send(&reply::place(socket.form()));
    }
}
