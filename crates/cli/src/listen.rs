//! `hallway listen`: joins rooms and prints their broadcasts, through reconnects.

mod pace;
mod rooms;
mod session;

use std::time::Duration;

use clap::ArgMatches;
use hallway_auth::{Grant, RoomPattern};
use hallway_client::Options;
use hallway_gateway::config::Config;
use hallway_protocol::RoomName;

use crate::failure::Failure;
use crate::{api, input, output, token};

use pace::Pace;
use rooms::Rooms;
use session::Ended;

/// How long a token that is made here is good.
const TOKEN_LIFE: Duration = Duration::from_secs(86_400);

pub(crate) fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let config = input::load(matches)?.config;
    let rooms = rooms(matches)?;
    let url = match matches.get_one::<String>("url") {
        Some(url) => url.clone(),
        None => {
            let scheme = if config.tls.cert.is_empty() { "ws" } else { "wss" };
            format!("{scheme}://{}/ws", api::reachable(config.listen))
        }
    };
    let mut options = Options::new(url);
    options.authorities = matches.get_one::<String>("ca").map(Into::into);
    options.token = shown_token(matches, &config, &rooms)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::failed(format!("cannot start the runtime: {error}")))?;
    runtime.block_on(listen(options, Rooms::new(&rooms, matches.get_flag("json"))))
}

/// One connection after the other. The first has to work: a mistake in the address should not look like an
/// outage.
async fn listen(options: Options, mut rooms: Rooms) -> Result<(), Failure> {
    let mut pace = Pace::new();
    let mut was_connected = false;
    loop {
        match session::run(options.clone(), &mut rooms, &mut pace).await? {
            Ended::ForGood(why) => return Err(Failure::failed(why)),
            Ended::NeverBegan(why) if !was_connected => return Err(Failure::failed(why)),
            Ended::NeverBegan(why) => output::note(&why),
            Ended::ComeBack(why) => {
                was_connected = true;
                output::note(&why);
            }
        }
        tokio::time::sleep(pace.next_wait()).await;
    }
}

fn rooms(matches: &ArgMatches) -> Result<Vec<RoomName>, Failure> {
    let given = matches.get_many::<String>("room").unwrap_or_default();
    let parse =
        |text: &String| RoomName::parse(text).map_err(|why| Failure::usage(format!("ROOM {text:?} is refused: {why}")));
    given.map(parse).collect()
}

/// The token of `--token`, or one for these rooms if there is a secret to sign it with, or none.
fn shown_token(matches: &ArgMatches, config: &Config, rooms: &[RoomName]) -> Result<Option<String>, Failure> {
    if let Some(token) = matches.get_one::<String>("token") {
        return Ok(Some(token.clone()));
    }
    let grant = Grant {
        user: token::user(matches)?,
        name: None,
        rooms: rooms.iter().cloned().map(RoomPattern::Name).collect(),
        issued_at: token::unix_millis(),
        life: TOKEN_LIFE,
    };
    Ok(config.auth.verifier().map_err(Failure::usage)?.mint(&grant))
}
