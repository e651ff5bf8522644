//! `client.update`: what the client is, and whether its user looks at it.

use hallway_protocol::endpoint::ClientUpdate;
use hallway_protocol::{Error, limits};
use serde_json::json;

use super::{Answer, Caller};

pub(super) fn handle(caller: &Caller, args: &ClientUpdate) -> Answer {
    if let Some(device) = &args.device {
        if device.len() > limits::DEVICE_LEN {
            return Answer::Now(Err(Error::bad_args("device", "device has at most 200 bytes")));
        }
        caller.socket.set_device(device);
    }
    if let Some(active) = args.is_active {
        caller.socket.set_active(active);
    }
    Answer::now(Ok(json!({})))
}
