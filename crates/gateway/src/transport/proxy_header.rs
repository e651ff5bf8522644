//! The header of the PROXY protocol (<https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt>), as bytes: a proxy that
//! passes on TCP says in it whose connection it is. Strict, since what it says is believed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What version 2 begins with; version 1 begins with [`V1`].
pub const V2: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";

/// What version 1 begins with.
pub const V1: &[u8] = b"PROXY ";

/// Longest line of version 1 in bytes, its end included (§2.1).
pub const V1_MAX: usize = 107;

/// Bytes of version 2 before what it says the length of.
pub const V2_FIXED: usize = 16;

/// Most bytes behind the fixed part of version 2. Addresses take at most 216; the rest is room for additions, which are
/// not looked at.
pub const V2_MAX: usize = 2048;

/// What a header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The client's address.
    Address(IpAddr),
    /// The proxy speaks for itself (a health check), or does not know the client: the connection's own address counts.
    Own,
}

/// Reads a line of version 1, its end included. Nothing if it is none.
#[must_use]
pub fn v1(line: &[u8]) -> Option<Source> {
    let text = std::str::from_utf8(line.strip_prefix(V1)?.strip_suffix(b"\r\n")?).ok()?;
    if text == "UNKNOWN" || text.starts_with("UNKNOWN ") {
        return Some(Source::Own);
    }
    let mut words = text.split(' ');
    let mut word = || words.next();
    let (family, source, destination) = (word()?, word()?, word()?);
    let ports = [word()?, word()?];
    let is_port = |text: &&str| text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok();
    if words.next().is_some() || !ports.iter().all(is_port) {
        return None;
    }
    let source: IpAddr = match family {
        "TCP4" => {
            destination.parse::<Ipv4Addr>().ok()?;
            source.parse::<Ipv4Addr>().ok()?.into()
        }
        "TCP6" => {
            destination.parse::<Ipv6Addr>().ok()?;
            source.parse::<Ipv6Addr>().ok()?.into()
        }
        _ => return None,
    };
    Some(Source::Address(source))
}

/// How many bytes follow the fixed part of version 2. Nothing if it is no such part, or says that there are too many.
#[must_use]
pub fn v2_len(fixed: &[u8; V2_FIXED]) -> Option<usize> {
    let is_version = fixed.starts_with(&V2) && fixed[12] >> 4 == 2;
    let len = usize::from(u16::from_be_bytes([fixed[14], fixed[15]]));
    (is_version && len <= V2_MAX).then_some(len)
}

