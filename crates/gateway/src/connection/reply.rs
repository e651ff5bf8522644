//! The server's frames to one socket, as bytes.

use bytes::Bytes;
use hallway_hub::frame;
use hallway_protocol::{Codec, Error, Goodbye, Hello, Reply, ServerFrame, codec};
use serde::Serialize;
use serde_json::value::RawValue;

fn encode<D: Serialize>(codec: Codec, frame: &ServerFrame<'_, D>) -> Bytes {
    match codec::encode(codec, frame) {
        Ok(payload) => frame::whole(frame::opcode_of(codec), &payload),
        Err(why) => {
            // Everything that gets here is JSON already, within the depth that every codec carries.
            tracing::error!(why, "a frame could not be written");
            Bytes::new()
        }
    }
}

/// The reply to a request that was done.
#[must_use]
pub fn data(codec: Codec, id: u64, data: &RawValue) -> Bytes {
    encode(codec, &ServerFrame::Reply(Reply::Data { id, data }))
}

/// The reply to a request that was not.
#[must_use]
pub fn error(codec: Codec, id: u64, error: &Error) -> Bytes {
    encode(codec, &ServerFrame::<()>::Reply(Reply::Error { id, error }))
}

/// The first frame.
#[must_use]
pub fn hello(codec: Codec, hello: &Hello) -> Bytes {
    encode(codec, &ServerFrame::<()>::Hello(hello))
}

/// The notice before a close.
#[must_use]
pub fn goodbye(codec: Codec, goodbye: &Goodbye) -> Bytes {
    encode(codec, &ServerFrame::<()>::Goodbye(goodbye))
}
