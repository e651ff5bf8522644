//! How to connect.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use hallway_protocol::Codec;
use serde::{Deserialize, Serialize};

/// How to connect. Made by [`Options::new`]; every field may be set.
#[derive(Debug, Clone)]
pub struct Options {
    /// `ws://host:port/path`, or `wss://…` for TLS.
    pub url: String,
    /// For `wss://`: a PEM file with the authorities that may have signed the server's certificate; `None`: the system's.
    pub authorities: Option<PathBuf>,
    /// Sent as `Authorization: Bearer …`.
    pub token: Option<String>,
    /// Sent as the offered subprotocol `hallway.token.…`, the way of browsers.
    pub token_subprotocol: Option<String>,
    /// Sent as the first frame.
    pub first_frame: Option<FirstFrame>,
    /// The codec to offer. What the server answers counts.
    pub codec: Codec,
    /// Offered instead of the codec's subprotocol. Empty: none is offered, which means JSON.
    pub subprotocols: Option<Vec<String>>,
    /// Further headers of the handshake, names and values.
    pub headers: Vec<(String, String)>,
    /// The address to connect from; `None` leaves it to the system.
    pub local_address: Option<IpAddr>,
    /// From the first packet to the hello.
    pub connect_timeout: Duration,
    /// From the call of [`crate::Requests::request`] to its reply.
    pub request_timeout: Duration,
    /// How long the socket may take one batch of frames; then the connection is given up.
    pub write_timeout: Duration,
    /// Requests under way at once, over all clones; further ones wait.
    pub requests: usize,
    /// Events that wait to be taken; while it is full, the socket is not read.
    pub events: usize,
}

impl Options {
    /// JSON, no token, 10 s for everything, 1,024 requests and 1,024 events.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            authorities: None,
            token: None,
            token_subprotocol: None,
            first_frame: None,
            codec: Codec::Json,
            subprotocols: None,
            headers: Vec::new(),
            local_address: None,
            connect_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(10),
            requests: 1024,
            events: 1024,
        }
    }

    /// Sets the token of the `Authorization` header.
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Sets the first frame.
    #[must_use]
    pub fn first_frame(mut self, frame: FirstFrame) -> Self {
        self.first_frame = Some(frame);
        self
    }

    /// Sets the codec to offer.
    #[must_use]
    pub fn codec(mut self, codec: Codec) -> Self {
        self.codec = codec;
        self
    }

    /// Sets the offered subprotocols, instead of the codec's.
    #[must_use]
    pub fn subprotocols<S: Into<String>>(mut self, offers: impl IntoIterator<Item = S>) -> Self {
        self.subprotocols = Some(offers.into_iter().map(Into::into).collect());
        self
    }

    /// Adds a header to the handshake.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The offered subprotocols, in order.
    pub(crate) fn offers(&self) -> Vec<String> {
        let mut offers = match &self.subprotocols {
            Some(offers) => offers.clone(),
            None => vec![self.codec.subprotocol().to_owned()],
        };
        offers.extend(
            self.token_subprotocol
                .as_ref()
                .map(|token| format!("hallway.token.{token}")),
        );
        offers
    }
}

/// What the first frame says.
#[derive(Debug, Clone)]
pub enum FirstFrame {
    /// `auth.connect` with a token.
    Connect {
        /// The token.
        token: String,
    },
    /// `auth.resume` with the ticket of an earlier hello.
    Resume {
        /// The ticket.
        ticket: String,
        /// The rooms to be in again, and how far each was heard; without that one is entered where it stands.
        rooms: BTreeMap<String, Option<ResumeFrom>>,
    },
}

/// How far a room was heard.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResumeFrom {
    /// The numbering's life.
    pub epoch: String,
    /// The last number heard.
    pub seq: u64,
}

/// `epoch:seq`, since positions are read in bulk.
impl fmt::Debug for ResumeFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.epoch, self.seq)
    }
}
