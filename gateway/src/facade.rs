//! The REST facade: tools over plain HTTP, for callers that speak no MCP.
//!
//! Only reading requests and writing answers; every call goes through the same stages as MCP's, in
//! [`crate::exchange`].

pub mod query;
pub mod write;

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::json::lexer::Lexer;
use crate::json::raw::Raw;
use crate::mcp::envelope::{Text, next_name};
use crate::refusal::Refusal;

/// Body of an invocation.
#[derive(Debug, Default)]
pub struct Invocation<'a> {
    /// The tool's arguments; none is an empty object.
    pub arguments: Option<Raw<'a>>,
    /// The caller's name for this call; returned, and used where there is no `X-Request-Id`.
    pub request_id: Option<Cow<'a, str>>,
}

impl<'a> Invocation<'a> {
    /// Reads a body; an empty one calls a tool without arguments.
    ///
    /// # Errors
    /// [`Refusal::ParseError`] for what is not JSON, [`Refusal::InvalidRequest`] for JSON of another
    /// shape, [`Refusal::TooDeep`].
    pub fn read(body: &'a [u8]) -> Result<Self, Refusal> {
        let text = std::str::from_utf8(body).map_err(|_| Refusal::ParseError)?;
        let mut invocation = Self::default();
        if text.trim_ascii().is_empty() {
            return Ok(invocation);
        }
        let mut lexer = Lexer::new(text);
        if lexer.peek_token() != b'{' {
            Raw::parse(text)?;
            return Err(Refusal::InvalidRequest);
        }
        let (mut first, mut has_arguments, mut has_id) = (true, false, false);
        lexer.open_object()?;
        while let Some(name) = next_name(&mut lexer, &mut first)? {
            let sound = match &*name {
                "arguments" => {
                    let value = lexer.value()?;
                    invocation.arguments = (value.get() != "null").then_some(value);
                    !std::mem::replace(&mut has_arguments, true)
                }
                "request_id" => {
                    let text = Text::read(&mut lexer)?;
                    let sound = text != Text::Other;
                    invocation.request_id = text.into_string();
                    sound && !std::mem::replace(&mut has_id, true)
                }
                _ => lexer.value().map(|_| true)?,
            };
            if !sound {
                return Err(Refusal::InvalidRequest);
            }
        }
        lexer.end()?;
        Ok(invocation)
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
            Invocation::read(text.as_bytes()).map(|found| found.arguments.map(Raw::get))
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
