//! How often each of many may do something: GCRA (ITU-T I.371, the virtual scheduling algorithm), which needs one time for
//! each that did it lately, and none for the others.

use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

use dashmap::DashMap;

/// Addresses that are remembered before those that are as good as new are forgotten.
const MANY: usize = 100_000;

/// Rates by address. Of IPv6 the first 64 bits count: the others are the client's own choice (RFC 4291 §2.5.4).
#[derive(Debug)]
pub(super) struct Rates {
    per_minute: u32,
    began: Instant,
    /// For each address the time at which it would be as good as new, since `began`.
    due: DashMap<IpAddr, Duration>,
}

impl Rates {
    /// So many a minute, all of them at once if need be; zero is no limit.
    pub(super) fn new(per_minute: u32) -> Self {
        Self {
            per_minute,
            began: Instant::now(),
            due: DashMap::new(),
        }
    }

    pub(super) fn per_minute(&self) -> u32 {
        self.per_minute
    }

    /// Whether an address may do it, or the time it has to wait; without counting.
    pub(super) fn check(&self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        if self.per_minute == 0 {
            return Ok(());
        }
        let now = now.saturating_duration_since(self.began);
        let due = self.due.get(&network(address)).map_or(now, |due| *due);
        self.judge(due.max(now), now).map(drop)
    }

    /// The same, counted if it may.
    pub(super) fn take(&self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        if self.per_minute == 0 {
            return Ok(());
        }
        let now = now.saturating_duration_since(self.began);
        if self.due.len() >= MANY {
            self.due.retain(|_, due| *due > now);
        }
        let mut due = self.due.entry(network(address)).or_insert(now);
        *due = self.judge((*due).max(now), now)?;
        Ok(())
    }

    fn judge(&self, due: Duration, now: Duration) -> Result<Duration, Duration> {
        let minute = Duration::from_secs(60);
        let next = due + minute / self.per_minute;
        match next.checked_sub(now + minute) {
            Some(early) if !early.is_zero() => Err(early),
            _ => Ok(next),
        }
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minutes_worth_at_once_and_then_the_rate() {
        let rates = Rates::new(60);
        let (address, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let start = Instant::now();
        for _ in 0..60 {
            assert_eq!(rates.take(address, start), Ok(()));
        }
        let wait = rates.take(address, start).unwrap_err();
        assert!(wait <= Duration::from_secs(1) && !wait.is_zero(), "{wait:?}");
        assert_eq!(rates.check(address, start).map_err(drop), Err(()));
        assert_eq!(rates.take(other, start), Ok(()));
        let later = start + Duration::from_millis(1001);
        assert_eq!(
            (rates.check(address, later), rates.take(address, later)),
            (Ok(()), Ok(()))
        );
        assert!(rates.take(address, later).is_err());
        assert_eq!(Rates::new(0).take(address, start), Ok(()), "no limit");
    }

    #[test]
    fn an_ipv6_network_is_one_address() {
        let rates = Rates::new(1);
        let now = Instant::now();
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        assert!(rates.take(address("2001:db8::1"), now).is_ok());
        assert!(rates.take(address("2001:db8::ffff:2"), now).is_err());
        assert!(rates.take(address("2001:db8:0:1::1"), now).is_ok());
        assert!(rates.take(address("::ffff:192.0.2.1"), now).is_ok());
        assert!(rates.take(address("192.0.2.1"), now).is_err());
    }
}
