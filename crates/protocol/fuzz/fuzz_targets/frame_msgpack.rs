//! A client's frame as MessagePack: what is read can be written in either codec and read again as the same, and
//! no bytes become a text that is out of proportion.
#![no_main]

use hallway_protocol::codec::{Codec, decode, msgpack_to_json};
use hallway_protocol::{FrameError, limits};
use libfuzzer_sys::fuzz_target;

#[path = "../shared/frame.rs"]
mod frame;

fuzz_target!(|input: &[u8]| {
    if let Ok(json) = msgpack_to_json(input) {
        // One byte can become six: `\u0000`.
        assert!(json.len() <= 8 * input.len() + 16, "{} bytes became {}", input.len(), json.len());
        let text = std::str::from_utf8(&json).expect("JSON is Unicode");
        // serde_json stops one level before the transcoder does.
        if hallway_protocol::json::depth(text) < 120 {
            serde_json::from_str::<serde_json::Value>(text).expect("what was transcoded is JSON");
        }
    }
    match decode(Codec::Msgpack, input) {
        Ok(read) => {
            frame::assert_sound(&read, 8 * input.len() + 16);
            let again = decode(Codec::Json, frame::json(&read).as_bytes()).expect("written, it is a frame");
            assert_eq!(frame::json(&again), frame::json(&read));
            frame::assert_survives_msgpack(&read);
        }
        Err(FrameError::Answerable(id, _)) => assert!(id <= limits::REQUEST_ID),
        Err(FrameError::Unanswerable(_)) => {}
    }
});
