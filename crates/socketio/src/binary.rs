//! Attachments. The rest of the node speaks JSON, so an attachment is carried as `{"$binary":"<base64>"}`: that is
//! what native clients and histories have of it, and it is an attachment again for clients of Socket.IO.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::Malformed;

/// The one key of an object that stands for bytes.
pub const KEY: &str = "$binary";

/// Puts attachments into the places that JSON text has for them.
///
/// # Errors
/// The text is no JSON, or names an attachment that is not there or was named before.
pub fn join(text: &str, attachments: Vec<Vec<u8>>) -> Result<String, Malformed> {
    let mut value: Value = serde_json::from_str(text).map_err(|_| Malformed("not JSON"))?;
    let mut attachments: Vec<_> = attachments.into_iter().map(Some).collect();
    put(&mut value, &mut attachments)?;
    Ok(value.to_string())
}

// As deep as the JSON reader allows, which is 128.
fn put(value: &mut Value, attachments: &mut [Option<Vec<u8>>]) -> Result<(), Malformed> {
    match value {
        Value::Array(items) => items.iter_mut().try_for_each(|item| put(item, attachments)),
        Value::Object(map) if map.get("_placeholder") == Some(&Value::Bool(true)) => {
            let number = map.get("num").and_then(Value::as_u64).unwrap_or(u64::MAX);
            let bytes = usize::try_from(number)
                .ok()
                .and_then(|number| attachments.get_mut(number))
                .and_then(Option::take)
                .ok_or(Malformed("no such attachment"))?;
            *value = Value::Object(Map::from_iter([(KEY.to_owned(), STANDARD.encode(bytes).into())]));
            Ok(())
        }
        Value::Object(map) => map.values_mut().try_for_each(|item| put(item, attachments)),
        _ => Ok(()),
    }
}

/// Takes attachments out of JSON text; nothing if there are none.
#[must_use]
pub fn split(text: &str) -> Option<(String, Vec<Vec<u8>>)> {
    // Nearly all texts have none, and are not read for it.
    if !text.contains(KEY) {
        return None;
    }
    let mut value: Value = serde_json::from_str(text).ok()?;
    let mut attachments = Vec::new();
    take(&mut value, &mut attachments);
    (!attachments.is_empty()).then(|| (value.to_string(), attachments))
}

fn take(value: &mut Value, attachments: &mut Vec<Vec<u8>>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| take(item, attachments)),
        Value::Object(map) => match bytes(map) {
            Some(bytes) => {
                let number = attachments.len();
                attachments.push(bytes);
                *value = serde_json::json!({"_placeholder": true, "num": number});
            }
            None => map.values_mut().for_each(|item| take(item, attachments)),
        },
        _ => {}
    }
}

fn bytes(map: &Map<String, Value>) -> Option<Vec<u8>> {
    let text = map.get(KEY).filter(|_| map.len() == 1)?.as_str()?;
    STANDARD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attachments_go_in_and_come_out() {
        let text = r#"["e",{"a":{"_placeholder":true,"num":1},"b":[{"_placeholder":true,"num":0}]}]"#;
        let joined = join(text, vec![vec![1, 2], vec![3]]).unwrap();
        assert_eq!(joined, r#"["e",{"a":{"$binary":"Aw=="},"b":[{"$binary":"AQI="}]}]"#);
        let (text, attachments) = split(&joined).unwrap();
        assert_eq!(attachments, [vec![3], vec![1, 2]], "in the order in which they stand");
        assert_eq!(join(&text, attachments).unwrap(), joined);
        assert!(split(r#"["e",1]"#).is_none());
        assert!(split(r#"["$binary"]"#).is_none());
    }

    #[test]
    fn an_attachment_that_is_not_there_is_refused() {
        let one = r#"[{"_placeholder":true,"num":0}]"#;
        assert!(join(one, vec![]).is_err());
        let twice = r#"[{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]"#;
        assert!(join(twice, vec![vec![1]]).is_err());
        assert!(join(r#"[{"_placeholder":true}]"#, vec![vec![1]]).is_err());
        assert!(join("[", vec![]).is_err());
    }
}
