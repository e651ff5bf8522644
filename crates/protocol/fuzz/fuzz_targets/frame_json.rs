//! A client's frame as JSON text: what is read can be written in either codec and read again as the same, and
//! what is refused with an id is refused with one that a client can have sent.
#![no_main]

use hallway_protocol::codec::{Codec, decode, json_to_msgpack};
use hallway_protocol::{FrameError, json, limits};
use libfuzzer_sys::fuzz_target;

#[path = "../shared/frame.rs"]
mod frame;

fuzz_target!(|input: &[u8]| {
    match decode(Codec::Json, input) {
        Ok(read) => {
            frame::assert_sound(&read, input.len());
            let again = decode(Codec::Json, frame::json(&read).as_bytes()).expect("written, it is a frame");
            assert_eq!(frame::json(&again), frame::json(&read));
            frame::assert_survives_msgpack(&read);
        }
        Err(FrameError::Answerable(id, _)) => assert!(id <= limits::REQUEST_ID),
        Err(FrameError::Unanswerable(_)) => {}
    }
    let Ok(text) = std::str::from_utf8(input) else { return };
    // What a payload check lets through must reach the sockets of every codec.
    if json::check_payload(text, "data").is_ok() {
        let msgpack = json_to_msgpack(input).expect("a checked payload can be transcoded");
        assert!(msgpack.len() <= 4 * input.len() + 16, "{} bytes became {}", input.len(), msgpack.len());
    }
});
