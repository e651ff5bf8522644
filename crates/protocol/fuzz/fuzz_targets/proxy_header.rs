//! The PROXY protocol's header, whose word is believed: what is read as a line of version 1 is exactly what a proxy would
//! write for that address, and version 2 never reads beyond what it says it is long.
//!
//! The parser is compiled in alone, so that this does not build a whole node.
#![no_main]
#![allow(dead_code, missing_docs)]

use libfuzzer_sys::fuzz_target;

#[path = "../../../gateway/src/transport/proxy_header.rs"]
mod proxy_header;

use proxy_header::{Source, V2_FIXED, V2_MAX, v1, v2, v2_len};

fuzz_target!(|input: &[u8]| {
    if let Some(Source::Address(address)) = v1(input) {
        let text = std::str::from_utf8(input).expect("text");
        let words: Vec<&str> = text.trim_end_matches("\r\n").split(' ').collect();
        assert_eq!(words.len(), 6);
        assert_eq!(words[2].parse(), Ok(address));
        assert_eq!(words[1] == "TCP4", address.is_ipv4());
    }
    let Some((fixed, rest)) = input.split_first_chunk::<V2_FIXED>() else { return };
    if let Some(len) = v2_len(fixed) {
        assert!(len <= V2_MAX);
        if let Some(Source::Address(address)) = rest.get(..len).and_then(|rest| v2(fixed, rest)) {
            assert!(len >= if address.is_ipv4() { 12 } else { 36 });
        }
    }
    if v2(fixed, rest).is_some() {
        assert_eq!(v2_len(fixed), Some(rest.len()));
    }
});
