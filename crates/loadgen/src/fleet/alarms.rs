//! When what is due, by the clock of the machine.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Alarm {
    /// To cut the client's connection off.
    Cut,
    /// To try to come back, unless the client has begun to since then.
    Return,
    /// To give an attempt up that has not come to its end.
    GiveUp,
}

/// Alarms of clients. At most a cut, a return and a give-up of each life wait for a client, so that the heap is
/// bounded by the clients and their returns within one patience.
#[derive(Debug, Default)]
pub(super) struct Alarms(BinaryHeap<Reverse<(u64, usize, u32, Alarm)>>);

impl Alarms {
    /// Sets an alarm for a client's connection with the number `life`.
    pub(super) fn set(&mut self, at: u64, client: usize, life: u32, alarm: Alarm) {
        self.0.push(Reverse((at, client, life, alarm)));
    }

    /// The next that is due: the client, its life then, and what.
    pub(super) fn due(&mut self, now: u64) -> Option<(usize, u32, Alarm)> {
        let Reverse((at, client, life, alarm)) = *self.0.peek()?;
        if at > now {
            return None;
        }
        self.0.pop();
        Some((client, life, alarm))
    }

    /// How long until the next.
    pub(super) fn next_in(&self, now: u64) -> Option<Duration> {
        let Reverse((at, ..)) = self.0.peek()?;
        Some(Duration::from_micros(at.saturating_sub(now)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alarms_are_due_in_their_order_and_not_before() {
        let mut alarms = Alarms::default();
        alarms.set(30, 1, 1, Alarm::GiveUp);
        alarms.set(10, 2, 5, Alarm::Cut);
        alarms.set(20, 3, 1, Alarm::Return);
        assert_eq!(alarms.next_in(4), Some(Duration::from_micros(6)));
        assert_eq!(alarms.due(9), None);
        assert_eq!(alarms.due(25), Some((2, 5, Alarm::Cut)));
        assert_eq!(alarms.due(25), Some((3, 1, Alarm::Return)));
        assert_eq!(alarms.due(25), None);
        assert_eq!(alarms.next_in(40), Some(Duration::ZERO));
    }
}
