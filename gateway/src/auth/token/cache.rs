//! Tokens that were verified, so that a signature is checked once and not with every call.
//!
//! One for each worker, so nothing is shared. It is keyed by SHA-256 of the whole token: a token that
//! differs in any bit is another one. It holds for one snapshot only, for a new one may have dropped the
//! key, the tenant or the issuer; an entry ends with its token. Only good tokens are kept, so nobody fills
//! it who was not given them.
//!
//! It has two halves: when the young one is full it becomes the old one, which is dropped. What is used
//! moves to the young half again, so it stays, and nothing is ever searched for.

use std::collections::HashMap;
use std::sync::Arc;

use aws_lc_rs::digest;

use super::Verified;
use crate::limits::TOKENS_CACHED_MAX;
use crate::refusal::Refusal;
use crate::snapshot::Snapshot;
use crate::snapshot::identity::Identity;
use crate::worker::clock::Now;

type Half = HashMap<[u8; 32], Verified, foldhash::fast::RandomState>;

/// The verified tokens of one worker.
#[derive(Default)]
pub struct TokenCache {
    /// Of the snapshot that the tokens were verified for.
    generation: u64,
    young: Half,
    old: Half,
}

/// How many, and nothing of whose.
impl std::fmt::Debug for TokenCache {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "TokenCache({} tokens)", self.len())
    }
}

impl TokenCache {
    /// Who presents this token, verified now or before.
    ///
    /// # Errors
    /// Those of [`super::verify`].
    pub(in crate::auth) fn identify(
        &mut self,
        snapshot: &Snapshot,
        token: &[u8],
        now: Now,
    ) -> Result<Arc<Identity>, Refusal> {
        if snapshot.generation < self.generation {
            // A request that began with the snapshot before: it must not empty what is for the new one.
            return super::verify(snapshot, token, now).map(|verified| verified.identity);
        }
        if snapshot.generation > self.generation {
            *self = Self {
                generation: snapshot.generation,
                ..Self::default()
            };
        }
        let mut key = [0; 32];
        key.copy_from_slice(digest::digest(&digest::SHA256, token).as_ref());
        if let Some(verified) = self.find(&key) {
            if now.unix_ms >= verified.expires_at_ms {
                return Err(Refusal::CredentialsExpired);
            }
            return Ok(Arc::clone(&verified.identity));
        }
        let verified = super::verify(snapshot, token, now)?;
        let identity = Arc::clone(&verified.identity);
        self.insert(key, verified);
        Ok(identity)
    }

    /// Tokens that are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn find(&mut self, key: &[u8; 32]) -> Option<&Verified> {
        if let Some(verified) = self.old.remove(key) {
            self.insert(*key, verified);
        }
        self.young.get(key)
    }

    fn insert(&mut self, key: [u8; 32], verified: Verified) {
        if self.young.len() >= TOKENS_CACHED_MAX / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, verified);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::fixture::{ACME, identity};
    use crate::auth::scope::Roles;

    fn key(number: usize) -> [u8; 32] {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&number.to_le_bytes());
        key
    }

    #[test]
    fn what_is_used_stays_and_the_number_is_bounded() {
        let identity = Arc::new(identity(ACME, Roles::VIEWER));
        let mut cache = TokenCache::default();
        for number in 0..TOKENS_CACHED_MAX * 3 {
            let verified = Verified {
                identity: Arc::clone(&identity),
                expires_at_ms: 1,
            };
            cache.insert(key(number), verified);
            assert!(cache.len() <= TOKENS_CACHED_MAX, "{number}");
            assert!(cache.find(&key(0)).is_some(), "used all the time: {number}");
        }
        assert!(cache.find(&key(1)).is_none(), "never used again");
        assert!(cache.find(&key(TOKENS_CACHED_MAX * 3 - 1)).is_some());
    }
}
