//! A payload of a Socket.IO client: whatever it is, it is read within bounds, and attachments that were put into JSON
//! come out of it again.
#![no_main]

use hallway_socketio::{binary, engine, packet};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Ok(packets) = engine::packets(text, 16) else { return };
    assert!(packets.len() <= 16);
    for one in packets {
        let Ok(engine::Packet::Message(message)) = engine::parse(one) else { continue };
        let Ok(read) = packet::parse(message, 4) else { continue };
        assert!(read.attachments <= 4 && read.id.is_none_or(|id| id <= packet::ID_MAX));
        let _ = packet::event(read.data);
        let attachments: Vec<_> = (0..read.attachments).map(|number| vec![number as u8]).collect();
        if let Ok(joined) = binary::join(read.data, attachments)
            && let Some((split, attachments)) = binary::split(&joined)
        {
            assert_eq!(binary::join(&split, attachments).expect("put together again"), joined);
        }
    }
});
