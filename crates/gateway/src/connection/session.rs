//! The loop of one admitted connection: reads, asks, answers. It waits for nothing but bytes while nothing is
//! under way, and keeps answering pings while something is.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use hallway_hub::{Opcode, frame};
use hallway_protocol::{ClientFrame, CloseCode, Codec, Endpoint, Error, ErrorCode, FrameError, codec};

use super::rate::{Bucket, Verdict};
use super::reply;
use super::requests::{Done, Label, Requests};
use crate::clock::unix_ms;
use crate::endpoints::{Answer, Caller, Data, dispatch};
use crate::node::Node;
use crate::transport::websocket::{Inbound, Read, Reader, Violation};

/// One connection.
pub struct Session {
    node: Arc<Node>,
    caller: Caller,
    reader: Reader,
    bucket: Bucket,
    /// Of endpoints with a rate of their own that were asked for.
    buckets: Vec<(Endpoint, Bucket)>,
    /// Only while something is under way, so that a connection at rest is small.
    requests: Option<Box<Requests>>,
    asked_before: bool,
}

/// Whether the loop goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Go,
    /// The close is said; what the client still sends is thrown away until it ends the stream.
    Closing,
}

impl Session {
    /// A session over an admitted connection.
    pub fn new(node: Arc<Node>, caller: Caller, mut reader: Reader) -> Self {
        reader.set_message_max(node.limits().frame_size);
        let bucket = Bucket::full(node.limits().rate, Instant::now());
        Self {
            node,
            caller,
            reader,
            bucket,
            buckets: Vec::new(),
            requests: None,
            asked_before: false,
        }
    }

    /// The connection.
    pub fn socket(&self) -> &Arc<hallway_hub::Socket> {
        &self.caller.socket
    }

    /// Runs until the connection ends. `begun` is what was read with the handshake.
    ///
    /// By reference, and with one place to wait, since the size of this future is what an idle connection costs.
    pub async fn run(&mut self, begun: Vec<Inbound>) {
        let mut next = self.take_in(begun);
        while next == Next::Go && self.caller.socket.close_code().is_none() {
            let mut inbound = Vec::new();
            let room = self
                .requests
                .as_ref()
                .is_none_or(|under_way| under_way.len() < self.node.limits().requests_in_flight);
            next = tokio::select! {
                biased;
                done = next_done(&mut self.requests) => self.done(done),
                read = self.reader.read(self.caller.socket.link(), &mut inbound), if room => self.after_read(read, inbound),
            };
        }
        // What is still under way is finished by those who do it; the answers have nowhere to go.
        self.requests = None;
        Reader::discard(self.caller.socket.link()).await;
    }

    fn after_read(&mut self, read: std::io::Result<Read>, inbound: Vec<Inbound>) -> Next {
        match read {
            Ok(Read::Some(result)) => {
                self.caller.socket.heard();
                let next = self.take_in(inbound);
                match result {
                    Err(violation) if next == Next::Go => self.violated(violation),
                    _ => next,
                }
            }
            Ok(Read::End) | Err(_) => {
                self.caller.socket.vanished();
                Next::Closing
            }
        }
    }

    fn violated(&self, violation: Violation) -> Next {
        self.caller.socket.close(violation.code, violation.reason);
        Next::Closing
    }

    fn close(&self, code: CloseCode, reason: &str) -> Next {
        self.caller.socket.close(code, reason);
        Next::Closing
    }

