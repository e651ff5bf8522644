//! A small asynchronous client of the native protocol, for the command line and for tests.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use hallway_client::{Client, Incoming, Options};
//! use serde_json::json;
//!
//! let options = Options::new("ws://127.0.0.1:8080/ws").token("eyJ…");
//! let (mut client, hello) = Client::connect(options).await?;
//! client.request("rooms.join", json!({"room": "board-42"})).await?;
//! while let Some(Incoming::Broadcast(broadcast)) = client.next().await {
//!     println!("{} hears {}", hello.client_id, broadcast.destination);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! One task per connection owns the socket. [`Requests`] (as many clones as wanted) put requests into its
//! bounded queue and are answered by id; [`Events`] takes what the server says unasked. What must stay true:
//! an application that does not take its events stops the reading of the socket, and so the replies behind
//! them too; nothing is dropped and nothing grows without bound.
//!
//! A [`Client`] connects once. A [`Session`] stays connected: it comes back by itself, into its rooms and from where it
//! had heard them, and says where something may be missing. Both speak TLS where the URL is `wss://`.
//!
//! ```no_run
//! # async fn example() {
//! use hallway_client::{Event, Options, Session, SessionOptions};
//!
//! let connect = Options::new("").token("eyJ…");
//! let addresses = ["ws://10.0.0.1:8080/ws", "ws://10.0.0.2:8080/ws"];
//! let mut session = Session::start(SessionOptions::new(addresses, connect));
//! session.handle().join("board-42").await;
//! while let Some(event) = session.next().await {
//!     match event {
//!         Event::Broadcast(broadcast) => println!("{} {}", broadcast.destination, broadcast.data),
//!         Event::Joined { room, .. } | Event::Resync { room, .. } => println!("fetch the whole of {room}"),
//!         _ => {}
//!     }
//! }
//! # }
//! ```

mod connect;
mod driver;
mod error;
mod events;
mod frame;
mod options;
mod requests;
mod session;
mod stream;

pub use error::{Closed, ConnectError, RequestError, ServerError};
pub use events::{Events, Incoming};
pub use frame::{Broadcast, Goodbye, Hello};
pub use hallway_protocol::Codec;
pub use options::{FirstFrame, Options, ResumeFrom};
pub use requests::Requests;
pub use session::{Cause, Event, Session, SessionHandle, SessionOptions};
pub use stream::Stream;

use serde::Serialize;
use serde_json::Value;

/// An authenticated connection: a sender of requests and a stream of events in one.
#[derive(Debug)]
pub struct Client {
    requests: Requests,
    events: Events,
}

impl Client {
    /// Connects, authenticates and waits for the server's hello, all within `options.connect_timeout`.
    ///
    /// Cancel safe: when dropped, the connection is closed.
    ///
    /// # Errors
    /// See [`ConnectError`].
    pub async fn connect(options: Options) -> Result<(Self, Hello), ConnectError> {
        connect::connect(options).await
    }

    /// Sends a request and waits for its reply. See [`Requests::request`].
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn request(&self, endpoint: &str, args: impl Serialize) -> Result<Value, RequestError> {
        self.requests.request(endpoint, args).await
    }

    /// Sends a request without an id, which has no reply. See [`Requests::send`].
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn send(&self, endpoint: &str, args: impl Serialize) -> Result<(), RequestError> {
        self.requests.send(endpoint, args).await
    }

    /// The next event; `None` after [`Incoming::Closed`]. Cancel safe.
    pub async fn next(&mut self) -> Option<Incoming> {
        self.events.next().await
    }

    /// Another sender of requests on this connection.
    #[must_use]
    pub fn requests(&self) -> Requests {
        self.requests.clone()
    }

    /// Both halves. The connection is closed with 1000 when the events and every sender are dropped.
    #[must_use]
    pub fn split(self) -> (Requests, Events) {
        (self.requests, self.events)
    }

    /// Closes with 1000 and waits until the server has answered, or two seconds have gone by. Events that were
    /// not taken are dropped.
    pub async fn close(self) {
        let Self { requests, mut events } = self;
        requests.close().await;
        while events.next().await.is_some() {}
    }
}
