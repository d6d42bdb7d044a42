//! The secret that keys are hashed with, and how it stays out of sight.

use super::{from_hex, hex};
use crate::auth::api_key::{self, KeyHasher, RandomnessMissing};

/// Bytes that a secret must have at least: those of the hash itself.
const SECRET_BYTES_MIN: usize = 32;

/// What keys are hashed with. It never shows.
#[derive(Clone)]
pub struct HashSecret(Vec<u8>);

/// A secret that is too short to protect anything: its bytes.
#[derive(Debug, thiserror::Error)]
#[error(
    "the hash secret has {0} bytes and needs at least {SECRET_BYTES_MIN}: openssl rand -hex 32 makes one"
)]
pub struct HashSecretShort(usize);

impl HashSecret {
    /// Takes a secret; white space around it (a file's last newline) does not count.
    ///
    /// # Errors
    /// [`HashSecretShort`].
    pub fn new(secret: &[u8]) -> Result<Self, HashSecretShort> {
        let secret = secret.trim_ascii();
        if secret.len() < SECRET_BYTES_MIN {
            return Err(HashSecretShort(secret.len()));
        }
        Ok(Self(secret.to_vec()))
    }

    pub(super) fn random() -> Result<Self, RandomnessMissing> {
        api_key::random_bytes::<SECRET_BYTES_MIN>().map(|bytes| Self(bytes.to_vec()))
    }

    pub(super) fn from_hex(text: &str) -> Option<Self> {
        from_hex::<SECRET_BYTES_MIN>(text).map(|bytes| Self(bytes.to_vec()))
    }

    pub(super) fn to_hex(&self) -> String {
        hex(&self.0)
    }

    /// The hasher with this secret.
    #[must_use]
    pub fn hasher(&self) -> KeyHasher {
        KeyHasher::new(&self.0)
    }
}

impl std::fmt::Debug for HashSecret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("HashSecret(***)")
    }
}
