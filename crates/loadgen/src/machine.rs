//! Where a run took place.

use std::process::Command;

use rustix::process::{Resource, getrlimit, setrlimit};
use serde_json::{Value, json};

/// The machine and the commit, for the report.
pub(crate) fn describe() -> Value {
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory = memory
        .lines()
        .next()
        .and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    json!({
        "cores": std::thread::available_parallelism().map(usize::from).unwrap_or(0),
        "kernel": rustix::system::uname().release().to_string_lossy(),
        "memoryKiB": memory,
        "descriptors": getrlimit(Resource::Nofile).maximum,
        "commit": commit(),
    })
}

fn commit() -> Option<String> {
    let git = |args: &[&str]| {
        let output = Command::new("git").args(args).output().ok()?;
        output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    let changed = git(&["status", "--porcelain"]).is_some_and(|list| !list.is_empty());
    Some(if changed { format!("{commit}, changed") } else { commit })
}

/// Lifts this process's soft limit of descriptors to the hard one; returns it. Children inherit it.
pub(crate) fn lift_descriptor_limit() -> u64 {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // If it fails, opening sockets will say so.
    let _ = setrlimit(Resource::Nofile, limit);
    limit.maximum.unwrap_or(u64::MAX)
}

/// The most sockets that this process may hold, with descriptors left for everything else.
pub(crate) fn most_sockets() -> usize {
    const OTHERS: u64 = 500;
    usize::try_from(lift_descriptor_limit().saturating_sub(OTHERS)).unwrap_or(usize::MAX)
}
