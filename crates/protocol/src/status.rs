//! What a user shows of themselves, over all their sockets.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::catalogue::catalogue;

catalogue! {
    /// What a user shows of themselves.
    pub enum Status: &'static str {
        /// There, as far as anyone knows.
        Online = "ONLINE",
        /// There, and away from it.
        Idle = "IDLE",
        /// There, and not to be disturbed.
        Dnd = "DND",
        /// Not there; or there and not to be seen, if it was chosen.
        Offline = "OFFLINE",
    }
}

impl Status {
    /// Reads a status from any text.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|status| status.wire() == text)
    }
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.wire())
    }
}

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
        Self::read(&text).ok_or_else(|| D::Error::custom("status is ONLINE, IDLE, DND or OFFLINE"))
    }
}
