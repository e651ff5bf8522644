//! Takes the PROXY protocol's header off a connection, and not a byte more: what follows belongs to TLS or HTTP.

use std::io;
use std::net::IpAddr;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::proxy_header::{self, Source, V1, V1_MAX, V2, V2_FIXED};

/// Reads the header that a connection from one of our proxies must begin with; `peer` is whom it comes from. Not cancel
/// safe: the connection is of no use afterwards. Waits as long as the peer likes, so the caller sets a time.
///
/// # Errors
/// `InvalidData`: it begins with something else. Any other: the connection broke.
pub async fn client_address(stream: &mut TcpStream, peer: IpAddr) -> io::Result<IpAddr> {
    let source = read(stream).await?.ok_or(io::ErrorKind::InvalidData)?;
    Ok(match source {
        Source::Address(address) => address,
        Source::Own => peer,
    })
}

async fn read(stream: &mut TcpStream) -> io::Result<Option<Source>> {
    // Both versions are longer than this.
    let mut start = [0; V2.len()];
    stream.read_exact(&mut start).await?;
    if start == V2 {
        return read_v2(stream).await;
    }
    if start.starts_with(V1) {
        return read_v1(stream, &start).await;
    }
    Ok(None)
}

async fn read_v2(stream: &mut TcpStream) -> io::Result<Option<Source>> {
    let mut fixed = [0; V2_FIXED];
    fixed[..V2.len()].copy_from_slice(&V2);
    stream.read_exact(&mut fixed[V2.len()..]).await?;
    let Some(len) = proxy_header::v2_len(&fixed) else {
        return Ok(None);
    };
    let mut rest = vec![0; len];
    stream.read_exact(&mut rest).await?;
    Ok(proxy_header::v2(&fixed, &rest))
}

async fn read_v1(stream: &mut TcpStream, start: &[u8]) -> io::Result<Option<Source>> {
    let mut line = start.to_vec();
    while line.len() < V1_MAX {
        let mut ahead = [0; V1_MAX];
        // Looked at before it is taken, since the line's end may have other bytes behind it.
        let seen = stream.peek(&mut ahead[..V1_MAX - line.len()]).await?;
        if seen == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let end = ahead[..seen].iter().position(|byte| *byte == b'\n');
        let mut taken = vec![0; end.map_or(seen, |end| end + 1)];
        stream.read_exact(&mut taken).await?;
        line.append(&mut taken);
        if end.is_some() {
            return Ok(proxy_header::v1(&line));
        }
    }
    Ok(None)
}
