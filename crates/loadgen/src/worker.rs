//! A process of its own for sockets that only have to be there: descriptors are limited per process.
//!
//! It reads one line, a [`Task`], opens its sockets, and writes what came of it, an [`Opened`]. Then it answers pings
//! until its input ends, and writes what it saw. Asked to [`Listen`] meanwhile, it writes a [`Heard`] when each of its
//! sockets has heard a broadcast.

use std::io::{BufRead, BufReader, Stdin, Write};
use std::net::SocketAddr;
use std::ops::Range;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use hallway_protocol::Codec;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::cli::Common;
use crate::dialect::Dialect;
use crate::error::{Doing, Failure};
use crate::kernel;
use crate::samples::Samples;
use crate::server::{SECRET, Server};
use crate::swarm::{Open, Role, Swarm, Target};
use crate::token::Issuer;

/// After so many sockets a worker looks again at how much memory there is.
const LOOK: usize = 64;

/// What a worker does.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Task {
    pub(crate) server: SocketAddr,
    /// See [`Target::source`].
    pub(crate) source: u16,
    /// The codec's subprotocol.
    pub(crate) subprotocol: String,
    pub(crate) secret: String,
    /// Sockets, each a user of its own.
    pub(crate) sockets: usize,
    /// The number of the first, over all workers.
    pub(crate) first: usize,
    /// Sockets in one room.
    pub(crate) room_size: usize,
    /// Sockets being opened at once.
    pub(crate) at_once: usize,
    /// What the sockets speak if it is not the native protocol.
    pub(crate) dialect: Option<Dialect>,
    /// Bytes of memory that are to stay available on the machine: no further socket is opened when there are no more.
    pub(crate) margin: u64,
}

/// What came of the opening.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Opened {
    /// Sockets that are in their rooms.
    pub(crate) ready: usize,
    /// Why there are not more of them, where there should be.
    pub(crate) stopped: Option<String>,
}

/// That a broadcast to all is about to come, and how long nothing may come of it before what is missing counts as lost.
#[derive(Debug, Serialize, Deserialize)]
struct Listen {
    patience: Duration,
}

/// What came of a broadcast.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Heard {
    pub(crate) delivered: u64,
    pub(crate) expected: u64,
    /// From the making to the hearing, of each socket.
    pub(crate) times: Samples,
}

impl Task {
    /// All in one room, on one node. `worker` counts the workers, for the addresses that they come from.
    pub(crate) fn new(common: &Common, server: &Server, worker: usize, numbers: Range<usize>) -> Self {
        Self {
            server: server.public,
            // Two source addresses are enough for a worker's sockets.
            source: u16::try_from(1 + 2 * worker).unwrap_or(u16::MAX),
            subprotocol: common.codec().subprotocol().to_owned(),
            secret: SECRET.to_owned(),
            sockets: numbers.len(),
            first: numbers.start,
            room_size: usize::MAX,
            at_once: common.at_once,
            dialect: server.dialect,
            margin: 0,
        }
    }
}

impl Opened {
    /// Fails unless all are there.
    pub(crate) fn whole(self) -> Result<usize, Failure> {
        self.stopped.map_or(Ok(self.ready), |why| Err(Failure(why)))
    }
}

/// The name of a room by its number.
pub(crate) fn room(number: usize) -> String {
    format!("board-idle-{number}")
}

/// The worker as its parent sees it.
pub(crate) struct Worker {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Worker {
    pub(crate) fn start(task: &Task) -> Result<Self, Failure> {
        let program = std::env::current_exe().doing("own path")?;
        let mut child = Command::new(program)
            .arg("worker")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .doing("starting a worker")?;
        let out = child
            .stdout
            .take()
            .ok_or_else(|| Failure::new("the worker has no output"))?;
        let mut worker = Self {
            child,
            lines: BufReader::new(out),
        };
        worker.tell(task)?;
        Ok(worker)
    }

    /// Waits until its sockets are open, or no more can be. It gives up by itself when nothing moves.
    pub(crate) fn opened(&mut self) -> Result<Opened, Failure> {
        self.answer()
    }

    /// Has it expect a broadcast to all of its sockets, made after this. See [`Worker::heard`].
    pub(crate) fn listen(&mut self, patience: Duration) -> Result<(), Failure> {
        self.tell(&Listen { patience })
    }

    /// Waits until all of its sockets have heard it, or nothing comes any more.
    pub(crate) fn heard(&mut self) -> Result<Heard, Failure> {
        self.answer()
    }

    /// Has it close its sockets and say what it saw.
    pub(crate) fn finish(mut self) -> Result<Value, Failure> {
        drop(self.child.stdin.take());
        self.answer()
    }

    /// CPU seconds of the worker.
    pub(crate) fn cpu(&self) -> Result<f64, Failure> {
        crate::process::cpu_of(self.child.id())
    }

