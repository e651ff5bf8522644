//! Chance that a run can repeat: SplitMix64 (Steele, Lea and Flood, 2014) from a seed.

use std::time::Duration;

/// Numbers that look random. The same seed gives the same ones; good for spreading, not for secrets.
#[derive(Debug, Clone)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 for 0.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        // The high half of the product is below `end`, so it always fits.
        ((u128::from(self.next()) * u128::from(end)) >> 64) as u64
    }

    /// A time up to `most`, in whole microseconds.
    pub(crate) fn up_to(&mut self, most: Duration) -> Duration {
        Duration::from_micros(self.below(u64::try_from(most.as_micros()).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_and_spreads_over_the_whole_range() {
        let numbers = |seed| {
            let mut chance = Chance::new(seed);
            (0..1000).map(|_| chance.below(10)).collect::<Vec<_>>()
        };
        assert_eq!(numbers(7), numbers(7));
        assert_ne!(numbers(7), numbers(8));
        for number in 0..10 {
            let count = numbers(7).iter().filter(|drawn| **drawn == number).count();
            assert!((50..200).contains(&count), "{number}: {count}");
        }
        assert_eq!(Chance::new(1).below(0), 0);
    }
}
