//! The body of an MCP request, read once: who is asked for what, with the arguments left as the bytes
//! that came.
//!
//! [`read`] accepts what JSON-RPC 2.0 and MCP call a message and refuses the rest; what a method's
//! parameters must be is each method's business. It never copies a value that has no escapes.
//!
//! Invariants: no input recurses deeper than [`JSON_DEPTH_MAX`]; a member that we act on stands in its
//! object once, so that no two readers of one body can see different requests.

mod depth;
mod member;
mod parts;

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::limits::{JSON_DEPTH_MAX, REQUEST_ID_BYTES_MAX};
use crate::refusal::Refusal;

pub use member::Text;
pub(super) use member::other_scalars;

/// A body that was read.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "a box would cost every call an allocation to save a batch, which is rare, a move"
)]
pub enum Envelope<'a> {
    /// One message, as nearly always.
    One(Message<'a>),
    /// An array of at most [`crate::limits::BATCH_MESSAGES_MAX`] messages, each with its own fault.
    /// Legal in one revision only: see [`super::legacy::check_batch`].
    Batch(Vec<Result<Message<'a>, Fault<'a>>>),
}

/// Why a message is none, and whom to tell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fault<'a> {
    /// The cause.
    pub refusal: Refusal,
    /// The request's id where it could be read: an answer without it cannot be matched by the client.
    pub id: Option<Id<'a>>,
}

/// One message.
#[derive(Debug)]
pub struct Message<'a> {
    /// What it is.
    pub kind: Kind<'a>,
    /// Its parameters; empty where it has none.
    pub params: Params<'a>,
}

/// What a message is.
#[derive(Debug, PartialEq)]
pub enum Kind<'a> {
    /// It wants an answer.
    Request {
        /// To be echoed.
        id: Id<'a>,
        /// Not yet known to exist.
        method: Cow<'a, str>,
    },
    /// It wants none.
    Notification {
        /// Not yet known to exist.
        method: Cow<'a, str>,
    },
    /// An answer to a request of ours; we make none, so it is accepted and dropped.
    Response,
}

impl<'a> Message<'a> {
    /// The id to answer with; `None` for what is not answered.
    #[must_use]
    pub fn id(&self) -> Option<Id<'a>> {
        match self.kind {
            Kind::Request { id, .. } => Some(id),
            Kind::Notification { .. } | Kind::Response => None,
        }
    }
}

/// A JSON-RPC id as the JSON text that came: a string with its quotes, or an integer. It is echoed
/// byte for byte, so `1.0`, `"\u0061"` and integers beyond 64 bits survive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Id<'a>(&'a str);

impl<'a> Id<'a> {
    /// The id in this JSON text; `None` where it is no string and no integer, or longer than
    /// [`REQUEST_ID_BYTES_MAX`].
    #[must_use]
    pub fn read(raw: &'a RawValue) -> Option<Self> {
        let text = raw.get();
        let sound = match text.as_bytes().first()? {
            b'"' => true,
            b'-' | b'0'..=b'9' => is_integer(text),
            _ => false,
        };
        (sound && text.len() <= REQUEST_ID_BYTES_MAX).then_some(Self(text))
    }

    /// The id whose text was kept, e.g. by a stream that outlives its request.
    ///
    /// `json` must come from [`Self::as_json`]: it is written into answers as it is.
    #[must_use]
    pub fn of_json(json: &'a str) -> Self {
        debug_assert!(
            serde_json::from_str(json).is_ok_and(|raw| Self::read(raw).is_some()),
            "{json} is no id"
        );
        Self(json)
    }

    /// The id that [`Self::as_json`] gave, kept by a stream longer than the body it stood in.
    #[must_use]
    pub(crate) fn kept(text: &'a str) -> Self {
        Self(text)
    }

    /// The JSON text.
    #[must_use]
    pub fn as_json(self) -> &'a str {
        self.0
    }
}

/// Whether a JSON number is an integer. `1.0` is one to JSON Schema and to writers that know only
/// floats; an exponent is not worth the doubt.
fn is_integer(number: &str) -> bool {
    match number.split_once('.') {
        None => !number.contains(['e', 'E']),
        Some((_, fraction)) => fraction.bytes().all(|digit| digit == b'0'),
    }
}

