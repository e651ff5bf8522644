//! Keeps the subscriptions as they are wanted, over every link.
//!
//! The client library answers SUBSCRIBE when it is written. So each round of commands is followed by a PING on the
//! same connection: its answer comes behind the server's confirmations.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use fred::error::Error;
use fred::interfaces::{ClientLike, EventInterface, PubsubInterface};
use fred::types::Value;
use tokio::sync::{mpsc, watch};

use super::drain::Feed;
use super::link::{Link, Up};
use super::names::Names;
use super::wanted::{Changes, Wanted};
use crate::{Lost, Stats};

/// Most channels in one round of commands.
const ROUND: usize = 512;

/// The task's state.
pub(super) struct Subscriber {
    pub(super) link: Link,
    pub(super) wanted: Arc<Wanted>,
    pub(super) names: Arc<Names>,
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
            self.wanted.link_is_down();
            if self.gone(&up).await.is_err() {
                return;
            }
        }
    }

    /// Everything on one link, until it is gone.
    async fn serve(&mut self, up: &Up, was_restored: &mut bool) -> Result<(), Error> {
        let _ = self.feeds.send(Feed::Messages(up.client.message_rx())).await;
        let own = vec![self.names.probe.clone(), self.names.words.clone()];
        up.client.subscribe(own).await?;
        confirm(up).await?;
        self.wanted.link_is_up();
        self.catch_up(up).await?;
        if *was_restored {
            let _ = self.feeds.send(Feed::Lost(Lost::Reconnected)).await;
        }
        *was_restored = true;
        self.is_restored.send_replace(true);
        loop {
            let wanted = Arc::clone(&self.wanted);
            tokio::select! {
                biased;
                _ = self.gone(up) => return Ok(()),
                () = wanted.changed.notified() => self.catch_up(up).await?,
            }
        }
    }

    /// Makes subscriptions as wanted, a round after the other.
    async fn catch_up(&self, up: &Up) -> Result<(), Error> {
        while let Some(changes) = self.wanted.take(ROUND) {
            self.change(up, &changes).await?;
            confirm(up).await?;
            self.wanted.confirmed(&changes);
        }
        self.stats
            .subscriptions
            .store(self.wanted.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    async fn change(&self, up: &Up, changes: &Changes) -> Result<(), Error> {
        let channels = |rooms: &[_]| -> Vec<String> { rooms.iter().map(|room| self.names.channel(room)).collect() };
        // Without arguments UNSUBSCRIBE would mean all.
        if !changes.subscribe.is_empty() {
            up.client.subscribe(channels(&changes.subscribe)).await?;
        }
        if !changes.unsubscribe.is_empty() {
            up.client.unsubscribe(channels(&changes.unsubscribe)).await?;
        }
        Ok(())
    }

    /// Ready when a link is not the present one any more. Cancel safe.
    async fn gone(&mut self, up: &Up) -> Result<(), watch::error::RecvError> {
        let is_gone = |now: &Option<Up>| now.as_ref().is_none_or(|now| now.generation != up.generation);
        self.link.wait_for(is_gone).await.map(drop)
    }
}

async fn confirm(up: &Up) -> Result<(), Error> {
    up.client.ping::<Value>(None).await.map(drop)
}
