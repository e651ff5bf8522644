//! A client that stays connected: it comes back by itself, into its rooms, and says where something may be missing.
//!
//! - [`rooms`]: which rooms, and how far each was heard; [`backoff`]: when to come back.
//! - [`task`]: between connections; [`connected`]: on one.

mod backoff;
mod connected;
mod event;
mod options;
mod rooms;
mod task;

use serde::Serialize;
use serde_json::Value;
use tokio::sync::{mpsc, watch};

pub use event::{Cause, Event};
pub use options::SessionOptions;

use crate::error::RequestError;
use crate::requests::Requests;

/// Orders that wait for the session's task.
const ORDERS: usize = 64;

/// What the task is asked to do.
#[derive(Debug)]
enum Order {
    Join(String),
    Leave(String),
    Drop,
    Close,
}

/// A client that stays connected, for as long as its close codes and this value let it.
///
/// An application that does not take its events stops the session: nothing is dropped, and nothing grows.
#[derive(Debug)]
pub struct Session {
    handle: SessionHandle,
    events: mpsc::Receiver<Event>,
}

/// Asks things of a [`Session`]. Clones share it.
#[derive(Debug, Clone)]
pub struct SessionHandle {
    orders: mpsc::Sender<Order>,
    current: watch::Receiver<Option<Requests>>,
}

impl Session {
    /// Starts to connect, in a task of its own. What comes of it is told by [`Session::next`].
    #[must_use]
    pub fn start(options: SessionOptions) -> Self {
        let (orders, inbox) = mpsc::channel(ORDERS);
        let (events, receiver) = mpsc::channel(options.events.max(1));
        let (current, reader) = watch::channel(None);
        tokio::spawn(task::Task::new(options, inbox, events, current).run());
        let handle = SessionHandle {
            orders,
            current: reader,
        };
        Self {
            handle,
            events: receiver,
        }
    }

    /// The next event; `None` after the last [`Event::Disconnected`]. Cancel safe.
    pub async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// What asks, to be used beside [`Session::next`]. The session ends when the `Session` is dropped, whatever
    /// handles there are.
    #[must_use]
    pub fn handle(&self) -> SessionHandle {
        self.handle.clone()
    }
}

impl SessionHandle {
    /// Wants to be in a room, now and after every return. Told by [`Event::Joined`] or [`Event::Refused`]; `unavailable`
    /// is neither, and tried again. Returns when the session has the order, which may take while its events are not
    /// taken. Cancel safe: a dropped call was heard or was not.
    pub async fn join(&self, room: impl Into<String>) {
        self.order(Order::Join(room.into())).await;
    }

    /// Wants it no more. What was on its way may still be heard. See [`SessionHandle::join`].
    pub async fn leave(&self, room: impl Into<String>) {
        self.order(Order::Leave(room.into())).await;
    }

    /// Sends a request on the connection of the moment. See [`Requests::request`].
    ///
    /// # Errors
    /// [`RequestError::Disconnected`] while there is none; otherwise see [`RequestError`].
    pub async fn request(&self, endpoint: &str, args: impl Serialize) -> Result<Value, RequestError> {
        let requests = self.current.borrow().clone();
        let requests = requests.ok_or(RequestError::Disconnected)?;
        requests.request(endpoint, args).await
    }

    /// Drops the connection without a word, and comes back as after any loss: for who knows that the network has
    /// changed, and does not want to wait until TCP does.
    pub async fn drop_connection(&self) {
        self.order(Order::Drop).await;
    }

    /// Closes with 1000 and stays away.
    pub async fn close(&self) {
        self.order(Order::Close).await;
    }

    async fn order(&self, order: Order) {
        // A session that has ended has said so in its last event.
        let _ = self.orders.send(order).await;
    }
}
