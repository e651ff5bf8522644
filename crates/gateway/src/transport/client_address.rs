//! Whose connection it is, where proxies stand before the node.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;

use crate::access::Access;

/// The client's own address: what the nearest proxy that is not ours says it is, and the peer's where no proxy of ours
/// stands before it.
///
/// From the right: each hop of `X-Forwarded-For` was written by the one behind it, which must be ours to be believed. A
/// hop that is no address ends it, since what stands before it may be anybody's: the proxy that wrote it is the client then,
/// and the limit per address counts for all that it hides.
#[must_use]
pub fn client_address(access: &Access, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let mut address = peer.to_canonical();
    // Several headers are one list (RFC 9110 §5.3).
    let values = headers.get_all("x-forwarded-for");
    let mut hops = values
        .iter()
        .rev()
        .flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b','));
    while access.trusts(address) {
        match hops.next().map(hop) {
            Some(Some(hop)) => address = hop,
            Some(None) | None => break,
        }
    }
    address
}

/// An address, perhaps with a port, as some proxies write it.
fn hop(bytes: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(bytes).ok()?.trim_matches([' ', '\t']);
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(IpAddr::V6);
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    let address = text.parse().ok().or_else(bracketed).or_else(with_port)?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::config::load;

    fn access(proxies: &str) -> Access {
        let file = Some(("test.toml".into(), format!("trusted_proxies = [{proxies}]")));
        let input = hallway_settings::Input {
            file,
            ..Default::default()
        };
        Access::of(&load(input).unwrap().config).unwrap()
    }

    fn address(peer: &str, values: &[&str]) -> String {
        let access = access("'10.0.0.0/8', 'fd00::/8'");
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("x-forwarded-for", HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        client_address(&access, peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn only_our_proxies_are_believed() {
        assert_eq!(address("192.0.2.9", &["198.51.100.1"]), "192.0.2.9");
        assert_eq!(address("10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(address("::ffff:10.0.0.1", &["::ffff:198.51.100.1"]), "198.51.100.1");
        assert_eq!(address("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn several_in_a_row_are_walked_to_the_first_that_is_not_ours() {
        assert_eq!(
            address("10.0.0.1", &["198.51.100.1, 10.0.0.3, fd00::2"]),
            "198.51.100.1"
        );
        assert_eq!(address("10.0.0.1", &["10.0.0.3, 10.0.0.2"]), "10.0.0.3");
        assert_eq!(
            address("10.0.0.1", &["1.1.1.1, 198.51.100.1"]),
            "198.51.100.1",
            "what a client wrote itself is left of what our proxy saw"
        );
    }

    #[test]
    fn several_headers_are_one_list_in_their_order() {
        assert_eq!(address("10.0.0.1", &["1.1.1.1", "198.51.100.1"]), "198.51.100.1");
        assert_eq!(address("10.0.0.1", &["198.51.100.1", "10.0.0.2"]), "198.51.100.1");
    }

    #[test]
    fn what_is_no_address_ends_the_walk() {
        for garbage in [
            "unknown",
            "_hidden",
            "",
            " ",
            "1.1.1",
            "1.1.1.1 2.2.2.2",
            "caf\u{e9}",
            "fe80::1%eth0",
            "\"1.1.1.1\"",
        ] {
            assert_eq!(
                address("10.0.0.1", &[&format!("9.9.9.9, {garbage}")]),
                "10.0.0.1",
                "{garbage:?}"
            );
            assert_eq!(
                address("10.0.0.1", &[&format!("9.9.9.9,{garbage}"), "10.0.0.7"]),
                "10.0.0.7",
                "{garbage:?}: the proxy that wrote it is the last that is known"
            );
        }
    }

    #[test]
    fn a_port_does_not_count() {
        assert_eq!(address("10.0.0.1", &["198.51.100.1:4711"]), "198.51.100.1");
        assert_eq!(address("10.0.0.1", &["[2001:db8::1]:4711"]), "2001:db8::1");
        assert_eq!(address("10.0.0.1", &["[2001:db8::1]"]), "2001:db8::1");
        assert_eq!(address("10.0.0.1", &["2001:db8::1"]), "2001:db8::1");
    }
}
