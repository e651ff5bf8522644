//! Spans for a collector.

use std::time::Duration;

use hallway_settings::settings;

use super::webhook_url::WebhookUrl;

settings! {
    /// Traces of OpenTelemetry: spans of a sample of broadcasts, sent to a collector as OTLP over HTTP. See
    /// [operations.md](operations.md).
    pub struct Traces {
        /// The collector's address for traces, such as `http://collector:4318/v1/traces`. Empty: nothing is traced.
        url: WebhookUrl = "";
        /// One in so many broadcasts is traced; where a backend's call brings a `traceparent`, that decides instead.
        one_in: u32 = 1000, from 1 to 1000000000;
        /// How long a call to the collector may take; its spans are dropped then.
        timeout: Duration = "5s", from "50ms" to "1m";
    }
}
