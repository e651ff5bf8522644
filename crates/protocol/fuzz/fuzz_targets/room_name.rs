//! Room names: what a name is taken to mean, written as a name, is that name again. A name with two meanings
//! would let a stranger into somebody's room.
#![no_main]

use hallway_protocol::kind::{Owner, pair};
use hallway_protocol::room::is_name_byte;
use hallway_protocol::{Kinds, RoomName, UserId};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &str| {
    let Ok(room) = RoomName::parse(input) else { return };
    assert_eq!(room.as_str(), input);
    assert!((1..=RoomName::MAX_LEN).contains(&input.len()) && input.bytes().all(is_name_byte));
    let json = serde_json::to_string(&room).expect("a name is JSON");
    assert_eq!(json, format!("\"{input}\""), "nothing in a name is escaped");

    let kinds = Kinds::builtin();
    let Ok(meaning) = kinds.resolve(&room) else { return };
    let (kind, home) = (meaning.kind, &meaning.home);
    assert!(input.starts_with(&kind.name));
    assert_eq!(RoomName::parse(home.as_str()).as_ref(), Ok(home));
    assert_eq!(
        Kinds::lines(kind, home).get(meaning.line),
        Some(&room),
        "the home's line leads back to the room"
    );
    match &meaning.owner {
        Owner::Nobody => {}
        Owner::Client(client) => assert_eq!(*home, RoomName::of_client(*client)),
        Owner::User(user) => assert_eq!(home.as_str(), format!("{}-{user}", kind.name)),
        Owner::Pair(a, b) => {
            assert!(a.as_str() < b.as_str());
            let id = format!("{a}-{b}");
            assert_eq!(home.as_str(), format!("{}-{id}", kind.name));
            assert_eq!(pair(&id), Some((a.clone(), b.clone())), "it is read one way only");
            // Turned round it may be a room of two others, but never another one of these.
            let turned = format!("{b}-{a}");
            if turned != id
                && let Some((c, d)) = pair(&turned)
            {
                assert!((&c, &d) != (a, b), "a room with two names");
            }
        }
    }
    if let Owner::User(user) | Owner::Pair(user, _) = &meaning.owner {
        assert_eq!(UserId::parse(user.as_str()).as_ref(), Ok(user));
    }
});
