//! Looks at what time has changed, of this node's people and of those whose node died: a grace that is over, sockets that
//! nobody keeps. Every node looks; each thing is in the hands of one.

use std::sync::Arc;
use std::time::Duration;

use hallway_bus::presence::TermsOf;

use super::{People, terms_of};

/// Between two looks, at most.
const LOOK: Duration = Duration::from_secs(1);

impl People {
    /// Runs until it is dropped.
    pub(super) async fn sweep(&self) {
        let mut tick = tokio::time::interval((self.terms.grace / 5).clamp(Duration::from_millis(50), LOOK));
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let kinds = self.kinds.clone();
        let terms_of: TermsOf = Arc::new(move |room| terms_of(&kinds, room));
        loop {
            tick.tick().await;
            loop {
                match self.log.sweep(self.terms, Arc::clone(&terms_of)).await {
                    Ok(swept) => {
                        self.follow(swept.people);
                        self.follow_rooms(swept.rooms);
                        if !swept.has_more {
                            break;
                        }
                    }
                    Err(why) => {
                        tracing::debug!(%why, "nobody could be looked at");
                        break;
                    }
                }
            }
        }
    }
}
