//! The members of a message as serde meets them, and the message they make.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::member::{Text, other_scalars, skip_seq};
use super::{Fault, Id, Kind, Message, Meta, Params};
use crate::limits::BATCH_MESSAGES_MAX;
use crate::refusal::Refusal;

/// Reads a text that is no array.
pub(super) fn read_one(text: &str) -> Result<Message<'_>, Fault<'_>> {
    match serde_json::from_str::<Parts<'_>>(text) {
        Ok(parts) => parts.into_message(),
        Err(error) => Err(Fault {
            refusal: refusal(text, &error),
            id: None,
        }),
    }
}

/// Reads a text that begins as an array.
pub(super) fn read_batch(text: &str) -> Result<Vec<Result<Message<'_>, Fault<'_>>>, Refusal> {
    let batch: Batch<'_> = serde_json::from_str(text).map_err(|error| refusal(text, &error))?;
    if batch.too_long {
        return Err(Refusal::BatchTooLong);
    }
    if batch.messages.is_empty() {
        return Err(Refusal::InvalidRequest);
    }
    Ok(batch.messages)
}

/// "Data" is a value of another shape than asked for, a document that is no object. The parser stopped
/// there, so whether the rest is JSON is not known yet.
fn refusal(text: &str, error: &serde_json::Error) -> Refusal {
    if error.is_data() && serde_json::from_str::<IgnoredAny>(text).is_ok() {
        Refusal::InvalidRequest
    } else {
        Refusal::ParseError
    }
}

// === impl Parts ===

/// The members of one message.
#[derive(Default)]
struct Parts<'a> {
    jsonrpc: Text<'a>,
    id: Option<&'a RawValue>,
    method: Text<'a>,
    params: Params<'a>,
    has_result: bool,
    has_error: bool,
    /// `params` is there and no object, or the whole message is none.
    misshapen: bool,
    seen: Seen,
}

/// Which known members were met, and whether one of them twice. One bit a member of [`Parts`],
/// [`Params`] and [`Meta`].
#[derive(Default)]
struct Seen {
    members: u32,
    repeated: bool,
    id_repeated: bool,
}

impl Seen {
    fn note(&mut self, member: u32) {
        let bit = 1 << member;
        self.repeated |= self.members & bit != 0;
        self.members |= bit;
    }
}

impl<'a> Parts<'a> {
    fn into_message(self) -> Result<Message<'a>, Fault<'a>> {
        let id = if self.seen.id_repeated {
            None
        } else {
            self.id.and_then(Id::read)
        };
        let is_response = self.has_result || self.has_error;
        let sound = self.jsonrpc.as_str() == Some("2.0") && !self.misshapen && !self.seen.repeated;
        let kind = match self.method {
            _ if !sound => None,
            Text::Is(method) if !is_response => match (self.id, id) {
                (None, _) => Some(Kind::Notification { method }),
                (Some(_), Some(id)) => Some(Kind::Request { id, method }),
                (Some(_), None) => None,
            },
            // Exactly one of the two; an error's id may be `null`, and we look at neither.
            Text::Absent if self.has_result != self.has_error => Some(Kind::Response),
            _ => None,
        };
        match kind {
            Some(kind) => Ok(Message {
                kind,
                params: self.params,
            }),
            None => Err(Fault {
                refusal: Refusal::InvalidRequest,
                id,
            }),
        }
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Key {
    Jsonrpc,
    Id,
    Method,
    Params,
    Result,
    Error,
    #[serde(other)]
    Unknown,
}

impl<'de> Deserialize<'de> for Parts<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PartsVisitor)
    }
}

struct PartsVisitor;

impl<'de> Visitor<'de> for PartsVisitor {
    type Value = Parts<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON-RPC message")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut parts = Parts::default();
        while let Some(key) = map.next_key::<Key>()? {
            if !matches!(key, Key::Unknown) {
                parts.seen.note(key as u32);
            }
            match key {
                Key::Jsonrpc => parts.jsonrpc = map.next_value()?,
                Key::Id => {
                    parts.seen.id_repeated = parts.id.is_some();
                    parts.id = Some(map.next_value()?);
                }
                Key::Method => parts.method = map.next_value()?,
                Key::Params => {
                    let read: ParamsMember<'_> = map.next_value()?;
                    parts.params = read.params;
                    parts.misshapen |= read.misshapen;
                    parts.seen.repeated |= read.repeated;
                }
                Key::Result => {
                    map.next_value::<IgnoredAny>()?;
                    parts.has_result = true;
                }
                Key::Error => {
                    map.next_value::<IgnoredAny>()?;
                    parts.has_error = true;
                }
                Key::Unknown => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(parts)
    }
}

// === impl ParamsMember ===

/// `params` and what is wrong with it.
#[derive(Default)]
struct ParamsMember<'a> {
    params: Params<'a>,
    misshapen: bool,
    repeated: bool,
}

