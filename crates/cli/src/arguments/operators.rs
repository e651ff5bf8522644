//! The commands for who runs a cluster.

use clap::{Arg, Command};

use super::{place, switch, text, with_api};

pub(super) fn commands() -> [Command; 7] {
    [nodes(), drain(), rebalance(), rooms(), who(), kick(), stats()]
        .map(|command| with_api(command.arg(switch("json", "Print JSON, for scripts"))))
}

fn nodes() -> Command {
    Command::new("nodes").about("List the live nodes")
}

fn over() -> Arg {
    text(
        "over",
        "DURATION",
        "Over how long, up to 1h; longer where the other nodes could not take them",
    )
}

fn drain() -> Command {
    Command::new("drain")
        .about("Send a node's clients to the others, and leave it up")
        .arg(place("node", "NODE", "The node (default: the one whose internal listener is asked)"))
        .arg(over())
        .arg(text("reason", "TEXT", "What clients are told, at most 123 bytes"))
        .arg(switch("wait", "End when the node is empty"))
        .arg(switch("undo", "Take clients again").conflicts_with_all(["over", "reason", "wait"]))
        .after_help("As Kubernetes' preStop: hallway drain --over 60s --wait, with a grace time above that and shutdown.deadline.")
}

fn rebalance() -> Command {
    Command::new("rebalance")
        .about("Have nodes above the mean send away what they have above it, after a scale-up")
        .arg(text(
            "tolerance",
            "SHARE",
            "How far above the mean a node may stay: 5% (the default) or 0.05",
        ))
        .arg(over())
        .arg(switch("dry-run", "Only say what would be done"))
}

fn rooms() -> Command {
    Command::new("rooms")
        .about("List the greatest rooms of all nodes")
        .arg(
            text("sort", "BY", "The greatest by sockets or by traffic")
                .value_parser(["sockets", "traffic"])
                .default_value("sockets"),
        )
        .arg(text("limit", "COUNT", "At most so many, up to 100").default_value("20"))
        .arg(text(
            "kind",
            "KIND",
            "Of this kind only (default: all but those that nodes join themselves)",
        ))
        .arg(text(
            "window",
            "DURATION",
            "For how long broadcasts are counted, up to 5s (default: 1s)",
        ))
}

fn who() -> Command {
    Command::new("who")
        .about("Say who is in a room, or where a user is")
        .arg(place("room", "ROOM", "The room"))
        .arg(text("user", "ID", "The user").conflicts_with("room"))
}

fn kick() -> Command {
    Command::new("kick")
        .about("Close a user's sockets or one client's, or take a user out of a room")
        .arg(text("user", "ID", "The user"))
        .arg(text("client", "ID", "One connection").conflicts_with("user"))
        .arg(text("room", "ROOM", "Take the user out of this room only").requires("user"))
        .arg(
            switch("revoke", "Also refuse the user's tokens of before now")
                .requires("user")
                .conflicts_with("room"),
        )
        .arg(text("reason", "TEXT", "What the close frame says, at most 123 bytes").conflicts_with("room"))
}

fn stats() -> Command {
    Command::new("stats").about("Show how the nodes do").arg(text(
        "every",
        "DURATION",
        "Show it again each time this has passed (default: once, over a second)",
    ))
}
