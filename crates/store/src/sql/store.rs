//! The store: each call, and the connection and transaction that it needs.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use hallway_protocol::{RoomName, UserId};
use tokio::sync::{Semaphore, watch};

use super::connection::Connection;
use super::database::{Database, Use};
use super::{members, messages, migrate, outbox, people, reactions, reads};
use crate::{
    Answer, ChangeId, Members, Membership, Message, MessageId, Messages, NewMessage, Outbox, Page, People, Range,
    Reacted, Read, ReadPosition, Reads, Role, Stats, Store, StoreError, StoreOptions, Stored, Unsent, User, Who,
};

/// A store in Postgres or SQLite, as its URL says.
#[derive(Clone)]
pub struct SqlStore {
    database: Database,
    /// In milliseconds.
    lease: i64,
    lines: Arc<[Arc<Semaphore>; LINES]>,
}

/// Rooms whose messages can be changed at the same time by this node. Those that take turns wait here, and not each with a
/// connection: one busy room would have them all.
const LINES: usize = 64;

impl SqlStore {
    /// Connects, and brings the tables up to date.
    ///
    /// # Errors
    /// [`StoreError::Setting`] if the options cannot be used or the tables cannot be brought up to date;
    /// [`StoreError::Unavailable`] if nobody answers there, which may be over the next time.
    pub async fn connect(options: StoreOptions) -> Result<Arc<Self>, StoreError> {
        let schema = &options.schema;
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if schema.is_empty()
            || schema.len() > 63
            || !schema.bytes().all(is_name)
            || schema.starts_with(|first: char| first.is_ascii_digit())
        {
            return Err(StoreError::Setting {
                setting: "store.schema".to_owned(),
                why: "a schema has 1 to 63 of a-z 0-9 _ and begins with no digit".to_owned(),
            });
        }
        let database = Database::open(&options.database, Use::Own(schema)).await?;
        migrate::migrate(&database, schema, options.database.setting).await?;
        Ok(Arc::new(Self {
            database,
            lease: i64::try_from(options.lease.as_millis()).unwrap_or(i64::MAX / 2),
            lines: Arc::new(std::array::from_fn(|_| Arc::new(Semaphore::new(1)))),
        }))
    }

    /// Does what only reads.
    fn read<T, W>(&self, work: W) -> Answer<T>
    where
        T: Send + 'static,
        W: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
    {
        let database = self.database.clone();
        Box::pin(async move { database.read(work).await })
    }

    /// Does work in a transaction; an error undoes it.
    fn transact<T, W>(&self, work: W) -> Answer<T>
    where
        T: Send + 'static,
        W: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
    {
        let database = self.database.clone();
        Box::pin(async move { database.transact(None, work).await })
    }

    /// The same for a room's messages.
    fn change<T, W>(&self, room: &RoomName, work: W) -> Answer<T>
    where
        T: Send + 'static,
        W: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
    {
        let database = self.database.clone();
        let place = usize::try_from(room.stable_hash() % LINES as u64).unwrap_or(0);
        let line = Arc::clone(&self.lines[place]);
        Box::pin(async move { database.transact(Some(&line), work).await })
    }

    /// Does one statement that writes.
    fn write<T, W>(&self, work: W) -> Answer<T>
    where
        T: Send + 'static,
        W: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
    {
        let database = self.database.clone();
        Box::pin(async move { database.write(work).await })
    }
}

impl Store for SqlStore {
    fn health(&self) -> watch::Receiver<bool> {
        self.database.health()
    }

    fn stats(&self) -> &Stats {
        self.database.stats()
    }

    fn close(&self) -> BoxFuture<'static, ()> {
        let database = self.database.clone();
        Box::pin(async move { database.close().await })
    }
}

impl People for SqlStore {
    fn put_user(&self, user: UserId, name: Option<String>) -> Answer<()> {
        self.write(move |c| Box::pin(async move { people::put(c, &user, name.as_deref()).await }))
    }

    fn user(&self, user: UserId) -> Answer<Option<User>> {
        self.read(move |c| Box::pin(async move { people::get(c, &user).await }))
    }

    fn set_status(&self, user: UserId, status: String, at: i64) -> Answer<bool> {
        self.write(move |c| Box::pin(async move { people::set_status(c, &user, &status, at).await }))
    }
}

impl Members for SqlStore {
    fn membership(&self, room: RoomName, user: UserId) -> Answer<Option<Membership>> {
        self.read(move |c| Box::pin(async move { members::get(c, &room, &user).await }))
    }

