//! API keys: `stoa_sk_{id}_{secret}`, made here, told apart by id, known by a keyed hash.
//!
//! The id is public: it finds the stored hash and names the key in lists and logs. The secret has
//! 256 bits and is never stored. What is stored is HMAC-SHA256 over the whole key, so a keys file
//! that leaks without its hash key tells nothing, and one that leaks with it tells nothing that could
//! be guessed. A slow password hash would add nothing to a secret that no one can enumerate.

use aws_lc_rs::{constant_time, hmac, rand};

use crate::snapshot::identity::{Keys, StoredKey};

/// What every key begins with: secret scanners know keys by it.
pub const PREFIX: &str = "stoa_sk_";
/// Characters of the id. 62^12 is 3e21: ids of one file never meet.
pub const ID_CHARS: usize = 12;
/// Characters of the secret. 62^43 is just above 2^256.
pub const SECRET_CHARS: usize = 43;
/// Characters of a key.
pub const KEY_CHARS: usize = PREFIX.len() + ID_CHARS + 1 + SECRET_CHARS;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Hashes presented keys. Its own key never shows.
#[derive(Clone)]
pub struct KeyHasher(hmac::Key);

impl KeyHasher {
    /// A hasher with this secret (at least 32 random bytes; callers check).
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// The stored form of a key.
    #[must_use]
    pub fn hash(&self, key: &[u8]) -> [u8; 32] {
        #[cfg(test)]
        HASHES.set(HASHES.get() + 1);
        let mut hash = [0; 32];
        hash.copy_from_slice(hmac::sign(&self.0, key).as_ref());
        hash
    }
}

impl std::fmt::Debug for KeyHasher {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("KeyHasher(***)")
    }
}

/// The key that was presented, as stored; `None` for anything that is not exactly a stored key.
///
/// An unknown id costs the same work as a wrong secret, and the hash is compared in constant time:
/// answers tell neither which ids exist nor how much of a secret is right.
pub(super) fn verify<'k>(keys: &'k Keys, presented: &[u8]) -> Option<&'k StoredKey> {
    let id = id_of(presented)?;
    let hasher = keys.hasher.as_ref()?;
    let hash = hasher.hash(presented);
    let stored = keys.by_id.get(id);
    let expected = stored.map_or(&[0; 32], |stored| &stored.hash);
    let equal = constant_time::verify_slices_are_equal(&hash, expected).is_ok();
    stored.filter(|_| equal)
}

/// The id in a text that has the shape of a key. The shape is no secret, so time may depend on it.
fn id_of(presented: &[u8]) -> Option<&str> {
    let presented = std::str::from_utf8(presented).ok()?;
    let (id, rest) = presented.strip_prefix(PREFIX)?.split_at_checked(ID_CHARS)?;
    let secret = rest.strip_prefix('_')?;
    let shaped = secret.len() == SECRET_CHARS;
    (shaped && is_base62(id) && is_base62(secret)).then_some(id)
}

/// Whether a text has the shape of an id.
#[must_use]
pub fn is_id(text: &str) -> bool {
    text.len() == ID_CHARS && is_base62(text)
}

fn is_base62(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// A key just made: the only moment at which it exists in clear.
pub struct NewKey {
    /// Its public part.
    pub id: String,
    /// The whole key, to be shown once.
    pub key: String,
}

impl std::fmt::Debug for NewKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "NewKey({PREFIX}{}_***)", self.id)
    }
}

/// Makes a key.
///
/// # Errors
/// Where the system has no randomness to give.
pub fn generate() -> Result<NewKey, RandomnessMissing> {
    let id = random_base62(ID_CHARS)?;
    let secret = random_base62(SECRET_CHARS)?;
    let key = format!("{PREFIX}{id}_{secret}");
    Ok(NewKey { id, key })
}

/// Random bytes for a hash key.
///
/// # Errors
/// Where the system has no randomness to give.
pub fn random_bytes<const N: usize>() -> Result<[u8; N], RandomnessMissing> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| RandomnessMissing)?;
    Ok(bytes)
}

/// The system gave no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system's random number generator gave no bytes")]
pub struct RandomnessMissing;

fn random_base62(chars: usize) -> Result<String, RandomnessMissing> {
    let mut text = String::with_capacity(chars);
    while text.len() < chars {
        for byte in random_bytes::<64>()? {
            // 248 is the largest multiple of 62 in a byte: higher ones would favour some characters.
            if byte < 248 && text.len() < chars {
                text.push(char::from(ALPHABET[usize::from(byte % 62)]));
            }
        }
    }
    Ok(text)
}

#[cfg(test)]
thread_local! {
    /// Hashes made by this thread: a clock would tell less surely what work was done.
    pub(super) static HASHES: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn keys_have_the_promised_shape_and_do_not_repeat() {
        let mut seen = HashSet::new();
        let mut characters = HashSet::new();
        for _ in 0..500 {
            let new = generate().unwrap();
            assert_eq!(new.key.len(), KEY_CHARS);
            assert_eq!(id_of(new.key.as_bytes()), Some(new.id.as_str()));
            characters.extend(new.key[PREFIX.len()..].bytes());
            assert!(seen.insert(new.id) && seen.insert(new.key));
        }
        // All 62 characters and the underscore: 27,500 draws miss one with odds of 1 in 10^190.
        assert_eq!(characters.len(), 63);
    }

    #[test]
    fn only_the_exact_shape_is_a_key() {
        let key = generate().unwrap().key;
        for (presented, shaped) in [
            (key.clone(), true),
            (format!("{key}x"), false),
            (key[..key.len() - 1].to_owned(), false),
            (key.replace("stoa_sk_", "stoa_pk_"), false),
            (key.to_uppercase(), false),
            (format!(" {key}"), false),
            (key.replacen('_', "-", 3), false),
            ("stoa_sk_".to_owned(), false),
            (String::new(), false),
        ] {
            assert_eq!(id_of(presented.as_bytes()).is_some(), shaped, "{presented}");
        }
        assert_eq!(id_of(&[0xff; KEY_CHARS]), None);
    }

    #[test]
    fn debug_shows_no_secret() {
        let new = generate().unwrap();
        let shown = format!("{new:?} {:?}", KeyHasher::new(b"a secret of the file"));
        let secret = new.key.rsplit('_').next().unwrap();
        assert!(
            !shown.contains(secret) && !shown.contains("secret of"),
            "{shown}"
        );
    }

    #[test]
    fn the_hash_depends_on_the_hash_key() {
        // RFC 4231 test case 2.
        let hash = KeyHasher::new(b"Jefe").hash(b"what do ya want for nothing?");
        assert_eq!(hash[..4], [0x5b, 0xdc, 0xc1, 0x46]);
        assert_ne!(
            hash,
            KeyHasher::new(b"jefe").hash(b"what do ya want for nothing?")
        );
    }
}
