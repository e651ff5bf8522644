//! On one connection: into the rooms again, then everything in the order in which it came.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use super::Order;
use super::event::Event;
use super::task::{Gone, Task};
use crate::Client;
use crate::error::{Closed, ServerError};
use crate::events::{Asked, Events, Incoming, Item};
use crate::frame::Hello;
use crate::requests::Requests;

/// When a join is tried again that was refused for the moment only, unless the server says.
const AGAIN: Duration = Duration::from_millis(500);

/// A connection, and the joins on it that are not settled.
struct Connection {
    requests: Requests,
    events: Events,
    /// Joins without an answer yet.
    asked: BTreeSet<String>,
    /// By when one of them must have come: a server that answers none is left.
    answer_by: Instant,
    /// Joins to be tried again, at `again_at`.
    again: BTreeSet<String>,
    again_at: Instant,
    /// Rooms whose join met a `conflict` here: either the connection is closing, or they are too many.
    conflicted: BTreeSet<String>,
    /// When a new ticket is asked for; nothing while one is asked for.
    ticket_at: Option<Instant>,
    /// From the goodbye: when to come back.
    leave_until: Option<Instant>,
}

impl Task {
    /// Follows a connection to its end. Returns how it ended, and when the server would have the client come back.
    pub(super) async fn converse(
        &mut self,
        client: Client,
        hello: Hello,
        resumed: bool,
    ) -> Result<(Closed, Option<Instant>), Gone> {
        let (requests, events) = client.split();
        let now = Instant::now();
        let mut connection = Connection {
            requests: requests.clone(),
            events,
            asked: BTreeSet::new(),
            answer_by: now,
            again: BTreeSet::new(),
            again_at: now,
            conflicted: BTreeSet::new(),
            ticket_at: Some(now + self.options.ticket_every),
            leave_until: None,
        };
        let connected = Event::Connected {
            node: hello.node,
            client_id: hello.client_id,
            resumed,
        };
        self.tell(connected).await?;
        let mut settled = BTreeSet::new();
        for (room, entry) in hello.resumed.into_iter().flatten() {
            let result = match entry.get("error") {
                // The node joins it in any case, and says below where it stands.
                Some(_) if hello.positions.contains_key(&room) => continue,
                Some(error) => Err(serde_json::from_value(error.clone()).unwrap_or_else(|_| unreadable())),
                None => Ok(entry),
            };
            self.settle(&mut connection, &room, result).await?;
            settled.insert(room);
        }
        for (room, at) in hello.positions {
            if !settled.contains(&room) {
                for event in self.rooms.stand_in_own(&room, at) {
                    self.tell(event).await?;
                }
            }
        }
        let rest = self.rooms.unsettled(&settled);
        for room in rest {
            self.ask(&mut connection, room).await;
        }
        self.current.send_replace(Some(requests));
        self.follow(&mut connection)
            .await
            .map(|closed| (closed, connection.leave_until))
    }

    async fn follow(&mut self, connection: &mut Connection) -> Result<Closed, Gone> {
        let app = self.events.clone();
        loop {
            let timer = connection.timer(self.ticket.is_some());
            tokio::select! {
                item = connection.events.receiver.recv() => {
                    let Some(item) = item else {
                        return Ok(Closed::abnormal("the connection's task has ended"));
                    };
                    if let Some(closed) = self.take(connection, item).await? {
                        return Ok(closed);
                    }
                }
                order = self.orders.recv() => match order {
                    Some(order) => self.obey(connection, order).await?,
                    None => return Err(Gone),
                },
                () = app.closed() => return Err(Gone),
                () = sleep_until(timer.unwrap_or_else(Instant::now)), if timer.is_some() => {
                    self.on_timer(connection).await;
                }
            }
        }
    }

    /// Deals with what came; returns how the connection ended, if it did.
    async fn take(&mut self, connection: &mut Connection, item: Item) -> Result<Option<Closed>, Gone> {
        match item {
            Item::Unasked(Incoming::Broadcast(broadcast)) => {
                let event = self.rooms.hear(broadcast);
                self.tell(event).await?;
            }
            Item::Unasked(Incoming::Goodbye(goodbye)) => {
                connection.leave_until = Some(Instant::now() + Duration::from_millis(goodbye.reconnect_after_ms));
            }
            Item::Unasked(Incoming::Closed(closed)) => return Ok(Some(closed)),
            Item::Answer(Asked::Ticket, result) => {
                connection.ticket_at = Some(Instant::now() + self.options.ticket_every);
                // A server that has no more of them leaves the old one good for as long as it is.
                let ticket = result
                    .ok()
                    .and_then(|data| Some(data.get("resumeTicket")?.as_str()?.to_owned()));
                self.ticket = ticket.or(self.ticket.take());
            }
            Item::Answer(Asked::Join(room), result) => {
                connection.asked.remove(&room);
                connection.answer_by = Instant::now() + self.options.connect.request_timeout;
                self.settle(connection, &room, result).await?;
            }
        }
        Ok(None)
    }

