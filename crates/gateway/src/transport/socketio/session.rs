//! The loop of one Socket.IO connection: packets in, into the namespaces, and what they ask answered. An idle one waits
//! for bytes and has no timer; it is pinged from the hub's wheel, as native ones are.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use hallway_hub::{Carrier, Opcode, frame};
use hallway_protocol::{CloseCode, Error, ErrorCode};
use hallway_socketio::engine::{self, Packet as Carried};
use hallway_socketio::packet::{self, Kind, Packet};
use hallway_socketio::{Malformed, binary};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::source::{Came, Source};
use super::space::{self, NotLetIn, Space, Visitor};
use crate::connection::desk;
use crate::connection::rate::{Bucket, Verdict};
use crate::connection::requests::Done;
use crate::limits::AddressPermit;
use crate::node::Node;
use crate::transport::websocket::{Inbound, Violation};

/// Most attachments of one packet.
const ATTACHMENTS: usize = 16;
/// How long an ended connection may take to leave.
const LEAVE: Duration = Duration::from_secs(5);

/// One connection.
pub(super) struct Session {
    node: Arc<Node>,
    carrier: Arc<Carrier>,
    source: Source,
    visitor: Arc<Visitor>,
    spaces: Vec<Space>,
    connecting: Option<Connecting>,
    /// What came with a packet that is being worked on: at most what one read brings.
    backlog: VecDeque<Inbound>,
    /// A packet whose attachments are still to come.
    parts: Option<Box<Parts>>,
    /// For what belongs to no namespace's own measure.
    bucket: Bucket,
    /// While it is in no namespace, whose sockets the hub looks after.
    alone: Alone,
    /// Whether the client has said that it goes.
    has_left: bool,
    /// Its share of its address's connections.
    permit: AddressPermit,
    /// Its place among the handshakes, until it is in a namespace.
    place: Option<OwnedSemaphorePermit>,
}

/// A connection in no namespace.
struct Alone {
    /// When it is over if it is in none by then.
    until: Instant,
    /// When it is pinged, or over if the last ping is not answered by then.
    look_at: Instant,
    is_asked: bool,
}

impl Alone {
    fn from_now(node: &Node) -> Self {
        let (now, limits) = (Instant::now(), node.limits());
        Self {
            until: now + limits.auth_timeout,
            look_at: now + limits.ping_interval,
            is_asked: false,
        }
    }
}

struct Connecting {
    namespace: String,
    /// A task of its own, since whoever is half in must not be forgotten there.
    entering: JoinHandle<Result<Space, NotLetIn>>,
}

struct Parts {
    text: String,
    wanted: usize,
    bytes: usize,
    attachments: Vec<Vec<u8>>,
}

/// Why a connection ends here.
struct End {
    code: CloseCode,
    reason: &'static str,
}

impl From<Malformed> for End {
    fn from(Malformed(reason): Malformed) -> Self {
        Self {
            code: CloseCode::BadFrame,
            reason,
        }
    }
}

impl From<Violation> for End {
    fn from(violation: Violation) -> Self {
        Self {
            code: violation.code,
            reason: violation.reason,
        }
    }
}

impl From<CloseCode> for End {
    fn from(code: CloseCode) -> Self {
        Self {
            code,
            reason: code.reason(),
        }
    }
}

/// What a connection begins with.
pub(super) struct Beginning {
    pub(super) node: Arc<Node>,
    pub(super) carrier: Arc<Carrier>,
    pub(super) source: Source,
    pub(super) visitor: Visitor,
    pub(super) permit: AddressPermit,
    pub(super) place: Option<OwnedSemaphorePermit>,
}

impl Session {
    pub(super) fn new(beginning: Beginning) -> Self {
        let Beginning {
            node,
            carrier,
            source,
            visitor,
            permit,
            place,
        } = beginning;
        Self {
            bucket: Bucket::full(node.limits().rate, std::time::Instant::now()),
            alone: Alone::from_now(&node),
            has_left: false,
            visitor: Arc::new(visitor),
            spaces: Vec::new(),
            connecting: None,
            backlog: VecDeque::new(),
            parts: None,
            permit,
            place,
            source,
            carrier,
            node,
        }
    }

    /// Runs until the connection ends. `begun` is what was read with the handshake.
    pub(super) async fn run(mut self: Box<Self>, begun: Vec<Inbound>) {
        let mut next = self.take_in(begun, Ok(()));
        while next.is_ok() && !self.carrier.is_over() {
            let room = self.connecting.is_none() && self.spaces.iter().all(|space| space.desk.has_room());
            let alone = self.spaces.is_empty() && self.connecting.is_none();
            next = tokio::select! {
                biased;
                (at, done) = next_done(&mut self.spaces) => {
                    self.spaces[at].desk.done(done);
                    Ok(())
                }
                entered = next_entered(&mut self.connecting) => self.entered(entered),
                () = self.carrier.changed() => self.sweep(),
                came = self.source.next(), if room => self.came(came),
                () = tokio::time::sleep_until(self.alone.until.min(self.alone.look_at)), if alone => self.look(),
            };
        }
        let cause = match next {
            Err(End { code, reason }) => {
                let last = match (&self.source, self.has_left) {
                    // A poll that waits for who has left is sent home with nothing.
                    (Source::Posts(..), true) => frame::whole(Opcode::Text, b"6"),
                    _ => frame::close(code, reason),
                };
                self.carrier.finish(last);
                Some(code)
            }
            Ok(()) => self.carrier.cause(),
        };
        if let Some(under_way) = self.connecting.take()
            && let Ok(Ok(space)) = under_way.entering.await
        {
            self.spaces.push(space);
        }
        for space in self.spaces.drain(..) {
            space.leave(&self.node, cause);
        }
        let _ = tokio::time::timeout(LEAVE, self.source.end()).await;
        self.carrier.cut();
    }

