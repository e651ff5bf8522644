//! What is kept: people, memberships and messages, in Postgres or SQLite; and questions to an operator's own tables.
//!
//! - [`Store`] is the seam, made of [`People`], [`Members`], [`Messages`], [`Reads`] and [`Outbox`]. [`SqlStore`] is both of
//!   its implementations: one way of doing things, over connections of either dialect (`sql`). Both pass one suite of
//!   tests (`conformance`, behind the feature of that name).
//! - `migrations` holds the schema, a folder per dialect. `docs/storage.md` says what is in it.
//! - [`SessionQuery`], [`MemberQuery`] and [`AttributeQuery`] ask an operator's own database (`query`).
//!
//! What must stay true: values reach a statement as bound parameters only; every call ends within its time, whatever the
//! database does; a message and its place in the outbox are stored in one step; and within a room ids and revisions rise in
//! the order in which they can be read.

#[cfg(feature = "conformance")]
pub mod conformance;
mod error;
mod id;
mod message;
mod options;
mod person;
mod query;
mod sql;
mod stats;
mod store;

pub use error::StoreError;
pub use id::MessageId;
pub use message::{
    Change, ChangeId, Message, MessageKind, NewMessage, PAGE_MAX, Page, REACTION_LEN, REACTION_USERS, REACTIONS_MAX,
    Range, Reacted, Reaction, Read, ReadPosition, Stored, Unsent,
};
pub use options::{DatabaseOptions, StoreOptions};
pub use person::{Membership, Role, User, Who};
pub use query::{AttributeQuery, MemberQuery, NEXT_AUTH_SQL, OperatorQuery, Session, SessionQuery};
pub use sql::{Database, SqlStore};
pub use stats::Stats;
pub use store::{Answer, Members, Messages, Outbox, People, Reads, Store};
