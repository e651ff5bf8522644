//! What the gateway itself tells one socket, outside of any numbering: broadcasts that this node makes, and no other
//! node hears.

use std::sync::Arc;

use hallway_hub::Socket;
use hallway_protocol::{Broadcast, Event, RoomName};
use serde_json::{Value, json};

/// Warns a socket that its authorization ends, and when it will be closed. Times are Unix seconds.
pub fn expiring(socket: &Arc<Socket>, expires_at: u64, closes_at: u64) {
    let data = json!({"expiresAt": expires_at * 1000, "closesAt": closes_at * 1000});
    tell(socket, &RoomName::of_client(socket.id()), Event::AuthExpiring, &data);
}

/// Tells a socket that it was taken out of a room.
pub fn left(socket: &Arc<Socket>, room: &RoomName, reason: &str) {
    tell(socket, room, Event::RoomLeft, &json!({"reason": reason}));
}

fn tell(socket: &Arc<Socket>, room: &RoomName, event: Event, data: &Value) {
    let broadcast = Broadcast {
        room,
        destination: event.wire(),
        data: data.to_string().as_bytes(),
        position: None,
        ts: None,
    }
    .to_json();
    socket.send(&socket.form().write(&broadcast));
}
