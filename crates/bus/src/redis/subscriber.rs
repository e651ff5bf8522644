//! Keeps the subscriptions as they are wanted, over every link.
//!
//! The client library answers SUBSCRIBE when it is written. So each round of commands is followed by a PING on the
//! same connection: its answer comes behind the server's confirmations. SSUBSCRIBE, on a cluster, is answered for
//! itself; where the server has a room no more, the room waits for the routes to be learned anew.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use fred::error::Error;
use fred::interfaces::{ClientLike, EventInterface, PubsubInterface};
use fred::types::{CustomCommand, Value};
use futures_util::TryFutureExt;
use futures_util::future::join_all;
use hallway_protocol::RoomName;
use tokio::sync::{Notify, mpsc, watch};

use super::drain::Feed;
use super::link::{Link, Up};
use super::names::Names;
use super::routes::Routes;
use super::wanted::{Changes, ShardId, Wanted};
use super::{errors, slots};
use crate::{Lost, Stats};

/// Most channels in one round of commands.
const ROUND: usize = 512;

/// The task's state.
pub(super) struct Subscriber {
    pub(super) shard: ShardId,
    /// Told when rooms of this shard are to be changed.
    pub(super) changed: Arc<Notify>,
    pub(super) link: Link,
    pub(super) wanted: Arc<Wanted>,
    pub(super) routes: Arc<Routes>,
    pub(super) names: Arc<Names>,
    /// Channels of our own.
    pub(super) own: Vec<String>,
    pub(super) feeds: mpsc::Sender<Feed>,
    pub(super) stats: Arc<Stats>,
    /// Whether everything wanted is subscribed since the link is up.
    pub(super) is_restored: watch::Sender<bool>,
}

impl Subscriber {
    /// Runs until the link's keeper is gone.
    pub(super) async fn run(mut self) {
        let mut was_restored = false;
        loop {
            let Ok(up) = self.link.wait_for(Option::is_some).await.map(|up| up.clone()) else {
                return;
            };
            let Some(up) = up else { continue };
            if let Err(why) = self.serve(&up, &mut was_restored).await {
                tracing::warn!(why = why.details(), "subscribing failed");
                up.tear_down();
            }
            self.is_restored.send_replace(false);
            self.wanted.link_is_down(self.shard);
            if self.gone(&up).await.is_err() {
                return;
            }
        }
    }

    /// Everything on one link, until it is gone.
    async fn serve(&mut self, up: &Up, was_restored: &mut bool) -> Result<(), Error> {
        let _ = self.feeds.send(Feed::Messages(up.client.message_rx())).await;
        if self.names.is_sharded {
            if let Some(why) = sharded(up, &self.own).await.into_iter().find_map(Result::err) {
                return Err(why);
            }
        } else {
            up.client.subscribe(self.own.clone()).await?;
        }
        confirm(up).await?;
        self.wanted.link_is_up(self.shard);
        self.catch_up(up).await?;
        if *was_restored {
            let _ = self.feeds.send(Feed::Lost(Lost::Reconnected)).await;
        }
        *was_restored = true;
        self.is_restored.send_replace(true);
        loop {
            let changed = Arc::clone(&self.changed);
            tokio::select! {
                biased;
                _ = self.gone(up) => return Ok(()),
                () = changed.notified() => self.catch_up(up).await?,
            }
        }
    }

    /// Makes subscriptions as wanted, a round after the other.
    async fn catch_up(&self, up: &Up) -> Result<(), Error> {
        while let Some(mut changes) = self.wanted.take(self.shard, ROUND) {
            let refused = self.change(up, &mut changes).await?;
            confirm(up).await?;
            let has_moved = self.wanted.confirmed(self.shard, &changes);
            self.wanted.refused(self.shard, &refused);
            if !refused.is_empty() {
                self.routes.are_stale.notify_one();
            }
            if has_moved {
                let _ = self.feeds.send(Feed::Lost(Lost::Reconnected)).await;
            }
        }
        self.stats
            .subscriptions
            .store(self.wanted.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    /// Sends the commands. Gives the rooms that the server has no more, and takes them out of what it was told.
    async fn change(&self, up: &Up, changes: &mut Changes) -> Result<Vec<RoomName>, Error> {
        let channels = |rooms: &[_]| -> Vec<String> { rooms.iter().map(|room| self.names.channel(room)).collect() };
        let mut refused = Vec::new();
        // Without arguments UNSUBSCRIBE would mean all.
        if !changes.subscribe.is_empty() {
            let names = channels(&changes.subscribe);
            if self.names.is_sharded {
                let mut results = sharded(up, &names).await.into_iter();
                let mut failed = None;
                changes.subscribe.retain(|room| match results.next() {
                    Some(Err(why)) if errors::is_elsewhere(&why) => {
                        refused.push(room.clone());
                        false
                    }
                    Some(Err(why)) => {
                        failed = Some(why);
                        false
                    }
                    _ => true,
                });
                failed.map_or(Ok(()), Err)?;
            } else {
                up.client.subscribe(names).await?;
            }
        }
        if !changes.unsubscribe.is_empty() {
            let names = channels(&changes.unsubscribe);
            if self.names.is_sharded {
                for (_, names) in by_slot(names) {
                    up.client.sunsubscribe(names).await?;
                }
            } else {
                up.client.unsubscribe(names).await?;
            }
        }
        Ok(refused)
    }

    /// Ready when a link is not the present one any more. Cancel safe.
    async fn gone(&mut self, up: &Up) -> Result<(), watch::error::RecvError> {
        let is_gone = |now: &Option<Up>| now.as_ref().is_none_or(|now| now.generation != up.generation);
        self.link.wait_for(is_gone).await.map(drop)
    }
}

/// Subscribes to channels of a cluster's shard, and waits for each one's answer, so that it is known which of them the
/// server has no more. The library's own call takes the first answer of several for all, and the others for those of
/// later commands.
async fn sharded(up: &Up, channels: &[String]) -> Vec<Result<(), Error>> {
    let calls = channels.iter().map(|channel| {
        let command = CustomCommand::new_static("SSUBSCRIBE", None, false);
        let answer = up
            .client
            .custom::<Value, _>(command, vec![Value::from(channel.as_str())]);
        answer.map_ok(drop)
    });
    join_all(calls).await
}

/// One command may name channels of one slot only.
fn by_slot(channels: Vec<String>) -> HashMap<u16, Vec<String>> {
    let mut slots: HashMap<u16, Vec<String>> = HashMap::new();
    for channel in channels {
        slots.entry(slots::of(&channel)).or_default().push(channel);
    }
    slots
}

async fn confirm(up: &Up) -> Result<(), Error> {
    up.client.ping::<Value>(None).await.map(drop)
}
