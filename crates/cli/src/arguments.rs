//! The command line. Settings come from their declarations; only what is no setting is declared here.

use clap::{Arg, ArgAction, Command};
use hallway_gateway::config::Config;
use hallway_settings::{Declaration, flags};

/// All of it.
pub(crate) fn command() -> Command {
    Command::new("hallway")
        .about("A WebSocket gateway: rooms for clients, an HTTP API for backends, as many nodes as it takes")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(serve())
        .subcommand(token())
        .subcommand(publish())
        .subcommand(nodes())
        .subcommand(listen())
        .subcommand(health())
        .subcommand(config())
        .subcommand(metrics())
}

fn serve() -> Command {
    with_settings(Command::new("serve").about("Run a node"), |_| true).after_help(
        "The first SIGTERM or SIGINT drains the node, the second ends it at once. SIGHUP has it read its configuration and \
         certificates again. A configuration that makes no \
         sense ends it with exit code 64 before anything is opened.",
    )
}

fn token() -> Command {
    let command = Command::new("token")
        .about("Make a token for a user, signed with the configured secret")
        .arg(text("user", "ID", "The user (`sub`)").required(true))
        .arg(text("name", "NAME", "What others see as the user's name"))
        .arg(
            text(
                "room",
                "PATTERN",
                "A room that the token opens, or all that begin alike: board-*",
            )
            .action(ArgAction::Append),
        )
        .arg(text("ttl", "DURATION", "How long it is good").default_value("1h"));
    let keep = ["dev", "auth.jwt_secret", "auth.jwt_audience", "auth.jwt_issuer"];
    with_settings(command, |setting| keep.contains(&setting.key.as_str()))
        .mut_arg("auth.jwt_secret", |arg| arg.visible_alias("secret"))
}

fn publish() -> Command {
    let command = Command::new("publish")
        .about("Publish to a room, as a backend does")
        .arg(place("room", "ROOM", "The room").required(true))
        .arg(place("destination", "DESTINATION", "The event's name").required(true))
        .arg(
            place(
                "data",
                "DATA",
                "The event's data in JSON, or - to read it from standard input",
            )
            .default_value("{}"),
        );
    with_api(command)
}

fn nodes() -> Command {
    with_api(
        Command::new("nodes")
            .about("List the live nodes")
            .arg(switch("json", "Print the API's answer")),
    )
}

fn listen() -> Command {
    let command = Command::new("listen")
        .about("Join rooms and print their broadcasts, a line each")
        .arg(authority())
        .arg(place("room", "ROOM", "A room").required(true).num_args(1..))
        .arg(text(
            "url",
            "URL",
            "The node, such as ws://127.0.0.1:8080/ws (default: the configured public listener)",
        ))
        .arg(text(
            "token",
            "TOKEN",
            "The token to show (default: one made with the configured secret for --user)",
        ))
        .arg(text("user", "ID", "The user to make a token for").default_value("cli"))
        .arg(switch("json", "Print whole frames"));
    let keep = [
        "dev",
        "listen",
        "tls.cert",
        "auth.jwt_secret",
        "auth.jwt_audience",
        "auth.jwt_issuer",
    ];
    with_settings(command, |setting| keep.contains(&setting.key.as_str()))
}

fn health() -> Command {
    let command = Command::new("health")
        .about("Say whether a node is ready, by its /readyz: a container's health check")
        .after_help("Exit code 0: ready. 1: not ready, or not reached within 3 s. 64: the command line makes no sense.")
        .arg(authority())
        .arg(text(
            "api",
            "URL",
            "A node's internal listener (default: the configured one)",
        ))
        .arg(switch("alive", "Ask /healthz instead: whether the process answers"));
    with_settings(command, |setting| {
        ["dev", "internal_listen", "internal_tls.cert"].contains(&setting.key.as_str())
    })
}

fn config() -> Command {
    let print = Command::new("print").about("Print the configuration in force, and where each value comes from");
    let check = Command::new("check").about("Say whether a node could run with the configuration");
    Command::new("config")
        .about("Look at the configuration")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(with_settings(print, |_| true))
        .subcommand(with_settings(check, |_| true))
        .subcommand(Command::new("docs").about("Print the reference of all settings, in Markdown"))
}

fn metrics() -> Command {
    Command::new("metrics")
        .about("Look at the metrics")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(Command::new("docs").about("Print the reference of all metrics, in Markdown"))
}

fn authority() -> Arg {
    text(
        "ca",
        "FILE",
        "For a node that speaks TLS: the PEM file with the authority of its certificate (default: the system's)",
    )
}

fn with_api(command: Command) -> Command {
    let command = command
        .arg(authority())
        .arg(text(
            "api",
            "URL",
            "A node's internal listener (default: the configured one)",
        ))
        .arg(text(
            "key",
            "KEY",
            "The API key to show (default: the first of the configured ones)",
        ));
    with_settings(command, |setting| {
        ["dev", "internal_listen", "internal_tls.cert", "api.keys"].contains(&setting.key.as_str())
    })
}

fn with_settings(command: Command, keep: impl Fn(&Declaration) -> bool) -> Command {
    command
        .arg(text(
            "config",
            "FILE",
            "The configuration file, in TOML [HALLWAY_CONFIG]",
        ))
        .args(flags::args::<Config>(keep))
}

fn text(name: &'static str, placeholder: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(placeholder).help(help)
}

fn place(name: &'static str, placeholder: &'static str, help: &'static str) -> Arg {
    Arg::new(name).value_name(placeholder).help(help)
}

fn switch(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_two_arguments_clash() {
        super::command().debug_assert();
    }
}
