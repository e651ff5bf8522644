//! Bounds of the kernel that a great number of connections may meet, by name.

use std::fs;
use std::io::{Error, ErrorKind};

use rustix::io::Errno;
use serde_json::{Value, json};

/// What is wrong, and which bound was met if one was.
pub(crate) fn explain(why: &Error) -> String {
    let bound = match Errno::from_io_error(why) {
        Some(Errno::MFILE) => "descriptors of this process (RLIMIT_NOFILE)",
        Some(Errno::NFILE) => "open files of the whole system (fs.file-max)",
        Some(Errno::ADDRNOTAVAIL | Errno::ADDRINUSE) => "ports of a source address (net.ipv4.ip_local_port_range)",
        Some(Errno::NOBUFS | Errno::NOMEM) => "memory of the kernel",
        _ if why.kind() == ErrorKind::TimedOut && tracks_no_more() => {
            "connections that are tracked (net.netfilter.nf_conntrack_max)"
        }
        _ => return why.to_string(),
    };
    format!("{why}; the bound is {bound}")
}

/// How full the kernel's own tables are: what is in use, and the most that can be.
pub(crate) fn tables() -> Value {
    let open = numbers("/proc/sys/fs/file-nr");
    let tcp = numbers("/proc/sys/net/ipv4/tcp_mem");
    json!({
        "openFiles": open.first(), "openFilesMost": open.get(2),
        "tracked": tracked().map(|(used, _)| used), "trackedMost": tracked().map(|(_, most)| most),
        // In pages; beside what is used of it in the kernel's memory.
        "tcpPagesMost": tcp.get(2),
        "portsOfAnAddress": numbers("/proc/sys/net/ipv4/ip_local_port_range"),
    })
}

fn tracks_no_more() -> bool {
    tracked().is_some_and(|(used, most)| used + most / 100 >= most)
}

/// Connections that are tracked, and how many can be; nothing where none are.
fn tracked() -> Option<(u64, u64)> {
    let one = |name: &str| {
        let path = format!("/proc/sys/net/netfilter/nf_conntrack_{name}");
        numbers(&path).first().copied()
    };
    Some((one("count")?, one("max")?))
}

/// The numbers of a file; none if it is not there.
fn numbers(path: &str) -> Vec<u64> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.split_whitespace()
        .filter_map(|number| number.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_told_by_its_name() {
        let said = |errno: Errno| explain(&errno.into());
        assert!(said(Errno::MFILE).contains("RLIMIT_NOFILE"));
        assert!(said(Errno::NFILE).contains("fs.file-max"));
        assert!(said(Errno::ADDRNOTAVAIL).contains("ip_local_port_range"));
        assert!(!said(Errno::CONNREFUSED).contains("bound"));
    }

    #[test]
    fn the_tables_are_read() {
        let tables = tables();
        assert!(
            tables["openFiles"].as_u64() <= tables["openFilesMost"].as_u64(),
            "{tables}"
        );
        assert_eq!(tables["portsOfAnAddress"].as_array().unwrap().len(), 2);
    }
}
