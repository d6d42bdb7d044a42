//! The headers that MCP reads, and what their values mean (SEP-2243).
//!
//! Names are compared without case, values with it. A header that comes twice is never "the first of
//! two": it is [`Field::Repeated`], and each reader refuses it, as two readers of one request could
//! otherwise pick different values.

mod value;

use crate::http::head::Head;

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
    fn of(value: Option<&'a [u8]>, repeated: bool) -> Self {
        match value {
            _ if repeated => Self::Repeated,
            Some(value) => Self::Value(value),
            None => Self::Absent,
        }
    }

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

/// What the names of mirrored parameters begin with, in lower case.
const PREFIX: &[u8] = b"mcp-param-";

impl<'a> Headers<'a> {
    /// Takes MCP's headers out of a request's head, which has already met them; only mirrored parameters
    /// are worth a walk of their own.
    #[must_use]
    pub fn of(head: &Head<'a>) -> Self {
        let repeated = head.repeated;
        let mut found = Self {
            protocol_version: Field::of(head.mcp_protocol_version, repeated.mcp_protocol_version),
            method: Field::of(head.mcp_method, repeated.mcp_method),
            name: Field::of(head.mcp_name, repeated.mcp_name),
            session: Field::of(head.mcp_session_id, repeated.mcp_session_id),
            parameters: Vec::new(),
        };
        if head.has_mcp_params {
            found.parameters = head
                .headers()
                .filter_map(|(name, value)| {
                    Some((strip_prefix_ignore_case(name.as_bytes(), PREFIX)?, value))
                })
                .collect();
        }
        found
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

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::http::Scan;
    use crate::http::head;

    /// The headers of a request that has these.
    pub(in crate::mcp) fn headers_of(headers: &[(&str, &str)]) -> Headers<'static> {
        let lines: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let text = format!("POST /mcp HTTP/1.1\r\nhost: localhost\r\n{lines}\r\n");
        // Leaked, so that tests can keep what points into it.
        let head = head::parse(text.leak().as_bytes(), &mut Scan::default());
        Headers::of(&head.unwrap().unwrap())
    }

    #[test]
    fn names_are_compared_without_case_and_values_trimmed() {
        let headers = headers_of(&[
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
        let headers = headers_of(&[
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