/// Reads a header of version 2. Nothing if it is none.
#[must_use]
pub fn v2(fixed: &[u8; V2_FIXED], rest: &[u8]) -> Option<Source> {
    if v2_len(fixed)? != rest.len() {
        return None;
    }
    match (fixed[12] & 0x0f, fixed[13]) {
        // LOCAL: whatever else it says does not count.
        (0, _) => Some(Source::Own),
        // PROXY, of a family that is not told, or of Unix sockets.
        (1, 0x00 | 0x31) => Some(Source::Own),
        (1, 0x11) => {
            let addresses: &[u8; 12] = rest.first_chunk()?;
            let source: [u8; 4] = *addresses.first_chunk()?;
            Some(Source::Address(Ipv4Addr::from(source).into()))
        }
        (1, 0x21) => {
            let addresses: &[u8; 36] = rest.first_chunk()?;
            let source: [u8; 16] = *addresses.first_chunk()?;
            Some(Source::Address(Ipv6Addr::from(source).into()))
        }
        // Datagrams do not come over TCP.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Option<Source> {
        Some(Source::Address(text.parse().unwrap()))
    }

    #[test]
    fn a_line_says_whose_connection_it_is() {
        assert_eq!(v1(b"PROXY TCP4 192.0.2.1 10.0.0.1 5000 443\r\n"), address("192.0.2.1"));
        assert_eq!(v1(b"PROXY TCP6 2001:db8::1 ::1 5000 443\r\n"), address("2001:db8::1"));
        assert_eq!(v1(b"PROXY UNKNOWN\r\n"), Some(Source::Own));
        assert_eq!(v1(b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n"), Some(Source::Own));
    }

    #[test]
    fn whatever_is_not_exactly_a_line_is_none() {
        for line in [
            "PROXY TCP4 192.0.2.1 10.0.0.1 5000 443\n",
            "PROXY TCP4  192.0.2.1 10.0.0.1 5000 443\r\n",
            "PROXY TCP4 192.0.2.1 10.0.0.1 5000\r\n",
            "PROXY TCP4 192.0.2.1 10.0.0.1 5000 443 1\r\n",
            "PROXY TCP4 192.0.2.1 10.0.0.1 5000 +443\r\n",
            "PROXY TCP4 192.0.2.1 10.0.0.1 5000 70000\r\n",
            "PROXY TCP4 192.0.2.1 10.0.0.1 5000 \r\n",
            "PROXY TCP4 2001:db8::1 ::1 5000 443\r\n",
            "PROXY TCP6 192.0.2.1 10.0.0.1 5000 443\r\n",
            "PROXY TCP4 192.0.2.1 nobody 5000 443\r\n",
            "PROXY UDP4 192.0.2.1 10.0.0.1 5000 443\r\n",
            "PROXY UNKNOWNS\r\n",
            "PROXY \r\n",
            "proxy TCP4 192.0.2.1 10.0.0.1 5000 443\r\n",
            "GET / HTTP/1.1\r\n",
            "",
        ] {
            assert_eq!(v1(line.as_bytes()), None, "{line:?}");
        }
        assert_eq!(v1(b"PROXY TCP4 192.0.2.1 10.0.0.1 5000 4\xff3\r\n"), None);
    }

    fn header(command: u8, family: u8, rest: &[u8]) -> Option<Source> {
        let mut fixed = [0; V2_FIXED];
        fixed[..12].copy_from_slice(&V2);
        fixed[12] = command;
        fixed[13] = family;
        fixed[14..].copy_from_slice(&(rest.len() as u16).to_be_bytes());
        v2(&fixed, rest)
    }

    #[test]
    fn a_binary_header_says_it_too() {
        let mut four = vec![192, 0, 2, 1, 10, 0, 0, 1, 0, 1, 0, 2];
        assert_eq!(header(0x21, 0x11, &four), address("192.0.2.1"));
        four.extend_from_slice(&[0x04, 0, 1, 0]);
        assert_eq!(header(0x21, 0x11, &four), address("192.0.2.1"), "with an addition");
        let mut six = [0; 36];
        six[15] = 1;
        assert_eq!(header(0x21, 0x21, &six), address("::1"));
        for (command, family) in [(0x20, 0x00), (0x20, 0x11), (0x21, 0x00)] {
            assert_eq!(
                header(command, family, &[]),
                Some(Source::Own),
                "{command:x} {family:x}"
            );
        }
    }

    #[test]
    fn whatever_is_not_exactly_a_binary_header_is_none() {
        assert_eq!(header(0x21, 0x11, &[0; 11]), None, "too short for its family");
        assert_eq!(header(0x21, 0x21, &[0; 35]), None, "too short for its family");
        assert_eq!(header(0x11, 0x11, &[0; 12]), None, "another version");
        assert_eq!(header(0x22, 0x11, &[0; 12]), None, "another command");
        assert_eq!(header(0x21, 0x12, &[0; 12]), None, "datagrams");
        assert_eq!(header(0x21, 0x41, &[0; 12]), None, "another family");
        assert_eq!(header(0x21, 0x00, &[0; V2_MAX + 1]), None, "too long");
        let mut fixed = [0; V2_FIXED];
        fixed[..12].copy_from_slice(&V2);
        fixed[12] = 0x20;
        assert_eq!(v2(&fixed, &[0]), None, "not as long as it says");
    }
}
