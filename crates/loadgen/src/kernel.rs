//! What memory the machine has left, and what the kernel takes of it for sockets.

use std::fs;

use serde_json::{Value, json};

use crate::error::{Doing, Failure};

/// Fields of `/proc/meminfo` that hold what the kernel takes for itself.
const OWN: [&str; 5] = ["SUnreclaim", "SReclaimable", "PageTables", "KernelStack", "Percpu"];

/// A look at the machine's memory, in bytes.
#[derive(Debug, Clone)]
pub(crate) struct Look {
    /// What could be had without swapping (`MemAvailable`).
    available: u64,
    /// Of the fields [`OWN`].
    own: [u64; OWN.len()],
    /// Buffers of TCP sockets (`mem` of `/proc/net/sockstat`, in pages there).
    tcp: u64,
}

impl Look {
    pub(crate) fn now() -> Result<Self, Failure> {
        let meminfo = fs::read_to_string("/proc/meminfo").doing("/proc/meminfo")?;
        let sockstat = fs::read_to_string("/proc/net/sockstat").doing("/proc/net/sockstat")?;
        let field = |name: &str| kibibytes(&meminfo, name).map(|number| number * 1024);
        Ok(Self {
            available: field("MemAvailable").ok_or_else(|| Failure::new("/proc/meminfo has no MemAvailable"))?,
            own: OWN.map(|name| field(name).unwrap_or_default()),
            tcp: tcp_pages(&sockstat).unwrap_or_default() * rustix::param::page_size() as u64,
        })
    }

    /// How much less is available than before. Whatever runs beside on the machine is in it, and can make it negative.
    pub(crate) fn taken_since(&self, before: &Self) -> i64 {
        before.available as i64 - self.available as i64
    }

    /// What the kernel itself says that it takes more than before. Less than all it takes: what it has by the page for
    /// other ends stands in none of these.
    pub(crate) fn told_since(&self, before: &Self) -> Value {
        let grown = |now: u64, then: u64| now.saturating_sub(then);
        let own = OWN
            .iter()
            .zip(self.own.iter().zip(before.own))
            .map(|(name, (now, then))| ((*name).to_owned(), grown(*now, then).into()));
        let mut told: serde_json::Map<String, Value> = own.collect();
        told.insert("tcpBuffers".to_owned(), json!(grown(self.tcp, before.tcp)));
        told.into()
    }
}

/// What could be had without swapping, in bytes.
pub(crate) fn available() -> Result<u64, Failure> {
    let meminfo = fs::read_to_string("/proc/meminfo").doing("/proc/meminfo")?;
    let available = kibibytes(&meminfo, "MemAvailable");
    Ok(available.ok_or_else(|| Failure::new("/proc/meminfo has no MemAvailable"))? * 1024)
}

fn kibibytes(meminfo: &str, name: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}

fn tcp_pages(sockstat: &str) -> Option<u64> {
    let mut words = sockstat
        .lines()
        .find_map(|line| line.strip_prefix("TCP:"))?
        .split_whitespace();
    words.find(|word| *word == "mem")?;
    words.next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_their_whole_names() {
        let meminfo = "MemTotal:  10 kB\nSwapCached: 1 kB\nCached: 7 kB\n";
        assert_eq!(kibibytes(meminfo, "Cached"), Some(7));
        assert_eq!(kibibytes(meminfo, "Mem"), None);
        let sockstat = "sockets: used 30\nTCP: inuse 5 orphan 0 tw 0 alloc 5 mem 269\nUDP: inuse 0 mem 3\n";
        assert_eq!(tcp_pages(sockstat), Some(269));
    }

    #[test]
    fn this_machine_says_what_it_has() {
        let look = Look::now().unwrap();
        assert!(look.available > 0 && look.own[0] > 0, "{look:?}");
        assert_eq!(look.taken_since(&look), 0);
    }
}
