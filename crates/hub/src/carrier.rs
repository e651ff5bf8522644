//! One connection that several sockets share: the namespaces of a Socket.IO client. What they send is taken in order
//! and leaves over a link, or waits to be fetched by HTTP long-polling. Bounded in bytes, as a socket's own queue is.

use std::io;
use std::net::Shutdown;
use std::sync::Arc;

use bytes::Bytes;
use hallway_protocol::CloseCode;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::form::Foreign;
use crate::link::Link;
use crate::outbound::Outbound;
use crate::places::Places;

/// The connection under several sockets.
#[derive(Debug)]
pub struct Carrier {
    state: Mutex<State>,
    limit: usize,
    changed: Notify,
    fetchable: Notify,
    transport: &'static str,
}

#[derive(Debug)]
struct State {
    /// Nothing: what is sent waits until it is fetched.
    link: Option<Arc<Link>>,
    queue: Outbound,
    flushing: bool,
    phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// The last frame is written or the last in the queue.
    Ending,
    /// With what it is counted under.
    Gone(Option<CloseCode>),
}

/// A socket's share of a carrier.
#[derive(Debug)]
pub struct Carried {
    carrier: Arc<Carrier>,
    form: Arc<Foreign>,
    /// What tells the client that this socket, not the connection, is over for good.
    farewell: Bytes,
    /// Where it stands in its rooms, for a client that is told so.
    places: Option<Mutex<Places>>,
}

impl Carried {
    /// A share. `farewell` is whole frames. Where `stamped`, the client is told with every event where it stands.
    #[must_use]
    pub fn new(carrier: Arc<Carrier>, form: Arc<Foreign>, farewell: Bytes, stamped: bool) -> Self {
        Self {
            carrier,
            form,
            farewell,
            places: stamped.then(Mutex::default),
        }
    }

    /// Where it stands, if its client is told so.
    pub(crate) fn places(&self) -> Option<&Mutex<Places>> {
        self.places.as_ref()
    }

    /// How frames are written for this socket.
    pub(crate) fn form(&self) -> &Foreign {
        &self.form
    }

    /// The connection.
    pub(crate) fn carrier(&self) -> &Arc<Carrier> {
        &self.carrier
    }

    /// The last frames of a socket that closes. Where the client is to come back, the connection's end says it.
    pub(crate) fn farewell(&self, code: CloseCode) -> Bytes {
        if CloseCode::reconnects(code.wire()) {
            Bytes::new()
        } else {
            self.farewell.clone()
        }
    }
}

impl Carrier {
    /// A connection over a link; without one, what is sent waits to be fetched. `limit` is in bytes.
    #[must_use]
    pub fn new(link: Option<Arc<Link>>, limit: usize) -> Arc<Self> {
        let transport = if link.is_some() { "websocket" } else { "polling" };
        Arc::new(Self {
            transport,
            state: Mutex::new(State {
                link,
                queue: Outbound::default(),
                flushing: false,
                phase: Phase::Open,
            }),
            limit,
            changed: Notify::new(),
            fetchable: Notify::new(),
        })
    }

