//! Whose access tokens are taken, compiled: issuers, their keys, and the rules for claims.
//!
//! Keys are converted once, when control has fetched them; a token is never what says which algorithm its
//! signature is checked with.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jsonwebtoken::{Algorithm, DecodingKey};

use super::Table;
use crate::auth::callers::Callers;
use crate::auth::scope::Roles;
use crate::limit::Rate;

/// Everything that an access token is judged by.
#[derive(Debug)]
pub struct Issuers {
    /// By the text of `iss`, which must be equal to the letter.
    pub by_url: Table<Box<str>, Issuer>,
    /// One of these must be in `aud`; sorted.
    pub audiences: Box<[Box<str>]>,
    /// Where not empty, `azp` must be one of these.
    pub clients: Box<[Box<str>]>,
    /// Claims that may name the tenant, in this order.
    pub tenant_claims: Box<[Box<str>]>,
    /// Whether scopes of a token count beside its roles, or only within what its roles allow.
    pub scopes_grant: bool,
    /// The limit of a caller: that of the first of these roles which it has. The last one is no role.
    pub tiers: [(Roles, Rate); 5],
    /// What outlives tokens and snapshots.
    pub callers: Arc<Callers>,
    /// What clients are told about the way to a token.
    pub discovery: Discovery,
}

/// What clients are told about the way to a token (RFC 9728).
#[derive(Debug)]
pub struct Discovery {
    /// `https://gateway.example.com`, without a slash at the end; `None` takes what the caller wrote into
    /// `Host`.
    pub public_url: Option<Box<str>>,
    /// Issuers, in the operator's order.
    pub authorization_servers: Vec<Box<str>>,
    /// Scopes to ask for.
    pub scopes: Vec<Box<str>>,
    /// The first issuer's own metadata, for clients of 2025-03-26, which look for it here.
    pub metadata: Option<Arc<str>>,
}

/// One issuer.
#[derive(Debug)]
pub struct Issuer {
    /// Its keys; none while they cannot be had.
    pub keys: Arc<TokenKeys>,
    /// The only tenant that it speaks for, without `tenant-`; `None` for one that speaks for all.
    pub tenant: Option<Box<str>>,
    /// Where a worker asks control to look for a key that it does not know.
    pub wanted: Arc<Wanted>,
}

/// Keys by `kid`.
pub type TokenKeys = Table<Box<str>, TokenKey>;

/// One key of an issuer, converted.
#[derive(Clone)]
pub struct TokenKey {
    /// The algorithm of the key, as it must stand in the token's header.
    pub name: &'static str,
    /// The same, for the library.
    pub algorithm: Algorithm,
    /// The key.
    pub key: DecodingKey,
}

/// Says no more than the algorithm: the rest is public, and long.
impl fmt::Debug for TokenKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "TokenKey({})", self.name)
    }
}

/// A wish of any worker that an issuer's keys be fetched again. Wishes are not counted: control grants one
/// in a while, however many there are.
#[derive(Debug, Default)]
pub struct Wanted(AtomicBool);

impl Wanted {
    /// Wishes.
    pub fn ask(&self) {
        // Most wishes come while one is open, and need no write to a line that all cores read.
        if !self.0.load(Ordering::Relaxed) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    /// Whether anybody wishes.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// The wish is being granted.
    pub fn grant(&self) {
        self.0.store(false, Ordering::Relaxed);
    }
}
