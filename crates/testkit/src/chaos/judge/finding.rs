//! What can be wrong, with all that is needed to look for the cause.

use std::fmt;
use std::time::Duration;

use hallway_client::{Cause, ResumeFrom};

/// Something wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The client, counted from 0; none where it concerns the room as such.
    pub client: Option<usize>,
    /// The room.
    pub room: String,
    /// When, counted from the beginning of the run; the end where it shows at the end.
    pub at: Option<Duration>,
    /// What.
    pub what: What,
    /// What the client noted of the room just before, the oldest first.
    pub before: Vec<String>,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "positions and publishes, named as the text below names them")]
pub enum What {
    /// Numbers were passed over, and nobody said so.
    Lost {
        after: Option<ResumeFrom>,
        came: ResumeFrom,
    },
    /// Another epoch, and nobody said so.
    OtherEpoch { after: ResumeFrom, came: ResumeFrom },
    /// A number that was heard before, or one that goes back.
    Double {
        after: Option<ResumeFrom>,
        came: Option<ResumeFrom>,
    },
    /// A broadcast without a number, in a room that numbers.
    Unnumbered { id: Option<usize> },
    /// The payload is not what was published.
    Mangled { came: ResumeFrom, id: Option<usize> },
    /// Something else was acknowledged, or heard by others, under this number.
    OtherPayload {
        came: ResumeFrom,
        id: usize,
        expected: usize,
    },
    /// It was acknowledged under another number.
    OtherNumber {
        came: ResumeFrom,
        id: usize,
        acknowledged: ResumeFrom,
    },
    /// It was heard before, under another number.
    HeardTwice {
        came: ResumeFrom,
        id: usize,
        first: ResumeFrom,
    },
    /// It was never published in this room, or refused for certain.
    NeverPublished { came: ResumeFrom, id: usize },
    /// The end was not heard.
    Missing {
        heard: Option<ResumeFrom>,
        marker: ResumeFrom,
    },
    /// A gap was told that should have been mended.
    NeedlessGap {
        cause: Cause,
        after: Option<ResumeFrom>,
        to: Option<ResumeFrom>,
    },
    /// The client was not let in, or not any more.
    Refused { why: String },
    /// Two publishes were acknowledged under one number.
    GivenTwice {
        at: ResumeFrom,
        first: usize,
        second: usize,
    },
}

impl Finding {
    pub(super) fn of_room(room: &str, at: Duration, what: What) -> Self {
        Self {
            client: None,
            room: room.to_owned(),
            at: Some(at),
            what,
            before: Vec::new(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Some(at) => write!(f, "{:.3}s ", at.as_secs_f64())?,
            None => f.write_str("at the end ")?,
        }
        if let Some(client) = self.client {
            write!(f, "client {client} ")?;
        }
        write!(f, "{}: {:?}", self.room, self.what)
    }
}
