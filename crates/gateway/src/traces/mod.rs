//! Where a broadcast spends its time, for a sample of them: spans of OpenTelemetry, off unless a collector is set.
//!
//! Two kinds of span: `publish`, from the call or the frame to the bus's confirmation, and on every node that has sockets
//! in the room `deliver`, from the arrival to the last write, a child of the first. What connects them travels with the
//! broadcast ([`TraceContext`]). A backend's own trace is gone on with (`traceparent`, W3C Trace Context).
//!
//! What must stay true: whoever is not in the sample pays for one comparison and no allocation; a collector that is slow or
//! away holds up nobody and takes a bounded share of memory.

mod collector;
mod exporter;
mod parent;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hallway_bus::{BusError, Published, TraceContext};
use hallway_protocol::RoomName;
use opentelemetry::trace::{
    Span as _, SpanBuilder, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId, TraceState,
    Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{Protocol, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider, Span as SdkSpan,
};
use rand::RngExt;

use crate::config::Config;
use crate::metrics::Metrics;
use collector::Collector;
use exporter::Counted;
pub use parent::Parent;

/// Spans that wait for the collector; what does not fit is dropped and counted.
const QUEUE: usize = 8192;
/// Spans in one call.
const BATCH: usize = 512;
/// Longest wait before a call.
const DELAY: Duration = Duration::from_secs(2);

/// Makes spans, or none.
#[derive(Debug, Default)]
pub struct Traces(Option<Sampled>);

#[derive(Debug)]
struct Sampled {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    one_in: u32,
    metrics: Arc<Metrics>,
}

/// Where a broadcast comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A client's frame.
    Client,
    /// The backend's call.
    Backend,
}

/// The span of a publication.
#[derive(Debug)]
pub struct Publishing(SdkSpan, Arc<Metrics>);

/// The span of a delivery.
#[derive(Debug)]
pub struct Delivering(SdkSpan, Arc<Metrics>);

impl Traces {
    /// What the settings say. Must be called inside a runtime: calls to the collector are made on it.
    ///
    /// # Errors
    /// The system's authorities cannot be read, or the exporter cannot be made; in words for the operator.
    pub fn build(config: &Config, node: &str, metrics: &Arc<Metrics>) -> Result<Self, String> {
        let settings = &config.traces;
        let Some(url) = settings.url.uri() else {
            return Ok(Self(None));
        };
        let collector = Collector::new(settings.timeout).map_err(|why| format!("[traces]: {why}"))?;
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_http_client(collector)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(url.to_string())
            .with_timeout(settings.timeout)
            .build()
            .map_err(|why| format!("[traces]: {why}"))?;
        let batch = BatchConfigBuilder::default()
            .with_max_queue_size(QUEUE)
            .with_max_export_batch_size(BATCH)
            .with_scheduled_delay(DELAY)
            .build();
        let processor = BatchSpanProcessor::builder(Counted::new(exporter, Arc::clone(metrics)))
            .with_batch_config(batch)
            .build();
        let resource = Resource::builder()
            .with_service_name("hallway")
            .with_attribute(KeyValue::new("service.instance.id", node.to_owned()))
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(processor)
            // It is decided here, before anything is made.
            .with_sampler(Sampler::AlwaysOn)
            .with_resource(resource)
            .build();
        Ok(Self(Some(Sampled {
            tracer: provider.tracer("hallway"),
            provider,
            one_in: settings.one_in,
            metrics: Arc::clone(metrics),
        })))
    }

    /// Begins the span of a publication, if it is in the sample: one in so many; but where a caller's own trace says whether
    /// it is recorded, that counts.
    #[must_use]
    pub fn publishing(
        &self,
        origin: Origin,
        parent: Option<Parent>,
        room: &RoomName,
        destination: &str,
    ) -> Option<Publishing> {
        let sampled = self.0.as_ref()?;
        let is_recorded = match parent {
            Some(parent) => parent.is_recorded(),
            None => sampled.one_in == 1 || rand::rng().random_range(0..sampled.one_in) == 0,
        };
        if !is_recorded {
            return None;
        }
        let origin = match origin {
            Origin::Client => "client",
            Origin::Backend => "backend",
        };
        let builder = SpanBuilder::from_name("publish")
            .with_kind(SpanKind::Producer)
            .with_attributes([
                KeyValue::new("messaging.system", "hallway"),
                KeyValue::new("messaging.destination.name", room.to_string()),
                KeyValue::new("hallway.event", destination.to_owned()),
                KeyValue::new("hallway.origin", origin),
            ]);
        let context = parent.map_or_else(Context::new, |parent| remote(parent.span_context()));
        let span = sampled.tracer.build_with_context(builder, &context);
        Some(Publishing(span, Arc::clone(&sampled.metrics)))
    }

    /// The span of a delivery that began at a time.
    #[must_use]
    pub fn delivering(&self, of: TraceContext, room: &RoomName, began: SystemTime) -> Option<Delivering> {
        let sampled = self.0.as_ref()?;
        let parent = SpanContext::new(
            TraceId::from_bytes(of.trace_id),
            SpanId::from_bytes(of.span_id),
            TraceFlags::SAMPLED,
            true,
            TraceState::NONE,
        );
        let builder = SpanBuilder::from_name("deliver")
            .with_kind(SpanKind::Consumer)
            .with_start_time(began)
            .with_attributes([
                KeyValue::new("messaging.system", "hallway"),
                KeyValue::new("messaging.destination.name", room.to_string()),
            ]);
        let span = sampled.tracer.build_with_context(builder, &remote(parent));
        Some(Delivering(span, Arc::clone(&sampled.metrics)))
    }

    /// Sends what is left, for at most `patience`.
    pub async fn end(&self, patience: Duration) {
        let Some(sampled) = &self.0 else { return };
        let provider = sampled.provider.clone();
        // It waits for a thread of its own, which needs this runtime for its calls.
        let ended = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(patience)).await;
        if !matches!(ended, Ok(Ok(()))) {
            tracing::warn!("the last spans did not reach the collector");
        }
    }
}

fn remote(parent: SpanContext) -> Context {
    Context::new().with_remote_span_context(parent)
}

impl Publishing {
    /// What travels with the broadcast.
    #[must_use]
    pub fn context(&self) -> TraceContext {
        let context = self.0.span_context();
        TraceContext {
            trace_id: context.trace_id().to_bytes(),
            span_id: context.span_id().to_bytes(),
        }
    }

    /// It was published, or not.
    pub fn end(mut self, result: &Result<Published, BusError>) {
        match result {
            Ok(published) => {
                if let Some(position) = published.position {
                    self.0.set_attribute(KeyValue::new("hallway.seq", position.seq as i64));
                }
            }
            Err(why) => self.0.set_status(Status::error(why.to_string())),
        }
        self.0.end();
        self.1.traces.spans.with_label_values(&["made"]).inc();
    }
}

impl Delivering {
    /// It was written to so many sockets.
    pub fn end(mut self, sockets: usize) {
        self.0.set_attribute(KeyValue::new("hallway.sockets", sockets as i64));
        self.0.end();
        self.1.traces.spans.with_label_values(&["made"]).inc();
    }
}
