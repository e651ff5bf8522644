//! The native WebSocket transport: what comes in as bytes goes out as messages ([`Decoder`]), read through a
//! scratch buffer of the worker's thread ([`Reader`]), so that an idle socket owns no buffer.

mod decoder;
mod reader;

pub use decoder::{Decoder, Inbound, Violation};
pub use reader::{Read, Reader};
