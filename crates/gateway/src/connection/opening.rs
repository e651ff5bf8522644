//! The first frame of a connection whose handshake brought no token. The connection is not in the hub yet:
//! whoever shows no token in time costs a task and nothing else.

use std::net::Shutdown;
use std::time::Duration;

use hallway_hub::{Link, Opcode, frame};
use hallway_protocol::endpoint::{AuthConnect, AuthResume};
use hallway_protocol::{CloseCode, Codec, Endpoint, FrameError, codec};

use crate::transport::websocket::{Inbound, Read, Reader, Violation};

/// What the first frame brings.
pub enum Credentials {
    /// `auth.connect`.
    Token(String),
    /// `auth.resume`.
    Ticket(AuthResume),
}

/// Credentials, with the frames that came behind them. The hello is the reply, so nothing else is sent.
pub struct Opened {
    /// What the first frame brought.
    pub credentials: Credentials,
    /// The others.
    pub rest: Vec<Inbound>,
}

/// Waits for the first frame. On an error the close is still to be said ([`refuse`]); `None`: the client left.
pub async fn first_frame(
    link: &Link,
    reader: &mut Reader,
    codec: Codec,
    begun: Vec<Inbound>,
    timeout: Duration,
) -> Result<Option<Opened>, Violation> {
    let late = Violation {
        code: CloseCode::AuthTimeout,
        reason: CloseCode::AuthTimeout.reason(),
    };
    tokio::time::timeout(timeout, wait(link, reader, codec, begun))
        .await
        .unwrap_or(Err(late))
}

async fn wait(
    link: &Link,
    reader: &mut Reader,
    codec: Codec,
    mut inbound: Vec<Inbound>,
) -> Result<Option<Opened>, Violation> {
    loop {
        let mut rest = inbound.into_iter();
        while let Some(one) = rest.next() {
            match (one, codec) {
                (Inbound::Text(bytes), Codec::Json) | (Inbound::Binary(bytes), Codec::Msgpack) => {
                    return credentials(codec, &bytes).map(|credentials| {
                        Some(Opened {
                            credentials,
                            rest: rest.collect(),
                        })
                    });
                }
                (Inbound::Text(_) | Inbound::Binary(_), _) => {
                    let reason = "a frame of another codec than the agreed one";
                    return Err(Violation {
                        code: CloseCode::BadFrame,
                        reason,
                    });
                }
                (Inbound::Ping(payload), _) => {
                    // One that does not fit is lost, and so is a client that has filled its window by now.
                    let _ = link.try_write(&frame::whole(Opcode::Pong, &payload));
                }
                (Inbound::Pong, _) => {}
                (Inbound::Close(_), _) => return Ok(None),
            }
        }
        inbound = Vec::new();
        match reader.read(link, &mut inbound).await {
            Ok(Read::Some(Ok(()))) => {}
            Ok(Read::Some(Err(violation))) => return Err(violation),
            Ok(Read::End) | Err(_) => return Ok(None),
        }
    }
}

fn credentials(codec: Codec, bytes: &[u8]) -> Result<Credentials, Violation> {
    let unauthenticated = |reason| Violation {
        code: CloseCode::Unauthenticated,
        reason,
    };
    let frame = codec::decode(codec, bytes).map_err(|why| match why {
        FrameError::Unanswerable(_) => Violation {
            code: CloseCode::BadFrame,
            reason: CloseCode::BadFrame.reason(),
        },
        FrameError::Answerable(..) => unauthenticated(FIRST),
    })?;
    match frame.endpoint {
        Ok(Endpoint::AuthConnect) => frame
            .args::<AuthConnect>()
            .map(|args| Credentials::Token(args.token))
            .map_err(|_| unauthenticated("auth.connect needs a token")),
        Ok(Endpoint::AuthResume) => frame
            .args()
            .map(Credentials::Ticket)
            .map_err(|_| unauthenticated("auth.resume needs a ticket and rooms with positions")),
        _ => Err(unauthenticated(FIRST)),
    }
}

const FIRST: &str = "the first frame is auth.connect or auth.resume";

/// Says the close to a connection that is in no hub, and waits a while for it to leave.
pub async fn refuse(link: &Link, code: CloseCode, reason: &str, patience: Duration) {
    // A few bytes to a socket that was sent next to nothing: they fit.
    let _ = link.try_write(&frame::close(code, reason));
    // What the kernel does not take of the end now is not waited for.
    if !link.try_finish().is_ok_and(|finished| finished) {
        link.shutdown(Shutdown::Write);
    }
    let _ = tokio::time::timeout(patience, Reader::discard(link)).await;
}
