//! How a token is signed.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, VerificationAlgorithm,
};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

hallway_settings::choice! {
    /// An algorithm by its name in a token's header (RFC 7518 §3.1, RFC 8037 §3.1). `none` is not among them.
    pub enum Algorithm {
        /// HMAC with SHA-256, with a shared secret.
        Hs256 = "HS256",
        /// HMAC with SHA-384, with a shared secret.
        Hs384 = "HS384",
        /// HMAC with SHA-512, with a shared secret.
        Hs512 = "HS512",
        /// RSA (PKCS #1 v1.5) with SHA-256.
        Rs256 = "RS256",
        /// RSA (PKCS #1 v1.5) with SHA-384.
        Rs384 = "RS384",
        /// RSA (PKCS #1 v1.5) with SHA-512.
        Rs512 = "RS512",
        /// RSA (PSS) with SHA-256.
        Ps256 = "PS256",
        /// RSA (PSS) with SHA-384.
        Ps384 = "PS384",
        /// RSA (PSS) with SHA-512.
        Ps512 = "PS512",
        /// ECDSA on P-256 with SHA-256.
        Es256 = "ES256",
        /// ECDSA on P-384 with SHA-384.
        Es384 = "ES384",
        /// Ed25519; the other curve of the name, Ed448, is not supported.
        EdDsa = "EdDSA",
    }
}

/// What a key consists of, and so which algorithms it can be for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Secret,
    Rsa,
    P256,
    P384,
    Ed25519,
}

impl Algorithm {
    /// The algorithm of a name, exactly as it is written.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        <Self as hallway_settings::Value>::parse(name)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The least length of its secret in bytes (RFC 7518 §3.2: as long as the hash); nothing for one of public keys.
    #[must_use]
    pub fn secret_len(self) -> Option<usize> {
        match self {
            Self::Hs256 => Some(32),
            Self::Hs384 => Some(48),
            Self::Hs512 => Some(64),
            _ => None,
        }
    }

    /// Whether who checks could also sign.
    #[must_use]
    pub fn is_symmetric(self) -> bool {
        self.family() == Family::Secret
    }

    pub(crate) fn family(self) -> Family {
        match self {
            Self::Hs256 | Self::Hs384 | Self::Hs512 => Family::Secret,
            Self::Rs256 | Self::Rs384 | Self::Rs512 | Self::Ps256 | Self::Ps384 | Self::Ps512 => Family::Rsa,
            Self::Es256 => Family::P256,
            Self::Es384 => Family::P384,
            Self::EdDsa => Family::Ed25519,
        }
    }

    /// As the library that checks signatures calls it.
    pub(crate) fn library(self) -> jsonwebtoken::Algorithm {
        use jsonwebtoken::Algorithm as Theirs;
        match self {
            Self::Hs256 => Theirs::HS256,
            Self::Hs384 => Theirs::HS384,
            Self::Hs512 => Theirs::HS512,
            Self::Rs256 => Theirs::RS256,
            Self::Rs384 => Theirs::RS384,
            Self::Rs512 => Theirs::RS512,
            Self::Ps256 => Theirs::PS256,
            Self::Ps384 => Theirs::PS384,
            Self::Ps512 => Theirs::PS512,
            Self::Es256 => Theirs::ES256,
            Self::Es384 => Theirs::ES384,
            Self::EdDsa => Theirs::EdDSA,
        }
    }
}

impl Family {
    /// What reads a public key of the family; nothing for secrets.
    pub(crate) fn reader(self) -> Option<&'static dyn VerificationAlgorithm> {
        match self {
            Self::Secret => None,
            // A key is the same for all of RSA's paddings and hashes.
            Self::Rsa => Some(&RSA_PKCS1_2048_8192_SHA256),
            Self::P256 => Some(&ECDSA_P256_SHA256_FIXED),
            Self::P384 => Some(&ECDSA_P384_SHA384_FIXED),
            Self::Ed25519 => Some(&ED25519),
        }
    }

    /// For an error's text: "must be …".
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::Secret => "a secret",
            Self::Rsa => "an RSA key of 2048 to 8192 bits",
            Self::P256 => "an EC key on the curve P-256",
            Self::P384 => "an EC key on the curve P-384",
            Self::Ed25519 => "an Ed25519 key",
        }
    }
}

impl<'de> Deserialize<'de> for Algorithm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::of_name(&name).ok_or_else(|| {
            let allowed = <Self as hallway_settings::Value>::KIND.allowed;
            D::Error::custom(format!("algorithm {name:?} is refused: must be {allowed}"))
        })
    }
}