/// The members of `params` that some method of ours reads. Values that only rare methods look into
/// stay raw.
#[derive(Debug, Default)]
pub struct Params<'a> {
    /// `tools/call`.
    pub name: Text<'a>,
    /// `tools/call`: any JSON value but `null`, which stands for none.
    pub arguments: Option<&'a RawValue>,
    /// `tools/list`.
    pub cursor: Text<'a>,
    /// What `resources/read` names.
    pub uri: Text<'a>,
    /// `initialize`.
    pub protocol_version: Text<'a>,
    /// `initialize`.
    pub capabilities: Option<&'a RawValue>,
    /// `initialize`.
    pub client_info: Option<&'a RawValue>,
    /// `logging/setLevel`.
    pub level: Text<'a>,
    /// `subscriptions/listen`.
    pub notifications: Option<&'a RawValue>,
    /// `notifications/cancelled`.
    pub request_id: Option<&'a RawValue>,
    /// `_meta`, empty where absent or no object.
    pub meta: Meta<'a>,
}

/// The members of `params._meta` that we read; those of the protocol without their prefix
/// `io.modelcontextprotocol/`.
#[derive(Debug, Default)]
pub struct Meta<'a> {
    /// `protocolVersion`: its presence makes a request a modern one.
    pub protocol_version: Text<'a>,
    /// `clientCapabilities`.
    pub client_capabilities: Option<&'a RawValue>,
    /// `clientInfo`.
    pub client_info: Option<&'a RawValue>,
    /// `logLevel`.
    pub log_level: Text<'a>,
    /// `progressToken`.
    pub progress_token: Option<&'a RawValue>,
    /// W3C `traceparent` (SEP-414).
    pub traceparent: Text<'a>,
}

/// What a client says of itself: unverified, for display only.
#[derive(Debug, Default, PartialEq, serde::Deserialize)]
pub struct ClientInfo<'a> {
    /// Software.
    #[serde(borrow, default)]
    pub name: Cow<'a, str>,
    /// Its version.
    #[serde(borrow, default)]
    pub version: Cow<'a, str>,
}

impl<'a> ClientInfo<'a> {
    /// Reads `clientInfo`; empty strings where it is absent or of another shape, as nothing may
    /// depend on it.
    #[must_use]
    pub fn read(raw: Option<&'a RawValue>) -> Self {
        raw.and_then(|raw| serde_json::from_str(raw.get()).ok())
            .unwrap_or_default()
    }
}

/// Whether a raw value is an object. `RawValue` has no white space around it.
#[must_use]
pub fn is_object(raw: &RawValue) -> bool {
    raw.get().starts_with('{')
}

/// Whether a JSON text is nested deeper than [`JSON_DEPTH_MAX`]: to be asked before any parser sees it.
#[must_use]
pub fn is_too_deep(json: &[u8]) -> bool {
    depth::exceeds(json, JSON_DEPTH_MAX)
}

/// Reads a request body.
///
/// # Errors
/// [`Refusal::ParseError`] for what is not JSON in UTF-8, [`Refusal::TooDeep`] beyond
/// [`JSON_DEPTH_MAX`], [`Refusal::BatchTooLong`], and [`Refusal::InvalidRequest`] for JSON that is no
/// message: another `jsonrpc` than `"2.0"`, an id that is no string or integer, `params` that is no
/// object, a repeated member, an empty batch.
pub fn read(body: &[u8]) -> Result<Envelope<'_>, Fault<'_>> {
    let fault = |refusal| Fault { refusal, id: None };
    // Checked here because serde_json checks strings that it hands out, but not those it skips.
    let text = std::str::from_utf8(body).map_err(|_| fault(Refusal::ParseError))?;
    if is_too_deep(body) {
        return Err(fault(Refusal::TooDeep));
    }
    if body.trim_ascii_start().first() == Some(&b'[') {
        return parts::read_batch(text).map_err(fault).map(Envelope::Batch);
    }
    parts::read_one(text).map(Envelope::One)
}

#[cfg(test)]
mod tests;
