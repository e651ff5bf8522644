//! From the node's frames, which are JSON text, to packets of Socket.IO in WebSocket frames.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use hallway_hub::{Opcode, Writer, frame};
use hallway_socketio::binary;
use hallway_socketio::packet::{self, Kind};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::template::{Scope, quoted};
use super::{Dialect, Event, Reply};

/// Writes for one namespace.
#[derive(Debug)]
pub(super) struct SocketIo {
    namespace: String,
    dialect: Arc<Dialect>,
}

#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(borrow, default)]
    broadcast: Option<&'a RawValue>,
    #[serde(borrow, default)]
    reply: Option<&'a RawValue>,
    #[serde(borrow, default)]
    hello: Option<&'a RawValue>,
    #[serde(borrow, default)]
    goodbye: Option<&'a RawValue>,
    #[serde(borrow, default)]
    place: Option<&'a RawValue>,
    /// Beside a hello: what the client shows when it comes back.
    #[serde(default)]
    pid: Option<String>,
}

#[derive(Deserialize)]
struct Broadcast<'a> {
    room: String,
    destination: String,
    #[serde(borrow)]
    data: &'a RawValue,
    #[serde(borrow, default)]
    ts: Option<&'a RawValue>,
    #[serde(borrow, default)]
    seq: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Replied<'a> {
    id: u64,
    /// Null is an answer too.
    #[serde(borrow, default, deserialize_with = "there")]
    data: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

fn there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// The event that says nothing but where the client stands. The published client keeps the last text that ends an event,
/// whether or not anyone listens to it.
const PLACE: &str = r#"["hallway:place"]"#;

#[derive(Serialize)]
struct Connected<'a> {
    sid: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Hello {
    client_id: String,
}

impl SocketIo {
    pub(super) fn new(namespace: String, dialect: Arc<Dialect>) -> Self {
        Self { namespace, dialect }
    }

    fn try_write(&self, json: &[u8]) -> Result<BytesMut, serde_json::Error> {
        let mut out = BytesMut::new();
        let said: Frame<'_> = serde_json::from_slice(json)?;
        if let Some(broadcast) = said.broadcast {
            self.broadcast(broadcast, &mut out)?;
        } else if let Some(reply) = said.reply {
            self.reply(serde_json::from_str(reply.get())?, &mut out);
        } else if let Some(hello) = said.hello {
            let known: Hello = serde_json::from_str(hello.get())?;
            let connected = serde_json::to_string(&Connected {
                sid: &known.client_id,
                pid: said.pid.as_deref(),
            })?;
            self.packet(Kind::Connect, None, &connected, &mut out);
            self.event(
                self.dialect.greeting.hello.as_ref(),
                &Scope::default().with("hello", hello.get()),
                &mut out,
            );
        } else if let Some(goodbye) = said.goodbye {
            let scope = Scope::default().with("goodbye", goodbye.get());
            self.event(self.dialect.greeting.goodbye.as_ref(), &scope, &mut out);
        } else if said.place.is_some() {
            // The place itself is put behind it when it is sent.
            self.packet(Kind::Event, None, PLACE, &mut out);
        }
        Ok(out)
    }

    fn broadcast(&self, whole: &RawValue, out: &mut BytesMut) -> Result<(), serde_json::Error> {
        let said: Broadcast<'_> = serde_json::from_str(whole.get())?;
        let heard = self
            .dialect
            .hears
            .iter()
            .find(|rule| rule.covers(&said.room, &said.destination));
        let Some(heard) = heard else { return Ok(()) };
        let (room, destination) = (quoted(&said.room), quoted(&said.destination));
        let mut scope = Scope::default()
            .with("broadcast", whole.get())
            .with("room", &room)
            .with("destination", &destination)
            .with("data", said.data.get());
        for (name, value) in [("ts", said.ts), ("seq", said.seq)] {
            if let Some(value) = value {
                scope = scope.with(name, value.get());
            }
        }
        self.event(heard.event.as_ref(), &scope, out);
        Ok(())
    }

    fn reply(&self, said: Replied<'_>, out: &mut BytesMut) {
        let reply = Reply::of(said.id);
        let Some(rule) = self.dialect.sends.get(reply.rule) else {
            return;
        };
        let (name, value, ack, event) = match (said.data, said.error) {
            (_, Some(error)) => ("error", error, &rule.ack_refused, &rule.refused),
            (Some(data), None) => ("data", data, &rule.ack, &rule.answer),
            (None, None) => return,
        };
        let worded = said.error.and_then(|error| self.worded(error));
        let value = worded.as_deref().unwrap_or(value.get());
        let whole = format!(r#"{{"{name}":{value}}}"#);
        let scope = Scope::default().with(name, value).with("reply", &whole);
        match reply.ack {
            Some(id) => {
                let mut args = String::from("[");
                if ack.write(&scope, &mut args).is_err() {
                    args.truncate(1);
                    args.push_str("null");
                }
                args.push(']');
                self.packet(Kind::Ack, Some(id), &args, out);
            }
            None => self.event(event.as_ref(), &scope, out),
        }
    }

    /// An error in the words of the dialect, if it has some for it.
    fn worded(&self, error: &RawValue) -> Option<String> {
        if self.dialect.errors.is_empty() {
            return None;
        }
        let mut error: serde_json::Map<String, serde_json::Value> = serde_json::from_str(error.get()).ok()?;
        let code = error.get("code")?.as_str()?;
        let field = error.get("field").and_then(|field| field.as_str()).unwrap_or_default();
        let errors = &self.dialect.errors;
        let words = errors.get(&format!("{code} {field}")).or_else(|| errors.get(code))?;
        error.insert("message".into(), words.clone().into());
        serde_json::to_string(&error).ok()
    }

    /// An event whose values are not all there is not heard.
    fn event(&self, event: Option<&Event>, scope: &Scope<'_>, out: &mut BytesMut) {
        let Some(event) = event else { return };
        for name in &event.names {
            let mut args = String::from("[");
            let written = name.write(scope, &mut args).and_then(|()| {
                args.push(',');
                event.data.write(scope, &mut args)
            });
            if written.is_ok() {
                args.push(']');
                self.packet(Kind::Event, None, &args, out);
            }
        }
    }

    fn packet(&self, kind: Kind, id: Option<u64>, json: &str, out: &mut BytesMut) {
        let (json, attachments) = match binary::split(json) {
            Some((json, attachments)) => (std::borrow::Cow::from(json), attachments),
            None => (json.into(), Vec::new()),
        };
        let mut text = packet::begin(kind, attachments.len(), &self.namespace, id);
        text.push_str(&json);
        frame::write(out, Opcode::Text, text.as_bytes());
        for attachment in attachments {
            frame::write(out, Opcode::Binary, &attachment);
        }
    }
}

impl Writer for SocketIo {
    fn write(&self, json: &[u8]) -> Bytes {
        match self.try_write(json) {
            Ok(out) => out.freeze(),
            Err(why) => {
                // It was written by this node.
                tracing::error!(%why, "a frame could not be written for Socket.IO");
                Bytes::new()
            }
        }
    }
}
