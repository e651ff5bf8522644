//! The half that asks.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::timeout;

use crate::driver::Waiting;
use crate::error::{Closed, RequestError};
use crate::events::Asked;

/// What the driver is asked to do.
#[derive(Debug)]
pub(crate) enum Command {
    Request {
        endpoint: String,
        args: Value,
        /// Without one the frame has no id.
        reply: Option<Waiting>,
    },
    Close,
    /// Ends the connection without a word.
    Drop,
}

/// Sends requests on one connection. Clones share it, and their requests are pipelined.
#[derive(Debug, Clone)]
pub struct Requests {
    pub(crate) commands: mpsc::Sender<Command>,
    /// A permit is held by the caller for as long as it waits, so the driver never has more waiting replies.
    pub(crate) permits: Arc<Semaphore>,
    pub(crate) timeout: Duration,
    pub(crate) closed: Arc<OnceLock<Closed>>,
}

impl Requests {
    /// Sends a request and waits for its reply's `data`.
    ///
    /// Dropping the future does not take the request back: once sent, it is done, and its reply is ignored.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn request(&self, endpoint: &str, args: impl Serialize) -> Result<Value, RequestError> {
        let args = to_args(args)?;
        let answer = async {
            let _permit = self.permits.acquire().await.map_err(|_| self.ended())?;
            let (reply, answer) = oneshot::channel();
            self.put(endpoint, args, Some(Waiting::Caller(reply))).await?;
            answer.await.map_err(|_| self.ended())?
        };
        timeout(self.timeout, answer)
            .await
            .unwrap_or(Err(RequestError::Timeout))
    }

    /// Sends a request without an id, which has no reply, not even on failure. Returns when it is in the queue
    /// of the connection.
    ///
    /// # Errors
    /// [`RequestError::Args`], [`RequestError::Closed`], and [`RequestError::Timeout`] while the server takes
    /// nothing.
    pub async fn send(&self, endpoint: &str, args: impl Serialize) -> Result<(), RequestError> {
        let args = to_args(args)?;
        timeout(self.timeout, self.put(endpoint, args, None))
            .await
            .unwrap_or(Err(RequestError::Timeout))
    }

    /// Asks for a close with 1000. What is in the queue before it is still sent.
    pub async fn close(&self) {
        // Either error means that the driver has ended or gives up writing soon, which is what was wanted.
        let _ = timeout(self.timeout, self.commands.send(Command::Close)).await;
    }

    /// Asks for something whose reply takes its place in the line of events ([`crate::events::Item::Answer`]). Holds no
    /// permit: a session asks for each room once, and for one ticket at a time.
    ///
    /// # Errors
    /// The connection has ended, or does not take it in time.
    pub(crate) async fn ask_in_line(&self, asked: Asked, endpoint: &str, args: Value) -> Result<(), RequestError> {
        timeout(self.timeout, self.put(endpoint, args, Some(Waiting::InLine(asked))))
            .await
            .unwrap_or(Err(RequestError::Timeout))
    }

    /// Ends the connection without a word to the server.
    pub(crate) async fn drop_connection(&self) {
        // See `close`.
        let _ = timeout(self.timeout, self.commands.send(Command::Drop)).await;
    }

    async fn put(&self, endpoint: &str, args: Value, reply: Option<Waiting>) -> Result<(), RequestError> {
        let endpoint = endpoint.to_owned();
        let command = Command::Request { endpoint, args, reply };
        self.commands.send(command).await.map_err(|_| self.ended())
    }

    fn ended(&self) -> RequestError {
        let closed = self.closed.get().cloned();
        RequestError::Closed(closed.unwrap_or_else(|| Closed::abnormal("the connection's task has ended")))
    }
}

fn to_args(args: impl Serialize) -> Result<Value, RequestError> {
    serde_json::to_value(args).map_err(|why| RequestError::Args(why.to_string()))
}