    async fn obey(&mut self, connection: &mut Connection, order: Order) -> Result<(), Gone> {
        match order {
            Order::Join(room) => {
                if self.rooms.want(&room) {
                    self.ask(connection, room).await;
                }
            }
            Order::Leave(room) => {
                if self.rooms.forget(&room) {
                    // If it cannot be sent, the connection ends, and with it the membership.
                    let _ = connection.requests.send("rooms.leave", json!({"room": room})).await;
                }
            }
            Order::Drop => connection.requests.drop_connection().await,
            Order::Close => {
                connection.requests.close().await;
                return Err(Gone);
            }
        }
        Ok(())
    }

    /// Asks to be let into a room, from where it was heard.
    async fn ask(&mut self, connection: &mut Connection, room: String) {
        if !self.rooms.contains(&room) {
            return;
        }
        let includes = self.rooms.places_included(&room);
        let mut args = json!({"room": room, "includes": includes});
        if let Some(place) = self.rooms.place(&room) {
            args["resume"] = json!(place);
        }
        if connection.asked.is_empty() {
            connection.answer_by = Instant::now() + self.options.connect.request_timeout;
        }
        // If it cannot be sent, the connection's end is in its events.
        let asked = Asked::Join(room.clone());
        let _ = connection.requests.ask_in_line(asked, "rooms.join", args).await;
        connection.asked.insert(room);
    }

    /// Takes note of the answer to a join, or of a room's entry in the hello.
    async fn settle(
        &mut self,
        connection: &mut Connection,
        room: &str,
        result: Result<Value, ServerError>,
    ) -> Result<(), Gone> {
        let answer = result.and_then(|data| serde_json::from_value(data).map_err(|_| unreadable()));
        match answer {
            Ok(answer) => {
                for event in self.rooms.enter(room, answer) {
                    self.tell(event).await?;
                }
            }
            Err(error) if self.rooms.asked_as(room).is_some() && connection.passes(room, &error) => {
                let wait = error.retry_after_ms.map_or(AGAIN, Duration::from_millis);
                if connection.again.is_empty() {
                    connection.again_at = Instant::now() + wait.min(self.options.backoff_most);
                }
                connection.again.extend(self.rooms.asked_as(room));
            }
            Err(error) => {
                if self.rooms.forget(room) {
                    let room = room.to_owned();
                    self.tell(Event::Refused { room, error }).await?;
                } else if let Some(event) = self.rooms.lose(room) {
                    self.tell(event).await?;
                }
            }
        }
        Ok(())
    }

    async fn on_timer(&mut self, connection: &mut Connection) {
        let now = Instant::now();
        if !connection.asked.is_empty() && connection.answer_by <= now {
            connection.asked.clear();
            connection.requests.drop_connection().await;
        }
        if connection.ticket_at.is_some_and(|at| at <= now) && self.ticket.is_some() {
            connection.ticket_at = None;
            // As with `ask`.
            let args = json!({"ticket": true});
            let _ = connection.requests.ask_in_line(Asked::Ticket, "ping", args).await;
        }
        if connection.again_at <= now {
            for room in std::mem::take(&mut connection.again) {
                self.ask(connection, room).await;
            }
        }
    }
}

impl Connection {
    /// Whether a refusal is one for the moment only.
    fn passes(&mut self, room: &str, error: &ServerError) -> bool {
        match error.code.as_str() {
            "unavailable" | "rate-limited" | "internal" => true,
            "conflict" => self.conflicted.insert(room.to_owned()),
            _ => false,
        }
    }

    /// When something must be done although nothing came.
    fn timer(&self, has_ticket: bool) -> Option<Instant> {
        let answer = (!self.asked.is_empty()).then_some(self.answer_by);
        let again = (!self.again.is_empty()).then_some(self.again_at);
        let ticket = self.ticket_at.filter(|_| has_ticket);
        [answer, again, ticket].into_iter().flatten().min()
    }
}

/// An answer that is none counts as a passing fault of the server's: the room is asked for again.
fn unreadable() -> ServerError {
    ServerError {
        code: "internal".into(),
        message: "the answer cannot be read".into(),
        retry_after_ms: None,
        field: None,
        more: serde_json::Map::new(),
    }
}
