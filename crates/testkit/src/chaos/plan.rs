//! What a seed means.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::random::Random;

/// Nodes of a run.
pub(super) const NODES: usize = 3;
/// Rooms of a run, at least.
const FEWEST_ROOMS: usize = 5;
/// Before the first fault, and after the last one began.
const QUIET: Duration = Duration::from_millis(700);
/// A room's broadcasts per second, at most: what is missed in the longest outage must still be in its history.
const MOST_RATE: usize = 40;

/// What keeps the numbering and the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Setup {
    /// One Redis that keeps nothing on disk.
    Standalone,
    /// One Redis that writes everything down before it answers.
    Appendonly,
    /// A primary and two replicas, which three sentinels watch.
    Sentinel,
    /// Three primaries with a replica each.
    Cluster,
}

impl Setup {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Standalone, Self::Appendonly, Self::Sentinel, Self::Cluster];

    fn name(self) -> &'static str {
        match self {
            Self::Standalone => "standalone",
            Self::Appendonly => "appendonly",
            Self::Sentinel => "sentinel",
            Self::Cluster => "cluster",
        }
    }

    /// Whether nodes reach it through one address, so that a proxy can stand in the way.
    fn has_one_address(self) -> bool {
        matches!(self, Self::Standalone | Self::Appendonly)
    }
}

impl fmt::Display for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Setup {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|setup| setup.name() == text);
        found.ok_or_else(|| format!("`{text}` is none of {}", Self::ALL.map(Self::name).join(", ")))
    }
}

/// What goes wrong. Nodes are counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// So many in a hundred clients lose their connections, without a close.
    ClientsCut(usize),
    /// A node is killed (`SIGKILL`), and started again when the fault ends.
    NodeKilled(usize),
    /// A node hangs (`SIGSTOP`).
    NodePaused(usize),
    /// A node is told to stop (`SIGTERM`), and a new one takes its place.
    NodeDrained(usize),
    /// Redis is killed, and comes back with what it has on disk. Where there is a replica, a primary is killed, and comes
    /// back when another was promoted.
    RedisKilled,
    /// Redis is killed, and comes back empty.
    RedisEmptied,
    /// Redis hangs; where there is a replica, a primary does, and another may be promoted.
    RedisPaused,
    /// A primary is told to give way to its replica.
    Promoted,
    /// The slot of a room, of those that every plan has, moves to another primary; it is half moved meanwhile.
    SlotMoved(usize),
    /// Redis ends all links over which nodes hear (`CLIENT KILL TYPE pubsub`).
    PubsubKilled,
    /// A node's links to Redis end.
    LinkCut(usize),
    /// Nothing goes through a node's links to Redis, and nobody is told.
    LinkStalled(usize),
    /// A node's links to Redis end, and it gets no new ones.
    LinkRefused(usize),
}

/// What only one fault at a time may hurt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Clients,
    Node(usize),
    Redis,
}

impl Fault {
    fn draw(random: &mut Random, setup: Setup) -> Self {
        let node = random.below(NODES);
        let kinds = match setup {
            Setup::Standalone | Setup::Appendonly => 14,
            Setup::Sentinel => 11,
            Setup::Cluster => 14,
        };
        match random.below(kinds) {
            0 | 1 => Self::ClientsCut(random.between(10, 60)),
            2 | 3 => Self::NodeKilled(node),
            4 => Self::NodePaused(node),
            5 | 6 => Self::NodeDrained(node),
            7 => Self::PubsubKilled,
            8 => Self::RedisPaused,
            9 => Self::RedisKilled,
            10 if !setup.has_one_address() => Self::Promoted,
            11.. if !setup.has_one_address() => Self::SlotMoved(random.below(FEWEST_ROOMS)),
            10 if random.percent(50) => Self::RedisEmptied,
            10 | 11 => Self::LinkCut(node),
            12 => Self::LinkStalled(node),
            _ => Self::LinkRefused(node),
        }
    }

    /// How long it may last, in milliseconds; nothing for what is over at once.
    fn span(self) -> Option<(usize, usize)> {
        match self {
            Self::ClientsCut(_) | Self::PubsubKilled | Self::Promoted | Self::LinkCut(_) => None,
            Self::NodeKilled(_) => Some((50, 2000)),
            Self::NodePaused(_) => Some((500, 4000)),
            Self::NodeDrained(_) => Some((800, 2000)),
            Self::RedisKilled | Self::RedisEmptied => Some((50, 2500)),
            Self::SlotMoved(_) => Some((0, 1500)),
            Self::RedisPaused | Self::LinkStalled(_) | Self::LinkRefused(_) => Some((300, 3500)),
        }
    }

