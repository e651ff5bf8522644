//! The loop of one admitted native connection: reads, asks, answers. It waits for nothing but bytes while nothing is
//! under way, and keeps answering pings while something is.

use std::sync::Arc;

use hallway_hub::{Opcode, frame};
use hallway_protocol::{CloseCode, Codec, codec};

use super::desk::{Desk, Next, next_done};
use super::requests::Ask;
use crate::endpoints::Caller;
use crate::node::Node;
use crate::transport::websocket::{Inbound, Read, Reader, Violation};

/// One connection.
pub struct Session {
    desk: Desk,
    reader: Reader,
}

impl Session {
    /// A session over an admitted connection.
    pub fn new(node: Arc<Node>, caller: Caller, mut reader: Reader) -> Self {
        reader.set_message_max(node.limits().frame_size);
        Self {
            desk: Desk::new(node, caller),
            reader,
        }
    }

    /// The connection.
    pub fn socket(&self) -> &Arc<hallway_hub::Socket> {
        self.desk.socket()
    }

    /// Runs until the connection ends. `begun` is what was read with the handshake.
    ///
    /// By reference, and with one place to wait, since the size of this future is what an idle connection costs.
    pub async fn run(&mut self, begun: Vec<Inbound>) {
        let mut next = self.take_in(begun);
        while next == Next::Go && self.socket().close_code().is_none() {
            let mut inbound = Vec::new();
            let room = self.desk.has_room();
            next = tokio::select! {
                biased;
                done = next_done(&mut self.desk.requests) => self.desk.done(done),
                read = self.reader.read(self.desk.caller.socket.link(), &mut inbound), if room => self.after_read(read, inbound),
            };
        }
        self.desk.give_up();
        Reader::discard(self.socket().link()).await;
    }

    fn after_read(&mut self, read: std::io::Result<Read>, inbound: Vec<Inbound>) -> Next {
        match read {
            Ok(Read::Some(result)) => {
                self.socket().heard();
                let next = self.take_in(inbound);
                match result {
                    Err(violation) if next == Next::Go => self.violated(violation),
                    _ => next,
                }
            }
            Ok(Read::End) | Err(_) => {
                self.socket().vanished();
                Next::Closing
            }
        }
    }

    fn violated(&self, violation: Violation) -> Next {
        self.socket().close(violation.code, violation.reason);
        Next::Closing
    }

    fn take_in(&mut self, inbound: Vec<Inbound>) -> Next {
        for one in inbound {
            let next = match one {
                Inbound::Text(bytes) => self.data_frame(Codec::Json, &bytes),
                Inbound::Binary(bytes) => self.data_frame(Codec::Msgpack, &bytes),
                Inbound::Ping(payload) => {
                    self.socket().send(&frame::whole(Opcode::Pong, &payload));
                    Next::Go
                }
                Inbound::Pong => Next::Go,
                Inbound::Close(code) => {
                    self.socket().closed_by_peer(code);
                    Next::Closing
                }
            };
            if next == Next::Closing {
                return next;
            }
        }
        Next::Go
    }

    fn data_frame(&mut self, spoken: Codec, bytes: &[u8]) -> Next {
        self.socket().spoke();
        if self.socket().form().codec() != Some(spoken) {
            let reason = "a frame of another codec than the agreed one";
            self.socket().close(CloseCode::BadFrame, reason);
            return Next::Closing;
        }
        self.desk.take(codec::decode(spoken, bytes).map(Ask::from))
    }
}
