//! How frames are written on a connection. Every frame is first JSON text (see `protocol::codec`); a form makes of it
//! the bytes that one kind of client reads. A broadcast is written once per form, never once per socket.

use bytes::Bytes;
use hallway_protocol::{Codec, codec};

use crate::frame;

/// The name of forms that are not native, for labels and logs.
pub const FOREIGN: &str = "socketio";

/// Makes a server's frame out of JSON text for clients that are not native.
pub trait Writer: std::fmt::Debug + Send + Sync {
    /// Whole WebSocket frames that say what the text says; nothing where such clients have no word for it. The same
    /// bytes for the same text.
    fn write(&self, json: &[u8]) -> Bytes;
}

/// A form of clients that are not native.
#[derive(Debug)]
pub struct Foreign {
    number: u8,
    writer: Box<dyn Writer>,
}

impl Foreign {
    /// A form, with a number that no other form of the hub has.
    #[must_use]
    pub fn new(number: u8, writer: Box<dyn Writer>) -> Self {
        Self { number, writer }
    }

    /// Its number.
    #[must_use]
    pub fn number(&self) -> u8 {
        self.number
    }
}

/// How frames are written on a connection.
#[derive(Debug, Clone, Copy)]
pub enum Form<'f> {
    /// As native clients read them.
    Native(Codec),
    /// As others do.
    Foreign(&'f Foreign),
}

impl Form<'_> {
    /// Whole WebSocket frames that say what the JSON text of a frame says.
    #[must_use]
    pub fn write(self, json: &[u8]) -> Bytes {
        match self {
            Self::Native(Codec::Json) => frame::whole(frame::opcode_of(Codec::Json), json),
            // Payloads were checked where they came in; one that fails all the same is sent as nothing.
            Self::Native(codec @ Codec::Msgpack) => codec::json_to_msgpack(json)
                .map(|payload| frame::whole(frame::opcode_of(codec), &payload))
                .unwrap_or_default(),
            Self::Foreign(foreign) => foreign.writer.write(json),
        }
    }

    /// A short name, for labels and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Native(codec) => codec.name(),
            Self::Foreign(_) => FOREIGN,
        }
    }

    /// The codec of a native client.
    #[must_use]
    pub const fn codec(self) -> Option<Codec> {
        match self {
            Self::Native(codec) => Some(codec),
            Self::Foreign(_) => None,
        }
    }
}

/// What was written of something, by the forms that were asked for.
#[derive(Debug, Default)]
pub struct Written {
    native: [Option<Bytes>; Codec::ALL.len()],
    /// Few, so they are walked.
    foreign: Vec<(u8, Bytes)>,
}

impl Written {
    /// The frames that say in a form what the JSON text of a frame says. The text is the same for all forms.
    pub fn of(&mut self, form: Form<'_>, json: &[u8]) -> &Bytes {
        self.get(form, || form.write(json))
    }

    /// What was written in a form, or is written now.
    pub(crate) fn get(&mut self, form: Form<'_>, write: impl FnOnce() -> Bytes) -> &Bytes {
        match form {
            Form::Native(codec) => self.native[codec.index()].get_or_insert_with(write),
            Form::Foreign(Foreign { number, .. }) => {
                let known = self.foreign.iter().position(|(one, _)| one == number);
                let place = known.unwrap_or_else(|| {
                    self.foreign.push((*number, write()));
                    self.foreign.len() - 1
                });
                &self.foreign[place].1
            }
        }
    }
}
