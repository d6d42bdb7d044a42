//! The body of an MCP request, read once: who is asked for what, with the arguments left as the bytes
//! that came.
//!
//! [`read`] accepts what JSON-RPC 2.0 and MCP call a message and refuses the rest; what a method's
//! parameters must be is each method's business. It never copies a value that has no escapes.
//!
//! Invariants: no input recurses deeper than [`crate::limits::JSON_DEPTH_MAX`]; a member that we act on stands in its
//! object once, so that no two readers of one body can see different requests.

mod member;
mod parts;

use std::borrow::Cow;

use crate::json::raw::Raw;
use crate::limits::REQUEST_ID_BYTES_MAX;
use crate::refusal::Refusal;

pub use member::Text;
pub(crate) use member::next_name;

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
    pub fn read(raw: Raw<'a>) -> Option<Self> {
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
            Raw::parse(json).is_ok_and(|raw| Self::read(raw).is_some()),
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
    pub arguments: Option<Raw<'a>>,
    /// `tools/list`.
    pub cursor: Text<'a>,
    /// What `resources/read` names.
    pub uri: Text<'a>,
    /// `initialize`.
    pub protocol_version: Text<'a>,
    /// `initialize`.
    pub capabilities: Option<Raw<'a>>,
    /// `initialize`.
    pub client_info: Option<Raw<'a>>,
    /// `logging/setLevel`.
    pub level: Text<'a>,
    /// `subscriptions/listen`.
    pub notifications: Option<Raw<'a>>,
    /// `notifications/cancelled`.
    pub request_id: Option<Raw<'a>>,
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
    pub client_capabilities: Option<Raw<'a>>,
    /// `clientInfo`.
    pub client_info: Option<Raw<'a>>,
    /// `logLevel`.
    pub log_level: Text<'a>,
    /// `progressToken`.
    pub progress_token: Option<Raw<'a>>,
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
    pub fn read(raw: Option<Raw<'a>>) -> Self {
        raw.and_then(|raw| serde_json::from_str(raw.get()).ok())
            .unwrap_or_default()
    }
}

/// Reads a request body.
///
/// # Errors
/// [`Refusal::ParseError`] for what is not JSON in UTF-8, [`Refusal::TooDeep`] beyond
/// [`crate::limits::JSON_DEPTH_MAX`], [`Refusal::BatchTooLong`], and [`Refusal::InvalidRequest`] for JSON that is no
/// message: another `jsonrpc` than `"2.0"`, an id that is no string or integer, `params` that is no
/// object, a repeated member, an empty batch.
pub fn read(body: &[u8]) -> Result<Envelope<'_>, Fault<'_>> {
    let fault = |refusal| Fault { refusal, id: None };
    let text = std::str::from_utf8(body).map_err(|_| fault(Refusal::ParseError))?;
    if body.trim_ascii_start().first() == Some(&b'[') {
        return parts::read_batch(text).map_err(fault).map(Envelope::Batch);
    }
    parts::read_one(text).map(Envelope::One)
}

#[cfg(test)]
mod tests;
