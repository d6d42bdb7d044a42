//! The headers that MCP reads, picked out of a head in one pass, and what their values mean (SEP-2243).
//!
//! Names are compared without case, values with it. A header that comes twice is never "the first of
//! two": it is [`Field::Repeated`], and each reader refuses it, as two readers of one request could
//! otherwise pick different values.

mod value;

pub use value::{MalformedValue, decode};

/// One header's value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Field<'a> {
    /// Not there.
    #[default]
    Absent,
    /// There once, without the white space around it.
    Value(&'a [u8]),
    /// There more than once.
    Repeated,
}

impl<'a> Field<'a> {
    fn add(&mut self, value: &'a [u8]) {
        *self = match self {
            Self::Absent => Self::Value(value),
            Self::Value(_) | Self::Repeated => Self::Repeated,
        };
    }
}

/// The headers of one request that MCP reads.
#[derive(Debug, Default)]
pub struct Headers<'a> {
    /// `MCP-Protocol-Version`.
    pub protocol_version: Field<'a>,
    /// `Mcp-Method`.
    pub method: Field<'a>,
    /// `Mcp-Name`.
    pub name: Field<'a>,
    /// `Mcp-Session-Id`.
    pub session: Field<'a>,
    /// `Mcp-Param-*`: what follows the prefix, and the value. Allocates only where there are any.
    parameters: Vec<(&'a [u8], &'a [u8])>,
}

/// What all of them begin with, in lower case.
const PREFIX: &[u8] = b"mcp-";
/// What mirrored parameters have between [`PREFIX`] and their own name.
const PARAMETER: &[u8] = b"param-";

impl<'a> Headers<'a> {
    /// Picks MCP's headers out of all headers of a request, given as name and value.
    pub fn collect(headers: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) -> Self {
        let mut found = Self::default();
        for (name, value) in headers {
            if let Some(suffix) = strip_prefix_ignore_case(name, PREFIX) {
                found.add(suffix, trim_optional_white_space(value));
            }
        }
        found
    }

    fn add(&mut self, suffix: &'a [u8], value: &'a [u8]) {
        if suffix.eq_ignore_ascii_case(b"protocol-version") {
            self.protocol_version.add(value);
        } else if suffix.eq_ignore_ascii_case(b"method") {
            self.method.add(value);
        } else if suffix.eq_ignore_ascii_case(b"name") {
            self.name.add(value);
        } else if suffix.eq_ignore_ascii_case(b"session-id") {
            self.session.add(value);
        } else if let Some(parameter) = strip_prefix_ignore_case(suffix, PARAMETER) {
            self.parameters.push((parameter, value));
        }
    }

    /// `Mcp-Param-{name}`.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Field<'a> {
        let mut field = Field::Absent;
        for (candidate, value) in &self.parameters {
            if candidate.eq_ignore_ascii_case(name.as_bytes()) {
                field.add(value);
            }
        }
        field
    }
}

fn strip_prefix_ignore_case<'a>(name: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = name.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// Spaces and tabs around a value are not part of it (RFC 9110 section 5.5).
fn trim_optional_white_space(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collect<'a>(headers: &[(&'a str, &'a str)]) -> Headers<'a> {
        Headers::collect(
            headers
                .iter()
                .map(|(name, value)| (name.as_bytes(), value.as_bytes())),
        )
    }

    #[test]
    fn names_are_compared_without_case_and_values_trimmed() {
        let headers = collect(&[
            ("host", "localhost"),
            ("mcp-protocol-VERSION", "2026-07-28"),
            ("MCP-METHOD", " \ttools/call\t "),
            ("Mcp-Name", "\t"),
            ("Mcp-Session-Id", "a b"),
            ("Mcp-Param-Region", "eu"),
            ("mcp", "x"),
            ("mcp-methods", "x"),
            ("xmcp-method", "x"),
        ]);
        assert_eq!(headers.protocol_version, Field::Value(b"2026-07-28"));
        assert_eq!(headers.method, Field::Value(b"tools/call"));
        assert_eq!(headers.name, Field::Value(b""));
        assert_eq!(headers.session, Field::Value(b"a b"));
        assert_eq!(headers.parameter("region"), Field::Value(b"eu"));
        assert_eq!(headers.parameter("regio"), Field::Absent);
    }

    #[test]
    fn a_header_that_comes_twice_has_no_value_even_where_both_agree() {
        let headers = collect(&[
            ("Mcp-Method", "ping"),
            ("mcp-method", "ping"),
            ("Mcp-Session-Id", "a"),
            ("Mcp-Session-Id", "b"),
            ("MCP-Session-Id", "c"),
            ("Mcp-Param-Region", "eu"),
            ("Mcp-Param-REGION", "us"),
        ]);
        assert_eq!(headers.method, Field::Repeated);
        assert_eq!(headers.session, Field::Repeated);
        assert_eq!(headers.parameter("region"), Field::Repeated);
        assert_eq!(headers.name, Field::Absent);
    }
}
