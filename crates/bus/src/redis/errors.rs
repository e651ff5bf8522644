//! What the client library and the server say went wrong, as errors of a bus.

use fred::error::{Error, ErrorKind};

use crate::BusError;

/// An error of the client library.
pub(super) fn from_fred(why: &Error) -> BusError {
    match why.kind() {
        ErrorKind::Timeout => BusError::Timeout,
        // The link ended, and with it whoever was to bring the answer: it may have been done.
        ErrorKind::Unknown if why.details() == "channel closed" => BusError::Interrupted,
        ErrorKind::IO | ErrorKind::Canceled | ErrorKind::Routing | ErrorKind::Protocol | ErrorKind::Parse => {
            BusError::Interrupted
        }
        _ => from_server(why.details()),
    }
}

/// An error that a server answered with.
pub(super) fn from_server(text: &str) -> BusError {
    let code = text.split(' ').next().unwrap_or_default();
    match code {
        "LOADING" => BusError::Unavailable("the server is loading"),
        "READONLY" | "MASTERDOWN" => BusError::Unavailable("the server is no primary"),
        "NOREPLICAS" => BusError::Unavailable("the server has too few replicas"),
        "MOVED" | "ASK" => BusError::Unavailable("its slot moves"),
        "CLUSTERDOWN" | "TRYAGAIN" => BusError::Unavailable("the cluster is down"),
        "BUSY" => BusError::Unavailable("the server is busy with a script"),
        _ => BusError::Rejected(text.to_owned()),
    }
}

/// Whether the server did nothing because another is to be asked, or this one soon again: its slot moves, or its
/// cluster is changing.
pub(super) fn is_elsewhere(why: &Error) -> bool {
    let code = why.details().split(' ').next().unwrap_or_default();
    matches!(code, "MOVED" | "ASK" | "TRYAGAIN" | "CLUSTERDOWN" | "READONLY")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_link_that_ends_says_nothing_of_what_was_done() {
        let (sender, answer) = tokio::sync::oneshot::channel::<()>();
        drop(sender);
        let gone = Error::from(answer.await.unwrap_err());
        assert_eq!(from_fred(&gone), BusError::Interrupted);
        let refused = Error::new(ErrorKind::Unknown, "NOPERM no");
        assert_eq!(from_fred(&refused), BusError::Rejected("NOPERM no".into()));
    }
}
