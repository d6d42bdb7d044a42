//! The secret that keys are hashed with, where it comes from and how it stays out of sight.

use std::path::PathBuf;

use super::{from_hex, hex};
use crate::auth::api_key::{self, KeyHasher, RandomnessMissing};

/// Bytes that a secret must have at least: those of the hash itself.
const SECRET_BYTES_MIN: usize = 32;

/// What keys are hashed with. It never shows.
#[derive(Clone)]
pub struct HashSecret(Vec<u8>);

/// Why a secret is not taken.
#[derive(Debug, thiserror::Error)]
pub enum HashSecretError {
    /// Too short to protect anything.
    #[error(
        "the hash secret has {0} bytes and needs at least {SECRET_BYTES_MIN}: openssl rand -hex 32 makes one"
    )]
    Short(usize),
    /// Both settings are there.
    #[error("STOA_KEY_HASH_SECRET and STOA_KEY_HASH_SECRET_FILE are both set: keep one")]
    Twice,
    /// The file cannot be read.
    #[error("STOA_KEY_HASH_SECRET_FILE: {path}: {error}", path = .0.display(), error = .1)]
    Unreadable(PathBuf, std::io::Error),
}

impl HashSecret {
    /// Takes a secret; white space around it (a file's last newline) does not count.
    ///
    /// # Errors
    /// [`HashSecretError::Short`].
    pub fn new(secret: &[u8]) -> Result<Self, HashSecretError> {
        let secret = secret.trim_ascii();
        if secret.len() < SECRET_BYTES_MIN {
            return Err(HashSecretError::Short(secret.len()));
        }
        Ok(Self(secret.to_vec()))
    }

    /// Reads the secret that an operator set: the values of `STOA_KEY_HASH_SECRET` and of
    /// `STOA_KEY_HASH_SECRET_FILE`.
    ///
    /// # Errors
    /// See [`HashSecretError`].
    pub fn read(
        inline: Option<&str>,
        file: Option<PathBuf>,
    ) -> Result<Option<Self>, HashSecretError> {
        match (inline, file) {
            (Some(_), Some(_)) => Err(HashSecretError::Twice),
            (Some(secret), None) => Self::new(secret.as_bytes()).map(Some),
            (None, Some(path)) => match std::fs::read(&path) {
                Ok(secret) => Self::new(&secret).map(Some),
                Err(error) => Err(HashSecretError::Unreadable(path, error)),
            },
            (None, None) => Ok(None),
        }
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
