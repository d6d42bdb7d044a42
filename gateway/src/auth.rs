//! Who is calling. [`authenticate`] is the only way to get a [`Principal`].
//!
//! The stage itself is this file, [`api_key`] and [`token`]; [`keys_file`], [`keys_command`] and
//! [`mod@compile`] are for control and the command line, do I/O, and are never called by a request.

pub mod api_key;
pub mod callers;
pub mod compile;
pub mod keys_command;
pub mod keys_file;
pub mod scope;
pub mod token;

use std::sync::Arc;

use crate::refusal::Refusal;
use crate::snapshot::Snapshot;
use crate::snapshot::identity::{Identity, Keys};
use crate::worker::clock::Now;

pub use compile::compile;
pub use token::cache::TokenCache;

/// A caller whose credential was verified (or, where no identity is configured, anyone on loopback).
///
/// Only [`authenticate`] makes one: the field is private.
///
/// ```
/// use stoa_gateway::{auth, refusal::Refusal, snapshot::Snapshot, worker::clock::Now};
/// fn who(snapshot: &Snapshot, header: &[u8], now: Now) -> Result<auth::Principal, Refusal> {
///     let mut tokens = auth::TokenCache::default();
///     auth::authenticate(snapshot, &mut tokens, Some(header), now)
/// }
/// ```
///
/// ```compile_fail,E0451
/// use std::sync::Arc;
/// use stoa_gateway::{auth, snapshot::identity::Identity};
/// fn who(identity: Arc<Identity>) -> auth::Principal {
///     auth::Principal { identity }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Principal {
    identity: Arc<Identity>,
}

impl Principal {
    /// What the credential stands for.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Who this is, in 16 bytes that stay the same across snapshots, restarts and machines: what
    /// sessions and cursors are bound to. It is a digest of kind, tenant and subject, and no secret.
    #[must_use]
    pub fn binding(&self) -> [u8; 16] {
        self.identity.binding
    }
}

/// Verifies the `Authorization` header of a request: an API key by its prefix, else an access token.
/// `tokens` is the worker's own memory of tokens; it changes what the answer costs, never the answer.
///
/// Where no identity is configured, who sends no credentials is the anonymous identity; who does
/// send some asked to be recognised, and is refused rather than served as somebody else.
///
/// # Errors
/// [`Refusal::CredentialsMissing`], [`Refusal::CredentialsInvalid`] or, for what was good once,
/// [`Refusal::CredentialsExpired`] (told only to who presents the whole of it). Of a token that its issuer
/// has signed: [`Refusal::TokenAudience`], [`Refusal::TenantUnknown`].
pub fn authenticate(
    snapshot: &Snapshot,
    tokens: &mut TokenCache,
    authorization: Option<&[u8]>,
    now: Now,
) -> Result<Principal, Refusal> {
    let keys = &snapshot.keys;
    let Some(value) = authorization else {
        let anonymous = keys.anonymous.as_ref().ok_or(Refusal::CredentialsMissing)?;
        return Ok(Principal {
            identity: Arc::clone(anonymous),
        });
    };
    let presented = bearer(value).ok_or(Refusal::CredentialsInvalid)?;
    let identity = if keys.issuers.is_none() || presented.starts_with(api_key::PREFIX.as_bytes()) {
        by_key(keys, presented, now)?
    } else {
        tokens.identify(snapshot, presented, now)?
    };
    Ok(Principal { identity })
}

fn by_key(keys: &Keys, presented: &[u8], now: Now) -> Result<Arc<Identity>, Refusal> {
    let stored = api_key::verify(keys, presented).ok_or(Refusal::CredentialsInvalid)?;
    if stored
        .expires_at_ms
        .is_some_and(|expires_at_ms| now.unix_ms >= expires_at_ms)
    {
        return Err(Refusal::CredentialsExpired);
    }
    Ok(Arc::clone(&stored.identity))
}

/// What follows `Bearer` and one space. Schemes are case-insensitive (RFC 9110 section 11.1).
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(b"Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token)
}

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;
