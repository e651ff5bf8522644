//! The cookies of a request (RFC 6265 §4.2).

use std::borrow::Cow;

use http::HeaderMap;
use http::header::COOKIE;

/// A cookie's value, as it was sent; nothing if it is empty. Of several with one name the first counts, which is that of
/// the longest path.
pub fn find<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let values = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let found = values.flat_map(|value| value.split(';')).find_map(|pair| {
        let (key, value) = pair.trim().split_once('=')?;
        (key == name).then_some(value.trim_matches('"'))
    });
    found.filter(|value| !value.is_empty())
}

/// What a server meant that writes its cookies with percent signs (RFC 3986 §2.1), as those in JavaScript do. What is no
/// such writing is taken as it stands.
pub fn decoded(value: &str) -> Cow<'_, str> {
    if !value.contains('%') {
        return Cow::Borrowed(value);
    }
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        match (digit(rest.next()), digit(rest.next())) {
            (Some(high), Some(low)) => bytes.push((high * 16 + low) as u8),
            _ => return Cow::Borrowed(value),
        }
    }
    String::from_utf8(bytes).map_or(Cow::Borrowed(value), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, "xa=0; a=\"1\"; b=; a=2".parse().unwrap());
        headers.append(COOKIE, "c=3=4".parse().unwrap());
        assert_eq!(find(&headers, "a"), Some("1"));
        assert_eq!(find(&headers, "b"), None);
        assert_eq!(find(&headers, "c"), Some("3=4"));
        assert_eq!(find(&headers, "d"), None);
    }

    #[test]
    fn percent_signs_are_read_where_they_are_meant() {
        for (value, meant) in [
            ("a%2Fb%3d", "a/b="),
            ("100%", "100%"),
            ("%zz", "%zz"),
            ("%ff", "%ff"),
            ("a", "a"),
        ] {
            assert_eq!(decoded(value), meant);
        }
    }
}