    fn came(&mut self, came: Came) -> Result<(), End> {
        match came {
            Came::Some(inbound, result) => self.take_in(inbound, result),
            Came::Upgraded(link, inbound) => {
                self.carrier.attach(link);
                self.source.set_message_max(self.message_max());
                self.take_in(inbound, Ok(()))
            }
            Came::End => {
                self.carrier.cut();
                Ok(())
            }
        }
    }

    /// In no namespace, and it is time to look.
    fn look(&mut self) -> Result<(), End> {
        let now = Instant::now();
        if now >= self.alone.until {
            return Err(CloseCode::AuthTimeout.into());
        }
        if std::mem::replace(&mut self.alone.is_asked, true) {
            return Err(CloseCode::NoPong.into());
        }
        self.alone.look_at = now + self.node.limits().pong_timeout;
        self.send(&frame::whole(Opcode::Text, b"2"));
        Ok(())
    }

    fn message_max(&self) -> usize {
        if self.spaces.is_empty() {
            self.node.limits().unauthenticated_frame_size
        } else {
            self.node.limits().frame_size
        }
    }

    fn take_in(&mut self, inbound: Vec<Inbound>, result: Result<(), Violation>) -> Result<(), End> {
        for space in &self.spaces {
            space.desk.socket().heard();
        }
        if self.spaces.is_empty() {
            self.alone.is_asked = false;
            self.alone.look_at = Instant::now() + self.node.limits().ping_interval;
        }
        self.backlog.extend(inbound);
        self.work_off()?;
        result.map_err(End::from)
    }

    /// Takes what has come, up to a namespace that is to be entered first: what follows may be meant for it.
    fn work_off(&mut self) -> Result<(), End> {
        while self.connecting.is_none()
            && let Some(one) = self.backlog.pop_front()
        {
            match one {
                Inbound::Text(bytes) => {
                    self.packet(std::str::from_utf8(&bytes).map_err(|_| Malformed("not UTF-8"))?)?
                }
                Inbound::Binary(bytes) => self.attachment(bytes)?,
                Inbound::Ping(payload) => self.send(&frame::whole(Opcode::Pong, &payload)),
                Inbound::Pong => {}
                Inbound::Close(_) => return Err(CloseCode::Normal.into()),
            }
        }
        Ok(())
    }

    fn send(&self, frames: &Bytes) {
        // One that cannot be sent to is over, which the loop sees.
        let _ = self.carrier.send(frames);
    }

    fn packet(&mut self, text: &str) -> Result<(), End> {
        match engine::parse(text)? {
            Carried::Message(message) => self.message(message),
            Carried::Binary(bytes) => self.attachment(bytes),
            Carried::Ping(payload) => {
                self.measure()?;
                self.send(&frame::whole(Opcode::Text, format!("3{payload}").as_bytes()));
                Ok(())
            }
            Carried::Close => {
                self.has_left = true;
                Err(CloseCode::Normal.into())
            }
            Carried::Pong | Carried::Upgrade | Carried::Noop => self.measure(),
        }
    }

    /// Counts what is no event: nobody is answered, so whoever sends too much of it is sent away.
    fn measure(&mut self) -> Result<(), End> {
        match self.bucket.take(self.node.limits().rate, std::time::Instant::now()) {
            Verdict::Pass => Ok(()),
            Verdict::Refuse(_) | Verdict::Close => Err(CloseCode::RateLimited.into()),
        }
    }

    fn message(&mut self, text: &str) -> Result<(), End> {
        if self.parts.is_some() {
            return Err(Malformed("a packet among attachments").into());
        }
        let packet = packet::parse(text, ATTACHMENTS)?;
        if packet.attachments > 0 {
            self.parts = Some(Box::new(Parts {
                text: text.to_owned(),
                wanted: packet.attachments,
                bytes: text.len(),
                attachments: Vec::new(),
            }));
            return Ok(());
        }
        self.whole(packet)
    }

