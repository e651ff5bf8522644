//! The hub: finds sockets by id and by user, and rooms by the name of any of their lines.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use hallway_protocol::{ClientId, CloseCode, RoomName, UserId};
use parking_lot::Mutex;
use smallvec::SmallVec;

use crate::link::Link;
use crate::room::Room;
use crate::socket::{Authorization, Options, Socket};
use crate::wheel::{Turn, Wheel, WheelOptions};

/// What every socket needs of the hub.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Most bytes that wait for one socket.
    queue_limit: AtomicUsize,
    /// How long a closed socket may take to take its leave, in milliseconds.
    close_timeout: AtomicU64,
    /// Seconds since the hub began, as of the last tick.
    clock: AtomicU32,
    /// Closed sockets that are still there, by deadline.
    lingering: Mutex<VecDeque<(Instant, Weak<Socket>)>>,
}

impl Shared {
    pub(crate) fn now(&self) -> u32 {
        self.clock.load(Ordering::Relaxed)
    }

    pub(crate) fn queue_limit(&self) -> usize {
        self.queue_limit.load(Ordering::Relaxed)
    }

    pub(crate) fn lingering(&self, socket: &Arc<Socket>) {
        let timeout = Duration::from_millis(self.close_timeout.load(Ordering::Relaxed));
        self.lingering
            .lock()
            .push_back((Instant::now() + timeout, Arc::downgrade(socket)));
    }

    fn set_options(&self, options: &HubOptions) {
        let millis = u64::try_from(options.close_timeout.as_millis()).unwrap_or(u64::MAX);
        self.queue_limit.store(options.socket_queue_bytes, Ordering::Relaxed);
        self.close_timeout.store(millis, Ordering::Relaxed);
    }

    pub(crate) fn set_now(&self, seconds: u32) {
        self.clock.store(seconds, Ordering::Relaxed);
    }

    /// Ends the closed sockets whose time is up.
    pub(crate) fn end_lingering(&self) {
        let now = Instant::now();
        let mut due: SmallVec<[Weak<Socket>; 8]> = SmallVec::new();
        {
            let mut lingering = self.lingering.lock();
            while lingering
                .front()
                .is_some_and(|(deadline, socket)| *deadline <= now || socket.strong_count() == 0)
            {
                due.extend(lingering.pop_front().map(|(_, socket)| socket));
            }
        }
        for socket in due.iter().filter_map(Weak::upgrade) {
            socket.abort(CloseCode::Normal);
        }
    }
}

/// Bounds of the hub, in the units that their names say.
#[derive(Debug, Clone)]
pub struct HubOptions {
    /// Most bytes that wait for one socket before it is closed as a slow consumer.
    pub socket_queue_bytes: usize,
    /// How long a closed socket may take to take its leave before it is cut off.
    pub close_timeout: Duration,
    /// Pings and timeouts.
    pub wheel: WheelOptions,
}

/// A line of an open room.
#[derive(Debug, Clone)]
pub struct Line {
    /// The room whose members hear it.
    pub room: Arc<Room>,
    /// Which of the room's lines it is.
    pub line: usize,
}

/// Who is here.
#[derive(Debug)]
pub struct Hub {
    sockets: DashMap<ClientId, Arc<Socket>>,
    users: DashMap<UserId, SmallVec<[ClientId; 1]>>,
    lines: DashMap<RoomName, Line>,
    wheel: Wheel,
    shared: Arc<Shared>,
}

impl Hub {
    /// An empty hub. Its clock stands until [`Hub::tick`] is called once a second.
    #[must_use]
    pub fn new(options: HubOptions) -> Self {
        let shared = Shared {
            queue_limit: AtomicUsize::new(0),
            close_timeout: AtomicU64::new(0),
            clock: AtomicU32::new(0),
            lingering: Mutex::default(),
        };
        shared.set_options(&options);
        Self {
            sockets: DashMap::new(),
            users: DashMap::new(),
            lines: DashMap::new(),
            wheel: Wheel::new(&options.wheel),
            shared: Arc::new(shared),
        }
    }

    /// Other bounds from now on, for the sockets that are here too. The ping interval stays as it was: the wheel is
    /// built for it.
    pub fn set_options(&self, options: &HubOptions) {
        self.shared.set_options(options);
        self.wheel.set_timeouts(&options.wheel);
    }

    /// Takes a connection in. It is found by id and user from now on, and pinged.
    pub fn admit(&self, options: Options, link: Link) -> Arc<Socket> {
        let socket = Arc::new(Socket::new(options, link, Arc::clone(&self.shared)));
        self.list_user(&socket);
        self.sockets.insert(socket.id(), Arc::clone(&socket));
        self.wheel.insert(&socket);
        socket
    }

    /// Gives an anonymous connection its identity. False if it has one.
    pub fn identify(&self, socket: &Arc<Socket>, user: UserId, authorization: Authorization) -> bool {
        let first = socket.identify(user, authorization);
        if first {
            self.list_user(socket);
            self.wheel.watch_expiry(socket);
        }
        first
    }

    /// Gives a connection another authorization.
    pub fn authorize(&self, socket: &Arc<Socket>, authorization: Authorization) {
        socket.authorize(authorization);
        self.wheel.watch_expiry(socket);
    }

