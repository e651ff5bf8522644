//! What is said on Hallway's wire. No IO, no clocks, no async runtime: clients, load generators and fuzzers
//! use this crate alone.
//!
//! - [`id`], [`room`], [`position`]: names and numbers.
//! - [`kind`]: the table of room kinds, and what a name means by it.
//! - [`frame`], [`broadcast`]: what is said, and [`codec`]: how it is written.
//! - [`lobby`]: rooms that users make.
//! - [`endpoint`], [`event`], [`error`], [`close`], [`status`]: the catalogues, a row per entry.
//! - [`json`]: reading JSON from outside; [`limits`]: bounds that are the same everywhere.
//!
//! Its one invariant: a frame has one declaration, from which every codec follows.

pub mod broadcast;
mod catalogue;
pub mod close;
pub mod codec;
pub mod endpoint;
pub mod error;
pub mod event;
pub mod frame;
pub mod id;
pub mod json;
pub mod kind;
pub mod limits;
pub mod lobby;
pub mod position;
pub mod room;
pub mod status;

pub use broadcast::Broadcast;
pub use close::CloseCode;
pub use codec::Codec;
pub use endpoint::Endpoint;
pub use error::{Error, ErrorCode};
pub use event::Event;
pub use frame::{ClientFrame, Entry, FrameError, Goodbye, Hello, Numbers, Reply, Resumed, ServerFrame};
pub use id::{ClientId, UserId};
pub use kind::{Keep, Kind, Kinds};
pub use lobby::{Lobby, LobbyId};
pub use position::{Epoch, Position};
pub use room::{RoomName, RoomNameError};
pub use status::Status;
