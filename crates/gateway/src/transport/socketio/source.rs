//! Where a connection's packets come from: a WebSocket, or the bodies of POST requests until that is there.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hallway_hub::Link;
use tokio::sync::mpsc;

use crate::transport::websocket::{Inbound, Read, Reader, Violation};

/// Where packets come from.
pub(super) enum Source {
    Link(Arc<Link>, Reader),
    /// With the most bytes of a body, which those who take the requests look at.
    Posts(mpsc::Receiver<Posted>, Arc<AtomicUsize>),
}

/// What HTTP brings to a session.
pub(super) enum Posted {
    /// Packets, in order.
    Packets(Vec<Inbound>),
    /// The WebSocket that takes the place of HTTP, and what came behind the upgrade.
    Upgraded(Arc<Link>, Reader, Vec<Inbound>),
}

/// What came.
pub(super) enum Came {
    /// Packets, and the violation that ended them.
    Some(Vec<Inbound>, Result<(), Violation>),
    /// A WebSocket, with packets.
    Upgraded(Arc<Link>, Vec<Inbound>),
    End,
}

impl Source {
    /// Waits for what comes next. Cancel safe.
    pub(super) async fn next(&mut self) -> Came {
        match self {
            Self::Link(link, reader) => {
                let mut inbound = Vec::new();
                match reader.read(link, &mut inbound).await {
                    Ok(Read::Some(result)) => Came::Some(inbound, result),
                    Ok(Read::End) | Err(_) => Came::End,
                }
            }
            Self::Posts(posts, _) => match posts.recv().await {
                Some(Posted::Packets(inbound)) => Came::Some(inbound, Ok(())),
                Some(Posted::Upgraded(link, reader, inbound)) => {
                    *self = Self::Link(Arc::clone(&link), reader);
                    Came::Upgraded(link, inbound)
                }
                None => Came::End,
            },
        }
    }

    /// Allows messages of this many bytes from now on.
    pub(super) fn set_message_max(&mut self, most: usize) {
        match self {
            Self::Link(_, reader) => reader.set_message_max(most),
            Self::Posts(_, message_max) => message_max.store(most, Ordering::Relaxed),
        }
    }

    /// Waits until the client has ended the stream, or all was fetched and nobody is left to fetch. Cancel safe.
    pub(super) async fn end(&mut self) {
        match self {
            Self::Link(link, _) => Reader::discard(link).await,
            Self::Posts(posts, _) => while posts.recv().await.is_some() {},
        }
    }
}
