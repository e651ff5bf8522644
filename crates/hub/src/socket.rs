//! One connection, as the rest of the node holds it: who it is, and a way to send to it that never waits.

use std::any::Any;
use std::io;
use std::net::Shutdown;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::{Bytes, BytesMut};
use hallway_protocol::{ClientId, CloseCode, Codec, Position, RoomName, UserId};
use parking_lot::Mutex;

use crate::form::Form;
use crate::link::Link;
use crate::outbound::Outbound;
use crate::places::{self, Home};
use crate::registry::Shared;
use crate::room::Room;

/// What is known of a connection when it is admitted.
#[derive(Debug)]
pub struct Options {
    /// Its id, new for every connection.
    pub id: ClientId,
    /// Who it is; nobody for the anonymous.
    pub user: Option<UserId>,
    /// How its frames are written, where its link has no form of its own.
    pub codec: Codec,
    /// How long that is so.
    pub authorization: Authorization,
    /// What whoever admits it wants to find again.
    pub badge: Option<Badge>,
}

/// What the layer above knows of a connection; the hub keeps it and does not look.
pub type Badge = Arc<dyn Any + Send + Sync>;

/// From when to when what a connection has shown is good.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Authorization {
    /// When it was issued, in Unix milliseconds, if that is known.
    pub issued_at: Option<u64>,
    /// When it ends, in Unix seconds, if it does.
    pub expires_at: Option<u64>,
}

/// What became of bytes that were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// The kernel has them.
    Written,
    /// They wait for the socket.
    Queued,
    /// They passed the bound of the queue: the socket is being closed as a slow consumer.
    Overflowed,
    /// The socket is closing or gone.
    Gone,
}

/// One connection.
#[derive(Debug)]
pub struct Socket {
    id: ClientId,
    user: OnceLock<UserId>,
    codec: Codec,
    active: AtomicBool,
    /// The code of the first close, 0 while open.
    closed: AtomicU16,
    /// Seconds on the hub's clock when something last came in, and when a data frame did.
    heard_at: AtomicU32,
    spoke_at: AtomicU32,
    /// Place in the wheel, see [`crate::wheel`].
    pub(crate) place: AtomicU32,
    /// Unix second in which its authorization ends; the greatest of all means never.
    expires_at: AtomicU64,
    /// Unix millisecond in which its authorization was issued; 0 if that is not known.
    issued_at: AtomicU64,
    /// Whether it was warned that its authorization ends.
    warned: AtomicBool,
    link: Link,
    out: Mutex<Out>,
    /// Rooms it is in; `None` once it is gone, so that no late join leaves a ghost behind.
    pub(crate) rooms: Mutex<Option<Vec<Arc<Room>>>>,
    device: Mutex<Option<Box<str>>>,
    badge: Mutex<Option<Badge>>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Out {
    queue: Outbound,
    /// Whether a task waits to flush `queue`.
    flushing: bool,
    phase: Phase,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The first frame has not been said: what is sent waits behind it.
    #[default]
    Opening,
    Open,
    /// The close frame is written or the last in the queue.
    Closing,
    Gone,
}

impl Socket {
    pub(crate) fn new(options: Options, link: Link, shared: Arc<Shared>) -> Self {
        let now = shared.now();
        let socket = Self {
            id: options.id,
            user: options.user.map(OnceLock::from).unwrap_or_default(),
            codec: options.codec,
            active: AtomicBool::new(true),
            closed: AtomicU16::new(0),
            heard_at: AtomicU32::new(now),
            spoke_at: AtomicU32::new(now),
            place: AtomicU32::new(0),
            expires_at: AtomicU64::default(),
            issued_at: AtomicU64::default(),
            warned: AtomicBool::new(false),
            link,
            out: Mutex::default(),
            rooms: Mutex::new(Some(Vec::new())),
            device: Mutex::new(None),
            badge: Mutex::new(options.badge),
            shared,
        };
        socket.authorize(options.authorization);
        socket
    }