    fn target(self) -> Target {
        match self {
            Self::ClientsCut(_) => Target::Clients,
            Self::NodeKilled(node)
            | Self::NodePaused(node)
            | Self::NodeDrained(node)
            | Self::LinkCut(node)
            | Self::LinkStalled(node)
            | Self::LinkRefused(node) => Target::Node(node),
            Self::RedisKilled
            | Self::RedisEmptied
            | Self::RedisPaused
            | Self::Promoted
            | Self::SlotMoved(_)
            | Self::PubsubKilled => Target::Redis,
        }
    }

    /// Whether numbers and history may be gone afterwards.
    fn loses_history(self, setup: Setup) -> bool {
        match self {
            Self::RedisEmptied | Self::Promoted => true,
            Self::RedisKilled => setup != Setup::Appendonly,
            // Whoever is promoted may lack the end of what was acknowledged.
            Self::RedisPaused => !setup.has_one_address(),
            _ => false,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClientsCut(percent) => write!(f, "{percent} % of clients cut"),
            Self::NodeKilled(node) => write!(f, "node {node} killed"),
            Self::NodePaused(node) => write!(f, "node {node} hangs"),
            Self::NodeDrained(node) => write!(f, "node {node} drained"),
            Self::RedisKilled => f.write_str("redis killed"),
            Self::RedisEmptied => f.write_str("redis emptied"),
            Self::RedisPaused => f.write_str("redis hangs"),
            Self::Promoted => f.write_str("replica promoted"),
            Self::SlotMoved(room) => write!(f, "slot of room {room} moved"),
            Self::PubsubKilled => f.write_str("subscribers' links killed"),
            Self::LinkCut(node) => write!(f, "node {node} cut from redis"),
            Self::LinkStalled(node) => write!(f, "node {node} stalled from redis"),
            Self::LinkRefused(node) => write!(f, "node {node} refused by redis"),
        }
    }
}

/// A fault and its times, counted from the beginning of the publishing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    /// What.
    pub fault: Fault,
    /// When it begins.
    pub from: Duration,
    /// When it ends; the same for what is over at once.
    pub to: Duration,
}

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1}s {}", self.from.as_secs_f64(), self.fault)?;
        if self.to > self.from {
            write!(f, " for {:.1}s", (self.to - self.from).as_secs_f64())?;
        }
        Ok(())
    }
}

/// Everything that a seed decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The seed.
    pub seed: u64,
    /// What keeps the numbering.
    pub setup: Setup,
    /// How long is published.
    pub time: Duration,
    /// How many rooms.
    pub rooms: usize,
    /// The rooms of each client.
    pub clients: Vec<Vec<usize>>,
    /// Who publishes into each room: through the socket of a client that is in it, or through the backend API.
    pub publishers: Vec<Publisher>,
    /// From one publish of a publisher to its next.
    pub period: Duration,
    /// How long nodes keep a channel without sockets.
    pub unsubscribe_after: Duration,
    /// Whether something was published in every room before anyone joins it.
    pub begins_full: bool,
    /// What goes wrong, by its beginning.
    pub faults: Vec<Planned>,
}

/// Who publishes into a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publisher {
    /// The room's name.
    pub room: String,
    /// The client through whose socket; `None`: through the backend API.
    pub client: Option<usize>,
}

impl Plan {
    /// The plan of a seed. `setup` where it is not for the seed to choose.
    #[must_use]
    pub fn new(seed: u64, setup: Option<Setup>, time: Duration) -> Self {
        let mut random = Random::new(seed, 0);
        let drawn = Setup::ALL[random.below(Setup::ALL.len())];
        let setup = setup.unwrap_or(drawn);
        let rooms = random.between(FEWEST_ROOMS, 9);
        let per_room = random.between(14, 26);
        let clients: Vec<_> = (0..rooms * per_room / 2)
            .map(|_| two_rooms(&mut random, rooms))
            .collect();
        let mut publishers = publishers(&mut random, seed, rooms, &clients);
        let deliveries = random.between(20_000, 40_000);
        let millis = time.as_millis() as usize;
        let rate = (deliveries * 1000 / (rooms * per_room * millis.max(1))).clamp(5, MOST_RATE);
        let period = Duration::from_millis((1000 * publishers.len() / rooms / rate) as u64);
        publishers.extend(more_publishers(seed, rooms, clients.len()));
        let unsubscribe_after = Duration::from_millis([0, 100, 5000][random.below(3)]);
        Self {
            seed,
            setup,
            time,
            rooms,
            clients,
            publishers,
            period,
            unsubscribe_after,
            begins_full: random.percent(50),
            faults: faults(&mut random, setup, time),
        }
    }

    /// Whether numbers and history may be lost on the way. Where not, every gap must have been mended.
    #[must_use]
    pub fn loses_history(&self) -> bool {
        self.faults
            .iter()
            .any(|planned| planned.fault.loses_history(self.setup))
    }

    /// A room's name.
    #[must_use]
    pub fn room(&self, number: usize) -> String {
        room_name(self.seed, number)
    }

