//! The 16,384 slots of a cluster. What is in no cluster has one owner for all of them.

/// How many there are.
pub(super) const SLOTS: usize = 16_384;

/// The slot of a channel, and of the keys that carry it as their hash tag.
pub(super) fn of(channel: &str) -> u16 {
    fred::util::redis_keyslot(channel.as_bytes())
}

/// A name that begins with this and whose slot is one of those; nothing if there are none.
pub(super) fn name_within(begin: &str, has: impl Fn(u16) -> bool) -> Option<String> {
    // A single slot is met within so many tries but for one in a million.
    (0..SLOTS * 14)
        .map(|number| format!("{begin}-{number}"))
        .find(|name| has(of(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_in_its_channels_slot() {
        // The value that Redis's own documentation gives for CRC16 (123456789 is 0x31C3).
        assert_eq!(of("123456789"), 0x31C3);
        assert_eq!(of("dev:board-1"), of("{dev:board-1}:h"));
    }

    #[test]
    fn every_slot_can_be_named() {
        let name = name_within("dev:#probe", |slot| slot == 16_383).unwrap();
        assert_eq!(of(&name), 16_383);
        assert_eq!(name_within("x", |_| false), None);
    }
}
