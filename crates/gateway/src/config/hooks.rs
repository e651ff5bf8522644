//! What the operator's backend is told.

use std::time::Duration;

use hallway_settings::{ByteSize, Loaded, Problem, print_duration, settings};

use super::Config;
use super::webhook_url::WebhookUrl;
use crate::hooks::HookKind;

settings! {
    /// What the operator's backend is told, over HTTP: in order per user and room, again until it took it, from Redis, so
    /// that it survives the node that saw it. Signed with `webhook.secret`. The same on all nodes. See
    /// [webhooks.md](webhooks.md).
    pub struct Hooks {
        /// Who is told. Empty: nobody, and nothing is kept.
        url: WebhookUrl = "";
        /// Of what. Empty: of nothing.
        events: Vec<HookKind> = "";
        /// Into how many lines events are parted. A user or a room always has the same one; a backend that does not take an
        /// event holds up its line only. Change it when nothing waits.
        partitions: u16 = 8, from 1 to 256;
        /// Events that wait in Redis in each of them; beyond it the oldest are dropped and counted.
        keep: u32 = 20000, from 100 to 10000000;
        /// Bytes of events of this node that wait for Redis; beyond it events are dropped and counted.
        queue: ByteSize = "16MiB", from "64KiB" to "4GiB";
        /// How long a call may take.
        timeout: Duration = "10s", from "50ms" to "5m";
        /// Calls under way at once, per partition; one per user or room.
        concurrency: u32 = 8, from 1 to 1000;
        /// The pause after the first failed call; then it doubles.
        retry_first: Duration = "1s", from "10ms" to "1h";
        /// The longest pause.
        retry_most: Duration = "1m", from "10ms" to "1d";
        /// How long an event is tried that a backend which is there does not take; then it is dropped and counted.
        give_up_after: Duration = "1h", from "100ms" to "30d";
        /// After how long without a sign of life of the node that tells a partition another goes on.
        lease: Duration = "6s", from "300ms" to "5m";
    }
}

/// Shortest secret in bytes: Standard Webhooks has 24 to 64 of them.
const SECRET_LEN: usize = 24;

/// What only shows when settings are seen together.
pub(super) fn check(loaded: &Loaded<Config>, problems: &mut Vec<Problem>) {
    let (hooks, secret) = (&loaded.config.hooks, &loaded.config.webhook.secret);
    if hooks.url.uri().is_some() && !loaded.config.dev && secret.expose().len() < SECRET_LEN {
        let why =
            format!("must have at least {SECRET_LEN} bytes where hooks.url is set (openssl rand -base64 32 makes one)");
        problems.push(loaded.problem("webhook.secret", &why));
    }
    if hooks.retry_most < hooks.retry_first {
        let why = format!(
            "must not be shorter than hooks.retry_first ({})",
            print_duration(hooks.retry_first)
        );
        problems.push(loaded.problem("hooks.retry_most", &why));
    }
}
