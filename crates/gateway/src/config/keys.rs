//! From the settings of `[auth]` to the keys that tokens are checked with.

use hallway_auth::{Algorithm, Key, KeyError, SigningKey};
use hallway_settings::{Secret, read_secret_file};
use serde::Deserialize;

use super::Auth;

/// A row of `[[auth.keys]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyEntry {
    /// The name by which tokens mean it (`kid`).
    #[serde(default)]
    pub id: Option<String>,
    /// The one algorithm that it is for.
    pub algorithm: Algorithm,
    /// A shared secret.
    #[serde(default)]
    pub secret: Option<Secret>,
    /// A file that holds one.
    #[serde(default)]
    pub secret_file: Option<String>,
    /// A public key in PEM. Never shown all the same: what is pasted here by mistake is a private one.
    #[serde(default)]
    pub public_key: Option<Secret>,
    /// A file that holds one.
    #[serde(default)]
    pub public_key_file: Option<String>,
}

/// A key that is none.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{setting}: {why}")]
pub struct RefusedKey {
    /// The key of the setting, or the table's.
    pub setting: &'static str,
    /// Why: the end of a sentence, with nothing of the key in it.
    pub why: String,
}

/// The table's name, as messages show it.
const TABLE: &str = "auth.keys";

/// What the settings amount to.
pub(super) struct Keys {
    pub(super) checking: Vec<Key>,
    pub(super) signing: Option<SigningKey>,
    /// The shortest that each secret among them may be, and how long it is.
    pub(super) lengths: Vec<Length>,
}

/// How long a secret is, beside the least that its algorithm asks for (in bytes).
pub(super) struct Length {
    pub(super) setting: &'static str,
    pub(super) given: usize,
    pub(super) least: usize,
}

impl Keys {
    fn secret(
        &mut self,
        setting: &'static str,
        algorithm: Algorithm,
        id: Option<&str>,
        secret: &str,
    ) -> Result<(), KeyError> {
        let (key, signing) = (
            Key::of_secret(algorithm, secret)?,
            SigningKey::of_secret(algorithm, secret)?,
        );
        self.checking.push(match id {
            Some(id) => key.named(id),
            None => key,
        });
        // The first signs: `auth.jwt_secret`, or where there is none the table's first.
        self.signing.get_or_insert(match id {
            Some(id) => signing.named(id),
            None => signing,
        });
        self.lengths.push(Length {
            setting,
            given: secret.len(),
            least: algorithm.secret_len().unwrap_or_default(),
        });
        Ok(())
    }
}

/// Reads them all, files too.
pub(super) fn read(auth: &Auth) -> Result<Keys, RefusedKey> {
    let mut keys = Keys {
        checking: Vec::new(),
        signing: None,
        lengths: Vec::new(),
    };
    let secrets = [("auth.jwt_secret", &auth.jwt_secret)].into_iter();
    let previous = auth
        .jwt_previous_secrets
        .iter()
        .map(|one| ("auth.jwt_previous_secrets", one));
    for (setting, secret) in secrets.chain(previous).filter(|(_, secret)| secret.is_set()) {
        let added = keys.secret(setting, auth.jwt_algorithm, None, secret.expose());
        added.map_err(|why| {
            let setting = if matches!(why, KeyError::NoSecret(_)) {
                "auth.jwt_algorithm"
            } else {
                setting
            };
            RefusedKey::of(setting, why)
        })?;
    }
    // Old secrets alone check, and do not sign.
    if !auth.jwt_secret.is_set() {
        keys.signing = None;
    }
    if auth.jwt_public_key.is_set() {
        let key = Key::of_pem(auth.jwt_public_key_algorithm, auth.jwt_public_key.expose());
        keys.checking.push(key.map_err(|why| {
            let of_algorithm = matches!(why, KeyError::NoPublicKey(_) | KeyError::Unfit(_));
            RefusedKey::of(
                if of_algorithm {
                    "auth.jwt_public_key_algorithm"
                } else {
                    "auth.jwt_public_key"
                },
                why,
            )
        })?);
    }
    for (place, entry) in auth.keys.iter().enumerate() {
        row(&mut keys, entry).map_err(|why| RefusedKey {
            setting: TABLE,
            why: format!(
                "row {}{}: {why}",
                place + 1,
                entry.id.as_ref().map_or(String::new(), |id| format!(" ({id:?})"))
            ),
        })?;
    }
    Ok(keys)
}

fn row(keys: &mut Keys, entry: &KeyEntry) -> Result<(), String> {
    let id = entry.id.as_deref();
    if id.is_some_and(|id| id.is_empty() || id.len() > 256) {
        return Err("an id has 1 to 256 bytes".to_owned());
    }
    if id.is_some() && keys.checking.iter().any(|key| key.id() == id) {
        return Err("another key has this id: nobody could say which of them a token means".to_owned());
    }
    let from_file = |path: &str| read_secret_file(path).map_err(|why| format!("{path:?}: {why}"));
    let (secret, public_key) = match entry {
        KeyEntry {
            secret: Some(secret),
            secret_file: None,
            public_key: None,
            public_key_file: None,
            ..
        } => (Some(secret.expose().to_owned()), None),
        KeyEntry {
            secret: None,
            secret_file: Some(path),
            public_key: None,
            public_key_file: None,
            ..
        } => (Some(from_file(path)?), None),
        KeyEntry {
            secret: None,
            secret_file: None,
            public_key: Some(pem),
            public_key_file: None,
            ..
        } => (None, Some(pem.expose().to_owned())),
        KeyEntry {
            secret: None,
            secret_file: None,
            public_key: None,
            public_key_file: Some(path),
            ..
        } => (None, Some(from_file(path)?)),
        _ => return Err("must have one of secret, secret_file, public_key and public_key_file".to_owned()),
    };
    if let Some(secret) = secret {
        keys.secret(TABLE, entry.algorithm, id, &secret)
            .map_err(|why| why.to_string())?;
    }
    if let Some(pem) = public_key {
        let key = Key::of_pem(entry.algorithm, &pem).map_err(|why| why.to_string())?;
        keys.checking.push(match id {
            Some(id) => key.named(id),
            None => key,
        });
    }
    Ok(())
}

impl RefusedKey {
    fn of(setting: &'static str, why: KeyError) -> Self {
        Self {
            setting,
            why: why.to_string(),
        }
    }
}
