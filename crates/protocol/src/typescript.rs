//! The catalogues in TypeScript, for the client that is written in it: what is only names and numbers is printed, so
//! that neither side drifts. What frames are made of is checked there against the declarations here.

use std::fmt::Write as _;

use crate::{CloseCode, Endpoint, ErrorCode, Event, Kinds, limits};

/// Close codes that an application or a library may use (RFC 6455 §7.4.2).
const CODES: std::ops::RangeInclusive<u16> = 1000..=4999;

/// The text of `clients/typescript/src/generated.ts`.
#[must_use]
pub fn typescript() -> String {
    let mut text = String::from(
        "// Printed by `hallway protocol types` from the declarations of the Rust crate `hallway-protocol`; `make docs` writes it anew.\n",
    );
    closes(&mut text);
    let errors = ErrorCode::ALL.iter().map(|code| code.wire());
    list(
        &mut text,
        "Why a request was not done.",
        "errorCodes",
        "ErrorCode",
        errors,
    );
    let events = Event::ALL.iter().map(|event| event.wire());
    let doc = "Events that Hallway's rooms carry. Those of an application pass through untouched, known or not.";
    list(&mut text, doc, "events", "EventName", events);
    let endpoints = Endpoint::ALL.iter().map(|endpoint| endpoint.name());
    let doc = "What a client can ask for; `wire.ts` says with which arguments.";
    list(&mut text, doc, "endpoints", "DeclaredEndpoint", endpoints);
    let kinds = Kinds::builtin();
    let doc = "Kinds of rooms that are always there; an operator may declare more.";
    let names = kinds.iter().map(|kind| kind.name.as_str());
    list(&mut text, doc, "kinds", "Kind", names);
    let prefix = crate::event::RESERVED_PREFIX;
    let _ = write!(
        text,
        "\n/** Beginning of the destinations that only the gateway itself sends. */\nexport const reservedPrefix = '{prefix}'\n"
    );
    bounds(&mut text);
    text
}

fn closes(text: &mut String) {
    text.push_str("\n/** Why a socket was closed (RFC 6455 §7.4), and whether a client comes back by itself. */\n");
    text.push_str("export const closeCodes = {\n");
    for row in CloseCode::ALL {
        let code = row.wire();
        let back = CloseCode::reconnects(code);
        let _ = writeln!(
            text,
            "  /** {} */\n  {row:?}: {{ code: {code}, reconnects: {back} }},",
            row.sentence()
        );
    }
    text.push_str("} as const\n\n/** Whether a client comes back by itself: from the range, so that codes invented later behave well today. */\n");
    text.push_str("export function reconnects(code: number): boolean {\n  return ");
    let ranges: Vec<String> = ranges(CODES.filter(|&code| CloseCode::reconnects(code)))
        .into_iter()
        .map(|(low, high)| match low == high {
            true => format!("code === {low}"),
            false => format!("(code >= {low} && code <= {high})"),
        })
        .collect();
    let _ = write!(text, "{}\n}}\n", ranges.join(" || "));
}

/// Rising numbers as ranges, both ends included.
fn ranges(codes: impl Iterator<Item = u16>) -> Vec<(u16, u16)> {
    let mut ranges: Vec<(u16, u16)> = Vec::new();
    for code in codes {
        match ranges.last_mut() {
            Some((_, high)) if code == *high + 1 => *high = code,
            _ => ranges.push((code, code)),
        }
    }
    ranges
}

fn list<'a>(text: &mut String, doc: &str, list: &str, name: &str, rows: impl Iterator<Item = &'a str>) {
    let _ = writeln!(text, "\n/** {doc} */\nexport const {list} = [");
    for row in rows {
        let _ = writeln!(text, "  '{row}',");
    }
    let _ = writeln!(text, "] as const\nexport type {name} = (typeof {list})[number]");
}

fn bounds(text: &mut String) {
    let rows = [
        ("JSON_DEPTH", limits::JSON_DEPTH as u64),
        ("DESTINATION_LEN", limits::DESTINATION_LEN as u64),
        ("REQUEST_ID", limits::REQUEST_ID),
        ("DEVICE_LEN", limits::DEVICE_LEN as u64),
        ("BROADCAST_ROOMS", limits::BROADCAST_ROOMS as u64),
        ("IDEMPOTENCY_KEY_LEN", limits::IDEMPOTENCY_KEY_LEN as u64),
        ("HISTORY_PAGE", limits::HISTORY_PAGE as u64),
    ];
    text.push_str("\n/** Bounds that are the same on every node. */\nexport const limits = {\n");
    for (name, bound) in rows {
        let _ = writeln!(text, "  {name}: {bound},");
    }
    text.push_str("} as const\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_told_as_ranges() {
        assert_eq!(ranges([1, 3, 4, 5, 9].into_iter()), [(1, 1), (3, 5), (9, 9)]);
        let text = typescript();
        assert!(text.contains(
            "code === 1001 || code === 1006 || (code >= 1012 && code <= 1013) || (code >= 4500 && code <= 4599)"
        ));
        assert!(text.contains("  'rooms.join',\n"));
    }
}
