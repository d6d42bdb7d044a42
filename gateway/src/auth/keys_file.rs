//! The keys file: YAML that `stoa-gateway key` writes and a person may read and edit.
//!
//! It holds hashes, never keys. Reading tells every error with its line; writing is atomic (a
//! temporary file, then a rename), private (mode 0600) and one writer at a time (a lock on the
//! directory, so that no lock file is left behind).

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_saphyr::{Location, Spanned};

use super::api_key::KeyHasher;
use crate::limit::Rate;

mod secret;
mod store;

pub use secret::{HashSecret, HashSecretShort};
pub use store::{EditError, edit, load};

/// The only version of the format so far.
pub const VERSION: u32 = 1;

/// A text and where it stands.
pub type Text = Spanned<String>;

/// A text that stands nowhere yet.
#[must_use]
pub fn text(value: impl Into<String>) -> Text {
    Spanned::new(value.into(), Location::UNKNOWN, Location::UNKNOWN)
}

/// What a person wrote.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct KeysFile {
    /// Where it came from.
    #[serde(skip)]
    pub path: PathBuf,
    /// [`VERSION`].
    pub version: Spanned<u32>,
    /// Hash key of this file, 64 hexadecimal digits; absent where the operator keeps it elsewhere
    /// (`STOA_KEY_HASH_SECRET`, `STOA_KEY_HASH_SECRET_FILE`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash_key: Option<Masked>,
    /// Tells a wrong hash key from wrong keys.
    pub hash_check: Text,
    /// The keys.
    #[serde(default)]
    pub keys: Vec<KeyEntry>,
}

/// One key.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct KeyEntry {
    /// Public part of the key.
    pub id: Text,
    /// Who it is for, unique within the tenant; the keys of a rotation share it.
    pub name: Text,
    /// `acme` or `tenant-acme`.
    pub tenant: Text,
    /// Names of [`crate::auth::scope::Roles`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<Text>,
    /// Names of [`crate::auth::scope::Scopes`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<Text>,
    /// Keyed hash of the whole key: 64 hexadecimal digits.
    pub hash: Text,
    /// RFC 3339.
    pub created_at: Text,
    /// RFC 3339; the key is refused from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Text>,
    /// Id of the key that this one takes the place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotated_from: Option<String>,
    /// RFC 3339: the end of the overlap, on a key that was rotated out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Text>,
    /// Takes the place of the role tier's limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// The client in events and limits, where it is not the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumer: Option<Text>,
    /// Limit of all keys of this consumer together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumer_rate: Option<Rate>,
    /// Whether `X-Consumer-ID` may name another consumer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub may_name_consumer: bool,
    /// Exactly these tools. An empty list is no tool at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools_allowed: Option<Vec<Text>>,
    /// Never these tools.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools_refused: Vec<Text>,
}

/// A text that is written to files and shown nowhere else.
#[derive(Clone, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Masked(pub String);

impl std::fmt::Debug for Masked {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("***")
    }
}

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The keys file.
    pub path: PathBuf,
    /// From 1; 0 where the problem is not at one place.
    pub line: u64,
    /// From 1; 0 where the problem is not at one place.
    pub column: u64,
    /// A sentence.
    pub message: String,
}

/// Writes `keys.yaml:3:7: message`.
impl std::fmt::Display for Problem {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}:", self.path.display())?;
        if self.line > 0 {
            write!(formatter, "{}:{}:", self.line, self.column)?;
        }
        write!(formatter, " {}", self.message)
    }
}

impl std::error::Error for Problem {}

// === impl KeysFile ===

impl KeysFile {
    /// A file without keys. Where no `secret` is given, it gets a random hash key of its own.
    ///
    /// # Errors
    /// Where the system has no randomness to give.
    pub fn new(
        path: &Path,
        secret: Option<&HashSecret>,
    ) -> Result<Self, super::api_key::RandomnessMissing> {
        let own = match secret {
            Some(_) => None,
            None => Some(HashSecret::random()?),
        };
        let hasher = own.as_ref().or(secret).map(HashSecret::hasher);
        Ok(Self {
            path: path.to_owned(),
            version: Spanned::new(VERSION, Location::UNKNOWN, Location::UNKNOWN),
            hash_key: own.map(|own| Masked(own.to_hex())),
            hash_check: text(hasher.map(|hasher| hash_check(&hasher)).unwrap_or_default()),
            keys: Vec::new(),
        })
    }

