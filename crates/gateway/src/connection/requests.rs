//! What a connection has under way. At most one request at a time runs in order (a join, say), and what came
//! after it waits; requests that have their place in line already (a broadcast) run beside one another.

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use hallway_auth::Identity;
use hallway_protocol::{ClientFrame, Endpoint, Error, RoomName, UserId};

use crate::endpoints::Data;

/// A request that is done, or what there is to do next.
pub enum Done {
    /// Whoever was to be brought is there, as far as could be.
    Brought(Ask),
    /// It has its answer; none where the reply is sent already.
    Answered(Label, Result<Option<Data>, Error>),
    /// The connection has a new identity.
    Identified(Label, Result<Arc<Identity>, Error>),
    /// It has the same identity from newer credentials.
    Refreshed(Label, Result<(Arc<Identity>, Data), Error>),
}

/// Which request it was.
#[derive(Debug)]
pub struct Label {
    /// Where the reply goes.
    pub id: Option<u64>,
    /// What was asked; nothing for an endpoint that does not exist.
    pub endpoint: Option<Endpoint>,
    /// What is asked when it is done, in its place in line.
    pub then: Option<Box<ClientFrame>>,
}

/// A request, as one event of a dialect may be several.
#[derive(Debug)]
pub struct Ask {
    /// What is asked.
    pub frame: ClientFrame,
    /// What is asked when that is done; then it is this that is answered, and a refusal of either.
    pub then: Option<Box<ClientFrame>>,
    /// Who is to be in a chat first, on whichever node, so that they hear what is said there.
    pub bring: Option<Box<Bring>>,
}

/// Users who are to be in a chat.
#[derive(Debug)]
pub struct Bring {
    /// The chat of the one who asks.
    pub room: RoomName,
    /// The other user.
    pub user: UserId,
}

impl From<ClientFrame> for Ask {
    fn from(frame: ClientFrame) -> Self {
        Self {
            frame,
            then: None,
            bring: None,
        }
    }
}

impl Ask {
    /// Where the reply goes, and what it answers.
    pub fn label(&self) -> Label {
        let last = self.then.as_deref().unwrap_or(&self.frame);
        Label {
            id: last.id,
            endpoint: last.endpoint.as_ref().ok().copied(),
            then: None,
        }
    }
}

/// What is under way. Exists only while there is something.
#[derive(Default)]
pub struct Requests {
    ordered: Option<BoxFuture<'static, Done>>,
    unordered: FuturesUnordered<BoxFuture<'static, Done>>,
    waiting: VecDeque<Ask>,
}

impl Requests {
    /// Whether nothing is under way.
    pub fn is_empty(&self) -> bool {
        self.ordered.is_none() && self.unordered.is_empty() && self.waiting.is_empty()
    }

    /// Whether a new frame must wait its turn.
    pub fn must_wait(&self) -> bool {
        self.ordered.is_some() || !self.waiting.is_empty()
    }

    /// How many requests are under way or waiting.
    pub fn len(&self) -> usize {
        usize::from(self.ordered.is_some()) + self.unordered.len() + self.waiting.len()
    }

    /// Puts a frame behind those that wait.
    pub fn wait(&mut self, ask: Ask) {
        self.waiting.push_back(ask);
    }

    /// The next frame whose turn it is.
    pub fn turn(&mut self) -> Option<Ask> {
        if self.ordered.is_some() {
            None
        } else {
            self.waiting.pop_front()
        }
    }

    /// Runs a request for which the later ones wait.
    pub fn run_ordered(&mut self, request: BoxFuture<'static, Done>) {
        self.ordered = Some(request);
    }

    /// Runs a request beside the others.
    pub fn run(&mut self, request: BoxFuture<'static, Done>) {
        self.unordered.push(request);
    }

    /// Waits until one is done; for ever if none runs. Cancel safe: nothing is lost but the wait.
    pub async fn next(&mut self) -> Done {
        tokio::select! {
            biased;
            Some(done) = async { Some(self.ordered.as_mut()?.await) } => {
                self.ordered = None;
                done
            }
            Some(done) = self.unordered.next() => done,
            else => std::future::pending().await,
        }
    }
}
