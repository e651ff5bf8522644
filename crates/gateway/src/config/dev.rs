//! Dev mode: a node on one's own machine that needs nothing to be set.

use hallway_settings::{Input, Preset, load, settings};

use super::store;

/// The secret of dev mode. It is public, and says so.
pub const DEV_SECRET: &str = "hallway-dev-secret-known-to-everybody";

/// The API key of dev mode.
pub const DEV_API_KEY: &str = "dev";

/// What is preferred over the defaults. Both listeners are on loopback: whoever else reaches a node with a
/// well-known secret is everyone. And nothing is left behind.
const PRESETS: [(&str, &str); 5] = [
    ("listen", "127.0.0.1:8080"),
    ("internal_listen", "127.0.0.1:9000"),
    ("auth.jwt_secret", DEV_SECRET),
    ("api.keys", DEV_API_KEY),
    ("store.path", store::IN_MEMORY),
];

settings! {
    /// The one setting that decides about the others.
    struct Switch {
        /// Whether dev mode is on.
        dev: bool = false;
    }
}

/// Puts the presets of dev mode below everything that is given, if it is on.
pub(super) fn apply(input: &mut Input) {
    if is_on(input) {
        input.presets = PRESETS
            .iter()
            .map(|(key, value)| Preset {
                key,
                value: (*value).to_owned(),
                mode: "dev mode",
            })
            .collect();
    }
}

/// Reads the switch alone. If it cannot be read, loading all settings says why.
fn is_on(input: &Input) -> bool {
    let file = input.file.as_ref().and_then(|(path, text)| {
        let table: toml::Table = text.parse().ok()?;
        let dev = table.get("dev")?.as_bool()?;
        Some((path.clone(), format!("dev = {dev}")))
    });
    let own = Input {
        file,
        variables: input
            .variables
            .iter()
            .filter(|(name, _)| name == "HALLWAY_DEV")
            .cloned()
            .collect(),
        flags: input.flags.iter().filter(|(key, _)| key == "dev").cloned().collect(),
        ..Input::default()
    };
    load::<Switch>(&own).is_ok_and(|loaded| loaded.config.dev)
}