    /// Its own resident memory, in bytes.
    pub(crate) fn private_bytes(&self) -> Result<u64, Failure> {
        crate::process::private_bytes_of(self.child.id())
    }

    fn tell(&mut self, what: &impl Serialize) -> Result<(), Failure> {
        let line = serde_json::to_string(what).doing("a word to a worker")?;
        let input = self.child.stdin.as_mut();
        let input = input.ok_or_else(|| Failure::new("the worker has no input"))?;
        writeln!(input, "{line}").doing("telling a worker")
    }

    fn answer<T: DeserializeOwned>(&mut self) -> Result<T, Failure> {
        let mut line = String::new();
        self.lines.read_line(&mut line).doing("a worker")?;
        serde_json::from_str(&line).doing("a worker ended early")
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Both fail only if it has ended and been waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the child does.
pub(crate) fn work() -> Result<(), Failure> {
    let input = std::io::stdin();
    let task: Task = read(&input)?.ok_or_else(|| Failure::new("there is no task"))?;
    let codec = Codec::from_subprotocol(&task.subprotocol).ok_or_else(|| Failure::new("unknown subprotocol"))?;
    let rooms = task.first / task.room_size..=(task.first + task.sockets).saturating_sub(1) / task.room_size;
    let mut swarm = Swarm::new(codec, rooms.map(room))?.speaking(task.dialect);
    swarm.tally.samples = true;
    say(&open(&task, &mut swarm)?)?;
    swarm.watch(&input)?;
    let mut delivered = 0;
    loop {
        swarm.turn(Duration::from_secs(1))?;
        if !std::mem::take(&mut swarm.foreign) {
            continue;
        }
        let Some(listen) = read::<Listen>(&input)? else { break };
        say(&hear(&mut swarm, delivered, listen.patience)?)?;
        delivered = swarm.tally.delivered;
    }
    let (tally, alive) = (&swarm.tally, swarm.alive());
    say(&json!({
        "alive": alive, "pings": tally.pings, "delivered": tally.delivered, "otherBroadcasts": tally.other,
        "doubled": tally.doubled, "outOfOrder": tally.out_of_order, "trouble": tally.trouble(),
    }))
}

fn open(task: &Task, swarm: &mut Swarm) -> Result<Opened, Failure> {
    let issuer = Issuer::new(&task.secret)?;
    let target = Target {
        address: task.server,
        source: task.source,
    };
    let numbers = task.first..task.first + task.sockets;
    let first_room = task.first / task.room_size;
    let opens = numbers
        .take_while(|number| number % LOOK != 0 || has_memory(task.margin))
        .map(|number| {
            let room = u32::try_from(number / task.room_size - first_room).unwrap_or(u32::MAX);
            Open {
                role: Role::Reader,
                rooms: room..room + 1,
                token: issuer.token(&format!("idle-{number}")),
            }
        });
    let opened = swarm.open_most(&target, task.at_once, opens)?;
    let out_of_memory = || (opened.begun < task.sockets).then(|| "no more memory than the margin".to_owned());
    Ok(Opened {
        ready: opened.ready,
        stopped: opened.stopped.map(|why| why.0).or_else(out_of_memory),
    })
}

fn has_memory(margin: u64) -> bool {
    // Where it is not known, what fails first will say so.
    margin == 0 || kernel::available().is_ok_and(|available| available > margin)
}

/// Waits until every socket has heard a broadcast more than `before`.
fn hear(swarm: &mut Swarm, before: u64, patience: Duration) -> Result<Heard, Failure> {
    let expected = swarm.alive() as u64;
    let mut progress = (before, Instant::now());
    while swarm.tally.delivered < before + expected && progress.1.elapsed() < patience {
        swarm.turn(Duration::from_millis(100))?;
        if swarm.tally.delivered > progress.0 {
            progress = (swarm.tally.delivered, Instant::now());
        }
    }
    let heard = Heard {
        delivered: swarm.tally.delivered - before,
        expected,
        times: Samples::of(&swarm.tally.latency)?,
    };
    swarm.tally.latency.reset();
    Ok(heard)
}

/// The parent's next line; nothing when it has no more to say, or is gone.
fn read<T: DeserializeOwned>(input: &Stdin) -> Result<Option<T>, Failure> {
    let mut line = String::new();
    if input.lock().read_line(&mut line).doing("stdin")? == 0 {
        return Ok(None);
    }
    serde_json::from_str(&line).map(Some).doing("a word of the parent")
}

fn say(what: &impl Serialize) -> Result<(), Failure> {
    let line = serde_json::to_string(what).doing("an answer")?;
    writeln!(std::io::stdout().lock(), "{line}").doing("stdout")
}
