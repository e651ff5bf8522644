//! The broadcast frame. Its text is written by hand around the publisher's bytes, since it is the one frame
//! that is made for every broadcast, and `data` must pass through untouched.

use std::io::Write;

use crate::{Position, RoomName};

/// What a broadcast frame says.
#[derive(Debug, Clone, Copy)]
pub struct Broadcast<'a> {
    /// The room it was published to.
    pub room: &'a RoomName,
    /// The event's name.
    pub destination: &'a str,
    /// JSON text.
    pub data: &'a [u8],
    /// Its place, in a room that numbers.
    pub position: Option<Position>,
    /// Redis's time; absent for what was published past the gateway.
    pub ts: Option<u64>,
}

impl Broadcast<'_> {
    /// The object inside of the frame, as history and `missed` list it.
    pub fn write_object(&self, out: &mut Vec<u8>) {
        // Writing to a Vec cannot fail, and a room's name holds nothing that JSON escapes.
        let _ = write!(out, r#"{{"room":"{}","destination":"#, self.room);
        let _ = serde_json::to_writer(&mut *out, self.destination);
        out.extend_from_slice(br#","data":"#);
        out.extend_from_slice(self.data);
        if let Some(position) = self.position {
            let _ = write!(out, r#","seq":{},"epoch":"{}""#, position.seq, position.epoch);
        }
        if let Some(ts) = self.ts {
            let _ = write!(out, r#","ts":{ts}"#);
        }
        out.push(b'}');
    }

    /// The whole frame as JSON text.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.data.len() + self.room.as_str().len() + self.destination.len() + 112);
        out.extend_from_slice(br#"{"broadcast":"#);
        self.write_object(&mut out);
        out.push(b'}');
        out
    }
}
