//! `ping`: the server's time, and a sign of life.

use serde::Serialize;

use super::Answer;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pong {
    server_time: u64,
}

pub(super) fn handle() -> Answer {
    Answer::now(Ok(Pong {
        server_time: crate::clock::unix_ms(),
    }))
}
