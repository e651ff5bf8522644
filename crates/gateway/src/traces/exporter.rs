//! What reached the collector, and what did not, is counted.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry_otlp::SpanExporter as Otlp;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

use crate::metrics::Metrics;

/// An exporter that counts. What is made and neither exported nor failed waits, or was dropped because too much waited.
#[derive(Debug)]
pub(super) struct Counted {
    inner: Otlp,
    metrics: Arc<Metrics>,
}

impl Counted {
    pub(super) fn new(inner: Otlp, metrics: Arc<Metrics>) -> Self {
        Self { inner, metrics }
    }
}

impl SpanExporter for Counted {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len() as u64;
        let result = self.inner.export(batch).await;
        let outcome = if result.is_ok() { "exported" } else { "failed" };
        self.metrics.traces.spans.with_label_values(&[outcome]).inc_by(count);
        if let Err(why) = &result {
            tracing::warn!(%why, spans = count, "the collector did not take spans");
        }
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}
