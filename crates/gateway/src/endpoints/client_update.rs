//! `client.update`: what the client is, and whether its user looks at it. All nodes hear of it soon; of several
//! changes within a second, of the last.

use hallway_protocol::endpoint::ClientUpdate;
use hallway_protocol::{Error, limits};
use serde_json::json;

use super::{Answer, Caller};
use crate::node::Node;

pub(super) fn handle(node: &Node, caller: &Caller, args: &ClientUpdate) -> Answer {
    if let Some(device) = &args.device {
        if device.len() > limits::DEVICE_LEN {
            return Answer::Now(Err(Error::bad_args("device", "device has at most 200 bytes")));
        }
        caller.socket.set_device(device);
    }
    if let Some(active) = args.is_active {
        caller.socket.set_active(active);
    }
    node.people.changed(&caller.socket);
    Answer::now(Ok(json!({})))
}
