//! Access tokens: a JWT of a known issuer, for this gateway, within its time.
//!
//! In this order, so that nothing an attacker writes is believed: size and shape; the issuer, which is one
//! of those configured, to the letter; the key, which is one of that issuer's, by `kid`; the algorithm,
//! which is the key's and must stand in the header as well; the signature. Only then are claims judged
//! (`claims`) and made an identity ([`mod@identity`]).
//!
//! Time is an argument: the library checks signatures and nothing else.

pub mod cache;
mod claims;
pub mod identity;
pub mod keys;

use std::borrow::Cow;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::limits::TOKEN_BYTES_MAX;
use crate::refusal::Refusal;
use crate::snapshot::Snapshot;
use crate::snapshot::identity::Identity;
use crate::snapshot::issuer::{Issuer, TokenKey};
use crate::worker::clock::Now;

use claims::Claims;

/// A token that was found good.
pub(super) struct Verified {
    /// Who it is.
    pub(super) identity: Arc<Identity>,
    /// Unix milliseconds from which it is refused.
    pub(super) expires_at_ms: u64,
}

/// Verifies a token.
///
/// # Errors
/// [`Refusal::CredentialsInvalid`] for whatever is no token of an issuer of ours; of one that is:
/// [`Refusal::CredentialsExpired`], [`Refusal::TokenAudience`] or [`Refusal::TenantUnknown`].
pub(super) fn verify(snapshot: &Snapshot, token: &[u8], now: Now) -> Result<Verified, Refusal> {
    let issuers = snapshot.keys.issuers.as_ref();
    let issuers = issuers.ok_or(Refusal::CredentialsInvalid)?;
    let parts = Parts::split(token).ok_or(Refusal::CredentialsInvalid)?;
    let claims = Claims::parse(&parts.payload).ok_or(Refusal::CredentialsInvalid)?;
    let issuer = claims
        .text("iss")
        .and_then(|url| issuers.by_url.get(url))
        .ok_or(Refusal::CredentialsInvalid)?;
    if !is_signed(&parts, issuer) {
        return Err(Refusal::CredentialsInvalid);
    }
    let expires_at_ms = claims::check(&claims, issuers, now)?;
    let identity = identity::make(snapshot, issuers, issuer, &claims)?;
    Ok(Verified {
        identity: Arc::new(identity),
        expires_at_ms,
    })
}

/// The three parts of a token.
struct Parts<'t> {
    /// The first two as they were signed.
    signed: &'t [u8],
    header: Vec<u8>,
    payload: Vec<u8>,
    signature: &'t str,
}

/// What is read of a header. What else it holds (`jwk`, `jku`, `x5c`: keys that a token brings along) is
/// not looked at.
#[derive(Deserialize)]
struct Header<'h> {
    #[serde(borrow)]
    alg: Cow<'h, str>,
    #[serde(borrow)]
    kid: Option<Cow<'h, str>>,
    #[serde(borrow)]
    typ: Option<Cow<'h, str>>,
    /// What must be understood (RFC 7515 section 4.1.11): we understand no extension.
    crit: Option<IgnoredAny>,
}

impl<'t> Parts<'t> {
    fn split(token: &'t [u8]) -> Option<Self> {
        if token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let token = std::str::from_utf8(token).ok()?;
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        if signature.is_empty() || payload.contains('.') {
            return None;
        }
        Some(Self {
            signed: signed.as_bytes(),
            header: URL_SAFE_NO_PAD.decode(header).ok()?,
            payload: URL_SAFE_NO_PAD.decode(payload).ok()?,
            signature,
        })
    }
}

/// Whether a key of the issuer has signed these parts. A key that is not known is asked for.
fn is_signed(parts: &Parts<'_>, issuer: &Issuer) -> bool {
    let Ok(header) = serde_json::from_slice::<Header<'_>>(&parts.header) else {
        return false;
    };
    if header.crit.is_some() || !is_access_token(header.typ.as_deref()) {
        return false;
    }
    let Some(key) = key_of(issuer, header.kid.as_deref()) else {
        issuer.wanted.ask();
        return false;
    };
    header.alg == key.name
        && jsonwebtoken::crypto::verify(parts.signature, parts.signed, &key.key, key.algorithm)
            .unwrap_or(false)
}

/// The key of a `kid`; without one, the only key that there is.
fn key_of<'i>(issuer: &'i Issuer, kid: Option<&str>) -> Option<&'i TokenKey> {
    match kid {
        Some(kid) => issuer.keys.get(kid),
        None if issuer.keys.len() == 1 => issuer.keys.values().next(),
        None => None,
    }
}

/// `JWT`, `at+jwt` (RFC 9068) or nothing. Other types are other things: ID tokens for logging out, DPoP
/// proofs, assertions.
fn is_access_token(typ: Option<&str>) -> bool {
    typ.is_none_or(|typ| {
        ["JWT", "at+jwt", "application/at+jwt"]
            .iter()
            .any(|known| typ.eq_ignore_ascii_case(known))
    })
}

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;
