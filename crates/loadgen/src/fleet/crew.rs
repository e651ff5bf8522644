//! The processes of clients, for their parent.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use super::work::{News, Order};
use super::{Head, Plan, Saw};
use crate::error::{Doing, Failure};
use crate::process::cpu_of;

/// For what a process does at once. Opening gives up by itself when nothing moves.
const PATIENCE: Duration = Duration::from_secs(30);

/// For what takes its time but ends by itself.
const LONG: Duration = Duration::from_secs(600);

/// Processes that share the clients of a plan.
pub(crate) struct Crew {
    workers: Vec<Worker>,
    /// Lines of all, with the number of who wrote them; the last line of a process is empty.
    lines: Receiver<(usize, String)>,
}

struct Worker {
    child: Child,
    input: ChildStdin,
}

impl Crew {
    /// Starts processes with at most `per_process` clients each; returns when all clients are in their rooms.
    pub(crate) fn open(plan: &Plan, per_process: usize) -> Result<Self, Failure> {
        let (to, lines) = channel();
        let mut crew = Self {
            workers: Vec::new(),
            lines,
        };
        let processes = plan.total.div_ceil(per_process.max(1)).max(1);
        let each = plan.total.div_ceil(processes).max(1);
        for first in (0..plan.total).step_by(each) {
            let number = crew.workers.len();
            let plan = Plan {
                first,
                clients: each.min(plan.total - first),
                source: 1 + number as u32,
                ..plan.clone()
            };
            let (worker, out) = Worker::start(&plan)?;
            crew.workers.push(worker);
            let to = to.clone();
            std::thread::spawn(move || {
                let lines = out.lines().map_while(Result::ok).chain([String::new()]);
                // An error means that nobody listens any more.
                lines
                    .map(|line| to.send((number, line)))
                    .take_while(Result::is_ok)
                    .for_each(drop);
            });
        }
        crew.of_each(LONG, |news| matches!(news, News::Opened).then_some(()))?;
        Ok(crew)
    }

    /// Has every client cut off once per cycle from `from` until `until`.
    pub(crate) fn cut(&mut self, from: u64, until: u64) -> Result<(), Failure> {
        self.tell(&Order::Cut { from, until })
    }

    /// Announces that a node will be gone at `at`; returns how many clients it has.
    pub(crate) fn leave(&mut self, node: usize, at: u64) -> Result<usize, Failure> {
        self.tell(&Order::Leave { node, at })?;
        let counts = self.of_each(PATIENCE, |news| match news {
            News::Leaving(count) => Some(count),
            _ => None,
        })?;
        Ok(counts.into_iter().sum())
    }

    /// Waits until all those clients are back; whether they are, after `patience`.
    pub(crate) fn wait_for_return(&mut self, patience: Duration) -> Result<bool, Failure> {
        let returned = self.gather(patience, |news| matches!(news, News::Returned).then_some(()))?;
        Ok(returned.is_some())
    }

    /// Waits for everything up to the heads, one per room, and says what all have seen.
    pub(crate) fn finish(mut self, heads: &[Head]) -> Result<Saw, Failure> {
        self.tell(&Order::Finish { heads: heads.to_vec() })?;
        let all = self.of_each(LONG, |news| match news {
            News::Saw(saw) => Some(saw),
            _ => None,
        })?;
        let mut sum = Saw::new()?;
        for saw in all {
            sum.merge(*saw);
        }
        Ok(sum)
    }

    /// CPU seconds of the processes.
    pub(crate) fn cpu(&self) -> Result<f64, Failure> {
        self.workers.iter().map(|worker| cpu_of(worker.child.id())).sum()
    }

    fn tell(&mut self, order: &Order) -> Result<(), Failure> {
        let line = serde_json::to_string(order).doing("an order")?;
        for worker in &mut self.workers {
            writeln!(worker.input, "{line}").doing("telling a process of clients")?;
        }
        Ok(())
    }

    fn of_each<T>(&mut self, patience: Duration, of: impl Fn(News) -> Option<T>) -> Result<Vec<T>, Failure> {
        self.gather(patience, of)?
            .ok_or_else(|| Failure::new("a process of clients does not answer"))
    }

    /// One piece of news from every process, of the kind that `of` takes; `None` if `patience` ends before.
    fn gather<T>(&mut self, patience: Duration, of: impl Fn(News) -> Option<T>) -> Result<Option<Vec<T>>, Failure> {
        let start = Instant::now();
        let mut all: Vec<Option<T>> = self.workers.iter().map(|_| None).collect();
        while all.iter().any(Option::is_none) {
            let (number, line) = match self.lines.recv_timeout(patience.saturating_sub(start.elapsed())) {
                Ok(said) => said,
                Err(RecvTimeoutError::Timeout) => return Ok(None),
                Err(RecvTimeoutError::Disconnected) => return Err(Failure::new("no process of clients is left")),
            };
            match (line.as_str(), &mut all[number]) {
                ("", None) => return Err(Failure(format!("process {number} of clients ended early"))),
                // It has said its last, and others have not yet.
                ("", Some(_)) => {}
                (line, place) => *place = of(serde_json::from_str(line).doing("a process of clients")?),
            }
        }
        Ok(Some(all.into_iter().flatten().collect()))
    }
}

impl Worker {
    fn start(plan: &Plan) -> Result<(Self, BufReader<std::process::ChildStdout>), Failure> {
        let program = std::env::current_exe().doing("own path")?;
        let mut child = Command::new(program)
            .arg("fleet-worker")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .doing("starting a process of clients")?;
        let (Some(mut input), Some(out)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Failure::new("the process has no pipes"));
        };
        let plan = serde_json::to_string(plan).doing("the plan")?;
        writeln!(input, "{plan}").doing("telling a process of clients")?;
        Ok((Self { child, input }, BufReader::new(out)))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Both fail only if it has ended and been waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
