//! What must be true of every frame that was read, whatever it was read from.

use hallway_protocol::codec::{Codec, decode, json_to_msgpack};
use hallway_protocol::{ClientFrame, Endpoint, json, limits};
use serde_json::Value;

/// The frame as JSON text, written the way a client would.
pub fn json(frame: &ClientFrame) -> String {
    let name = serde_json::to_string(name(frame)).expect("a string is JSON");
    let id = frame.id.map_or(String::new(), |id| format!(r#""id":{id},"#));
    format!(r#"{{{id}"endpoint":{name},"args":{}}}"#, frame.args.get())
}

/// Every promise about a frame on its own.
pub fn assert_sound(frame: &ClientFrame, length: usize) {
    assert!(frame.id.is_none_or(|id| id <= limits::REQUEST_ID));
    assert!(frame.args.get().starts_with('{'));
    assert!(frame.args.get().len() <= length.max(2));
    assert!(json::depth(frame.args.get()) <= limits::JSON_DEPTH);
    if let Err(unknown) = &frame.endpoint {
        assert!(Endpoint::from_name(unknown).is_none());
    }
}

/// Arguments that every codec can carry come through MessagePack unchanged.
pub fn assert_survives_msgpack(frame: &ClientFrame) {
    if json::check_payload(frame.args.get(), "args").is_err() {
        return;
    }
    let msgpack = json_to_msgpack(json(frame).as_bytes()).expect("a frame with sound arguments can be transcoded");
    let through = decode(Codec::Msgpack, &msgpack).expect("transcoded, it is a frame");
    assert_eq!((through.id, name(&through)), (frame.id, name(frame)));
    let [before, after] = [frame, &through].map(|frame| serde_json::from_str(frame.args.get()).expect("args are JSON"));
    assert!(same(&before, &after), "{before} became {after}");
}

fn name(frame: &ClientFrame) -> &str {
    match &frame.endpoint {
        Ok(endpoint) => endpoint.name(),
        Err(unknown) => unknown,
    }
}

/// Equal, but for the last digit of a fraction: reading a decimal is not exact in every build of serde_json.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (Value::Number(a), Value::Number(b)) if a.is_f64() && b.is_f64() => {
            let (Some(a), Some(b)) = (a.as_f64(), b.as_f64()) else { return false };
            a == b || (a - b).abs() <= a.abs() * 1e-14
        }
        _ => a == b,
    }
}