    fn role_in(&self, user: UserId, room: RoomName) -> Answer<Option<Role>> {
        let found = self.membership(room, user);
        Box::pin(async move { Ok(found.await?.and_then(|membership| membership.role)) })
    }

    fn members(
        &self,
        room: RoomName,
        who: Who,
        after: Option<UserId>,
        limit: usize,
    ) -> Answer<Page<Membership, UserId>> {
        let stats = Arc::clone(self.database.stats());
        self.read(move |c| Box::pin(async move { members::list(c, &stats, &room, who, after.as_ref(), limit).await }))
    }

    fn rooms_of(&self, user: UserId, after: Option<RoomName>, limit: usize) -> Answer<Page<Membership, RoomName>> {
        let stats = Arc::clone(self.database.stats());
        self.read(move |c| Box::pin(async move { members::rooms_of(c, &stats, &user, after.as_ref(), limit).await }))
    }

    fn put_member(&self, room: RoomName, user: UserId, role: Role) -> Answer<Membership> {
        self.write(move |c| Box::pin(async move { members::put(c, &room, &user, role).await }))
    }

    fn remove_member(&self, room: RoomName, user: UserId) -> Answer<bool> {
        self.transact(move |c| Box::pin(async move { members::remove(c, &room, &user).await }))
    }

    fn mute(&self, room: RoomName, user: UserId, until: Option<i64>) -> Answer<Option<Membership>> {
        self.write(move |c| Box::pin(async move { members::mute(c, &room, &user, until).await }))
    }

    fn ban(&self, room: RoomName, user: UserId, banned: bool) -> Answer<bool> {
        self.transact(move |c| Box::pin(async move { members::ban(c, &room, &user, banned).await }))
    }
}

impl Messages for SqlStore {
    fn insert_message(&self, message: NewMessage) -> Answer<Stored> {
        let lease = self.lease;
        self.change(&message.room.clone(), move |c| {
            Box::pin(messages::insert(c, message, lease))
        })
    }

    fn message(&self, room: RoomName, id: MessageId) -> Answer<Option<Message>> {
        self.read(move |c| Box::pin(async move { messages::get(c, &room, id).await }))
    }

    fn list_messages(&self, room: RoomName, range: Range, limit: usize) -> Answer<Page<Message, MessageId>> {
        let stats = Arc::clone(self.database.stats());
        self.read(move |c| Box::pin(async move { messages::list(c, &stats, &room, range, limit).await }))
    }

    fn edit_message(&self, room: RoomName, id: MessageId, content: String) -> Answer<Option<Stored>> {
        let lease = self.lease;
        self.change(&room.clone(), move |c| {
            Box::pin(async move { messages::edit(c, &room, id, content, lease).await })
        })
    }

    fn delete_message(&self, room: RoomName, id: MessageId) -> Answer<Option<Stored>> {
        let lease = self.lease;
        self.change(&room.clone(), move |c| {
            Box::pin(async move { messages::delete(c, &room, id, lease).await })
        })
    }

    fn react(&self, room: RoomName, id: MessageId, reacted: Reacted) -> Answer<Option<Stored>> {
        let lease = self.lease;
        self.change(&room.clone(), move |c| {
            Box::pin(async move { reactions::react(c, &room, id, reacted, lease).await })
        })
    }
}

impl Reads for SqlStore {
    fn mark_read(&self, room: RoomName, user: UserId, message: MessageId) -> Answer<Option<Read>> {
        self.write(move |c| Box::pin(async move { reads::mark(c, &room, &user, message).await }))
    }

    fn read_positions(
        &self,
        room: RoomName,
        after: Option<UserId>,
        limit: usize,
    ) -> Answer<Page<ReadPosition, UserId>> {
        let stats = Arc::clone(self.database.stats());
        self.read(move |c| Box::pin(async move { reads::list(c, &stats, &room, after.as_ref(), limit).await }))
    }
}

impl Outbox for SqlStore {
    fn unsent(&self, limit: usize) -> Answer<Vec<Unsent>> {
        let lease = self.lease;
        let stats = Arc::clone(self.database.stats());
        self.transact(move |c| Box::pin(async move { outbox::unsent(c, &stats, limit, lease).await }))
    }

    fn give_back(&self, changes: Vec<ChangeId>) -> Answer<()> {
        self.write(move |c| Box::pin(outbox::give_back(c, changes)))
    }

    fn mark_sent(&self, changes: Vec<ChangeId>) -> Answer<()> {
        self.write(move |c| Box::pin(outbox::mark_sent(c, changes)))
    }
}
