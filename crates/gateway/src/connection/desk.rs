//! What one admitted connection asks, and what it is answered: rate, order, how much is under way. Knows nothing of
//! how its frames come in.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use hallway_protocol::{ClientFrame, CloseCode, Endpoint, Error, ErrorCode, FrameError};

use super::rate::{Bucket, Verdict};
use super::reply;
use super::requests::{Ask, Done, Label, Requests};
use crate::clock::unix_ms;
use crate::endpoints::{Answer, Caller, Data, dispatch};
use crate::node::Node;

/// The asking side of a connection.
pub struct Desk {
    node: Arc<Node>,
    pub(crate) caller: Caller,
    bucket: Bucket,
    /// Of endpoints with a rate of their own that were asked for.
    buckets: Vec<(Endpoint, Bucket)>,
    /// Only while something is under way, so that a connection at rest is small.
    pub(crate) requests: Option<Box<Requests>>,
    asked_before: bool,
}

/// Whether a connection goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It does.
    Go,
    /// The close is said; what the client still sends is thrown away until it ends the stream.
    Closing,
}

impl Desk {
    /// A desk for an admitted connection.
    pub fn new(node: Arc<Node>, caller: Caller) -> Self {
        let bucket = Bucket::full(node.limits().rate, Instant::now());
        Self {
            node,
            caller,
            bucket,
            buckets: Vec::new(),
            requests: None,
            asked_before: false,
        }
    }

    /// The socket that asks.
    pub fn socket(&self) -> &Arc<hallway_hub::Socket> {
        &self.caller.socket
    }

    /// Whether it may ask for more now; else it is not to be read.
    pub fn has_room(&self) -> bool {
        let most = self.node.limits().requests_in_flight;
        self.requests.as_ref().is_none_or(|under_way| under_way.len() < most)
    }

    /// Forgets what is under way: it is finished by those who do it, and the answers have nowhere to go.
    pub fn give_up(&mut self) {
        self.requests = None;
    }

    /// Takes a frame.
    pub fn take(&mut self, ask: Result<Ask, FrameError>) -> Next {
        match self.bucket.take(self.node.limits().rate, Instant::now()) {
            Verdict::Pass => {}
            Verdict::Close => return self.close(CloseCode::RateLimited, CloseCode::RateLimited.reason()),
            Verdict::Refuse(wait) => return self.refuse(ask, wait.as_millis() as u64 + 1),
        }
        match ask {
            Ok(ask) => match self.wait_of_endpoint(&ask) {
                Some(wait) => self.refuse(Ok(ask), wait.as_millis() as u64 + 1),
                None => self.ask(ask),
            },
            Err(FrameError::Answerable(id, why)) => {
                self.answer(
                    Label {
                        id: Some(id),
                        endpoint: None,
                        then: None,
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

    fn close(&self, code: CloseCode, reason: &str) -> Next {
        self.caller.socket.close(code, reason);
        Next::Closing
    }

    /// How long a frame has to wait because its endpoint has a rate of its own.
    fn wait_of_endpoint(&mut self, ask: &Ask) -> Option<Duration> {
        let endpoint = *ask.frame.endpoint.as_ref().ok()?;
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

    fn refuse(&mut self, ask: Result<Ask, FrameError>, wait_ms: u64) -> Next {
        let why = Error::new(ErrorCode::RateLimited, "too many frames").retry_after(wait_ms);
        let label = match ask {
            Ok(ask) => ask.label(),
            Err(FrameError::Answerable(id, _)) => Label {
                id: Some(id),
                endpoint: None,
                then: None,
            },
            Err(FrameError::Unanswerable(why)) => return self.close(CloseCode::BadFrame, &why),
        };
        self.answer(label, Err(why));
        Next::Go
    }

    fn ask(&mut self, ask: Ask) -> Next {
        if let Some(requests) = &mut self.requests
            && requests.must_wait()
        {
            requests.wait(ask);
            return Next::Go;
        }
        self.begin(ask);
        Next::Go
    }

    fn begin(&mut self, mut ask: Ask) {
        match ask.bring.take() {
            Some(bring) => {
                let (node, caller) = (Arc::clone(&self.node), self.caller.clone());
                let brought = async move {
                    super::bring::bring(&node, &caller, *bring).await;
                    Done::Brought(ask)
                };
                self.start(true, Box::pin(brought));
            }
            None => self.ask_now(&ask.frame, ask.then),
        }
    }

    fn ask_now(&mut self, frame: &ClientFrame, then: Option<Box<ClientFrame>>) {
        let label = Label {
            id: frame.id,
            endpoint: frame.endpoint.as_ref().ok().copied(),
            then,
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

    /// Answers a request that is done, and asks for those that waited for it.
    pub fn done(&mut self, done: Done) -> Next {
        match done {
            Done::Brought(ask) => self.ask_now(&ask.frame, ask.then),
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
        while let Some(ask) = self.requests.as_mut().and_then(|requests| requests.turn()) {
            self.begin(ask);
        }
        if self.requests.as_ref().is_some_and(|requests| requests.is_empty()) {
            self.requests = None;
        }
        Next::Go
    }

    fn answer(&mut self, label: Label, result: Result<Option<Data>, Error>) {
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
        // What was to follow is asked, or refused in its place.
        let label = match (label.then, &result) {
            (Some(then), Ok(_)) => return self.ask_now(&then, None),
            (Some(then), Err(_)) => then.id,
            (None, _) => label.id,
        };
        let Some(id) = label else { return };
        let socket = &self.caller.socket;
        match result {
            Ok(Some(data)) => socket.send(&reply::data(socket.form(), id, &data)),
            Ok(None) => return,
            Err(why) => socket.send(&reply::error(socket.form(), id, &why)),
        };
    }
}

/// The next request of a desk that is done; for ever if none is under way. Cancel safe.
pub async fn next_done(requests: &mut Option<Box<Requests>>) -> Done {
    match requests {
        Some(requests) => requests.next().await,
        None => std::future::pending().await,
    }
}
