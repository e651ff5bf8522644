//! What the operator's own backend is asked.

use std::time::Duration;

use hallway_settings::{Secret, settings};

use super::webhook_url::WebhookUrl;

settings! {
    /// What the operator's own backend is asked, over HTTP: signed, and refused where it does not answer. See
    /// [authorization.md](authorization.md).
    pub struct Webhook {
        /// Asked whether a user may be in a room (`join = "webhook"` in `[[kinds]]`). Empty: such rooms are closed.
        membership_url: WebhookUrl = "";
        /// Asked whether who has shown good credentials may connect, and what else is known of them. Empty: nobody is asked.
        admission_url: WebhookUrl = "";
        /// The secret that questions are signed with (Standard Webhooks: `whsec_` and base64, or any text of at least 24
        /// bytes).
        secret: Secret = "";
        /// Secrets that the backend may still check with: questions carry a signature of each.
        previous_secrets: Vec<Secret> = "";
        /// How long a question may take; then the answer is no.
        timeout: Duration = "3s", from "50ms" to "1m";
        /// Questions under way at once, to each URL.
        concurrency: u32 = 64, from 1 to 10000;
        /// After so many failures in a row a URL is left alone for `webhook.pause`.
        failures: u32 = 10, from 1 to 1000;
        /// How long it is left alone: all questions are answered with `unavailable` meanwhile.
        pause: Duration = "5s", from "100ms" to "10m";
    }
}
