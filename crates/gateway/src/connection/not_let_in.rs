//! Who is not let in, and how they leave.

use std::sync::Arc;
use std::time::Duration;

use hallway_hub::{Link, Socket};
use hallway_protocol::CloseCode;

use super::opening;
use crate::leaving;
use crate::node::Node;
use crate::transport::websocket::Reader;

/// How long a refused connection may take to leave.
pub(super) const LEAVE: Duration = Duration::from_secs(5);

/// A connection that was not admitted: the close is still to be said.
pub(crate) struct NotLetIn {
    /// Why.
    pub(crate) code: CloseCode,
    /// For people.
    pub(crate) why: String,
    /// Where it stands.
    pub(crate) at: At,
}

/// Where a connection that was not admitted stands.
pub(crate) enum At {
    /// It is not in the hub.
    Door(Link),
    /// It is, and has been told nothing: it is to be taken out of it.
    Inside(Arc<Socket>),
}

/// Says why, waits a while for a native connection to leave, and forgets it.
pub(super) async fn turn_away(node: &Node, refused: NotLetIn) {
    match refused.at {
        At::Door(link) => opening::refuse(&link, refused.code, &refused.why, LEAVE).await,
        At::Inside(socket) => {
            socket.close(refused.code, &refused.why);
            tokio::time::timeout(LEAVE, Reader::discard(socket.link())).await.ok();
            forget(node, &socket);
        }
    }
}

/// Takes a socket out of everything that knows it.
pub(crate) fn forget(node: &Node, socket: &Arc<Socket>) {
    node.seats.give_back(socket);
    leaving::node(node, socket);
}
