//! The Pusher protocol 7: private channels as rooms, and client events, which go to everyone else on the channel.
//!
//! The server answers a client event only when it refuses it.

use std::fmt::Write as _;
use std::io::Write as _;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{Said, behind, number};
use crate::error::{Doing, Failure};
use crate::payload::numbered;

/// The application that the server is to have.
pub(crate) const APP_ID: &str = "load";
pub(crate) const APP_KEY: &str = "load-key";
/// What subscriptions are signed with.
pub(crate) const APP_SECRET: &str = "a secret of the load generator";

pub(super) const PONG: &[u8] = br#"{"event":"pusher:pong","data":{}}"#;

pub(super) fn path() -> String {
    format!("/app/{APP_KEY}?protocol=7&client=hallway-loadgen&version=1")
}

/// A subscription, signed for this socket as an application's server would do it.
pub(super) fn join(room: &str, socket: &str) -> Result<Vec<u8>, Failure> {
    let mut mac: Hmac<Sha256> = Hmac::new_from_slice(APP_SECRET.as_bytes()).doing("the secret")?;
    mac.update(format!("{socket}:private-{room}").as_bytes());
    let mut signature = String::new();
    for byte in mac.finalize().into_bytes() {
        // Writing to a String cannot fail.
        let _ = write!(signature, "{byte:02x}");
    }
    Ok(format!(
        r#"{{"event":"pusher:subscribe","data":{{"channel":"private-{room}","auth":"{APP_KEY}:{signature}"}}}}"#
    )
    .into_bytes())
}

pub(super) fn publish(room: &str, number: u64, size: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(size + 128);
    // Writing to a Vec cannot fail.
    let _ = write!(out, r#"{{"event":"client-load","channel":"private-{room}","data":"#);
    numbered(&mut out, number, size);
    out.push(b'}');
    out
}

/// Tells what a frame says; the event's name may stand anywhere in it.
pub(super) fn hear(payload: &[u8]) -> Said<'_> {
    let Some(event) = behind(payload, br#""event":""#) else {
        return Said::Unknown;
    };
    if event.starts_with(br#"client-load""#) {
        // The data is an object, and its number near its beginning.
        behind(payload, br#""n":"#)
            .and_then(number)
            .map_or(Said::Unknown, Said::Load)
    } else if event.starts_with(br#"pusher_internal:subscription_succeeded""#) {
        Said::Done
    } else if event.starts_with(br#"pusher:ping""#) {
        Said::Ping
    } else if event.starts_with(br#"pusher:connection_established""#) {
        socket(payload).map_or(Said::Unknown, Said::Open)
    } else if event.starts_with(br#"pusher:error""#) || event.starts_with(br#"pusher:subscription_error""#) {
        Said::Refused
    } else if event.starts_with(br#"pusher_internal:"#) || event.starts_with(br#"pusher:pong""#) {
        Said::Aside
    } else {
        Said::Unknown
    }
}

/// The socket's name, in data that is JSON within a text.
fn socket(payload: &[u8]) -> Option<&str> {
    let name = behind(payload, br#"\"socket_id\":\""#)?;
    let length = name.iter().position(|byte| *byte == b'\\')?;
    std::str::from_utf8(&name[..length]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_told_apart() {
        let established =
            br#"{"event":"pusher:connection_established","data":"{\"socket_id\":\"12.34\",\"activity_timeout\":120}"}"#;
        let cases: [(&[u8], Said<'_>); 11] = [
            (established, Said::Open("12.34")),
            (
                br#"{"event":"pusher:connection_established","data":"{}"}"#,
                Said::Unknown,
            ),
            (
                br#"{"event":"pusher_internal:subscription_succeeded","channel":"private-a","data":"{}"}"#,
                Said::Done,
            ),
            (br#"{"event":"pusher:ping","data":{}}"#, Said::Ping),
            (br#"{"event":"pusher:error","data":{"code":4301}}"#, Said::Refused),
            (
                br#"{"event":"client-load","channel":"private-a","data":{"n":12,"pad":"x"}}"#,
                Said::Load(12),
            ),
            (
                br#"{"channel":"private-a","data":{"pad":"x","n":12},"event":"client-load"}"#,
                Said::Load(12),
            ),
            (
                br#"{"event":"client-load","channel":"private-a","data":{"pad":"x"}}"#,
                Said::Unknown,
            ),
            (
                br#"{"event":"client-loaded","channel":"private-a","data":{"n":12}}"#,
                Said::Unknown,
            ),
            (br#"{"event":"pusher:pong"}"#, Said::Aside),
            (b"hello", Said::Unknown),
        ];
        for (frame, said) in cases {
            assert_eq!(hear(frame), said, "{}", String::from_utf8_lossy(frame));
        }
    }

    #[test]
    fn a_subscription_is_signed_for_its_socket_and_its_channel() {
        let auth = |room, socket| {
            let frame: serde_json::Value = serde_json::from_slice(&join(room, socket).unwrap()).unwrap();
            frame["data"]["auth"].as_str().unwrap().to_owned()
        };
        let (key, signature) = auth("a", "1.2")
            .split_once(':')
            .map(|(a, b)| (a.to_owned(), b.len()))
            .unwrap();
        assert_eq!((key.as_str(), signature), (APP_KEY, 64));
        assert_ne!(auth("a", "1.2"), auth("a", "1.3"));
        assert_ne!(auth("a", "1.2"), auth("b", "1.2"));
    }

    #[test]
    fn what_is_published_is_a_client_event_with_data_of_the_size() {
        let event: serde_json::Value = serde_json::from_slice(&publish("a", 7, 128)).unwrap();
        assert_eq!(event["data"]["n"], 7);
        assert_eq!(event["data"].to_string().len(), 128);
        assert_eq!(event["channel"], "private-a");
    }
}
