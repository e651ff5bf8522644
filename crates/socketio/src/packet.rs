//! Socket.IO, revision 5: `<type>[<attachments>-][<namespace>,][<id>][<JSON>]`.

use std::fmt::Write as _;

use serde_json::value::RawValue;

use crate::Malformed;

/// The namespace that is there without being named.
pub const MAIN: &str = "/";
/// Longest name of a namespace, in bytes.
const NAMESPACE_LEN: usize = 200;
/// Largest acknowledgement id. Clients count from 0.
pub const ID_MAX: u64 = (1 << 31) - 1;
/// Names that the client library keeps for itself.
const RESERVED: [&str; 6] = [
    "connect",
    "connect_error",
    "disconnect",
    "disconnecting",
    "newListener",
    "removeListener",
];

/// What a packet is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Into a namespace.
    Connect,
    /// Out of it.
    Disconnect,
    /// An event.
    Event,
    /// The answer to one.
    Ack,
    /// The refusal of a namespace; only from servers.
    ConnectError,
}

/// One packet from a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// What it is.
    pub kind: Kind,
    /// Binary packets that belong to it and follow.
    pub attachments: usize,
    /// The namespace.
    pub namespace: &'a str,
    /// Where the acknowledgement goes.
    pub id: Option<u64>,
    /// JSON text, not yet read; empty if there is none.
    pub data: &'a str,
}

/// Reads a packet, with at most `attachments` of them.
///
/// # Errors
/// It is not of the protocol.
pub fn parse(text: &str, attachments: usize) -> Result<Packet<'_>, Malformed> {
    let (kind, binary) = match text.as_bytes().first() {
        Some(b'0') => (Kind::Connect, false),
        Some(b'1') => (Kind::Disconnect, false),
        Some(b'2') => (Kind::Event, false),
        Some(b'3') => (Kind::Ack, false),
        Some(b'5') => (Kind::Event, true),
        Some(b'6') => (Kind::Ack, true),
        _ => return Err(Malformed("an unknown packet type")),
    };
    let mut rest = &text[1..];
    let mut count = 0;
    if binary {
        let (number, after) = rest.split_once('-').ok_or(Malformed("no count of attachments"))?;
        count = digits(number).ok_or(Malformed("no count of attachments"))? as usize;
        if count > attachments {
            return Err(Malformed("too many attachments"));
        }
        rest = after;
    }
    let mut namespace = MAIN;
    if rest.starts_with('/') {
        (namespace, rest) = rest.split_once(',').unwrap_or((rest, ""));
        // What stands behind a question mark was a query in older revisions.
        namespace = namespace.split('?').next().unwrap_or(MAIN);
        if namespace.len() > NAMESPACE_LEN {
            return Err(Malformed("the namespace is too long"));
        }
    }
    let end = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (number, data) = rest.split_at(end);
    let id = match number {
        "" => None,
        number => Some(digits(number).ok_or(Malformed("the id is too large"))?),
    };
    Ok(Packet {
        kind,
        attachments: count,
        namespace,
        id,
        data,
    })
}

fn digits(text: &str) -> Option<u64> {
    let only_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| only_digits && *number <= ID_MAX)
}

/// Reads what an event says: its name and its arguments.
///
/// # Errors
/// It is no array that begins with a name, or the name is one that the client library keeps for itself.
pub fn event(data: &str) -> Result<(String, Vec<&RawValue>), Malformed> {
    let mut all: Vec<&RawValue> = serde_json::from_str(data).map_err(|_| Malformed("an event is an array"))?;
    if all.is_empty() {
        return Err(Malformed("an event has a name"));
    }
    let first = all.remove(0).get();
    let name: String = match serde_json::from_str(first) {
        Ok(name) => name,
        Err(_) if first.bytes().all(|byte| byte.is_ascii_digit()) => first.to_owned(),
        Err(_) => return Err(Malformed("an event's name is a string or a number")),
    };
    if RESERVED.contains(&name.as_str()) {
        return Err(Malformed("this event name is reserved"));
    }
    Ok((name, all))
}

/// Begins an Engine.IO message with a packet of Socket.IO in it: everything before the JSON.
#[must_use]
pub fn begin(kind: Kind, attachments: usize, namespace: &str, id: Option<u64>) -> String {
    let digit = match (kind, attachments > 0) {
        (Kind::Connect, _) => '0',
        (Kind::Disconnect, _) => '1',
        (Kind::Event, false) => '2',
        (Kind::Ack, false) => '3',
        (Kind::ConnectError, _) => '4',
        (Kind::Event, true) => '5',
        (Kind::Ack, true) => '6',
    };
    let mut text = String::with_capacity(namespace.len() + 24);
    text.push('4');
    text.push(digit);
    // Writing to a String cannot fail.
    if attachments > 0 {
        let _ = write!(text, "{attachments}-");
    }
    if namespace != MAIN {
        let _ = write!(text, "{namespace},");
    }
    if let Some(id) = id {
        let _ = write!(text, "{id}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_protocol_are_read() {
        let read = |text| parse(text, 10).unwrap();
        let packet = |kind, attachments, namespace, id, data| Packet {
            kind,
            attachments,
            namespace,
            id,
            data,
        };
        assert_eq!(read("0"), packet(Kind::Connect, 0, "/", None, ""));
        let connect = packet(Kind::Connect, 0, "/admin", None, r#"{"token":"123"}"#);
        assert_eq!(read(r#"0/admin,{"token":"123"}"#), connect);
        assert_eq!(read("1/admin,"), packet(Kind::Disconnect, 0, "/admin", None, ""));
        assert_eq!(read("0/admin?a=b,"), packet(Kind::Connect, 0, "/admin", None, ""));
        let event = packet(Kind::Event, 0, "/", Some(12), r#"["foo"]"#);
        assert_eq!(read(r#"212["foo"]"#), event);
        let ack = packet(Kind::Ack, 0, "/admin", Some(13), r#"["bar"]"#);
        assert_eq!(read(r#"3/admin,13["bar"]"#), ack);
        let with = r#"["baz",{"_placeholder":true,"num":0}]"#;
        assert_eq!(read(&format!("51-{with}")), packet(Kind::Event, 1, "/", None, with));
    }

    #[test]
    fn what_is_not_of_the_protocol_is_refused() {
        for bad in [
            "",
            "4",
            "7",
            "x",
            "5[]",
            "5-[]",
            "511-[]",
            "5x-[]",
            "2999999999999[]",
            "€",
        ] {
            assert!(parse(bad, 10).is_err(), "{bad}");
        }
        for bad in ["", "{}", "[]", "[{}]", r#"["connect"]"#, r#"["a",]"#] {
            assert!(event(bad).is_err(), "{bad}");
        }
        assert_eq!(event(r#"["a",1,{"b":2}]"#).unwrap().1.len(), 2);
    }

    #[test]
    fn what_is_begun_is_read_again() {
        for (kind, attachments, namespace, id) in [
            (Kind::Connect, 0, "/", None),
            (Kind::Event, 2, "/chat", Some(7)),
            (Kind::Ack, 0, "/chat", Some(0)),
        ] {
            let text = begin(kind, attachments, namespace, id);
            let read = parse(&text[1..], 10).unwrap();
            assert_eq!(
                (read.kind, read.attachments, read.namespace, read.id),
                (kind, attachments, namespace, id)
            );
        }
    }
}