    /// Takes whole frames, all of them. Never waits.
    ///
    /// # Errors
    /// `StorageFull`: they pass the bound, and the connection is cut as a slow consumer; or it is over.
    pub fn send(self: &Arc<Self>, frames: &[u8]) -> io::Result<()> {
        if frames.is_empty() {
            return Ok(());
        }
        let mut state = self.state.lock();
        if state.phase != Phase::Open {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let mut written = 0;
        if state.queue.is_empty()
            && let Some(link) = &state.link
        {
            match link.try_write(frames) {
                Ok(all) if all == frames.len() => {
                    if link.has_rest() {
                        self.ensure_flusher(&mut state);
                    }
                    return Ok(());
                }
                Ok(some) => written = some,
                Err(why) if why.kind() == io::ErrorKind::WouldBlock => {}
                Err(why) => {
                    self.gone(&mut state, None);
                    return Err(why);
                }
            }
        }
        if state.queue.bytes() + frames.len() - written > self.limit {
            self.gone(&mut state, Some(CloseCode::SlowConsumer));
            return Err(io::ErrorKind::StorageFull.into());
        }
        state.queue.push(Bytes::copy_from_slice(frames), written);
        match state.link {
            Some(_) => self.ensure_flusher(&mut state),
            None => self.fetchable.notify_one(),
        }
        Ok(())
    }

    /// Sends the last frames, and ends the connection when they are written or fetched.
    pub fn finish(self: &Arc<Self>, last: Bytes) {
        let mut state = self.state.lock();
        if state.phase == Phase::Open {
            state.phase = Phase::Ending;
            state.queue.push(last, 0);
            self.flush(&mut state);
        }
        self.changed.notify_one();
        self.fetchable.notify_one();
    }

    /// Ends the connection at once.
    pub fn cut(&self) {
        self.gone(&mut self.state.lock(), None);
    }

    /// All that waits, for a poll: never more than the bound of the queue, and nothing once a link takes it.
    #[must_use]
    pub fn fetch(&self) -> Vec<Bytes> {
        let mut state = self.state.lock();
        match state.link {
            Some(_) => Vec::new(),
            None => state.queue.take(),
        }
    }

    /// From now on what is sent, and what waits, leaves over a link.
    pub fn attach(self: &Arc<Self>, link: Arc<Link>) {
        let mut state = self.state.lock();
        if matches!(state.phase, Phase::Gone(_)) {
            link.shutdown(Shutdown::Both);
        }
        state.link = Some(link);
        self.flush(&mut state);
    }

    /// Bytes that wait.
    #[must_use]
    pub fn queued_bytes(&self) -> usize {
        self.state.lock().queue.bytes()
    }

    /// How it began, for labels: the same until its end, whatever it was upgraded to.
    pub(crate) fn transport(&self) -> &'static str {
        self.transport
    }

    /// Whether nothing more can be sent.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.state.lock().phase != Phase::Open
    }

    /// The cause of its end, where that was here.
    #[must_use]
    pub fn cause(&self) -> Option<CloseCode> {
        match self.state.lock().phase {
            Phase::Gone(cause) => cause,
            Phase::Open | Phase::Ending => None,
        }
    }

    /// Waits until something waits to be fetched, or it is over, or who fetches is to look up. May come without any. For
    /// one task at a time. Cancel safe.
    pub async fn fetchable(&self) {
        self.fetchable.notified().await;
    }

    /// Lets who waits to fetch look up.
    pub fn let_fetch(&self) {
        self.fetchable.notify_one();
    }

    /// Waits until a socket on it has closed, or it is over. May come without any. For one task at a time. Cancel safe.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// A socket on it has closed.
    pub(crate) fn stir(&self) {
        self.changed.notify_one();
    }

    fn flush(self: &Arc<Self>, state: &mut State) {
        let Some(link) = state.link.clone() else { return };
        match write_out(state, &link) {
            Ok(true) => {}
            Ok(false) => self.ensure_flusher(state),
            Err(_) => self.gone(state, None),
        }
    }

    fn gone(&self, state: &mut State, cause: Option<CloseCode>) {
        if !matches!(state.phase, Phase::Gone(_)) {
            state.phase = Phase::Gone(cause);
        }
        state.queue.clear();
        if let Some(link) = &state.link {
            link.shutdown(Shutdown::Both);
        }
        self.changed.notify_one();
        self.fetchable.notify_one();
    }

    fn ensure_flusher(self: &Arc<Self>, state: &mut State) {
        if !std::mem::replace(&mut state.flushing, true) {
            tokio::spawn(flush_when_writable(Arc::clone(self)));
        }
    }
}

/// Writes what the link takes of what waits, and of the end if that is next. True if nothing is left.
fn write_out(state: &mut State, link: &Link) -> io::Result<bool> {
    Ok(state.queue.flush(link)? && (state.phase != Phase::Ending || link.try_finish()?))
}

/// Lives only while something waits for the link.
async fn flush_when_writable(carrier: Arc<Carrier>) {
    loop {
        // There is one: nobody else asks for this task.
        let link = carrier.state.lock().link.clone();
        let Some(link) = link else { return };
        let ready = link.writable().await;
        let mut state = carrier.state.lock();
        let result = if ready.is_ok() {
            write_out(&mut state, &link)
        } else {
            Ok(true)
        };
        match result {
            Ok(false) if !matches!(state.phase, Phase::Gone(_)) => continue,
            Ok(_) => {}
            Err(_) => carrier.gone(&mut state, None),
        }
        state.flushing = false;
        return;
    }
}
