//! From the client library's channel to the lanes: one task, so that order is kept, and nothing else in it.
//!
//! A full lane makes it wait; then messages gather in the library's channel, and when that is full too, the oldest
//! are lost, which every lane is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use fred::types::Message as Arrived;
use tokio::sync::broadcast::{self, error::RecvError, error::TryRecvError};
use tokio::sync::mpsc;

use super::envelope::{self, Envelope};
use super::names::{Channel, Names};
use super::probe::Probe;
use super::script::bytes_of;
use crate::message::Malformed;
use crate::stats::count;
use crate::{Event, Heard, Lanes, Lost, Message, Stats};

/// Malformed messages are logged at most this often; all are counted.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// What the subscriber tells this task.
pub(super) enum Feed {
    /// A new link's messages. What the old one still has is delivered before them.
    Messages(broadcast::Receiver<Arrived>),
    /// All lanes must know.
    Lost(Lost),
}

/// The task's state.
pub(super) struct Drain {
    pub(super) lanes: Lanes,
    pub(super) names: Arc<Names>,
    pub(super) told: mpsc::Sender<Bytes>,
    pub(super) probe: Arc<Probe>,
    pub(super) stats: Arc<Stats>,
    /// Whether it waits for a full lane now.
    pub(super) is_waiting: Arc<AtomicBool>,
    pub(super) last_log: Option<Instant>,
}

impl Drain {
    /// Runs until the subscriber is gone.
    pub(super) async fn run(mut self, mut feeds: mpsc::Receiver<Feed>) {
        let mut messages: Option<broadcast::Receiver<Arrived>> = None;
        loop {
            tokio::select! {
                biased;
                feed = feeds.recv() => match feed {
                    Some(Feed::Messages(new)) => {
                        if let Some(mut old) = messages.replace(new) {
                            self.take_waiting(&mut old, usize::MAX).await;
                        }
                    }
                    Some(Feed::Lost(cause)) => self.lost(cause).await,
                    None => return,
                },
                arrived = next(&mut messages) => match arrived {
                    Ok(arrived) => {
                        self.take(arrived).await;
                        if let Some(messages) = &mut messages {
                            self.take_waiting(messages, 256).await;
                        }
                    }
                    Err(RecvError::Lagged(missed)) => self.lagged(missed).await,
                    Err(RecvError::Closed) => messages = None,
                },
            }
        }
    }

    /// What has arrived already, at most so many.
    async fn take_waiting(&mut self, messages: &mut broadcast::Receiver<Arrived>, most: usize) {
        for _ in 0..most {
            match messages.try_recv() {
                Ok(arrived) => self.take(arrived).await,
                Err(TryRecvError::Lagged(missed)) => self.lagged(missed).await,
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }

    async fn take(&mut self, arrived: Arrived) {
        let Some(channel) = self.names.read_channel(&arrived.channel) else {
            return;
        };
        let read = bytes_of(arrived.value)
            .ok_or(Malformed("no text"))
            .and_then(|payload| envelope::read(&payload));
        let read = read.and_then(|envelope| read_for(channel, envelope));
        match read {
            Ok(Read::Heard(heard)) => self.deliver(heard).await,
            Ok(Read::Probe) => self.probe.came_back(),
            Ok(Read::Words(words)) => {
                if self.told.try_send(words).is_err() {
                    count(&self.stats.told_dropped);
                }
            }
            Err(why) => self.malformed(&arrived.channel, why),
        }
    }

    async fn deliver(&self, heard: Heard) {
        let lane = self.lanes.sender(self.lanes.of(&heard.room));
        // A lane without a receiver is the node's ending; what would have gone there goes nowhere.
        if let Err(mpsc::error::TrySendError::Full(event)) = lane.try_send(Event::Heard(heard)) {
            self.is_waiting.store(true, Ordering::Relaxed);
            let _ = lane.send(event).await;
            self.is_waiting.store(false, Ordering::Relaxed);
        }
    }

    async fn lagged(&self, missed: u64) {
        self.stats.lagged.fetch_add(missed, Ordering::Relaxed);
        self.lost(Lost::Lagged(missed)).await;
    }

    async fn lost(&self, cause: Lost) {
        self.is_waiting.store(true, Ordering::Relaxed);
        self.lanes.lost(cause).await;
        self.is_waiting.store(false, Ordering::Relaxed);
    }

    fn malformed(&mut self, channel: &str, why: Malformed) {
        count(&self.stats.malformed);
        if self.last_log.is_none_or(|at| at.elapsed() >= LOG_INTERVAL) {
            self.last_log = Some(Instant::now());
            tracing::warn!(channel, %why, "a message could not be read");
        }
    }
}

enum Read {
    Heard(Heard),
    Probe,
    Words(Bytes),
}

fn read_for(channel: Channel, envelope: Envelope) -> Result<Read, Malformed> {
    match (channel, envelope) {
        (Channel::Room(room), Envelope::Ours { position, ts, body }) => Ok(Read::Heard(Heard {
            room,
            position,
            ts: Some(ts),
            message: Message::decode(body)?,
        })),
        (Channel::Room(room), Envelope::Foreign(message)) => Ok(Read::Heard(Heard {
            room,
            position: None,
            ts: None,
            message,
        })),
        (Channel::Probe, Envelope::Ours { .. }) => Ok(Read::Probe),
        (Channel::Words, Envelope::Ours { body, .. }) => Ok(Read::Words(body)),
        (Channel::Probe | Channel::Words, Envelope::Foreign(_)) => Err(Malformed("not ours")),
    }
}

/// The next message; none comes without a link.
async fn next(messages: &mut Option<broadcast::Receiver<Arrived>>) -> Result<Arrived, RecvError> {
    match messages {
        Some(messages) => messages.recv().await,
        None => std::future::pending().await,
    }
}
