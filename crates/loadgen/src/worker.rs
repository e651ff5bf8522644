//! A process of its own for sockets that only have to be there: descriptors are limited per process.
//!
//! It reads one line, a [`Task`], opens its sockets, writes `{"ready":…}`, answers pings until its input ends, and
//! then writes what it saw.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use hallway_protocol::Codec;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::dialect::Dialect;
use crate::error::{Doing, Failure};
use crate::swarm::{Open, Role, Swarm, Target};
use crate::token::Issuer;

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
        let task = serde_json::to_string(task).doing("task")?;
        let (Some(input), Some(out)) = (child.stdin.as_mut(), child.stdout.take()) else {
            return Err(Failure::new("the worker has no pipes"));
        };
        writeln!(input, "{task}").doing("telling a worker")?;
        Ok(Self {
            child,
            lines: BufReader::new(out),
        })
    }

    /// Waits until its sockets are open. It gives up by itself when nothing moves.
    pub(crate) fn wait(&mut self) -> Result<(), Failure> {
        self.line().map(drop)
    }

    /// Has it close its sockets and say what it saw.
    pub(crate) fn finish(mut self) -> Result<Value, Failure> {
        drop(self.child.stdin.take());
        self.line()
    }

    /// CPU seconds of the worker.
    pub(crate) fn cpu(&self) -> Result<f64, Failure> {
        crate::process::cpu_of(self.child.id())
    }

    fn line(&mut self) -> Result<Value, Failure> {
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
    let mut line = String::new();
    let input = std::io::stdin();
    input.lock().read_line(&mut line).doing("the task")?;
    let task: Task = serde_json::from_str(&line).doing("the task")?;
    let codec = Codec::from_subprotocol(&task.subprotocol).ok_or_else(|| Failure::new("unknown subprotocol"))?;
    let issuer = Issuer::new(&task.secret)?;
    let first_room = task.first / task.room_size;
    let last_room = (task.first + task.sockets).saturating_sub(1) / task.room_size;
    let rooms = (first_room..=last_room).map(|room| format!("board-idle-{room}"));
    let mut swarm = Swarm::new(codec, rooms)?.speaking(task.dialect);
    let target = Target {
        address: task.server,
        source: task.source,
    };
    let opens = (task.first..task.first + task.sockets).map(|number| {
        let room = u32::try_from(number / task.room_size - first_room).unwrap_or(u32::MAX);
        Open {
            role: Role::Reader,
            rooms: room..room + 1,
            token: issuer.token(&format!("idle-{number}")),
        }
    });
    swarm.open(&target, task.at_once, opens)?;
    swarm.watch(&input)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", json!({"ready": swarm.alive()})).doing("stdout")?;
    // The parent writes no second line, so whatever happens to the input is its end.
    while !swarm.foreign {
        swarm.turn(Duration::from_secs(1))?;
    }
    let (tally, alive) = (&swarm.tally, swarm.alive());
    let saw = json!({"alive": alive, "pings": tally.pings, "otherBroadcasts": tally.other, "trouble": tally.trouble()});
    writeln!(out, "{saw}").doing("stdout")
}
