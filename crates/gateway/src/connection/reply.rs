//! The server's frames to one socket, as bytes.

use bytes::Bytes;
use hallway_hub::{Form, frame};
use hallway_protocol::{Error, Goodbye, Hello, Reply, ServerFrame, codec};
use serde::Serialize;
use serde_json::value::RawValue;

fn encode<D: Serialize>(form: Form<'_>, said: &ServerFrame<'_, D>) -> Bytes {
    let bytes = match form.codec() {
        Some(codec) => codec::encode(codec, said).map(|payload| frame::whole(frame::opcode_of(codec), &payload)),
        None => serde_json::to_vec(said)
            .map(|json| form.write(&json))
            .map_err(|why| why.to_string()),
    };
    bytes.unwrap_or_else(|why| {
        // Everything that gets here is JSON already, within the depth that every codec carries.
        tracing::error!(%why, "a frame could not be written");
        Bytes::new()
    })
}

/// The reply to a request that was done.
#[must_use]
pub fn data(form: Form<'_>, id: u64, data: &RawValue) -> Bytes {
    encode(form, &ServerFrame::Reply(Reply::Data { id, data }))
}

/// The reply to a request that was not.
#[must_use]
pub fn error(form: Form<'_>, id: u64, error: &Error) -> Bytes {
    encode(form, &ServerFrame::<()>::Reply(Reply::Error { id, error }))
}

/// The first frame.
#[must_use]
pub fn hello(form: Form<'_>, hello: &Hello) -> Bytes {
    encode(form, &ServerFrame::<()>::Hello(hello))
}

/// Where a client that is told so stands: it is put to the frame when it is sent.
#[must_use]
pub fn place(form: Form<'_>) -> Bytes {
    match form {
        Form::Native(_) => Bytes::new(),
        Form::Foreign(_) => form.write(br#"{"place":{}}"#),
    }
}

/// The notice before a close.
#[must_use]
pub fn goodbye(form: Form<'_>, goodbye: &Goodbye) -> Bytes {
    encode(form, &ServerFrame::<()>::Goodbye(goodbye))
}