    fn attachment(&mut self, bytes: Vec<u8>) -> Result<(), End> {
        let parts = self.parts.as_mut().ok_or(Malformed("an attachment of nothing"))?;
        parts.bytes += bytes.len();
        if parts.bytes > self.node.limits().frame_size {
            return Err(CloseCode::TooBig.into());
        }
        parts.attachments.push(bytes);
        if parts.attachments.len() < parts.wanted {
            return Ok(());
        }
        let Some(parts) = self.parts.take() else { return Ok(()) };
        let packet = packet::parse(&parts.text, ATTACHMENTS)?;
        let data = binary::join(packet.data, parts.attachments)?;
        self.whole(Packet { data: &data, ..packet })
    }

    fn whole(&mut self, packet: Packet<'_>) -> Result<(), End> {
        let at = self
            .spaces
            .iter()
            .position(|space| space.voice.namespace() == packet.namespace);
        match (packet.kind, at) {
            (Kind::Connect, None) => self.connect(packet),
            (Kind::Connect, Some(_)) | (Kind::Ack, Some(_)) => self.measure(),
            (Kind::Event, Some(at)) => self.event(at, packet),
            (Kind::Disconnect, Some(at)) => {
                self.spaces.remove(at).leave(&self.node, Some(CloseCode::Normal));
                self.alone = Alone::from_now(&self.node);
                self.measure()
            }
            // It may have been sent before the client knew that it is out.
            (Kind::Event | Kind::Ack | Kind::Disconnect, None) => self.measure(),
            (Kind::ConnectError, _) => Err(Malformed("a server's packet").into()),
        }
    }

    fn event(&mut self, at: usize, packet: Packet<'_>) -> Result<(), End> {
        let space = &mut self.spaces[at];
        let (name, args) = packet::event(packet.data)?;
        let socket = space.desk.socket();
        socket.spoke();
        let who = (&*space.desk.caller.identity, socket.id());
        let request = space.voice.request(&name, &args, packet.id, who);
        // Whether it goes on is seen when the socket's close is.
        space.desk.take(request);
        Ok(())
    }

    fn connect(&mut self, packet: Packet<'_>) -> Result<(), End> {
        self.measure()?;
        if !packet.data.is_empty() && !packet.data.starts_with('{') {
            return Err(Malformed("auth is an object").into());
        }
        let namespace = packet.namespace.to_owned();
        let Some(voice) = self.node.dialects.of(&namespace) else {
            let error = Error::new(ErrorCode::NotFound, "Invalid namespace");
            self.send(&space::refusal(&namespace, &error));
            return Ok(());
        };
        let entering = space::enter(
            Arc::clone(&self.node),
            (Arc::clone(&self.carrier), self.permit.address()),
            Arc::clone(voice),
            packet.data.to_owned(),
            Arc::clone(&self.visitor),
        );
        self.connecting = Some(Connecting {
            namespace,
            entering: tokio::spawn(entering),
        });
        Ok(())
    }

    fn entered(&mut self, (namespace, entered): (String, Result<Space, NotLetIn>)) -> Result<(), End> {
        match entered {
            Ok(space) => {
                self.spaces.push(space);
                self.place = None;
                self.source.set_message_max(self.message_max());
            }
            Err(NotLetIn::Refused(error)) => {
                self.send(&space::refusal(&namespace, &error));
                // As many as an address may try, whether over one connection or over many.
                if error.code == ErrorCode::Unauthenticated && !self.permit.failed_login() {
                    return Err(CloseCode::RateLimited.into());
                }
            }
            Err(NotLetIn::Later(code)) => return Err(code.into()),
        }
        self.sweep()?;
        self.work_off()
    }

    /// Lets go of namespaces whose socket was closed, and of the connection where the client is to come back or is in
    /// none.
    fn sweep(&mut self) -> Result<(), End> {
        let mut last = None;
        let mut at = 0;
        while let Some(space) = self.spaces.get(at) {
            let Some(code) = space.desk.socket().close_code() else {
                at += 1;
                continue;
            };
            self.spaces.remove(at).leave(&self.node, Some(code));
            if CloseCode::reconnects(code.wire()) {
                return Err(code.into());
            }
            last = Some(code);
        }
        match last {
            Some(code) if self.spaces.is_empty() => Err(code.into()),
            _ => Ok(()),
        }
    }
}

/// The next request that is done, and of which namespace; for ever if none is under way. Cancel safe.
async fn next_done(spaces: &mut [Space]) -> (usize, Done) {
    poll_fn(|context| {
        for (at, space) in spaces.iter_mut().enumerate() {
            if let Poll::Ready(done) = pin!(desk::next_done(&mut space.desk.requests)).poll(context) {
                return Poll::Ready((at, done));
            }
        }
        Poll::Pending
    })
    .await
}

/// The namespace that is being entered, when that is done; for ever if none is. Cancel safe.
async fn next_entered(connecting: &mut Option<Connecting>) -> (String, Result<Space, NotLetIn>) {
    match connecting {
        Some(under_way) => {
            let entered = (&mut under_way.entering).await;
            // A task of this node that has panicked has said so.
            let entered = entered.unwrap_or(Err(NotLetIn::Later(CloseCode::OverCapacity)));
            let namespace = std::mem::take(&mut under_way.namespace);
            *connecting = None;
            (namespace, entered)
        }
        None => std::future::pending().await,
    }
}
