//! One native connection, from its first frame to its end.
//!
//! - [`opening`]: the first frame, where the handshake brought no token; [`admission`]: into the hub, into its
//!   own rooms, hello; [`not_let_in`]: how the others leave.
//! - [`resume`]: the rooms that a client comes back for.
//! - [`session`]: the loop that reads; [`desk`]: asks and answers; [`requests`]: what is under way; [`rate`]: how much
//!   a client may ask; [`reply`]: answers as bytes.

pub mod admission;
mod bring;
pub mod desk;
pub(crate) mod not_let_in;
pub mod opening;
pub mod rate;
pub mod reply;
pub mod requests;
mod resume;
pub mod session;
