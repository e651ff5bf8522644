//! The bytes of a socket: however they are cut into reads, the same messages come out, or the same violation;
//! none is longer than was allowed, and no more comes out than went in.
//!
//! The decoder is compiled in alone, so that this does not build a whole node.
#![no_main]
#![allow(dead_code, missing_docs)]

use libfuzzer_sys::fuzz_target;

#[path = "../../../gateway/src/transport/websocket/decoder.rs"]
mod decoder;

use decoder::{Decoder, Inbound, Violation};

const MESSAGE_MAX: usize = 300;

fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Inbound>, Result<(), Violation>) {
    let mut decoder = Decoder::new(MESSAGE_MAX);
    let mut out = Vec::new();
    for piece in pieces {
        if let Err(violation) = decoder.push(&mut piece.to_vec(), &mut out) {
            return (out, Err(violation));
        }
    }
    (out, Ok(()))
}

fuzz_target!(|input: &[u8]| {
    let Some((step, bytes)) = input.split_first() else { return };
    let whole = read(std::iter::once(bytes));
    let pieces = read(bytes.chunks(usize::from(*step).max(1)));
    assert_eq!(pieces, whole);
    let mut total = 0;
    for message in &whole.0 {
        total += match message {
            Inbound::Text(text) => {
                assert!(text.len() <= MESSAGE_MAX && std::str::from_utf8(text).is_ok());
                text.len()
            }
            Inbound::Binary(bytes) => {
                assert!(bytes.len() <= MESSAGE_MAX);
                bytes.len()
            }
            Inbound::Ping(payload) => {
                assert!(payload.len() <= 125);
                payload.len()
            }
            Inbound::Pong | Inbound::Close(_) => 0,
        };
    }
    assert!(total <= bytes.len());
});
