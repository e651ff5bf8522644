//! What one address may do on this node.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;

use super::rates::Rates;
use crate::config;

/// Connections by address.
#[derive(Debug, Clone)]
pub struct Addresses {
    counts: Arc<DashMap<IpAddr, u32>>,
    most: u32,
    handshakes: Arc<Rates>,
    failures: Arc<Rates>,
    open: Arc<AtomicUsize>,
}

/// One connection's share, given back when dropped.
#[derive(Debug)]
pub struct AddressPermit {
    addresses: Addresses,
    address: IpAddr,
}

impl Addresses {
    /// With nobody counted. `open` counts the connections of all of them.
    #[must_use]
    pub fn new(limits: &config::Limits, open: Arc<AtomicUsize>) -> Self {
        Self {
            counts: Arc::default(),
            most: limits.sockets_per_address,
            handshakes: Arc::new(Rates::new(limits.handshakes_per_address)),
            failures: Arc::new(Rates::new(limits.failed_logins)),
            open,
        }
    }

    /// The same counts of connections with other limits. Rates that are other now begin anew.
    #[must_use]
    pub fn with(&self, limits: &config::Limits) -> Self {
        let renewed = |rates: &Arc<Rates>, per_minute| match rates.per_minute() == per_minute {
            true => Arc::clone(rates),
            false => Arc::new(Rates::new(per_minute)),
        };
        Self {
            counts: Arc::clone(&self.counts),
            most: limits.sockets_per_address,
            handshakes: renewed(&self.handshakes, limits.handshakes_per_address),
            failures: renewed(&self.failures, limits.failed_logins),
            open: Arc::clone(&self.open),
        }
    }

    /// Counts a handshake. The time to wait if there were too many, or too many failed logins.
    ///
    /// # Errors
    /// The time after which the next may come.
    pub fn knock(&self, address: IpAddr) -> Result<(), Duration> {
        let now = Instant::now();
        self.failures.check(address, now)?;
        self.handshakes.take(address, now)
    }

    /// Counts credentials that were refused. False if there were too many.
    pub fn failed(&self, address: IpAddr) -> bool {
        self.failures.take(address, Instant::now()).is_ok()
    }

    /// A share for one more connection, or nothing if the address has all that it may.
    #[must_use]
    pub fn enter(&self, address: IpAddr) -> Option<AddressPermit> {
        // IPv4 written as IPv6 is the same address.
        let address = address.to_canonical();
        let mut count = self.counts.entry(address).or_insert(0);
        if self.most > 0 && *count >= self.most {
            return None;
        }
        *count += 1;
        self.open.fetch_add(1, Ordering::Relaxed);
        Some(AddressPermit {
            addresses: self.clone(),
            address,
        })
    }
}

impl AddressPermit {
    /// Whose share it is.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// Counts credentials that were refused. False if there were too many.
    pub fn failed_login(&self) -> bool {
        self.addresses.failed(self.address)
    }
}

impl Drop for AddressPermit {
    fn drop(&mut self) {
        self.addresses.open.fetch_sub(1, Ordering::Relaxed);
        if let Entry::Occupied(mut entry) = self.addresses.counts.entry(self.address) {
            *entry.get_mut() -= 1;
            if *entry.get() == 0 {
                entry.remove();
            }
        }
    }
}
