//! The REST facade: tools over plain HTTP, for callers that speak no MCP.
//!
//! Only reading requests and writing answers; every call goes through the same stages as MCP's, in
//! [`crate::exchange`].

pub mod query;
pub mod write;

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::mcp::envelope;
use crate::refusal::Refusal;

/// Body of an invocation.
#[derive(Debug, Default, Deserialize)]
pub struct Invocation<'a> {
    /// The tool's arguments; none is an empty object.
    #[serde(borrow, default)]
    pub arguments: Option<&'a RawValue>,
    /// The caller's name for this call; returned, and used where there is no `X-Request-Id`.
    #[serde(borrow, default)]
    pub request_id: Option<Cow<'a, str>>,
}

impl<'a> Invocation<'a> {
    /// Reads a body; an empty one calls a tool without arguments.
    ///
    /// # Errors
    /// [`Refusal::ParseError`] for what is not JSON, [`Refusal::InvalidRequest`] for JSON of another
    /// shape, [`Refusal::TooDeep`].
    pub fn read(body: &'a [u8]) -> Result<Self, Refusal> {
        match body.trim_ascii().first() {
            None => return Ok(Self::default()),
            // serde would read a struct from an array, too.
            Some(b'[') => return Err(Refusal::InvalidRequest),
            Some(_) => {}
        }
        let text = std::str::from_utf8(body).map_err(|_| Refusal::ParseError)?;
        if envelope::is_too_deep(body) {
            return Err(Refusal::TooDeep);
        }
        serde_json::from_str(text).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => Refusal::InvalidRequest,
            _ => Refusal::ParseError,
        })
    }
}

/// A tool's name out of a path segment.
///
/// # Errors
/// [`Refusal::ToolUnknown`] for what cannot be a name.
pub fn tool_name(segment: &str) -> Result<Cow<'_, str>, Refusal> {
    percent_decode_str(segment)
        .decode_utf8()
        .map_err(|_| Refusal::ToolUnknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invocations() {
        let read = |text: &'static str| {
            Invocation::read(text.as_bytes()).map(|found| found.arguments.map(RawValue::get))
        };
        assert_eq!(read("").unwrap(), None);
        assert_eq!(read(" \r\n").unwrap(), None);
        assert_eq!(read("{}").unwrap(), None);
        assert_eq!(
            read(r#"{"arguments":{"a": 1},"other":2}"#).unwrap(),
            Some(r#"{"a": 1}"#)
        );
        assert_eq!(read(r#"{"arguments":"#).unwrap_err(), Refusal::ParseError);
        assert_eq!(read("[1]").unwrap_err(), Refusal::InvalidRequest);
        assert_eq!(
            read(r#"{"arguments":{},"arguments":{}}"#).unwrap_err(),
            Refusal::InvalidRequest
        );
        let deep = format!(r#"{{"arguments":{}{}}}"#, "[".repeat(200), "]".repeat(200));
        assert_eq!(
            Invocation::read(deep.as_bytes()).unwrap_err(),
            Refusal::TooDeep
        );
    }

    #[test]
    fn names_are_decoded_once() {
        assert_eq!(tool_name("acme%3Aget_order").unwrap(), "acme:get_order");
        assert_eq!(tool_name("a%2541").unwrap(), "a%41");
        assert_eq!(tool_name("%ff").unwrap_err(), Refusal::ToolUnknown);
    }
}
