//! The task that owns a connection's socket.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use hallway_protocol::Codec;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message};
use tokio_tungstenite::tungstenite::{self, Utf8Bytes};

use crate::error::{Closed, RequestError};
use crate::events::{Asked, Incoming, Item};
use crate::frame::{ClientFrame, Reply, ServerFrame, decode, encode};
use crate::requests::Command;
use crate::stream::Stream;

pub(crate) type Socket = WebSocketStream<Stream>;

/// Who gets a reply.
#[derive(Debug)]
pub(crate) enum Waiting {
    /// A caller.
    Caller(oneshot::Sender<Result<Value, RequestError>>),
    /// Whoever takes the events, in line with them: what came before the reply and what came after it are told apart.
    InLine(Asked),
}

impl Waiting {
    fn has_given_up(&self) -> bool {
        matches!(self, Self::Caller(reply) if reply.is_closed())
    }

    /// Answers a caller; in line, the end of the connection is answer enough.
    fn fail(self, why: RequestError) {
        if let Self::Caller(reply) = self {
            let _ = reply.send(Err(why));
        }
    }
}

/// What the driver woke up for.
enum Turn {
    Asked(Option<Command>),
    Heard(Option<Result<Message, tungstenite::Error>>),
    /// It is time to look whether the server is still there.
    Look,
}

/// How long the server may take to answer a close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Frames written before a flush.
const BATCH: usize = 64;

pub(crate) struct Driver {
    pub(crate) socket: Socket,
    pub(crate) codec: Codec,
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) events: mpsc::Sender<Item>,
    pub(crate) closed: Arc<OnceLock<Closed>>,
    pub(crate) write_timeout: Duration,
    /// How long nothing at all may come, pings included.
    pub(crate) silence: Duration,
    /// Callers that wait at once, at most.
    pub(crate) requests: usize,
    pub(crate) waiting: HashMap<u64, Waiting>,
    pub(crate) last_id: u64,
}

impl Driver {
    /// Runs until the connection ends, then tells everyone who waits.
    pub(crate) async fn run(mut self) {
        let closed = match self.converse().await {
            Ok(()) => self.close().await,
            Err(closed) => closed,
        };
        // Whoever finds the queue closed from now on reads why.
        let _ = self.closed.set(closed.clone());
        self.commands.close();
        for (_, waiting) in self.waiting.drain() {
            waiting.fail(RequestError::Closed(closed.clone()));
        }
        while let Ok(command) = self.commands.try_recv() {
            if let Command::Request {
                reply: Some(waiting), ..
            } = command
            {
                waiting.fail(RequestError::Closed(closed.clone()));
            }
        }
        // Waits for the application to take what came before, or to drop its half.
        let _ = self.events.send(Item::Unasked(Incoming::Closed(closed))).await;
    }

    /// Reads and writes until this side wants to close (`Ok`) or the connection ended.
    async fn converse(&mut self) -> Result<(), Closed> {
        let events = self.events.clone();
        let mut event: Option<Item> = None;
        let mut asking = true;
        let mut heard_at = Instant::now();
        // One timer for the life of the connection, moved only when it goes off.
        let look = sleep(self.silence);
        tokio::pin!(look);
        loop {
            let turn = tokio::select! {
                command = self.commands.recv(), if asking => Turn::Asked(command),
                () = events.closed(), if !asking => return Ok(()),
                permit = events.reserve(), if event.is_some() => {
                    // Without a receiver, events go nowhere; replies are still wanted.
                    if let (Ok(permit), Some(event)) = (permit, event.take()) {
                        permit.send(event);
                    }
                    continue;
                }
                message = self.socket.next(), if event.is_none() => Turn::Heard(message),
                () = &mut look => Turn::Look,
            };
            match turn {
                Turn::Asked(None) => asking = false,
                Turn::Asked(Some(command)) => {
                    if self.write(command).await? {
                        return Ok(());
                    }
                }
                Turn::Heard(message) => {
                    heard_at = Instant::now();
                    event = self.read(message)?;
                }
                Turn::Look => {
                    // While the application takes nothing, nothing is read: that silence is not the server's.
                    if event.is_none() && heard_at.elapsed() >= self.silence {
                        return Err(Closed::abnormal("the server has gone silent"));
                    }
                    let quiet = if event.is_none() { heard_at } else { Instant::now() };
                    look.as_mut().reset(quiet + self.silence);
                }
            }
        }
    }

