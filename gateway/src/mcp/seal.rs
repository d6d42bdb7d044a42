//! Tokens that we give out and get back: encrypted, authenticated, and bound to what they are for.
//!
//! A token holds state that would otherwise be a table growing with what callers send. Any gateway
//! with the same key opens it. It does not expire by itself; what it holds says when it ends.
//!
//! AES-256-GCM-SIV rather than GCM: nonces are random, and one configured key is shared by every
//! gateway of a cluster over its whole life. GCM loses everything once a nonce repeats and so allows
//! 2^32 tokens a key (NIST SP 800-38D section 8.3), which one busy year reaches; with SIV (RFC 8452) a
//! repeated nonce reveals at most that two tokens are equal.
//!
//! Format: base64url without padding of `nonce (12) | ciphertext | tag (16)`. Purpose and version of
//! the format are associated data, so a cursor never opens as a session, nor an old form as a new one.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::refusal::Refusal;

/// Bytes of a sealing key.
pub const KEY_BYTES: usize = 32;
/// Characters of the longest token; a longer text is no token of ours and is not even decoded.
pub const TOKEN_CHARS_MAX: usize = 128;
/// Bytes of the longest token, decoded.
const TOKEN_BYTES_MAX: usize = TOKEN_CHARS_MAX / 4 * 3;
/// Bytes of the tag at the end.
const TAG_BYTES: usize = 16;
/// Bytes of the longest content.
pub const CONTENT_BYTES_MAX: usize = TOKEN_BYTES_MAX - NONCE_LEN - TAG_BYTES;

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// `Mcp-Session-Id`.
    Session,
    /// `nextCursor`.
    Cursor,
}

impl Purpose {
    /// Ends in the version of the format: a change of the content's layout changes it.
    fn associated_data(self) -> Aad<&'static [u8]> {
        Aad::from(match self {
            Self::Session => b"stoa session 1".as_slice(),
            Self::Cursor => b"stoa cursor 1",
        })
    }
}

/// What a token held, on the stack.
#[derive(Debug)]
pub struct Content {
    bytes: [u8; TOKEN_BYTES_MAX],
    len: usize,
}

impl Content {
    /// The bytes that were sealed.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[NONCE_LEN..NONCE_LEN + self.len]
    }
}

/// Seals and opens tokens.
pub struct Sealer {
    /// The first seals; all open, so that a key can be replaced without ending every session.
    keys: Vec<LessSafeKey>,
}

impl Sealer {
    /// A sealer with a configured key, and keys of before that still open tokens.
    ///
    /// # Errors
    /// [`Refusal::Internal`] where the cryptographic library refuses to work.
    pub fn new(current: &[u8; KEY_BYTES], previous: &[[u8; KEY_BYTES]]) -> Result<Self, Refusal> {
        std::iter::once(current)
            .chain(previous)
            .map(|key| UnboundKey::new(&AES_256_GCM_SIV, key).map(LessSafeKey::new))
            .collect::<Result<_, _>>()
            .map(|keys| Self { keys })
            .map_err(|_| Refusal::Internal)
    }

    /// A sealer with a key of its own: its tokens end with the process.
    ///
    /// # Errors
    /// [`Refusal::Internal`] where the system gives no random bytes.
    pub fn with_random_key() -> Result<Self, Refusal> {
        Self::new(&random()?, &[])
    }

    /// Seals `content` into visible ASCII characters.
    ///
    /// # Errors
    /// [`Refusal::Internal`] for content longer than [`CONTENT_BYTES_MAX`], and where the system gives
    /// no random bytes.
    pub fn seal(&self, purpose: Purpose, content: &[u8]) -> Result<String, Refusal> {
        let end = NONCE_LEN + content.len();
        let mut token = [0; TOKEN_BYTES_MAX];
        let nonce: [u8; NONCE_LEN] = random()?;
        token[..NONCE_LEN].copy_from_slice(&nonce);
        let plain = token.get_mut(NONCE_LEN..end).ok_or(Refusal::Internal)?;
        plain.copy_from_slice(content);
        let tag = self
            .keys
            .first()
            .ok_or(Refusal::Internal)?
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                purpose.associated_data(),
                plain,
            )
            .map_err(|_| Refusal::Internal)?;
        let place = token
            .get_mut(end..end + TAG_BYTES)
            .ok_or(Refusal::Internal)?;
        place.copy_from_slice(tag.as_ref());
        Ok(URL_SAFE_NO_PAD.encode(&token[..end + TAG_BYTES]))
    }

    /// Opens a token; `None` for whatever we, or a gateway with our keys, did not seal for this
    /// purpose.
    #[must_use]
    pub fn open(&self, purpose: Purpose, token: &[u8]) -> Option<Content> {
        if token.len() > TOKEN_CHARS_MAX {
            return None;
        }
        let mut bytes = [0; TOKEN_BYTES_MAX];
        let len = URL_SAFE_NO_PAD.decode_slice(token, &mut bytes).ok()?;
        let nonce: [u8; NONCE_LEN] = bytes.get(..NONCE_LEN)?.try_into().ok()?;
        self.keys.iter().find_map(|key| {
            // Opening works in place and wrecks the text where it fails, so each key has a copy.
            let mut bytes = bytes;
            let sealed = bytes.get_mut(NONCE_LEN..len)?;
            let nonce = Nonce::assume_unique_for_key(nonce);
            let plain = key
                .open_in_place(nonce, purpose.associated_data(), sealed)
                .ok()?;
            let len = plain.len();
            Some(Content { bytes, len })
        })
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Sealer({} keys)", self.keys.len())
    }
}

/// Random bytes from the system.
pub(super) fn random<const LEN: usize>() -> Result<[u8; LEN], Refusal> {
    let mut bytes = [0; LEN];
    rand::fill(&mut bytes).map_err(|_| Refusal::Internal)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
