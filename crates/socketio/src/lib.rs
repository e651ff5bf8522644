//! What Socket.IO clients say and hear: Engine.IO revision 4 and Socket.IO revision 5. No IO, no clocks, no runtime.
//!
//! - [`engine`]: the packets of Engine.IO, the payloads of HTTP long-polling, the handshake.
//! - [`packet`]: the packets of Socket.IO inside of them.
//! - [`binary`]: attachments, carried as JSON through the rest of the node.
//!
//! Its invariant: whatever a client sends is read within bounds or refused; nothing panics. The protocols' own
//! documents are the reference: <https://socket.io/docs/v4/engine-io-protocol/> and
//! <https://socket.io/docs/v4/socket-io-protocol/>.

pub mod binary;
pub mod engine;
pub mod packet;

pub use engine::{Handshake, Payload};
pub use packet::{Kind, Packet};

/// What was sent is not of the protocol. The connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub &'static str);