    pub(crate) fn authorize(&self, authorization: Authorization) {
        self.warned.store(false, Ordering::Relaxed);
        self.expires_at
            .store(authorization.expires_at.unwrap_or(u64::MAX), Ordering::Relaxed);
        self.issued_at
            .store(authorization.issued_at.unwrap_or(0), Ordering::Relaxed);
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> ClientId {
        self.id
    }

    /// Who it is; nobody for the anonymous.
    #[must_use]
    pub fn user(&self) -> Option<&UserId> {
        self.user.get()
    }

    pub(crate) fn identify(&self, user: UserId, authorization: Authorization) -> bool {
        let first = self.user.set(user).is_ok();
        if first {
            self.authorize(authorization);
        }
        first
    }

    /// Unix millisecond in which its authorization was issued, if that is known.
    #[must_use]
    pub fn issued_at(&self) -> Option<u64> {
        Some(self.issued_at.load(Ordering::Relaxed)).filter(|at| *at > 0)
    }

    /// Unix second in which its authorization ends; the greatest of all if it does not.
    #[must_use]
    pub fn expires_at(&self) -> u64 {
        self.expires_at.load(Ordering::Relaxed)
    }

    pub(crate) fn is_warned(&self) -> bool {
        self.warned.load(Ordering::Relaxed)
    }

    /// Takes note that it is warned. False if it was already.
    pub(crate) fn warn(&self) -> bool {
        !self.warned.swap(true, Ordering::Relaxed)
    }

    /// What whoever admitted it knows of it.
    #[must_use]
    pub fn badge(&self) -> Option<Badge> {
        self.badge.lock().clone()
    }

    /// Keeps another.
    pub fn set_badge(&self, badge: Badge) {
        *self.badge.lock() = Some(badge);
    }

    /// How its frames are written.
    #[must_use]
    pub fn form(&self) -> Form<'_> {
        self.link.form().map_or(Form::Native(self.codec), Form::Foreign)
    }

    /// The transport, for its reader.
    #[must_use]
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// Whether the user looks at it, as the client last said.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.active.load(Ordering::Relaxed)
    }

    /// Takes note of whether the user looks at it.
    pub fn set_active(&self, active: bool) {
        self.active.store(active, Ordering::Relaxed);
    }

    /// What the client says it is.
    #[must_use]
    pub fn device(&self) -> Option<String> {
        self.device.lock().as_deref().map(str::to_owned)
    }

    /// Takes note of what the client says it is.
    pub fn set_device(&self, device: &str) {
        *self.device.lock() = Some(device.into());
    }

    /// The code it was closed with, if it was.
    #[must_use]
    pub fn close_code(&self) -> Option<CloseCode> {
        CloseCode::from_wire(self.closed.load(Ordering::Relaxed))
    }

    /// The code to count it under: what it was closed with, or 1006 where no close was said (RFC 6455 §7.1.5).
    #[must_use]
    pub fn close_code_wire(&self) -> u16 {
        match self.closed.load(Ordering::Relaxed) {
            0 => 1006,
            code => code,
        }
    }

    /// The peer has sent its close frame: it gets its answer (RFC 6455 §5.5.1) and the end of the stream. Codes
    /// that are none of ours are counted as a normal close, so that clients cannot invent labels.
    pub fn closed_by_peer(self: &Arc<Self>, code: Option<u16>) {
        let code = code
            .and_then(CloseCode::from_wire)
            .filter(|code| code.wire() < 4000)
            .unwrap_or(CloseCode::Normal);
        self.close(code, "");
    }

    /// The stream ended without a close frame.
    pub fn vanished(&self) {
        self.gone(&mut self.out.lock());
    }

    /// Asks the client whether it is there.
    pub(crate) fn ping(self: &Arc<Self>) {
        self.send(self.link.ping());
    }

    /// Takes note that something came in: it lives.
    pub fn heard(&self) {
        self.heard_at.store(self.shared.now(), Ordering::Relaxed);
    }

    /// Takes note that a data frame came in: it is not idle.
    pub fn spoke(&self) {
        self.spoke_at.store(self.shared.now(), Ordering::Relaxed);
    }

