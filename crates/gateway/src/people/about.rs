//! What all nodes know of a socket.

use hallway_hub::Socket;
use serde::{Deserialize, Serialize};

use super::People;

/// What is known of a socket, as it stands on the bus.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct About {
    /// The node that holds it.
    pub node: String,
    /// What it says it is.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub device: Option<String>,
    /// Where it comes from.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub address: Option<String>,
    /// Since when, in Unix milliseconds.
    pub connected_at: u64,
    /// Whether its user looks at it.
    pub is_active: bool,
}

impl About {
    /// Reads it; what a node of another version wrote, as far as it can be read.
    #[must_use]
    pub fn read(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }
}

impl People {
    pub(super) fn about(&self, socket: &Socket) -> String {
        let known = self.known.get(&socket.id());
        let about = About {
            node: self.node.clone(),
            device: socket.device(),
            address: known.as_ref().and_then(|known| Some(known.address?.to_string())),
            connected_at: known.as_ref().map_or(0, |known| known.connected_at),
            is_active: socket.is_active(),
        };
        // Of text and numbers only, which always can be written.
        serde_json::to_string(&about).unwrap_or_default()
    }
}
