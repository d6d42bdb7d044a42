//! Legacy sessions without a table: what a session is stands in its id, sealed.
//!
//! Bound to the principal that opened it: a stolen id is of no use without the credentials. It is never
//! itself a credential.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::revocation::Revocations;
use super::seal::{Purpose, Sealer, random};
use super::version::Revision;
use crate::json::raw::Raw;
use crate::limits::SESSION_AGE_S_MAX;
use crate::refusal::Refusal;

/// Who a token was made for: what `auth` says identifies a principal across snapshots and machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding([u8; Self::BYTES]);

impl Binding {
    /// Bytes in a token.
    pub const BYTES: usize = 16;

    /// As it stands in a token.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }
}

impl From<[u8; Self::BYTES]> for Binding {
    fn from(principal: [u8; Self::BYTES]) -> Self {
        Self(principal)
    }
}

/// What a client said it can do for a server that asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Declared {
    /// `roots`.
    pub roots: bool,
    /// `sampling`.
    pub sampling: bool,
    /// `elicitation`.
    pub elicitation: bool,
}

impl Declared {
    /// Reads `capabilities`; what is not there, or `null`, is not declared.
    #[must_use]
    pub fn read(capabilities: Option<Raw<'_>>) -> Self {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Capabilities {
            roots: Option<IgnoredAny>,
            sampling: Option<IgnoredAny>,
            elicitation: Option<IgnoredAny>,
        }
        let read: Capabilities = capabilities
            .and_then(|raw| serde_json::from_str(raw.get()).ok())
            .unwrap_or_default();
        Self {
            roots: read.roots.is_some(),
            sampling: read.sampling.is_some(),
            elicitation: read.elicitation.is_some(),
        }
    }

    fn to_bits(self) -> u8 {
        u8::from(self.roots) | u8::from(self.sampling) << 1 | u8::from(self.elicitation) << 2
    }

    fn from_bits(bits: u8) -> Self {
        Self {
            roots: bits & 1 != 0,
            sampling: bits & 2 != 0,
            elicitation: bits & 4 != 0,
        }
    }
}

/// An open session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// What `initialize` settled on; always of the legacy era.
    pub revision: Revision,
    /// What the client declared.
    pub declared: Declared,
    /// Unix milliseconds.
    pub issued_at_ms: u64,
    /// Random; tells sessions of one principal apart.
    pub id: u64,
}

/// `revision (1) | declared (1) | issued at (8) | binding (16) | id (8)`, numbers little-endian.
const CONTENT_BYTES: usize = 34;

impl Session {
    fn encode(&self, binding: &Binding) -> [u8; CONTENT_BYTES] {
        let mut content = [0; CONTENT_BYTES];
        content[0] = self.revision as u8;
        content[1] = self.declared.to_bits();
        content[2..10].copy_from_slice(&self.issued_at_ms.to_le_bytes());
        content[10..26].copy_from_slice(binding.as_bytes());
        content[26..].copy_from_slice(&self.id.to_le_bytes());
        content
    }

    fn decode(content: &[u8]) -> Option<(Self, Binding)> {
        let content: &[u8; CONTENT_BYTES] = content.try_into().ok()?;
        let session = Self {
            revision: Revision::ALL
                .into_iter()
                .find(|known| *known as u8 == content[0])?,
            declared: Declared::from_bits(content[1]),
            issued_at_ms: u64::from_le_bytes(content[2..10].try_into().ok()?),
            id: u64::from_le_bytes(content[26..].try_into().ok()?),
        };
        Some((session, Binding(content[10..26].try_into().ok()?)))
    }

    /// Unix milliseconds from which the token is refused.
    fn expires_at_ms(&self) -> u64 {
        self.issued_at_ms.saturating_add(SESSION_AGE_S_MAX * 1_000)
    }
}

/// Begins, opens and ends sessions. One for all cores.
#[derive(Debug, Default)]
pub struct Sessions {
    ended: Revocations,
}

impl Sessions {
    /// The id of a new session: visible ASCII, at most [`super::seal::TOKEN_CHARS_MAX`] characters.
    ///
    /// # Errors
    /// [`Refusal::Internal`] where the system gives no random bytes.
    pub fn begin(
        &self,
        sealer: &Sealer,
        revision: Revision,
        declared: Declared,
        binding: &Binding,
        now_ms: u64,
    ) -> Result<String, Refusal> {
        let id = u64::from_le_bytes(random()?);
        let session = Session {
            revision,
            declared,
            issued_at_ms: now_ms,
            id,
        };
        sealer.seal(Purpose::Session, &session.encode(binding))
    }

    /// The session of an `Mcp-Session-Id`.
    ///
    /// # Errors
    /// [`Refusal::SessionUnknown`], one answer for what is forged, expired, ended, or another
    /// principal's: a client begins anew on it, and learns nothing from it.
    pub fn open(
        &self,
        sealer: &Sealer,
        token: &[u8],
        binding: &Binding,
        now_ms: u64,
    ) -> Result<Session, Refusal> {
        sealer
            .open(Purpose::Session, token)
            .and_then(|content| Session::decode(content.as_slice()))
            .filter(|(_, bound_to)| bound_to == binding)
            .map(|(session, _)| session)
            .filter(|session| now_ms < session.expires_at_ms() && !self.ended.contains(session.id))
            .ok_or(Refusal::SessionUnknown)
    }

    /// Ends an open session: from now on [`Self::open`] refuses it on every core.
    pub fn end(&self, session: &Session, now_ms: u64) {
        self.ended
            .insert(session.id, session.expires_at_ms(), now_ms);
    }
}

#[cfg(test)]
mod tests;