    /// The hasher of this file's keys.
    ///
    /// # Errors
    /// Where there is no hash key, or two, or one that the keys were not made with: every key would be
    /// refused, and nobody could tell why.
    pub fn hasher(&self, secret: Option<&HashSecret>) -> Result<KeyHasher, Problem> {
        let at = &self.hash_check;
        let hasher = match (&self.hash_key, secret) {
            (Some(_), Some(_)) => Err(
                "the file has a hash_key of its own, and STOA_KEY_HASH_SECRET is set, too: unset it, or start a new file",
            ),
            (None, None) => Err("the file was made with STOA_KEY_HASH_SECRET, and it is not set"),
            (Some(own), None) => HashSecret::from_hex(&own.0)
                .map(|own| own.hasher())
                .ok_or("hash_key is not 64 hexadecimal digits"),
            (None, Some(secret)) => Ok(secret.hasher()),
        };
        match hasher {
            Ok(hasher) if hash_check(&hasher) == at.value => Ok(hasher),
            Ok(_) => Err(self.problem(
                at,
                "the hash key is not the one that these keys were made with",
            )),
            Err(message) => Err(self.problem(at, message)),
        }
    }

    /// A problem at a place in this file.
    pub fn problem<T>(&self, at: &Spanned<T>, message: impl Into<String>) -> Problem {
        Problem {
            path: self.path.clone(),
            line: at.referenced.line(),
            column: at.referenced.column(),
            message: message.into(),
        }
    }
}

/// Eight hexadecimal digits that depend on the hash key and tell nothing of it.
fn hash_check(hasher: &KeyHasher) -> String {
    hex(&hasher.hash(b"stoa keys file: hash check")[..4])
}

// === impl KeyEntry ===

impl KeyEntry {
    /// The stored hash; `None` where the text is none.
    #[must_use]
    pub fn hash(&self) -> Option<[u8; 32]> {
        from_hex(&self.hash.value)
    }

    /// Unix milliseconds from which the key is refused: its expiry, or the end of an overlap.
    ///
    /// # Errors
    /// A sentence, where a text is no time.
    pub fn ends_at_ms(&self) -> Result<Option<u64>, String> {
        let mut ends_at_ms: Option<u64> = None;
        for time in [&self.expires_at, &self.valid_until].into_iter().flatten() {
            let at_ms = unix_ms(&time.value)?;
            ends_at_ms = Some(ends_at_ms.map_or(at_ms, |earlier| earlier.min(at_ms)));
        }
        Ok(ends_at_ms)
    }
}

/// Unix milliseconds of an RFC 3339 time.
///
/// # Errors
/// A sentence for the person who wrote it.
pub fn unix_ms(time: &str) -> Result<u64, String> {
    let expected =
        || format!("{time:?} is no time: expected RFC 3339 in UTC, e.g. 2027-01-31T12:00:00Z");
    let time = humantime::parse_rfc3339(time).map_err(|_| expected())?;
    let since = time
        .duration_since(std::time::UNIX_EPOCH)
        .map_err(|_| expected())?;
    u64::try_from(since.as_millis()).map_err(|_| expected())
}

/// The RFC 3339 form of Unix milliseconds, in whole seconds.
#[must_use]
pub fn rfc3339(unix_ms: u64) -> String {
    // The last second that the format can say: 9999-12-31T23:59:59Z.
    const SECONDS_MAX: u64 = 253_402_300_799;
    let since = std::time::Duration::from_secs((unix_ms / 1_000).min(SECONDS_MAX));
    humantime::format_rfc3339_seconds(std::time::UNIX_EPOCH + since).to_string()
}

/// Lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}"); // writing to a String cannot fail
            text
        })
}

/// Bytes of exactly so many hexadecimal digits.
fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != N * 2 {
        return None;
    }
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|value| u8::try_from(value).ok())
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests;
