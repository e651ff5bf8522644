//! Where a page of messages begins, and how the next one is asked for.

use hallway_protocol::Error;
use hallway_store::{Message, MessageId, Range};

/// Tells the place of a change from that of a message. Clients are told only that a cursor is a text.
const OF_CHANGES: &str = "c.";

/// Which messages are asked for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Place<'a> {
    /// What comes after it.
    pub(crate) after: Option<&'a str>,
    /// What comes before it.
    pub(crate) before: Option<&'a str>,
    /// What was stored or changed since, in Unix milliseconds.
    pub(crate) since: Option<u64>,
}

impl Place<'_> {
    /// What is to be read.
    ///
    /// # Errors
    /// `bad-args`: two places, or one that is none.
    pub(super) fn range(&self) -> Result<Range, Error> {
        let id = |field, text: &str| {
            let wrong = || Error::bad_args(field, format!("{field} is a cursor or a message's id"));
            MessageId::parse(text).ok_or_else(wrong)
        };
        match (self.after, self.before, self.since) {
            (None, None, None) => Ok(Range::Newest),
            (Some(after), None, None) => match after.strip_prefix(OF_CHANGES) {
                Some(revision) => id("after", revision).map(Range::ChangedAfter),
                None => id("after", after).map(Range::After),
            },
            (None, Some(before), None) => id("before", before).map(Range::Before),
            (None, None, Some(since)) => Ok(Range::Since(i64::try_from(since).unwrap_or(i64::MAX))),
            _ => Err(Error::bad_args("after", "one of after, before and since")),
        }
    }
}

/// The cursor that goes on behind a message of a page.
pub(super) fn behind(range: Range, message: &Message) -> String {
    match range {
        Range::Newest | Range::Before(_) | Range::After(_) => message.id.to_string(),
        Range::Since(_) | Range::ChangedAfter(_) => format!("{OF_CHANGES}{}", message.revision),
    }
}

/// Whether pages go on towards older messages.
pub(super) fn goes_back(range: Range) -> bool {
    matches!(range, Range::Newest | Range::Before(_))
}
