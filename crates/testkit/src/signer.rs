//! Who makes tokens with a private key, as an identity provider does: on its own, past the code that checks them.

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding,
    RsaKeyPair,
};
use aws_lc_rs::{error::Unspecified, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// A private key, made anew.
pub enum Signer {
    /// For RS… and PS….
    Rsa(RsaKeyPair),
    /// For ES256 or ES384, with the curve's name.
    Ec(EcdsaKeyPair, &'static str),
    /// For EdDSA.
    Ed25519(Ed25519KeyPair),
}

impl Signer {
    /// A key for an algorithm, by its name in a token's header.
    ///
    /// # Panics
    /// There is no such algorithm of public keys.
    #[must_use]
    pub fn make(algorithm: &str) -> Self {
        let made = match algorithm {
            "ES256" => EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map(|key| Self::Ec(key, "P-256")),
            "ES384" => EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).map(|key| Self::Ec(key, "P-384")),
            "EdDSA" => Ed25519KeyPair::generate().map(Self::Ed25519),
            _ => {
                rsa_encoding(algorithm);
                RsaKeyPair::generate(KeySize::Rsa2048).map(Self::Rsa)
            }
        };
        made.expect("a key")
    }

    /// A token of this header and these claims, both JSON.
    ///
    /// # Panics
    /// The algorithm is none of the key.
    #[must_use]
    pub fn sign(&self, algorithm: &str, header: &str, claims: &str) -> String {
        with_signature(header, claims, |text| match self {
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                let signed = key.sign(rsa_encoding(algorithm), &SystemRandom::new(), text, &mut signature);
                signed.expect("a signature");
                signature
            }
            Self::Ec(key, _) => {
                let signed = key.sign(&SystemRandom::new(), text);
                signed.expect("a signature").as_ref().to_vec()
            }
            Self::Ed25519(key) => key.sign(text).as_ref().to_vec(),
        })
    }

    /// The public key in PEM.
    ///
    /// # Panics
    /// Never: every public key can be written.
    #[must_use]
    pub fn public_pem(&self) -> String {
        let der: Result<PublicKeyX509Der<'_>, Unspecified> = match self {
            Self::Rsa(key) => key.public_key().as_der(),
            Self::Ec(key, _) => key.public_key().as_der(),
            Self::Ed25519(key) => key.public_key().as_der(),
        };
        let text = STANDARD.encode(der.expect("DER").as_ref());
        let mut pem = String::from("-----BEGIN PUBLIC KEY-----\n");
        for line in text.as_bytes().chunks(64) {
            pem.push_str(&String::from_utf8_lossy(line));
            pem.push('\n');
        }
        pem + "-----END PUBLIC KEY-----\n"
    }

    /// The public key as a JSON Web Key, with `more` members in front, such as `"kid":"a","alg":"RS256"`.
    #[must_use]
    pub fn jwk(&self, more: &str) -> String {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let key = match self {
            Self::Rsa(key) => {
                let public = key.public_key();
                format!(
                    r#""kty":"RSA","n":"{}","e":"{}""#,
                    text(public.modulus().big_endian_without_leading_zero()),
                    text(public.exponent().big_endian_without_leading_zero())
                )
            }
            Self::Ec(key, curve) => {
                // 0x04, then both coordinates.
                let (x, y) = key.public_key().as_ref()[1..].split_at((key.public_key().as_ref().len() - 1) / 2);
                format!(r#""kty":"EC","crv":"{curve}","x":"{}","y":"{}""#, text(x), text(y))
            }
            Self::Ed25519(key) => format!(
                r#""kty":"OKP","crv":"Ed25519","x":"{}""#,
                text(key.public_key().as_ref())
            ),
        };
        let comma = if more.is_empty() { "" } else { "," };
        format!("{{{more}{comma}{key}}}")
    }
}

/// A token with an HMAC of SHA-256, whatever its header says.
#[must_use]
pub fn hmac_token(secret: &[u8], header: &str, claims: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    with_signature(header, claims, |text| hmac::sign(&key, text).as_ref().to_vec())
}

/// A token with no signature at all.
#[must_use]
pub fn unsigned_token(header: &str, claims: &str) -> String {
    with_signature(header, claims, |_| Vec::new())
}

fn with_signature(header: &str, claims: &str, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = URL_SAFE_NO_PAD.encode(sign(text.as_bytes()));
    format!("{text}.{signature}")
}

fn rsa_encoding(algorithm: &str) -> &'static dyn RsaEncoding {
    match algorithm {
        "RS256" => &RSA_PKCS1_SHA256,
        "RS384" => &RSA_PKCS1_SHA384,
        "RS512" => &RSA_PKCS1_SHA512,
        "PS256" => &RSA_PSS_SHA256,
        "PS384" => &RSA_PSS_SHA384,
        "PS512" => &RSA_PSS_SHA512,
        _ => panic!("{algorithm:?} is no algorithm of public keys"),
    }
}