    pub(crate) fn heard_at(&self) -> u32 {
        self.heard_at.load(Ordering::Relaxed)
    }

    pub(crate) fn spoke_at(&self) -> u32 {
        self.spoke_at.load(Ordering::Relaxed)
    }

    /// Rooms it is in, those that the node joined it to included.
    #[must_use]
    pub fn rooms(&self) -> Vec<Arc<Room>> {
        self.rooms.lock().clone().unwrap_or_default()
    }

    /// How many rooms it is in.
    #[must_use]
    pub fn room_count(&self) -> usize {
        self.rooms.lock().as_ref().map_or(0, Vec::len)
    }

    /// Says the first frame, and behind it what was sent until now: the socket is in its rooms by then, and whatever
    /// they hear must not come before the frame that says so. Without bytes nothing is said. Later calls do nothing.
    pub fn open(self: &Arc<Self>, first: Bytes) {
        let mut out = self.out.lock();
        if out.phase == Phase::Opening {
            out.phase = Phase::Open;
            if !first.is_empty() {
                out.queue.push_first(first);
            }
            self.flush(&mut out);
        }
    }

    /// Goes back to before its first frame, for one that gets an identity later: until [`Socket::open`] everything
    /// waits. False if something waits already, or it is closing.
    #[must_use]
    pub fn hold(&self) -> bool {
        let mut out = self.out.lock();
        let can = out.phase == Phase::Open && out.queue.is_empty() && !out.flushing;
        if can {
            out.phase = Phase::Opening;
        }
        can
    }

    /// Sends whole frames: written at once where the socket takes them, else queued in order. Never waits.
    pub fn send(self: &Arc<Self>, frames: &Bytes) -> Sent {
        match self.link.places() {
            None => self.push(frames),
            Some(places) => {
                // Held until they are sent: what a client is told is in the order of what it is sent.
                let mut places = places.lock();
                self.push(&places::stamped(frames, places.text(self.id)))
            }
        }
    }

    /// Sends broadcasts, each with its place in its line, to a socket whose client is told where it stands. Those without
    /// frames pass it by.
    pub(crate) fn send_placed<'a>(
        self: &Arc<Self>,
        broadcasts: impl Iterator<Item = (Option<Bytes>, Option<&'a (RoomName, Position)>)>,
    ) -> Sent {
        let Some(places) = self.link.places() else {
            return Sent::Gone;
        };
        let mut places = places.lock();
        let mut all = BytesMut::new();
        for (frames, place) in broadcasts {
            if let Some((line, position)) = place {
                places.advance(line, *position);
            }
            if let Some(frames) = frames {
                places::stamp(&mut all, &frames, places.text(self.id));
            }
        }
        if all.is_empty() {
            return Sent::Written;
        }
        self.push(&all.freeze())
    }

    /// Whether its client is told where it stands.
    #[must_use]
    pub fn has_places(&self) -> bool {
        self.link.places().is_some()
    }

    /// It is about to enter a room. To be called where that is decided, under the room's lock. True if its client is to be
    /// told where it stands by then.
    pub fn enters(&self, home: &Home) -> bool {
        self.link.places().is_some_and(|places| places.lock().enter(home))
    }

    /// It has left a room. False where its client is not told of that.
    pub fn leaves(&self, home: &RoomName) -> bool {
        self.link.places().is_some_and(|places| places.lock().leave(home))
    }

    /// [`Socket::open`] for a socket whose client is told where it stands; `first` is made of where it entered.
    pub fn open_placed(self: &Arc<Self>, first: impl FnOnce(&str) -> Bytes) {
        let mut places = self.link.places().map(Mutex::lock);
        let text = places.as_mut().map(|places| places.open(self.id)).unwrap_or_default();
        self.open(first(&text));
    }