impl ParamsMember<'_> {
    fn misshapen() -> Self {
        Self {
            misshapen: true,
            ..Self::default()
        }
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum ParamsKey {
    Name,
    Arguments,
    Cursor,
    Uri,
    ProtocolVersion,
    Capabilities,
    ClientInfo,
    Level,
    Notifications,
    RequestId,
    #[serde(rename = "_meta")]
    Meta,
    #[serde(other)]
    Unknown,
}

impl<'de> Deserialize<'de> for ParamsMember<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ParamsVisitor)
    }
}

struct ParamsVisitor;

impl<'de> Visitor<'de> for ParamsVisitor {
    type Value = ParamsMember<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut params = Params::default();
        let mut seen = Seen::default();
        while let Some(key) = map.next_key::<ParamsKey>()? {
            if !matches!(key, ParamsKey::Unknown) {
                seen.note(key as u32);
            }
            match key {
                ParamsKey::Name => params.name = map.next_value()?,
                ParamsKey::Arguments => params.arguments = map.next_value()?,
                ParamsKey::Cursor => params.cursor = map.next_value()?,
                ParamsKey::Uri => params.uri = map.next_value()?,
                ParamsKey::ProtocolVersion => params.protocol_version = map.next_value()?,
                ParamsKey::Capabilities => params.capabilities = map.next_value()?,
                ParamsKey::ClientInfo => params.client_info = map.next_value()?,
                ParamsKey::Level => params.level = map.next_value()?,
                ParamsKey::Notifications => params.notifications = map.next_value()?,
                ParamsKey::RequestId => params.request_id = map.next_value()?,
                ParamsKey::Meta => {
                    let read: MetaMember<'_> = map.next_value()?;
                    params.meta = read.meta;
                    seen.repeated |= read.repeated;
                }
                ParamsKey::Unknown => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(ParamsMember {
            params,
            misshapen: false,
            repeated: seen.repeated,
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        skip_seq(seq).map(|()| ParamsMember::misshapen())
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(ParamsMember::misshapen())
    }

    // `null` is what some serializers write for "none".
    other_scalars!(ParamsMember::default(), ParamsMember::misshapen());
}

// === impl MetaMember ===

/// `_meta` and whether a member of it is repeated. A `_meta` that is no object counts as none.
#[derive(Default)]
struct MetaMember<'a> {
    meta: Meta<'a>,
    repeated: bool,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(field_identifier)]
enum MetaKey {
    #[serde(rename = "io.modelcontextprotocol/protocolVersion")]
    ProtocolVersion,
    #[serde(rename = "io.modelcontextprotocol/clientCapabilities")]
    ClientCapabilities,
    #[serde(rename = "io.modelcontextprotocol/clientInfo")]
    ClientInfo,
    #[serde(rename = "io.modelcontextprotocol/logLevel")]
    LogLevel,
    #[serde(rename = "progressToken")]
    ProgressToken,
    #[serde(rename = "traceparent")]
    Traceparent,
    #[serde(other)]
    Unknown,
}

impl<'de> Deserialize<'de> for MetaMember<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MetaVisitor)
    }
}

struct MetaVisitor;

impl<'de> Visitor<'de> for MetaVisitor {
    type Value = MetaMember<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut meta = Meta::default();
        let mut seen = Seen::default();
        while let Some(key) = map.next_key::<MetaKey>()? {
            if !matches!(key, MetaKey::Unknown) {
                seen.note(key as u32);
            }
            match key {
                MetaKey::ProtocolVersion => meta.protocol_version = map.next_value()?,
                MetaKey::ClientCapabilities => meta.client_capabilities = map.next_value()?,
                MetaKey::ClientInfo => meta.client_info = map.next_value()?,
                MetaKey::LogLevel => meta.log_level = map.next_value()?,
                MetaKey::ProgressToken => meta.progress_token = map.next_value()?,
                MetaKey::Traceparent => meta.traceparent = map.next_value()?,
                MetaKey::Unknown => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(MetaMember {
            meta,
            repeated: seen.repeated,
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        skip_seq(seq).map(|()| MetaMember::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(MetaMember::default())
    }

    other_scalars!(MetaMember::default(), MetaMember::default());
}

// === impl Batch ===

/// An array of messages, read to its end even where it is too long, so that broken JSON is told apart.
#[derive(Default)]
struct Batch<'a> {
    messages: Vec<Result<Message<'a>, Fault<'a>>>,
    too_long: bool,
}

impl<'de> Deserialize<'de> for Batch<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(BatchVisitor)
    }
}

struct BatchVisitor;

impl<'de> Visitor<'de> for BatchVisitor {
    type Value = Batch<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array of JSON-RPC messages")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut batch = Batch::default();
        while batch.messages.len() < BATCH_MESSAGES_MAX {
            let Some(element) = seq.next_element::<&'de RawValue>()? else {
                return Ok(batch);
            };
            batch.messages.push(read_one(element.get()));
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {
            batch.too_long = true;
        }
        Ok(batch)
    }
}
