//! MessagePack, by way of JSON.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// Deepest nesting that is followed; arguments are held to less by [`crate::limits::JSON_DEPTH`].
const DEPTH: usize = 128;

/// Transcodes JSON text.
///
/// # Errors
/// The text is no JSON, nests deeper than 128 levels, or holds a string that is not Unicode.
pub fn json_to_msgpack(json: &[u8]) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(json.len());
    let mut from = serde_json::Deserializer::from_slice(json);
    let mut to = rmp_serde::Serializer::new(&mut out);
    serde_transcode::transcode(&mut from, &mut to).map_err(|why| why.to_string())?;
    from.end().map_err(|why| why.to_string())?;
    Ok(out)
}

/// Transcodes one MessagePack value into JSON text.
///
/// # Errors
/// The bytes are no MessagePack, hold what JSON has no word for (binary, extension types, keys that are not
/// strings, numbers that are not finite), nest too deep, or go on behind the value.
pub fn msgpack_to_json(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 2);
    let mut rest = bytes;
    let mut from = rmp_serde::Deserializer::new(&mut rest);
    // The visitor counts for itself; this bound is only for types that it never sees.
    from.set_max_depth(DEPTH * 4);
    JsonWriter {
        out: &mut out,
        depth: 0,
    }
    .deserialize(&mut from)
    .map_err(|why| format!("not MessagePack: {why}"))?;
    if rest.is_empty() {
        Ok(out)
    } else {
        Err("bytes behind the frame".into())
    }
}

/// Writes the value that it visits as JSON.
struct JsonWriter<'o> {
    out: &'o mut Vec<u8>,
    depth: usize,
}

impl JsonWriter<'_> {
    fn deeper<E: serde::de::Error>(&mut self) -> Result<JsonWriter<'_>, E> {
        if self.depth >= DEPTH {
            return Err(E::custom("nested deeper than 128 levels"));
        }
        Ok(JsonWriter {
            out: self.out,
            depth: self.depth + 1,
        })
    }

    fn scalar<E: serde::de::Error>(self, value: impl serde::Serialize) -> Result<(), E> {
        serde_json::to_writer(self.out, &value).map_err(E::custom)
    }
}

impl<'de> DeserializeSeed<'de> for JsonWriter<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for JsonWriter<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that JSON has a word for")
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.scalar(value)
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.scalar(value)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.scalar(value)
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        if value.is_finite() {
            self.scalar(value)
        } else {
            Err(E::custom("a number that is not finite"))
        }
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<(), E> {
        self.scalar(value)
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.scalar(())
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<(), E> {
        self.scalar(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        inner.out.push(b'[');
        let mut end = inner.out.len();
        while seq
            .next_element_seed(JsonWriter {
                out: inner.out,
                depth: inner.depth,
            })?
            .is_some()
        {
            end = inner.out.len();
            inner.out.push(b',');
        }
        inner.out.truncate(end);
        inner.out.push(b']');
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        inner.out.push(b'{');
        let mut some = false;
        while let Some(key) = map.next_key_seed(Key)? {
            if std::mem::replace(&mut some, true) {
                inner.out.push(b',');
            }
            serde_json::to_writer(&mut *inner.out, &key).map_err(serde::de::Error::custom)?;
            inner.out.push(b':');
            map.next_value_seed(JsonWriter {
                out: inner.out,
                depth: inner.depth,
            })?;
        }
        inner.out.push(b'}');
        Ok(())
    }
}

/// A map's key, which is a string.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for Key {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string as key")
    }

    fn visit_str<E>(self, value: &str) -> Result<String, E> {
        Ok(value.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_and_back_is_the_same() {
        for json in [
            r#"{"a":[1,-2,3.5,"x",true,null,[],{}],"b":{"c":"d"}}"#,
            "[]",
            "{}",
            "[[],[1]]",
            "18446744073709551615",
        ] {
            let msgpack = json_to_msgpack(json.as_bytes()).unwrap();
            let back = msgpack_to_json(&msgpack).unwrap();
            assert_eq!(String::from_utf8(back).unwrap(), json);
        }
    }

    #[test]
    fn what_json_has_no_word_for_is_refused() {
        let bad: [&[u8]; 9] = [
            b"",
            b"\xc1",                                 // never used
            b"\xc4\x01\x00",                         // binary
            b"\xd4\x01\x00",                         // extension
            b"\x81\x01\x02",                         // a key that is a number
            b"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00", // not a number
            b"\x81\xa1a",                            // cut off
            b"\xdd\xff\xff\xff\xff\x01",             // says it is long
            b"\x01\x02",                             // goes on
        ];
        for bytes in bad {
            assert!(msgpack_to_json(bytes).is_err(), "{bytes:x?}");
        }
        assert!(msgpack_to_json(&[0x91; 100_000]).is_err(), "deep nesting");
    }
}
