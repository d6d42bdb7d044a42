//! Who may call, compiled: what an API key or an access token stands for.

use std::sync::Arc;

use super::Table;
use super::issuer::Issuers;
use super::tenant::TenantId;
use crate::auth::api_key::KeyHasher;
use crate::auth::scope::{Roles, Scopes};
use crate::limit::bucket::Bucket;
use crate::meter::usage::CallerUsage;

/// The keys in force.
#[derive(Debug, Default)]
pub struct Keys {
    /// By the public part of the key (`stoa_sk_{id}_{secret}`).
    pub by_id: Table<Box<str>, StoredKey>,
    /// Hashes a presented key; `None` where no keys file is configured.
    pub hasher: Option<KeyHasher>,
    /// Who an unauthenticated caller is: set only where no identity is configured at all, and then
    /// the gateway listens on loopback only.
    pub anonymous: Option<Arc<Identity>>,
    /// Whose access tokens are taken; `None` where no issuer is configured.
    pub issuers: Option<Issuers>,
}

/// One stored key. Rotation leaves two of them for one identity until the overlap ends.
#[derive(Debug)]
pub struct StoredKey {
    /// Keyed hash of the whole key.
    pub hash: [u8; 32],
    /// Unix milliseconds after which the key is refused.
    pub expires_at_ms: Option<u64>,
    /// Who the key is.
    pub identity: Arc<Identity>,
}

/// How a caller proved who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityKind {
    /// Nobody was asked: no identity is configured.
    Anonymous,
    /// `stoa_sk_...`.
    ApiKey,
    /// An access token of an issuer.
    Token,
}

/// What a credential stands for.
#[derive(Debug)]
pub struct Identity {
    /// How it was proven.
    pub kind: IdentityKind,
    /// Stable name of the caller, e.g. the key's name: `user_id` in events.
    pub subject: Arc<str>,
    /// The verified client: `consumer` in events.
    pub consumer: Arc<str>,
    /// Whether `X-Consumer-ID` may name another consumer.
    pub may_name_consumer: bool,
    /// Tenant of the credential.
    pub tenant: TenantId,
    /// Digest of kind, tenant name and subject: see [`crate::auth::Principal::binding`].
    pub binding: [u8; 16],
    /// Roles.
    pub roles: Roles,
    /// Scopes, those of the roles included.
    pub scopes: Scopes,
    /// Exactly these tools (names within the tenant), where given.
    pub tools_allowed: Option<Box<[Arc<str>]>>,
    /// Never these tools.
    pub tools_refused: Box<[Arc<str>]>,
    /// The role tier's limit for this caller.
    pub tier_bucket: Arc<Bucket>,
    /// This consumer's own limit, where given.
    pub consumer_bucket: Option<Arc<Bucket>>,
    /// Counters that live across snapshots.
    pub usage: Arc<CallerUsage>,
}