    fn take_in(&mut self, inbound: Vec<Inbound>) -> Next {
        for one in inbound {
            let next = match one {
                Inbound::Text(bytes) => self.data_frame(Codec::Json, &bytes),
                Inbound::Binary(bytes) => self.data_frame(Codec::Msgpack, &bytes),
                Inbound::Ping(payload) => {
                    self.caller.socket.send(&frame::whole(Opcode::Pong, &payload));
                    Next::Go
                }
                Inbound::Pong => Next::Go,
                Inbound::Close(code) => {
                    self.caller.socket.closed_by_peer(code);
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
        self.caller.socket.spoke();
        let codec = self.caller.socket.codec();
        if spoken != codec {
            return self.close(CloseCode::BadFrame, "a frame of another codec than the agreed one");
        }
        let frame = codec::decode(codec, bytes);
        match self.bucket.take(self.node.limits().rate, Instant::now()) {
            Verdict::Pass => {}
            Verdict::Close => return self.close(CloseCode::RateLimited, CloseCode::RateLimited.reason()),
            Verdict::Refuse(wait) => return self.refuse(frame, wait.as_millis() as u64 + 1),
        }
        match frame {
            Ok(frame) => match self.wait_of_endpoint(&frame) {
                Some(wait) => self.refuse(Ok(frame), wait.as_millis() as u64 + 1),
                None => self.ask(frame),
            },
            Err(FrameError::Answerable(id, why)) => {
                self.answer(
                    Label {
                        id: Some(id),
                        endpoint: None,
                    },
                    Err(why),
                );
                Next::Go
            }
            Err(FrameError::Unanswerable(why)) => {
                self.node
                    .metrics
                    .connections
                    .frames
                    .with_label_values(&["none", ErrorCode::BadFrame.wire()])
                    .inc();
                self.close(CloseCode::BadFrame, &why)
            }
        }
    }

    /// How long a frame has to wait because its endpoint has a rate of its own.
    fn wait_of_endpoint(&mut self, frame: &ClientFrame) -> Option<Duration> {
        let endpoint = *frame.endpoint.as_ref().ok()?;
        let limits = self.node.limits();
        let (_, rate) = limits.endpoint_rates.iter().find(|(of, _)| *of == endpoint)?;
        let now = Instant::now();
        let known = self.buckets.iter().position(|(of, _)| *of == endpoint);
        let place = known.unwrap_or_else(|| {
            self.buckets.push((endpoint, Bucket::full(*rate, now)));
            self.buckets.len() - 1
        });
        match self.buckets[place].1.take(*rate, now) {
            Verdict::Pass => None,
            Verdict::Refuse(wait) => Some(wait),
            // The rate of all frames ends patience, not this one.
            Verdict::Close => Some(Duration::from_secs(1)),
        }
    }

    fn refuse(&self, frame: Result<ClientFrame, FrameError>, wait_ms: u64) -> Next {
        let why = Error::new(ErrorCode::RateLimited, "too many frames").retry_after(wait_ms);
        let label = match frame {
            Ok(frame) => Label {
                id: frame.id,
                endpoint: frame.endpoint.ok(),
            },
            Err(FrameError::Answerable(id, _)) => Label {
                id: Some(id),
                endpoint: None,
            },
            Err(FrameError::Unanswerable(why)) => return self.close(CloseCode::BadFrame, &why),
        };
        self.answer(label, Err(why));
        Next::Go
    }

    fn ask(&mut self, frame: ClientFrame) -> Next {
        if let Some(requests) = &mut self.requests
            && requests.must_wait()
        {
            requests.wait(frame);
            return Next::Go;
        }
        self.ask_now(&frame);
        Next::Go
    }

    fn ask_now(&mut self, frame: &ClientFrame) {
        let label = Label {
            id: frame.id,
            endpoint: frame.endpoint.as_ref().ok().copied(),
        };
        let first = !std::mem::replace(&mut self.asked_before, true);
        if self.is_expired() && !matches!(frame.endpoint, Ok(Endpoint::AuthRefresh | Endpoint::Ping)) {
            let why = "the token has expired: auth.refresh brings a newer one";
            return self.answer(label, Err(Error::new(ErrorCode::Unauthenticated, why)));
        }
        match dispatch(&self.node, &self.caller, frame) {
            Answer::Now(result) => self.answer(label, result.map(Some)),
            Answer::Identified(_) if !first => {
                let why = Error::new(ErrorCode::Conflict, "auth.connect is the first frame or none");
                self.answer(label, Err(why));
            }
            Answer::Identified(request) => {
                self.start(
                    true,
                    Box::pin(request.map(move |result| Done::Identified(label, result))),
                );
            }
            Answer::Refreshed(request) => {
                self.start(
                    true,
                    Box::pin(request.map(move |result| Done::Refreshed(label, result))),
                );
            }
            Answer::Ordered(request) => {
                self.start(true, Box::pin(request.map(move |result| Done::Answered(label, result))));
            }
            Answer::Unordered(request) => {
                self.start(
                    false,
                    Box::pin(request.map(move |result| Done::Answered(label, result.map(Some)))),
                );
            }
        }
    }

    /// In the time of grace, see `auth.expiry_grace`.
    fn is_expired(&self) -> bool {
        let expires_at = self.caller.socket.expires_at();
        expires_at < u64::MAX && expires_at <= unix_ms() / 1000
    }

    fn start(&mut self, ordered: bool, request: futures_util::future::BoxFuture<'static, Done>) {
        let requests = self.requests.get_or_insert_default();
        if ordered {
            requests.run_ordered(request);
        } else {
            requests.run(request);
        }
    }

    fn done(&mut self, done: Done) -> Next {
        match done {
            Done::Answered(label, result) => self.answer(label, result),
            Done::Identified(label, Ok(identity)) => {
                self.caller.identity = identity;
                self.answer(label, Ok(None));
            }
            Done::Refreshed(label, Ok((identity, data))) => {
                self.caller.identity = identity;
                self.answer(label, Ok(Some(data)));
            }
            Done::Refreshed(label, Err(why)) => self.answer(label, Err(why)),
            Done::Identified(_, Err(why)) => {
                // What is away may be back: only the token itself is a reason to stay away.
                let code = match why.code {
                    ErrorCode::Unavailable => CloseCode::OverCapacity,
                    ErrorCode::Forbidden => CloseCode::Forbidden,
                    _ => CloseCode::Unauthenticated,
                };
                return self.close(code, &why.message);
            }
        }
        while let Some(frame) = self.requests.as_mut().and_then(|requests| requests.turn()) {
            self.ask_now(&frame);
        }
        if self.requests.as_ref().is_some_and(|requests| requests.is_empty()) {
            self.requests = None;
        }
        Next::Go
    }

    fn answer(&self, label: Label, result: Result<Option<Data>, Error>) {
        let outcome = result.as_ref().err().map_or("ok", |why| why.code.wire());
        let endpoint = label.endpoint.map_or("none", |endpoint| endpoint.name());
        self.node
            .metrics
            .connections
            .frames
            .with_label_values(&[endpoint, outcome])
            .inc();
        if let Err(why) = &result {
            let client = self.caller.socket.id();
            tracing::debug!(%client, endpoint, code = why.code.wire(), why = why.message, "refused");
        }
        let Some(id) = label.id else { return };
        let codec = self.caller.socket.codec();
        match result {
            Ok(Some(data)) => self.caller.socket.send(&reply::data(codec, id, &data)),
            Ok(None) => return,
            Err(why) => self.caller.socket.send(&reply::error(codec, id, &why)),
        };
    }
}

/// The next request that is done; for ever if none is under way. Cancel safe.
async fn next_done(requests: &mut Option<Box<Requests>>) -> Done {
    match requests {
        Some(requests) => requests.next().await,
        None => std::future::pending().await,
    }
}
