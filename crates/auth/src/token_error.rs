//! Why a token is refused.

/// Why a token is refused. The texts say nothing that a client should not know: no key, no expected value, no
/// library's words.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
pub enum TokenError {
    /// No key is configured to check tokens with.
    #[error("tokens are not accepted here")]
    NotAccepted,
    /// Larger than [`JwtVerifier::MAX_LEN`](crate::JwtVerifier::MAX_LEN).
    #[error("the token has more than 8192 bytes")]
    TooLarge,
    /// Not three parts of base64url, or not JSON inside of them.
    #[error("the token is malformed")]
    Malformed,
    /// Signed with another algorithm than the one that the key is for, or not at all.
    #[error("the token's algorithm is not accepted")]
    Algorithm,
    /// It names a key (`kid`) that is not known. Where keys come from a URL, it may be known after a look there.
    #[error("the token's key is not known")]
    UnknownKey,
    /// It names no key, and there are several that it could be signed with.
    #[error("the token does not name its key (`kid`)")]
    NoKeyId,
    /// The source of the keys is away: no judgement of the token, see [`TokenError::is_temporary`].
    #[error("the keys that tokens are checked with are not available now")]
    Unavailable,
    /// No session is known by this token. Where a database keeps them, it may be known after a look there.
    #[error("the session is not known, or has ended")]
    NoSession,
    /// The database that keeps the sessions is away: no judgement of the token, see [`TokenError::is_temporary`].
    #[error("sessions cannot be looked up now")]
    SessionsUnavailable,
    /// Signed with another key, or changed after it was signed.
    #[error("the token's signature is wrong")]
    Signature,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its time has not come.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// A claim is missing; it is named.
    #[error("the token has no `{0}` claim")]
    MissingClaim(String),
    /// A claim is not what it must be; it is named.
    #[error("the token's `{0}` claim is not acceptable")]
    BadClaim(String),
}

impl TokenError {
    /// Whether it says nothing about the token, which may be shown again later.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Unavailable | Self::SessionsUnavailable)
    }
}