    /// The rooms that are published into: those of the clients, some that are included in them, and some users' own.
    #[must_use]
    pub fn published(&self) -> BTreeSet<String> {
        self.publishers.iter().map(|publisher| publisher.room.clone()).collect()
    }
}

fn room_name(seed: u64, number: usize) -> String {
    format!("board-{seed}-{number}")
}

/// The user of a client.
pub(super) fn user_name(client: usize) -> String {
    format!("chaos.{client}")
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults: Vec<_> = self.faults.iter().map(ToString::to_string).collect();
        let (rooms, clients) = (self.rooms, self.clients.len());
        write!(
            f,
            "seed {} {} {rooms} rooms, {clients} clients [{}]",
            self.seed,
            self.setup,
            faults.join(", ")
        )
    }
}

fn two_rooms(random: &mut Random, rooms: usize) -> Vec<usize> {
    let first = random.below(rooms);
    let second = (first + random.between(1, rooms - 1)) % rooms;
    vec![first, second]
}

/// For each room one through the API, and one through a socket where somebody is in it.
fn publishers(random: &mut Random, seed: u64, rooms: usize, clients: &[Vec<usize>]) -> Vec<Publisher> {
    let mut publishers = Vec::new();
    for number in 0..rooms {
        let room = room_name(seed, number);
        let inside: Vec<_> = (0..clients.len())
            .filter(|&client| clients[client].contains(&number))
            .collect();
        if !inside.is_empty() {
            let client = Some(inside[random.below(inside.len())]);
            let room = room.clone();
            publishers.push(Publisher { room, client });
        }
        publishers.push(Publisher { room, client: None });
    }
    publishers
}

/// What clients hear without having asked for it: rooms that are included in theirs, and their users' own.
fn more_publishers(seed: u64, rooms: usize, clients: usize) -> Vec<Publisher> {
    let mut random = Random::new(seed, 3);
    let included = (0..rooms).map(|room| format!("{}-tasks", room_name(seed, room)));
    let own = (0..clients).map(|client| format!("user-{}", user_name(client)));
    let mut names: Vec<_> = included.filter(|_| random.percent(40)).collect();
    names.extend(own.filter(|_| random.percent(5)));
    names.into_iter().map(|room| Publisher { room, client: None }).collect()
}

fn faults(random: &mut Random, setup: Setup, time: Duration) -> Vec<Planned> {
    let wanted = random.between(3, 6);
    let last = time.saturating_sub(QUIET).max(QUIET);
    let mut faults: Vec<Planned> = Vec::new();
    // A draw that hurts what is hurt already is drawn again; a short run may have no place for all.
    for _ in 0..wanted * 10 {
        if faults.len() == wanted {
            break;
        }
        let fault = Fault::draw(random, setup);
        let from = random.millis(QUIET.as_millis() as usize, last.as_millis() as usize);
        let lasts = fault
            .span()
            .map_or(Duration::ZERO, |(least, most)| random.millis(least, most));
        let to = (from + lasts).min(time);
        let overlaps = |other: &Planned| other.fault.target() == fault.target() && other.from <= to && from <= other.to;
        if !faults.iter().any(overlaps) {
            faults.push(Planned { fault, from, to });
        }
    }
    faults.sort_by_key(|planned| planned.from);
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: Duration = Duration::from_secs(8);

    #[test]
    fn a_seed_is_a_plan() {
        assert_eq!(Plan::new(7, None, TIME), Plan::new(7, None, TIME));
        assert_ne!(Plan::new(7, None, TIME).faults, Plan::new(8, None, TIME).faults);
    }

    #[test]
    fn plans_keep_to_their_bounds_and_leave_nothing_out() {
        let mut kinds = std::collections::BTreeSet::new();
        let mut lossy = 0;
        for seed in 0..300 {
            let plan = Plan::new(seed, None, TIME);
            lossy += usize::from(plan.loses_history());
            assert!(!plan.faults.is_empty() && plan.faults.len() <= 6);
            assert!(
                plan.period >= Duration::from_millis(1000 / MOST_RATE as u64),
                "{plan:?}"
            );
            for (number, one) in plan.faults.iter().enumerate() {
                assert!(one.from >= QUIET && one.to <= TIME && one.from <= one.to, "{one}");
                let same = |other: &&Planned| other.fault.target() == one.fault.target();
                for other in plan.faults[number + 1..].iter().filter(same) {
                    assert!(other.from > one.to, "{one} and {other}");
                }
                kinds.insert(one.fault.to_string().replace(|c: char| c.is_ascii_digit(), ""));
            }
            for rooms in &plan.clients {
                assert!(rooms[0] != rooms[1] && rooms.iter().all(|room| *room < plan.rooms));
            }
        }
        assert_eq!(kinds.len(), 13, "{kinds:?}");
        // Enough plans must be such that every gap is a finding.
        assert!((30..200).contains(&lossy), "{lossy}");
    }
}
