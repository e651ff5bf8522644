//! `hallway who`: who is in a room, or where a user is.

use clap::ArgMatches;
use serde_json::Value;

use crate::answer::{count, list, text};
use crate::api::Api;
use crate::failure::Failure;
use crate::table::Table;
use crate::{input, output};

pub(crate) fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let config = input::load(matches)?.config;
    let room = input::room(matches, "room")?;
    let path = match (&room, input::user(matches)?) {
        (Some(room), _) => format!("/api/v1/rooms/{room}"),
        (None, Some(user)) => format!("/api/v1/users/{user}"),
        (None, None) => return Err(Failure::usage("whom? Name a ROOM, or a user with --user")),
    };
    let answer = Api::of(matches, &config)?.get(&path)?;
    if matches.get_flag("json") {
        return output::line(&answer.to_string());
    }
    let (summary, table) = if room.is_some() {
        in_room(&answer)
    } else {
        of_user(&answer)
    };
    output::line(&summary)?;
    output::lines(&table.map_or_else(Vec::new, |table| table.lines()))
}

fn in_room(answer: &Value) -> (String, Option<Table>) {
    let (users, sockets) = (count(answer, "userCount"), count(answer, "socketCount"));
    let summary = format!("{}: {users} users, {sockets} sockets", text(answer, "room"));
    let mut table = Table::new(["USER", "STATUS", "SOCKETS"]);
    let mut is_empty = true;
    for user in list(answer, "users") {
        is_empty = false;
        table.row([text(user, "userId"), text(user, "status"), count(user, "sockets")]);
    }
    match (is_empty, users.as_str()) {
        (true, "0") => (summary, None),
        (true, _) => (summary + " (rooms of this kind show no one)", None),
        (false, _) => (summary, Some(table)),
    }
}

fn of_user(answer: &Value) -> (String, Option<Table>) {
    let summary = format!("{}: {}", text(answer, "userId"), text(answer, "status"));
    let mut table = Table::new(["CLIENT", "NODE", "ACTIVE", "DEVICE"]);
    let mut is_empty = true;
    for socket in list(answer, "sockets") {
        is_empty = false;
        let is_active = socket["isActive"].as_bool();
        let active = is_active.map_or("-", |is_active| if is_active { "yes" } else { "no" });
        table.row([
            text(socket, "clientId"),
            text(socket, "node"),
            active.to_owned(),
            text(socket, "device"),
        ]);
    }
    (summary, (!is_empty).then_some(table))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn people_are_rows() {
        let room = json!({"room": "board-1", "userCount": 1, "socketCount": 2,
            "users": [{"userId": "alice", "status": "ONLINE", "sockets": 2}]});
        let (summary, table) = in_room(&room);
        assert_eq!(summary, "board-1: 1 users, 2 sockets");
        assert_eq!(
            table.unwrap().lines(),
            ["USER   STATUS  SOCKETS", "alice  ONLINE        2"]
        );
        let hidden = json!({"room": "presence-a", "userCount": 3, "socketCount": 3, "users": []});
        assert!(in_room(&hidden).0.ends_with("show no one)"));
        let user = json!({"userId": "alice", "status": "ONLINE",
            "sockets": [{"clientId": "c1", "node": "a", "isActive": true}]});
        assert_eq!(
            of_user(&user).1.unwrap().lines(),
            ["CLIENT  NODE  ACTIVE  DEVICE", "c1      a     yes     -"]
        );
        assert!(
            of_user(&json!({"userId": "bob", "status": "OFFLINE", "sockets": []}))
                .1
                .is_none()
        );
    }
}
