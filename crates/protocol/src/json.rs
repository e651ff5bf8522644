//! JSON texts from outside: how deep they nest, whether every codec can carry them, and typed reading with
//! the name of the wrong field.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::{Error, limits};

/// How deep objects and arrays nest in a text that is known to be JSON. Needs no stack.
#[must_use]
pub fn depth(text: &str) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0_usize, false, false);
    for byte in text.bytes() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Reads a typed value.
///
/// # Errors
/// `bad-args`, with the path of the field.
pub fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|wrong| {
        let path = wrong.path().to_string();
        let why = wrong.into_inner().to_string();
        // serde reports a missing field at its parent.
        let missing = why
            .strip_prefix("missing field `")
            .and_then(|rest| rest.split('`').next());
        let field = match (missing, path.as_str()) {
            (Some(name), "." | "") => name.to_owned(),
            (Some(name), parent) => format!("{parent}.{name}"),
            (None, "." | "") => "args".to_owned(),
            (None, path) => path.to_owned(),
        };
        let why = why.split(" at line ").next().unwrap_or_default();
        Error::bad_args(field.clone(), format!("{field}: {why}"))
    })
}

/// Checks that a payload can be carried to sockets of every codec: JSON, nested at most
/// [`limits::JSON_DEPTH`] deep, its strings Unicode, its numbers finite. A payload that fails here would be
/// heard by some members of a room and missed by others.
///
/// # Errors
/// `bad-args` naming `field`.
pub fn check_payload(text: &str, field: &str) -> Result<(), Error> {
    if depth(text) > limits::JSON_DEPTH {
        return Err(Error::bad_args(
            field,
            format!("{field} is nested deeper than 64 levels"),
        ));
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    Walk.deserialize(&mut deserializer)
        .and_then(|()| deserializer.end())
        .map_err(|why| {
            let why = why.to_string();
            Error::bad_args(
                field,
                format!("{field}: {}", why.split(" at line ").next().unwrap_or_default()),
            )
        })
}

/// Visits every value and keeps none.
#[derive(Clone, Copy)]
struct Walk;

impl<'de> DeserializeSeed<'de> for Walk {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_key_seed(self)?.is_some() {
            map.next_value_seed(self)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::{RoomsBroadcast, RoomsJoin};

    #[test]
    fn depth_counts_outside_of_strings() {
        assert_eq!(depth(r#"{"a":["]}\"[[",1]}"#), 2);
        assert_eq!(depth("1"), 0);
        assert_eq!(depth(&"[".repeat(100_000)), 100_000);
    }

    #[test]
    fn a_wrong_argument_is_named() {
        let field = |error: Error| error.field.unwrap();
        assert_eq!(field(read::<RoomsJoin>("{}").unwrap_err()), "room");
        assert_eq!(field(read::<RoomsJoin>(r#"{"room":7}"#).unwrap_err()), "room");
        assert_eq!(field(read::<RoomsJoin>(r#"{"room":"a b"}"#).unwrap_err()), "room");
        assert_eq!(
            field(read::<RoomsJoin>(r#"{"room":"a","resume":{"epoch":"k"}}"#).unwrap_err()),
            "resume.seq"
        );
        assert_eq!(
            field(read::<RoomsBroadcast>(r#"{"room":"a","destination":"d"}"#).unwrap_err()),
            "data"
        );
    }

    #[test]
    fn a_payload_is_one_that_every_codec_carries() {
        for good in ["1", "null", r#"{"a":[1,-2,3.5,"x",true]}"#, r#""\ud83d\ude00""#] {
            assert!(check_payload(good, "data").is_ok(), "{good}");
        }
        for bad in [r#""\ud800""#, "1e999", "{", "1 2"] {
            assert_eq!(check_payload(bad, "data").unwrap_err().field.unwrap(), "data", "{bad}");
        }
        assert!(check_payload(&format!("{}{}", "[".repeat(64), "]".repeat(64)), "data").is_ok());
        assert!(check_payload(&format!("{}{}", "[".repeat(65), "]".repeat(65)), "data").is_err());
    }
}
