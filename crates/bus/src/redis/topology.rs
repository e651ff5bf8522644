//! What the servers of a cluster say of who has which slot, and whom to believe.
//!
//! Servers learn of changes one after the other, so they contradict one another for a while. Whoever has a slot
//! claims it with an epoch (that of its configuration), which rises with each failover and each slot that is moved to
//! it: the greatest epoch counts, and what was learned once is not given up for an older claim.

use std::collections::HashMap;

use super::slots::SLOTS;

/// A primary, as one server sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Primary {
    /// Its name in the cluster, one of its kind.
    pub(super) id: String,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) epoch: u64,
    /// Its slots, from the first to the last.
    pub(super) slots: Vec<(u16, u16)>,
}

/// Reads the answer to `CLUSTER NODES` (<https://redis.io/docs/latest/commands/cluster-nodes/>): the primaries. `asked`
/// is the host that it comes from, which may not know its own address.
pub(super) fn read(text: &str, asked: &str) -> Vec<Primary> {
    text.lines().filter_map(|line| read_line(line, asked)).collect()
}

fn read_line(line: &str, asked: &str) -> Option<Primary> {
    let fields: Vec<&str> = line.split(' ').collect();
    let [id, address, flags, _, _, _, epoch, _, slots @ ..] = fields.as_slice() else {
        return None;
    };
    let is = |wanted| flags.split(',').any(|flag| flag == wanted);
    if !is("master") || is("noaddr") || is("handshake") {
        return None;
    }
    // <ip>:<port>@<port of the cluster's bus>[,<name>]
    let (address, name) = address.split_once(',').unwrap_or((address, ""));
    let (ip, port) = address.split('@').next()?.rsplit_once(':')?;
    let host = [name.split(',').next().unwrap_or_default(), ip, asked];
    let host = host.into_iter().find(|host| !host.is_empty())?;
    // In brackets: one that moves, which is said by who has it yet.
    let slots = slots.iter().filter(|slots| !slots.starts_with('['));
    let slots = slots.filter_map(|slots| {
        let (first, last) = slots.split_once('-').unwrap_or((slots, slots));
        let (first, last) = (first.parse().ok()?, last.parse().ok()?);
        (first <= last && usize::from(last) < SLOTS).then_some((first, last))
    });
    Some(Primary {
        id: (*id).to_owned(),
        host: host.to_owned(),
        port: port.parse().ok()?,
        epoch: epoch.parse().ok()?,
        slots: slots.collect(),
    })
}

/// What is believed.
#[derive(Default)]
pub(super) struct Topology {
    /// By slot: who claimed it, and with which epoch.
    claims: Vec<Option<(String, u64)>>,
    /// All primaries that were named last, by their names.
    pub(super) primaries: HashMap<String, Primary>,
}

impl Topology {
    /// Takes in what several servers said.
    pub(super) fn learn(&mut self, views: &[Vec<Primary>]) {
        self.claims.resize(SLOTS, None);
        self.primaries.clear();
        for primary in views.iter().flatten() {
            let known = self.primaries.entry(primary.id.clone());
            let known = known.or_insert_with(|| primary.clone());
            if known.epoch < primary.epoch {
                *known = primary.clone();
            }
        }
        // Whom nobody names any more claims nothing.
        for claim in &mut self.claims {
            if claim.as_ref().is_some_and(|(id, _)| !self.primaries.contains_key(id)) {
                *claim = None;
            }
        }
        for primary in views.iter().flatten() {
            for slot in primary.slots.iter().flat_map(|(first, last)| *first..=*last) {
                let claim = &mut self.claims[usize::from(slot)];
                if claim.as_ref().is_none_or(|(_, epoch)| *epoch < primary.epoch) {
                    *claim = Some((primary.id.clone(), primary.epoch));
                }
            }
        }
    }

    /// Who has a slot.
    pub(super) fn owner(&self, slot: usize) -> Option<&str> {
        self.claims.get(slot)?.as_ref().map(|(id, _)| id.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODES: &str = "\
07c37d 127.0.0.1:30004@31004,hostname4 slave e7d1ee 0 1426238317239 4 connected
67ed2d 127.0.0.1:30002@31002,hostname2 master - 0 1426238316232 2 connected 5461-10922
292f8b 127.0.0.1:30003@31003 master,fail - 0 1426238318243 3 connected 10923-16382 16383
e7d1ee :30001@31001 myself,master - 0 0 1 connected 0-5460 [5461->-67ed2d]
";

    fn claim(id: &str, epoch: u64, slots: (u16, u16)) -> Primary {
        Primary {
            id: id.into(),
            host: "h".into(),
            port: 1,
            epoch,
            slots: vec![slots],
        }
    }

    #[test]
    fn primaries_are_read() {
        let read = read(NODES, "10.0.0.9");
        let short: Vec<_> = read
            .iter()
            .map(|one| {
                (
                    one.id.as_str(),
                    one.host.as_str(),
                    one.port,
                    one.epoch,
                    one.slots.as_slice(),
                )
            })
            .collect();
        assert_eq!(
            short,
            [
                ("67ed2d", "hostname2", 30002, 2, &[(5461, 10922)][..]),
                ("292f8b", "127.0.0.1", 30003, 3, &[(10923, 16382), (16383, 16383)][..]),
                ("e7d1ee", "10.0.0.9", 30001, 1, &[(0, 5460)][..]),
            ]
        );
    }

    #[test]
    fn the_greatest_epoch_counts() {
        let mut topology = Topology::default();
        topology.learn(&[vec![claim("a", 1, (0, 16_383))]]);
        assert_eq!(topology.owner(7), Some("a"));
        // One server has learned that a slot has moved, the other not yet.
        let (new, old) = (claim("b", 2, (7, 7)), claim("a", 1, (0, 16_383)));
        topology.learn(&[vec![new.clone(), claim("a", 1, (8, 16_383))], vec![old.clone()]]);
        assert_eq!((topology.owner(7), topology.owner(8)), (Some("b"), Some("a")));
        topology.learn(&[vec![old, claim("b", 2, (1, 0))]]);
        assert_eq!(topology.owner(7), Some("b"));
        // It moves back, with a greater epoch.
        topology.learn(&[vec![claim("a", 3, (0, 16_383)), new]]);
        assert_eq!(topology.owner(7), Some("a"));
        // Who is gone from the cluster has nothing.
        topology.learn(&[vec![claim("b", 2, (0, 100))]]);
        assert_eq!((topology.owner(7), topology.owner(200)), (Some("b"), None));
    }
}
