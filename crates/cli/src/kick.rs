//! `hallway kick`: closes a user's sockets or one client's, or takes a user out of a room, on every node.

use clap::ArgMatches;
use http::Method;
use serde_json::json;

use crate::api::Api;
use crate::failure::Failure;
use crate::{input, output};

pub(crate) fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let config = input::load(matches)?.config;
    let api = Api::of(matches, &config)?;
    let (user, room) = (input::user(matches)?, input::room(matches, "room")?);
    let client = matches.get_one::<String>("client");
    let (answer, words) = match (user, client, room) {
        (Some(user), None, Some(room)) => {
            let path = format!("/api/v1/rooms/{room}/users/{user}");
            let answer = api.call(Method::DELETE, &path, String::new())?;
            (answer, format!("{user} is out of {room}"))
        }
        (user, client, None) if user.is_some() != client.is_some() => {
            let mut order = json!({});
            if let Some(user) = &user {
                order["userId"] = json!(user);
            }
            if let Some(client) = client {
                order["clientId"] = json!(client);
            }
            if matches.get_flag("revoke") {
                order["revoke"] = json!(true);
            }
            if let Some(reason) = matches.get_one::<String>("reason") {
                order["reason"] = json!(reason);
            }
            let answer = api.post("/api/v1/disconnect", &order)?;
            let whom = user.map_or_else(|| client.cloned().unwrap_or_default(), |user| user.to_string());
            (answer, format!("{whom} is disconnected"))
        }
        _ => return Err(Failure::usage("whom? Either --user or --client; or --room with --user")),
    };
    if matches.get_flag("json") {
        return output::line(&answer.to_string());
    }
    output::line(&words)
}
