//! Keys, each for one algorithm. That is what keeps a public key from ever being taken for a secret (RFC 8725 §3.1):
//! the token's header does not choose how a key is used, it is only held against the key's own algorithm.

use std::fmt;

use aws_lc_rs::rsa::PublicEncryptingKey;
use aws_lc_rs::signature::ParsedPublicKey;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{DecodingKey, EncodingKey, Validation};

use crate::algorithm::{Algorithm, Family};
use crate::claims::Claims;
use crate::token_error::TokenError;

/// A key that tokens are checked with.
pub struct Key {
    id: Option<String>,
    algorithm: Algorithm,
    decoding: DecodingKey,
    validation: Validation,
}

/// A secret that tokens are made with.
pub struct SigningKey {
    pub(crate) id: Option<String>,
    pub(crate) algorithm: Algorithm,
    pub(crate) encoding: EncodingKey,
}

/// Why a key is refused. The texts end a sentence, and hold nothing of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// An algorithm of public keys with a secret.
    #[error("a secret is for HS256, HS384 or HS512, not for {}: that one needs a public key", .0.name())]
    NoSecret(Algorithm),
    /// An algorithm of secrets with a public key.
    #[error("a public key is never a secret for {}: give RS…, PS…, ES… or EdDSA as its algorithm", .0.name())]
    NoPublicKey(Algorithm),
    /// A secret with nothing in it.
    #[error("the secret is empty")]
    Empty,
    /// What stands there as a secret is a key file's text.
    #[error(
        "a PEM is given as a secret: a public key is known to everybody, and belongs into a setting for public keys"
    )]
    PemAsSecret,
    /// Not PEM, or of another kind.
    #[error(
        "it must be one public key in PEM, with the line -----BEGIN PUBLIC KEY----- (openssl pkey -pubout makes it)"
    )]
    NoPem,
    /// A private key where the public one belongs.
    #[error("it is a private key, which stays with who signs: give the public one (openssl pkey -in key.pem -pubout)")]
    Private,
    /// A public key of another kind than the algorithm's.
    #[error("{} needs {}", .0.name(), .0.family().describe())]
    Unfit(Algorithm),
}

impl Key {
    /// A shared secret. How long it must be is the caller's to ask ([`Algorithm::secret_len`]).
    ///
    /// # Errors
    /// The algorithm is none of secrets, or the secret is none.
    pub fn of_secret(algorithm: Algorithm, secret: &str) -> Result<Self, KeyError> {
        check_secret(algorithm, secret)?;
        Ok(Self::new(algorithm, DecodingKey::from_secret(secret.as_bytes())))
    }

    /// A public key in PEM (RFC 7468 §13: `PUBLIC KEY`).
    ///
    /// # Errors
    /// The text is no such PEM, or the key is not one for the algorithm.
    pub fn of_pem(algorithm: Algorithm, pem: &str) -> Result<Self, KeyError> {
        Self::of_public(algorithm, &public_der(pem)?)
    }

    /// A public key as a SubjectPublicKeyInfo, or as the bare point of an EC or Ed25519 key.
    pub(crate) fn of_public(algorithm: Algorithm, bytes: &[u8]) -> Result<Self, KeyError> {
        let family = algorithm.family();
        let reader = family.reader().ok_or(KeyError::NoPublicKey(algorithm))?;
        let unfit = KeyError::Unfit(algorithm);
        // Here and not with the first token: a key that fits nothing is the operator's mistake, not the client's.
        let parsed = ParsedPublicKey::new(reader, bytes).map_err(|_| unfit)?;
        let der = parsed.as_ref();
        let decoding = match family {
            Family::Secret => return Err(KeyError::NoPublicKey(algorithm)),
            Family::Rsa => {
                // Says whether the size is allowed, which reading alone does not.
                PublicEncryptingKey::from_der(der).map_err(|_| unfit)?;
                DecodingKey::from_rsa_der(der)
            }
            Family::P256 | Family::P384 => DecodingKey::from_ec_der(der),
            Family::Ed25519 => DecodingKey::from_ed_der(der),
        };
        Ok(Self::new(algorithm, decoding))
    }

    fn new(algorithm: Algorithm, decoding: DecodingKey) -> Self {
        let mut validation = Validation::new(algorithm.library());
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        Self {
            id: None,
            algorithm,
            decoding,
            validation,
        }
    }

    /// The same key with a name, so that tokens which name another (`kid`) are not checked with it.
    #[must_use]
    pub fn named(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The one algorithm that it is for.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The claims of a token, if it was signed with this key. Nothing but the signature is looked at.
    pub(crate) fn check(&self, token: &str) -> Result<Claims, TokenError> {
        match jsonwebtoken::decode::<Claims>(token, &self.decoding, &self.validation) {
            Ok(data) => Ok(data.claims),
            Err(error) => Err(match error.into_kind() {
                ErrorKind::InvalidSignature => TokenError::Signature,
                ErrorKind::InvalidAlgorithm => TokenError::Algorithm,
                _ => TokenError::Malformed,
            }),
        }
    }
}

impl SigningKey {
    /// A shared secret to make tokens with.
    ///
    /// # Errors
    /// As [`Key::of_secret`].
    pub fn of_secret(algorithm: Algorithm, secret: &str) -> Result<Self, KeyError> {
        check_secret(algorithm, secret)?;
        Ok(Self {
            id: None,
            algorithm,
            encoding: EncodingKey::from_secret(secret.as_bytes()),
        })
    }

    /// The same, and its name is put into what it signs.
    #[must_use]
    pub fn named(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }
}

fn check_secret(algorithm: Algorithm, secret: &str) -> Result<(), KeyError> {
    if !algorithm.is_symmetric() {
        Err(KeyError::NoSecret(algorithm))
    } else if secret.is_empty() {
        // An empty key would check nothing.
        Err(KeyError::Empty)
    } else if secret.contains("-----BEGIN ") {
        Err(KeyError::PemAsSecret)
    } else {
        Ok(())
    }
}

/// What is inside of the one PEM block that may be there.
fn public_der(pem: &str) -> Result<Vec<u8>, KeyError> {
    if pem.contains("PRIVATE KEY-----") {
        return Err(KeyError::Private);
    }
    let (_, rest) = pem.split_once("-----BEGIN PUBLIC KEY-----").ok_or(KeyError::NoPem)?;
    let (body, behind) = rest.split_once("-----END PUBLIC KEY-----").ok_or(KeyError::NoPem)?;
    if behind.contains("-----BEGIN ") {
        return Err(KeyError::NoPem);
    }
    // A variable may hold it with the two characters `\n` for each line's end.
    let body: String = body.replace("\\n", "").split_whitespace().collect();
    STANDARD.decode(body).map_err(|_| KeyError::NoPem)
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.id)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("id", &self.id)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}