    /// Writes a command and those that wait behind it. True if one of them was a close.
    async fn write(&mut self, first: Command) -> Result<bool, Closed> {
        let written = timeout(self.write_timeout, self.write_batch(first)).await;
        match written {
            Ok(written) => written.map_err(|why| Closed::abnormal(why.to_string())),
            Err(_) => Err(Closed::abnormal("the server takes nothing")),
        }
    }

    async fn write_batch(&mut self, first: Command) -> Result<bool, tungstenite::Error> {
        let mut left = BATCH;
        let mut next = Some(first);
        let mut closing = false;
        while let Some(command) = next {
            let (endpoint, args, reply) = match command {
                Command::Request { endpoint, args, reply } => (endpoint, args, reply),
                Command::Close => {
                    closing = true;
                    break;
                }
                Command::Drop => return Err(tungstenite::Error::Io(std::io::ErrorKind::ConnectionAborted.into())),
            };
            let id = reply.map(|reply| self.number(reply));
            let (endpoint, args) = (endpoint.as_str(), &args);
            match encode(self.codec, &ClientFrame { id, endpoint, args }) {
                Ok(message) => self.socket.feed(message).await?,
                Err(why) => self.refuse(id, why),
            }
            left -= 1;
            next = if left == 0 { None } else { self.commands.try_recv().ok() };
        }
        self.socket.flush().await?;
        Ok(closing)
    }

    /// The id under which a caller waits. Callers that gave up are cleared away before there are twice as many
    /// entries as there can be callers.
    fn number(&mut self, reply: Waiting) -> u64 {
        if self.waiting.len() >= 2 * self.requests {
            self.waiting.retain(|_, waiting| !waiting.has_given_up());
        }
        self.last_id += 1;
        self.waiting.insert(self.last_id, reply);
        self.last_id
    }

    fn refuse(&mut self, id: Option<u64>, why: String) {
        if let Some(waiting) = id.and_then(|id| self.waiting.remove(&id)) {
            waiting.fail(RequestError::Args(why));
        }
    }

    /// Takes a message; returns the event in it, if it is one.
    fn read(&mut self, message: Option<Result<Message, tungstenite::Error>>) -> Result<Option<Item>, Closed> {
        let message = match message {
            None => return Err(Closed::abnormal("the stream ended")),
            Some(Err(why)) => return Err(Closed::abnormal(why.to_string())),
            Some(Ok(message)) => message,
        };
        match &message {
            Message::Text(_) | Message::Binary(_) => {}
            Message::Close(frame) => return Err(closed_by(frame.as_ref())),
            // The pong is put on its way by reading on, which flushes it.
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => return Ok(None),
        }
        match decode(self.codec, &message) {
            Ok(ServerFrame::Reply(reply)) => Ok(self.answer(reply)),
            Ok(ServerFrame::Broadcast(broadcast)) => Ok(Some(Item::Unasked(Incoming::Broadcast(broadcast)))),
            Ok(ServerFrame::Goodbye(goodbye)) => Ok(Some(Item::Unasked(Incoming::Goodbye(goodbye)))),
            Ok(ServerFrame::Hello(_)) => Err(Closed::abnormal("a second hello")),
            Err(why) => Err(Closed::abnormal(format!("not the protocol: {why}"))),
        }
    }

    fn answer(&mut self, reply: Reply) -> Option<Item> {
        let result = match reply.error {
            Some(error) => Err(error),
            None => Ok(reply.data),
        };
        match self.waiting.remove(&reply.id)? {
            Waiting::Caller(caller) => {
                let _ = caller.send(result.map_err(RequestError::Server));
                None
            }
            Waiting::InLine(asked) => Some(Item::Answer(asked, result)),
        }
    }

    /// Closes with 1000 and waits a little for the answer. Replies on the way are still given out.
    async fn close(&mut self) -> Closed {
        let frame = CloseFrame {
            code: CloseCode::Normal,
            reason: Utf8Bytes::from_static(""),
        };
        let answered = async {
            if let Err(why) = self.socket.close(Some(frame)).await {
                return Closed::abnormal(why.to_string());
            }
            loop {
                let message = self.socket.next().await;
                if let Err(closed) = self.read(message) {
                    return closed;
                }
            }
        };
        timeout(CLOSE_TIMEOUT, answered)
            .await
            .unwrap_or_else(|_| Closed::abnormal("no answer to the close"))
    }
}

/// What a close frame says.
pub(crate) fn closed_by(frame: Option<&CloseFrame>) -> Closed {
    match frame {
        Some(frame) => Closed {
            code: frame.code.into(),
            reason: frame.reason.to_string(),
        },
        None => Closed {
            code: 1005,
            reason: String::new(),
        },
    }
}
