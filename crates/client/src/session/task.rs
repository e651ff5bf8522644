//! Between connections: when, where to, and with what to come back.

use std::time::Duration;

use hallway_protocol::CloseCode;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::Order;
use super::backoff::Backoff;
use super::event::Event;
use super::options::SessionOptions;
use super::rooms::Rooms;
use crate::Client;
use crate::error::{Closed, ConnectError};
use crate::frame::Hello;
use crate::options::{FirstFrame, Options};
use crate::requests::Requests;

/// The longest wait that a server can ask for.
const MOST_ASKED: Duration = Duration::from_secs(300);

/// Most bytes of rooms in the first frame, which a gateway takes up to 32 KiB of by default; the ticket is in it too.
const RESUME_BYTES: usize = 20 * 1024;

/// The application is done with the session.
pub(super) struct Gone;

/// The task behind a [`super::Session`].
pub(super) struct Task {
    pub(super) options: SessionOptions,
    pub(super) orders: mpsc::Receiver<Order>,
    pub(super) events: mpsc::Sender<Event>,
    pub(super) current: watch::Sender<Option<Requests>>,
    pub(super) rooms: Rooms,
    pub(super) ticket: Option<String>,
    backoff: Backoff,
    /// Where to try next, counted on and on.
    turn: usize,
}

/// Why there is no connection, and what follows from it.
struct Away {
    closed: Closed,
    /// The server's own word on when to come back.
    asked: Option<Duration>,
}

impl Task {
    pub(super) fn new(
        options: SessionOptions,
        orders: mpsc::Receiver<Order>,
        events: mpsc::Sender<Event>,
        current: watch::Sender<Option<Requests>>,
    ) -> Self {
        Self {
            backoff: Backoff::new(options.backoff_first, options.backoff_most, options.seed),
            options,
            orders,
            events,
            current,
            rooms: Rooms::default(),
            ticket: None,
            turn: 0,
        }
    }

    pub(super) async fn run(mut self) {
        // Either way there is nobody left to tell.
        let _ = self.stay().await;
    }

    async fn stay(&mut self) -> Result<(), Gone> {
        loop {
            let away = match self.connect().await? {
                Ok((client, hello, resumed)) => {
                    let since = Instant::now();
                    let ended = self.converse(client, hello, resumed).await;
                    self.current.send_replace(None);
                    let (closed, leave_until) = ended?;
                    self.backoff.lasted(since.elapsed());
                    self.turn += 1;
                    let comes_back = comes_back(closed.code);
                    self.tell_lost(&closed, comes_back).await?;
                    if !comes_back {
                        return Ok(());
                    }
                    let asked = leave_until.map(|until| until.saturating_duration_since(Instant::now()));
                    Away { closed, asked }
                }
                Err(away) => {
                    self.turn += 1;
                    if !comes_back(away.closed.code) {
                        return self.tell_lost(&away.closed, false).await;
                    }
                    away
                }
            };
            let wait = away.asked.unwrap_or_else(|| self.backoff.next());
            self.wait(wait).await?;
        }
    }

    /// One attempt, at one address; a ticket that is refused there is followed by the token.
    async fn connect(&mut self) -> Result<Result<(Client, Hello, bool), Away>, Gone> {
        loop {
            let with_ticket = self.ticket.is_some();
            let events = self.events.clone();
            let result = tokio::select! {
                result = Client::connect(self.attempt()) => result,
                () = events.closed() => return Err(Gone),
            };
            match result {
                Ok((client, hello)) => {
                    self.ticket.clone_from(&hello.resume_ticket);
                    return Ok(Ok((client, hello, with_ticket)));
                }
                Err(why) => {
                    let away = away(why);
                    // Revoked is revoked, token or ticket; any other word against the ticket is only about it.
                    let is_about_ticket = with_ticket
                        && matches!(away.closed.code, 4400..=4499)
                        && away.closed.code != CloseCode::Revoked.wire();
                    if !is_about_ticket {
                        return Ok(Err(away));
                    }
                    self.ticket = None;
                }
            }
        }
    }

    fn attempt(&self) -> Options {
        let mut options = self.options.connect.clone();
        let addresses = &self.options.addresses;
        options.url = addresses
            .get(self.turn % addresses.len().max(1))
            .cloned()
            .unwrap_or_default();
        if let Some(ticket) = &self.ticket {
            options.token = None;
            options.token_subprotocol = None;
            options.first_frame = Some(FirstFrame::Resume {
                ticket: ticket.clone(),
                rooms: self.rooms.places(RESUME_BYTES),
            });
        }
        options
    }

    /// Waits to come back; what is ordered meanwhile is noted.
    async fn wait(&mut self, wait: Duration) -> Result<(), Gone> {
        let until = Instant::now() + wait.min(MOST_ASKED);
        let events = self.events.clone();
        loop {
            let order = tokio::select! {
                () = sleep_until(until) => return Ok(()),
                () = events.closed() => return Err(Gone),
                order = self.orders.recv() => order,
            };
            match order {
                // The session holds a sender as long as there is someone to listen.
                None | Some(Order::Close) => return Err(Gone),
                Some(Order::Join(room)) => drop(self.rooms.want(&room)),
                Some(Order::Leave(room)) => drop(self.rooms.forget(&room)),
                Some(Order::Drop) => {}
            }
        }
    }

    pub(super) async fn tell(&self, event: Event) -> Result<(), Gone> {
        self.events.send(event).await.map_err(|_| Gone)
    }

    async fn tell_lost(&self, closed: &Closed, comes_back: bool) -> Result<(), Gone> {
        let event = Event::Disconnected {
            code: closed.code,
            reason: closed.reason.clone(),
            comes_back,
        };
        self.tell(event).await
    }
}

/// What the gateway's own codes say, and three that proxies before it are fond of (RFC 6455 §7.4.1 and IANA's registry:
/// no code, internal error, bad gateway).
fn comes_back(code: u16) -> bool {
    CloseCode::reconnects(code) || matches!(code, 1005 | 1011 | 1014)
}

fn away(why: ConnectError) -> Away {
    let asked = match &why {
        ConnectError::Refused { retry_after_ms, .. } => retry_after_ms.map(Duration::from_millis),
        _ => None,
    };
    let code = match &why {
        ConnectError::Closed(closed) => closed.code,
        ConnectError::Refused { status: 401, .. } => CloseCode::Unauthenticated.wire(),
        ConnectError::Refused { status: 403, .. } => CloseCode::Forbidden.wire(),
        ConnectError::Refused {
            status: 429 | 500.., ..
        } => CloseCode::OverCapacity.wire(),
        ConnectError::Refused { .. } | ConnectError::Options(_) => CloseCode::BadFrame.wire(),
        ConnectError::Timeout | ConnectError::Transport(_) => 1006,
    };
    let reason = match why {
        ConnectError::Closed(closed) => closed.reason,
        why => why.to_string(),
    };
    Away {
        closed: Closed { code, reason },
        asked,
    }
}
