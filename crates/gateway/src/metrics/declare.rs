//! The macro behind an area's struct: a row per metric.

/// Declares a struct of metrics; a row is `/// sentence`, `field: kind [labels] = "name"`, where the kind is
/// `counter`, `gauge` or `histogram(buckets)`.
macro_rules! metrics {
    (
        $(#[$meta:meta])*
        pub struct $area:ident {
            $(#[doc = $help:literal] $field:ident: $kind:ident $(($buckets:expr))? $([$($label:literal),+])? = $name:literal,)+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug)]
        pub struct $area {
            $(#[doc = $help] pub $field: metrics!(@type $kind $([$($label),+])?),)+
        }

        impl $area {
            /// What is declared here.
            pub const DESCRIPTORS: &'static [$crate::metrics::Descriptor] = &[
                $($crate::metrics::Descriptor {
                    name: $name,
                    kind: stringify!($kind),
                    labels: &[$($($label),+)?],
                    help: $help.trim_ascii(),
                },)+
            ];

            pub(super) fn register(registry: &prometheus::Registry) -> Result<Self, prometheus::Error> {
                Ok(Self {
                    $($field: {
                        let metric = metrics!(@new $kind $(($buckets))? $([$($label),+])? $name, $help.trim_ascii())?;
                        registry.register(Box::new(metric.clone()))?;
                        metric
                    },)+
                })
            }
        }
    };
    (@type counter) => { prometheus::IntCounter };
    (@type counter [$($label:literal),+]) => { prometheus::IntCounterVec };
    (@type gauge) => { prometheus::IntGauge };
    (@type gauge [$($label:literal),+]) => { prometheus::IntGaugeVec };
    (@type histogram) => { prometheus::Histogram };
    (@type histogram [$($label:literal),+]) => { prometheus::HistogramVec };
    (@new counter $name:expr, $help:expr) => { prometheus::IntCounter::new($name, $help) };
    (@new counter [$($label:literal),+] $name:expr, $help:expr) => {
        prometheus::IntCounterVec::new(prometheus::Opts::new($name, $help), &[$($label),+])
    };
    (@new gauge $name:expr, $help:expr) => { prometheus::IntGauge::new($name, $help) };
    (@new gauge [$($label:literal),+] $name:expr, $help:expr) => {
        prometheus::IntGaugeVec::new(prometheus::Opts::new($name, $help), &[$($label),+])
    };
    (@new histogram ($buckets:expr) $name:expr, $help:expr) => {
        prometheus::Histogram::with_opts(prometheus::HistogramOpts::new($name, $help).buckets($buckets))
    };
    (@new histogram ($buckets:expr) [$($label:literal),+] $name:expr, $help:expr) => {
        prometheus::HistogramVec::new(prometheus::HistogramOpts::new($name, $help).buckets($buckets), &[$($label),+])
    };
}

pub(super) use metrics;

/// Buckets for latencies, in seconds: from 100 µs to 10 s.
pub(super) fn latency() -> Vec<f64> {
    vec![
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
    ]
}
