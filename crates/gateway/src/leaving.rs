//! What ends when a socket leaves a room: the one place that everyone who takes sockets out calls.

use std::sync::Arc;

use hallway_hub::Socket;
use hallway_protocol::RoomName;

use crate::node::Node;

/// Takes a socket out of a room. False if it was not in.
pub fn room(node: &Node, home: &RoomName, socket: &Arc<Socket>) -> bool {
    let was_in = node.membership.leave(home, socket);
    if was_in {
        node.typing.ended(home, socket);
        node.lobbies.left_room(home, socket);
    }
    was_in
}

/// Forgets a socket that is gone.
pub fn node(node: &Node, socket: &Arc<Socket>) {
    let rooms = socket.rooms();
    node.membership.remove(socket);
    for room in rooms {
        node.typing.ended(room.name(), socket);
        node.lobbies.left_room(room.name(), socket);
    }
}