    /// The Unix second in which a connection is closed because its authorization has ended, unless it gets another.
    #[must_use]
    pub fn closes_at(&self, socket: &Socket) -> u64 {
        self.wheel.end(socket.expires_at())
    }

    fn list_user(&self, socket: &Socket) {
        if let Some(user) = socket.user() {
            self.users.entry(user.clone()).or_default().push(socket.id());
        }
    }

    /// Forgets a connection and takes it out of its rooms, which are returned: each was held for it. A second
    /// call returns none.
    pub fn remove(&self, socket: &Arc<Socket>) -> Vec<Arc<Room>> {
        let Some(rooms) = socket.rooms.lock().take() else {
            return Vec::new();
        };
        for room in &rooms {
            room.leave(socket);
        }
        self.wheel.remove(socket);
        self.sockets.remove(&socket.id());
        if let Some(user) = socket.user()
            && let Entry::Occupied(mut entry) = self.users.entry(user.clone())
        {
            entry.get_mut().retain(|id| *id != socket.id());
            if entry.get().is_empty() {
                entry.remove();
            }
        }
        rooms
    }

    /// One tick of the clock, a second after the last: pings, timeouts, expiries, and the end of those that
    /// linger.
    pub fn tick(&self, unix_seconds: u64) -> Turn {
        let now = self.shared.now() + 1;
        self.shared.set_now(now);
        self.shared.end_lingering();
        self.wheel.turn(now, unix_seconds)
    }

    /// Finds a socket.
    #[must_use]
    pub fn socket(&self, id: ClientId) -> Option<Arc<Socket>> {
        self.sockets.get(&id).map(|socket| Arc::clone(&socket))
    }

    /// All sockets, at about this moment.
    #[must_use]
    pub fn sockets(&self) -> Vec<Arc<Socket>> {
        self.sockets.iter().map(|socket| Arc::clone(&socket)).collect()
    }

    /// Looks at each socket. What it does must be short, and must not ask the hub.
    pub fn for_each_socket(&self, mut look: impl FnMut(&Socket)) {
        for socket in &self.sockets {
            look(&socket);
        }
    }

    /// How many sockets there are.
    #[must_use]
    pub fn socket_count(&self) -> usize {
        self.sockets.len()
    }

    /// The sockets of a user.
    #[must_use]
    pub fn sockets_of(&self, user: &UserId) -> Vec<Arc<Socket>> {
        let ids = self.users.get(user).map(|ids| ids.clone()).unwrap_or_default();
        ids.iter().filter_map(|id| self.socket(*id)).collect()
    }

    /// How many sockets a user has.
    #[must_use]
    pub fn socket_count_of(&self, user: &UserId) -> usize {
        self.users.get(user).map_or(0, |ids| ids.len())
    }

    /// Finds the line of an open room by its name.
    #[must_use]
    pub fn line(&self, name: &RoomName) -> Option<Line> {
        self.lines.get(name).map(|line| line.clone())
    }

    /// How many rooms are open, included ones not counted.
    #[must_use]
    pub fn room_count(&self) -> usize {
        self.lines.iter().filter(|line| line.line == 0).count()
    }

    /// The lines of all open rooms for which `wanted` says so.
    #[must_use]
    pub fn lines_where(&self, mut wanted: impl FnMut(&RoomName) -> bool) -> Vec<RoomName> {
        self.lines
            .iter()
            .map(|line| line.key().clone())
            .filter(|name| wanted(name))
            .collect()
    }

    /// Opens a room or finds it open, and holds it open until [`Hub::release`]. `lines` are its own name and
    /// those of the rooms it includes.
    pub fn hold(&self, lines: Vec<RoomName>) -> Arc<Room> {
        let home = lines[0].clone();
        let room = {
            let entry = self.lines.entry(home).or_insert_with(|| Line {
                room: Arc::new(Room::new(lines)),
                line: 0,
            });
            // Under the shard's lock, so that it cannot be evicted between here and there.
            entry.room.hold();
            Arc::clone(&entry.room)
        };
        for (line, name) in room.lines().iter().enumerate().skip(1) {
            let missing = self
                .lines
                .get(name)
                .is_none_or(|there| !Arc::ptr_eq(&there.room, &room));
            if missing {
                self.lines.insert(
                    name.clone(),
                    Line {
                        room: Arc::clone(&room),
                        line,
                    },
                );
            }
        }
        room
    }

    /// Gives a hold back. True when nobody holds the room any more: time to think of [`Hub::evict`].
    pub fn release(&self, room: &Room) -> bool {
        room.release()
    }

    /// Closes a room that nobody holds. `let_go` is called before the room can be opened anew, so that what
    /// it asks of the bus is asked before what the next opening asks. False if someone holds it again.
    pub fn evict(&self, room: &Arc<Room>, let_go: impl FnOnce(&[RoomName])) -> bool {
        let Entry::Occupied(entry) = self.lines.entry(room.name().clone()) else {
            return false;
        };
        if !Arc::ptr_eq(&entry.get().room, room) || room.is_held() {
            return false;
        }
        let_go(room.lines());
        entry.remove();
        // Only now, since an included name may stand in the same shard. Who opened the room anew meanwhile has
        // put its own entries over these.
        for name in &room.lines()[1..] {
            self.lines.remove_if(name, |_, line| Arc::ptr_eq(&line.room, room));
        }
        true
    }
}
