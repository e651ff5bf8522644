//! The operator's backend hears what happens: events, kept on the bus until it took them, whichever node saw them.
//!
//! [`Hooks::tell`] puts an [event](HookEvent) in this node's [`mod@line`], which is written into the bus's journal
//! ([`hallway_bus::Journal`]), in a partition that its subject always has. One node at a time [delivers](deliver) a partition,
//! in [batches](batch), and confirms what the [`backend`] took.
//!
//! What must stay true: nobody who tells ever waits; what is about one subject is told in the order in which one node saw it; an
//! event has one id for ever; and one that the backend does not hear of is counted.

mod backend;
mod batch;
mod body;
mod connection;
mod deliver;
mod event;
mod line;
mod throttle;
mod work;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use hallway_bus::Journal;
use hallway_settings::Secret;

pub use connection::Since;
pub use event::{HookEvent, HookKind};

use crate::config::Config;
use crate::metrics::Metrics;
use crate::node::StartError;
use crate::webhook::{Signer, client};
use backend::Backend;
use deliver::Deliverer;
use work::{Options, Work};

/// How often it is looked whether all is written.
const CHECK: Duration = Duration::from_millis(10);

/// The backend that is told, if there is one.
pub struct Hooks {
    work: Option<Arc<Work>>,
}

impl Hooks {
    /// As the settings say; `holder` names this node among those that tell.
    ///
    /// # Errors
    /// The system's authorities cannot be read.
    pub fn build(
        config: &Config,
        journal: &Arc<dyn Journal>,
        holder: String,
        metrics: &Arc<Metrics>,
    ) -> Result<Self, StartError> {
        let settings = &config.hooks;
        let Some(url) = settings.url.uri().filter(|_| !settings.events.is_empty()) else {
            return Ok(Self { work: None });
        };
        let connections = usize::from(settings.partitions) * settings.concurrency as usize;
        let client = client::new(connections.min(64))
            .map_err(|why| StartError::Config(format!("[hooks]: the system's authorities cannot be read: {why}")))?;
        let secrets = std::iter::once(&config.webhook.secret).chain(&config.webhook.previous_secrets);
        let backend = Backend {
            url: url.clone(),
            client,
            signer: Signer::new(secrets.map(Secret::expose)),
            timeout: settings.timeout,
        };
        let options = Options {
            events: settings.events.clone(),
            partitions: settings.partitions,
            keep: u64::from(settings.keep),
            concurrency: settings.concurrency as usize,
            retry_first: settings.retry_first,
            retry_most: settings.retry_most,
            give_up_after: settings.give_up_after,
            lease: settings.lease,
        };
        let journal = (Arc::clone(journal), holder);
        let work = Work::new(options, journal, backend, settings.queue.bytes(), Arc::clone(metrics));
        Ok(Self {
            work: Some(Arc::new(work)),
        })
    }

    /// Whether the backend wants to hear of such events: where it does not, nothing need be put together.
    #[must_use]
    pub fn wants(&self, kind: HookKind) -> bool {
        self.wanting(kind).is_some()
    }

    /// Tells the backend. Never waits and never fails: an event for which there is no room is counted and logged. In order
    /// with other events about the same subject that this node tells of.
    pub fn tell(&self, event: HookEvent) {
        let subject = event.subject();
        self.tell_about(subject, &event);
    }

    /// The same, in order with another subject's.
    fn tell_about(&self, subject: String, event: &HookEvent) {
        if let Some(work) = self.wanting(event.kind()) {
            work.push(subject, event);
        }
    }

    fn wanting(&self, kind: HookKind) -> Option<&Arc<Work>> {
        self.work.as_ref().filter(|work| work.options.events.contains(&kind))
    }

    /// What is to be run, each until the node ends.
    #[must_use]
    pub fn tasks(&self) -> Vec<BoxFuture<'static, ()>> {
        let Some(work) = &self.work else {
            return Vec::new();
        };
        let tasks = (0..work.options.partitions).flat_map(|partition| {
            let writer = Arc::clone(work);
            let deliverer = Deliverer::new(Arc::clone(work), partition);
            [
                async move { writer.write(partition).await }.boxed(),
                deliverer.run().boxed(),
            ]
        });
        tasks.collect()
    }

    /// Takes leave: ready when all that this node saw is written, and other nodes can go on telling. Waits as long as the bus is
    /// away. May be dropped at any time; what is not written then is lost.
    pub async fn leave(&self) {
        let Some(work) = &self.work else { return };
        while work.line.bytes() > 0 {
            tokio::time::sleep(CHECK).await;
        }
        work.leaving.cancel();
        let all = u32::from(work.options.partitions);
        let _ = work.telling.acquire_many(all).await;
    }

    /// Brings the gauges to where they stand.
    pub fn refresh_gauges(&self) {
        if let Some(work) = &self.work {
            work.refresh_gauges();
        }
    }
}