    fn push(self: &Arc<Self>, frames: &Bytes) -> Sent {
        let mut out = self.out.lock();
        if !matches!(out.phase, Phase::Opening | Phase::Open) {
            return Sent::Gone;
        }
        let mut written = 0;
        if out.queue.is_empty() && out.phase == Phase::Open {
            match self.link.try_write(frames) {
                Ok(all) if all == frames.len() && !self.link.has_rest() => return Sent::Written,
                Ok(all) if all == frames.len() => {
                    self.ensure_flusher(&mut out);
                    return Sent::Queued;
                }
                Ok(some) => written = some,
                Err(why) if why.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(why) if why.kind() == std::io::ErrorKind::StorageFull => {
                    self.set_closed(CloseCode::SlowConsumer);
                    self.gone(&mut out);
                    return Sent::Overflowed;
                }
                Err(_) => {
                    self.gone(&mut out);
                    return Sent::Gone;
                }
            }
        }
        if out.queue.bytes() + frames.len() - written > self.shared.queue_limit() {
            if written > 0 {
                out.queue.push(frames.clone(), written);
            }
            out.queue.drop_unbegun();
            self.start_closing(&mut out, CloseCode::SlowConsumer, CloseCode::SlowConsumer.reason());
            return Sent::Overflowed;
        }
        out.queue.push(frames.clone(), written);
        if out.phase == Phase::Open {
            self.ensure_flusher(&mut out);
        }
        Sent::Queued
    }

    /// Closes it with a code: what is queued goes out first, then the close frame, then the end of the stream.
    /// The first close counts; later ones do nothing.
    pub fn close(self: &Arc<Self>, code: CloseCode, reason: &str) {
        let mut out = self.out.lock();
        if matches!(out.phase, Phase::Opening | Phase::Open) {
            self.start_closing(&mut out, code, reason);
        }
    }

    /// Ends it at once, without a close frame; `code` is what is counted.
    pub fn abort(&self, code: CloseCode) {
        self.set_closed(code);
        self.gone(&mut self.out.lock());
    }

    /// Bytes that wait for it.
    #[must_use]
    pub fn queued_bytes(&self) -> usize {
        self.out.lock().queue.bytes() + self.link.queued_bytes()
    }

    fn set_closed(&self, code: CloseCode) {
        // The first close is the cause; what follows from it is not.
        let _ = self
            .closed
            .compare_exchange(0, code.wire(), Ordering::Relaxed, Ordering::Relaxed);
    }

    fn start_closing(self: &Arc<Self>, out: &mut Out, code: CloseCode, reason: &str) {
        self.set_closed(code);
        if out.phase == Phase::Opening {
            // Nothing comes before the first frame, and there will be none.
            out.queue.clear();
        }
        out.phase = Phase::Closing;
        out.queue.push(self.link.farewell(code, reason), 0);
        self.shared.lingering(self);
        self.flush(out);
    }

    /// Writes what the link takes; what is left goes to a task of its own.
    fn flush(self: &Arc<Self>, out: &mut Out) {
        match self.write_out(out) {
            Ok(true) => {}
            Ok(false) => self.ensure_flusher(out),
            Err(_) => self.gone(out),
        }
    }

    /// Writes what the link takes of what waits, and of the end if that is next. True if nothing is left.
    fn write_out(&self, out: &mut Out) -> io::Result<bool> {
        Ok(out.queue.flush(&self.link)? && (out.phase != Phase::Closing || self.link.try_finish()?))
    }

    fn gone(&self, out: &mut Out) {
        out.phase = Phase::Gone;
        out.queue.clear();
        self.link.shutdown(Shutdown::Both);
    }

    fn ensure_flusher(self: &Arc<Self>, out: &mut Out) {
        if !std::mem::replace(&mut out.flushing, true) {
            tokio::spawn(flush_when_writable(Arc::clone(self)));
        }
    }
}

/// Lives only while something waits for the socket.
async fn flush_when_writable(socket: Arc<Socket>) {
    loop {
        let ready = socket.link.writable().await;
        let mut out = socket.out.lock();
        let result = if ready.is_ok() {
            socket.write_out(&mut out)
        } else {
            Ok(true)
        };
        match result {
            Ok(false) if out.phase != Phase::Gone => continue,
            Ok(_) => {}
            Err(_) => socket.gone(&mut out),
        }
        out.flushing = false;
        return;
    }
}
