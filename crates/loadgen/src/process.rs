//! A child process whose cost is measured.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::error::{Doing, Failure};

/// A child process, killed when dropped. What it writes goes to a file that ends with it.
pub(crate) struct Process {
    child: Child,
    name: &'static str,
    /// Its working directory too.
    dir: TempDir,
}

impl Process {
    pub(crate) fn start(name: &'static str, command: &mut Command) -> Result<Self, Failure> {
        let dir = tempfile::tempdir().doing("temporary directory")?;
        let log = fs::File::create(dir.path().join("log")).doing("log file")?;
        let child = command
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().doing("log file")?)
            .stderr(log)
            .spawn()
            .doing(&format!("starting {name} ({})", command.get_program().display()))?;
        Ok(Self { child, name, dir })
    }

    /// Waits until `ready` says so.
    pub(crate) fn wait_until(&mut self, patience: Duration, ready: impl Fn() -> bool) -> Result<(), Failure> {
        let start = Instant::now();
        while !ready() {
            let ended = self.child.try_wait().doing("waiting for a child")?;
            if ended.is_some() || start.elapsed() > patience {
                let how = ended.map_or("is not ready in time".into(), |status| format!("ended with {status}"));
                return Err(Failure(format!("{} {how}:\n{}", self.name, self.last_words())));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// CPU seconds, user and system, of all its threads since its start; in steps of 10 ms.
    pub(crate) fn cpu(&self) -> Result<f64, Failure> {
        cpu_of(self.id())
    }

    /// Resident memory that is its own, in bytes.
    pub(crate) fn private_bytes(&self) -> Result<u64, Failure> {
        private_bytes_of(self.id())
    }

    /// Asks it to end; returns how many seconds it took, or `None` if it had to be killed after `patience`.
    pub(crate) fn stop(mut self, patience: Duration) -> Result<Option<f64>, Failure> {
        if let Some(id) = i32::try_from(self.id()).ok().and_then(Pid::from_raw) {
            // An error means that it has ended already.
            let _ = kill_process(id, Signal::TERM);
        }
        let start = Instant::now();
        while start.elapsed() < patience {
            if self.child.try_wait().doing("waiting for a child")?.is_some() {
                return Ok(Some(start.elapsed().as_secs_f64()));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(None)
    }

    /// Ends it at once, as by `kill -9`, and waits until it has ended.
    pub(crate) fn kill(self) {
        drop(self);
    }

    fn last_words(&self) -> String {
        let log = fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only if it has ended and been waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// CPU seconds of a process, user and system.
pub(crate) fn cpu_of(id: u32) -> Result<f64, Failure> {
    let path = format!("/proc/{id}/stat");
    let text = fs::read_to_string(&path).doing(&path)?;
    // The name may hold anything, so fields are counted from behind it: state is the third of all.
    let fields = text.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    Ok(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// Resident memory of a process that is its own, in bytes.
pub(crate) fn private_bytes_of(id: u32) -> Result<u64, Failure> {
    let path = format!("/proc/{id}/smaps_rollup");
    let text = fs::read_to_string(&path).doing(&path)?;
    let kibibytes = |line: &str| {
        line.split_whitespace()
            .nth(1)
            .and_then(|number| number.parse::<u64>().ok())
    };
    let private = text
        .lines()
        .filter(|line| line.starts_with("Private_C") || line.starts_with("Private_D"));
    Ok(private.filter_map(kibibytes).sum::<u64>() * 1024)
}
