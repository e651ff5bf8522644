//! What stands on a Redis channel, which anyone with the password can write to: it is a message or an error, and
//! a message reads back as itself.
//!
//! The two parsers are compiled in alone, so that this builds neither the Redis client nor its TLS.
#![no_main]
#![allow(dead_code, missing_docs)]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

#[path = "../../../bus/src/redis/envelope.rs"]
mod envelope;
#[path = "../../../bus/src/message.rs"]
mod message;

pub use message::{Message, Sent};

fuzz_target!(|input: &[u8]| {
    let input = Bytes::copy_from_slice(input);
    let body = match envelope::read(&input) {
        Err(_) => input,
        Ok(envelope::Envelope::Foreign(message)) => {
            serde_json::from_slice::<&serde_json::value::RawValue>(&message.data).expect("the data is JSON");
            return;
        }
        Ok(envelope::Envelope::Ours { body, .. }) => {
            assert!(input.ends_with(&body));
            body
        }
    };
    if let Ok(message) = Message::decode(body.clone()) {
        assert!(message.data.len() + message.destination.len() < body.len());
        let again = message.encode().expect("what was read can be written");
        assert_eq!(Message::decode(again).as_ref(), Ok(&message));
    }
});
