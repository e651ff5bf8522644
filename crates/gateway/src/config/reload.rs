//! What a running node takes over when its configuration is read again (`SIGHUP`), and what waits for a restart.

use hallway_settings::Loaded;

use super::Config;

/// Keys and sections (with a dot at the end) that a running node takes over.
const TAKEN_OVER: [&str; 5] = ["auth.", "api.", "limits.", "trusted_proxies", "proxy_protocol"];

/// What is among those and waits for a restart all the same: something was built for it.
const BUILT_IN: [&str; 11] = [
    "auth.revocation_life",
    "auth.expiry_warning",
    "auth.expiry_grace",
    "auth.jwks_url",
    "auth.jwks_ca",
    "auth.jwks_refresh",
    "auth.jwks_cooldown",
    "auth.jwks_timeout",
    "limits.handshakes",
    "limits.ping_interval",
    "limits.sockets_per_user",
];

/// Keys of the settings that differ from those the node was started with and count only after a restart.
#[must_use]
pub fn waiting_for_restart<'a>(started: &'a Loaded<Config>, later: &Loaded<Config>) -> Vec<&'a str> {
    let mut keys = started.differing(later);
    keys.retain(|key| !is_taken_over(key));
    keys
}

fn is_taken_over(key: &str) -> bool {
    let covers = |entry: &str| key == entry || (entry.ends_with('.') && key.starts_with(entry));
    TAKEN_OVER.iter().any(|entry| covers(entry)) && !BUILT_IN.contains(&key)
}

#[cfg(test)]
mod tests {
    use hallway_settings::Input;

    use super::*;
    use crate::config::load;

    fn loaded(text: &str) -> Loaded<Config> {
        load(Input {
            file: Some(("test.toml".into(), text.to_owned())),
            ..Input::default()
        })
        .unwrap()
    }

    #[test]
    fn what_was_built_for_a_value_waits_for_a_restart() {
        let started = loaded("[auth]\njwt_secret = 'a'\n[limits]\nhandshakes = 1");
        let later = loaded(
            "node = 'b'\n[auth]\njwt_secret = 'b'\norigins = ['*']\n[limits]\nhandshakes = 2\nconnections = 5\n\
             [redis]\nurl = 'redis://:secret@h'\n[[kinds]]\nname = 'board'\nkeep_count = 3",
        );
        assert_eq!(waiting_for_restart(&started, &started), [""; 0]);
        assert_eq!(
            waiting_for_restart(&started, &later),
            ["node", "limits.handshakes", "redis.url", "kinds"]
        );
        let password = |password| loaded(&format!("[redis]\nurl = 'redis://:{password}@h'"));
        assert_eq!(
            waiting_for_restart(&password("one"), &password("two")),
            ["redis.url"],
            "a secret that prints the same"
        );
    }

    #[test]
    fn what_is_named_exists() {
        let reference = hallway_settings::reference::<Config>();
        for key in BUILT_IN {
            assert!(reference.contains(&format!("`{key}`")), "{key}");
        }
    }
}
