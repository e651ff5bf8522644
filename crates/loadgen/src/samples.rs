//! Times in microseconds that several processes gather: what is merged is the samples, never their percentiles.

use hdrhistogram::Histogram;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

use crate::error::{Doing, Failure};

/// Times from a microsecond to ten minutes, to three digits; what is longer counts as ten minutes.
#[derive(Debug, Clone)]
pub(crate) struct Samples(Histogram<u64>);

impl Samples {
    pub(crate) fn new() -> Result<Self, Failure> {
        Histogram::new_with_bounds(1, 600_000_000, 3)
            .map(Self)
            .doing("histogram")
    }

    /// What a histogram of microseconds has.
    pub(crate) fn of(histogram: &Histogram<u64>) -> Result<Self, Failure> {
        let mut samples = Self::new()?;
        samples.take_in(histogram);
        Ok(samples)
    }

    /// Notes a time in microseconds.
    pub(crate) fn note(&mut self, micros: u64) {
        self.0.saturating_record(micros.max(1));
    }

    /// Takes in what another process noted.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.take_in(&other.0);
    }

    fn take_in(&mut self, histogram: &Histogram<u64>) {
        for bar in histogram.iter_recorded() {
            self.0
                .saturating_record_n(bar.value_iterated_to(), bar.count_at_value());
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.len()
    }

    /// Milliseconds that a share of the samples does not pass.
    pub(crate) fn millis_at(&self, quantile: f64) -> f64 {
        self.0.value_at_quantile(quantile) as f64 / 1000.0
    }

    /// Milliseconds of the longest.
    pub(crate) fn max_millis(&self) -> f64 {
        self.0.max() as f64 / 1000.0
    }

    pub(crate) fn report(&self) -> Value {
        json!({
            "samples": self.count(), "p50": self.millis_at(0.5), "p90": self.millis_at(0.9),
            "p99": self.millis_at(0.99), "max": self.max_millis(),
        })
    }
}

/// As pairs of a value and how often it came.
impl Serialize for Samples {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(
            self.0
                .iter_recorded()
                .map(|bar| (bar.value_iterated_to(), bar.count_at_value())),
        )
    }
}

impl<'de> Deserialize<'de> for Samples {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut samples = Self::new().map_err(D::Error::custom)?;
        for (value, count) in Vec::<(u64, u64)>::deserialize(from)? {
            samples.0.saturating_record_n(value, count);
        }
        Ok(samples)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_what_was_sent_is_as_if_all_had_been_noted_in_one_place() {
        let (mut one, mut other, mut all) = (
            Samples::new().unwrap(),
            Samples::new().unwrap(),
            Samples::new().unwrap(),
        );
        for micros in 1..=20_000_u64 {
            if micros % 3 == 0 { &mut one } else { &mut other }.note(micros * 7);
            all.note(micros * 7);
        }
        let sent: Samples = serde_json::from_str(&serde_json::to_string(&other).unwrap()).unwrap();
        one.merge(&sent);
        assert_eq!(one.report(), all.report());
        assert_eq!(one.count(), 20_000);
    }

    #[test]
    fn what_is_longer_than_ten_minutes_is_kept_as_that() {
        let mut samples = Samples::new().unwrap();
        samples.note(u64::MAX);
        samples.note(0);
        assert_eq!(samples.count(), 2);
        assert!(samples.max_millis() >= 600_000.0);
    }
}
