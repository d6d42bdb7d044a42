//! An answer before it is written: what every transport makes and the worker sends.

use std::sync::Arc;

use crate::worker::stream::Subscription;

/// Status, headers and body of one answer.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`; empty for an answer without a body.
    pub content_type: &'static str,
    /// Further headers as `name: value\r\n` lines; values were checked for control characters.
    pub headers: Vec<u8>,
    /// The body.
    pub body: Vec<u8>,
    /// A body that others are sent as well, in place of [`Self::body`].
    pub shared: Option<Arc<Vec<u8>>>,
    /// Whether the connection ends after this answer.
    pub close: bool,
    /// An event stream that follows the head in place of a body.
    pub stream: Option<Box<Subscription>>,
}

/// `Content-Type` of JSON answers.
pub const JSON: &str = "application/json";
/// `Content-Type` of event streams.
pub const EVENT_STREAM: &str = "text/event-stream";

impl Answer {
    /// An answer with a JSON body.
    #[must_use]
    pub fn json(status: u16, body: Vec<u8>) -> Self {
        Self::of(status, JSON, body)
    }

    /// An answer without a body.
    #[must_use]
    pub fn empty(status: u16) -> Self {
        Self::of(status, "", Vec::new())
    }

    /// An answer with a body of any type.
    #[must_use]
    pub fn of(status: u16, content_type: &'static str, body: Vec<u8>) -> Self {
        Self {
            status,
            content_type,
            headers: Vec::new(),
            body,
            shared: None,
            close: false,
            stream: None,
        }
    }

    /// An answer with a body that others are sent as well.
    #[must_use]
    pub fn shared(status: u16, content_type: &'static str, body: Arc<Vec<u8>>) -> Self {
        Self {
            shared: Some(body),
            ..Self::of(status, content_type, Vec::new())
        }
    }

    /// Adds a header. `value` must not hold control characters; one that does is left out, because a
    /// header is never worth a split response.
    pub fn header(&mut self, name: &str, value: &[u8]) {
        if value
            .iter()
            .any(|byte| byte.is_ascii_control() && *byte != b'\t')
        {
            return;
        }
        self.headers
            .reserve(name.len() + value.len() + ": \r\n".len());
        self.headers.extend_from_slice(name.as_bytes());
        self.headers.extend_from_slice(b": ");
        self.headers.extend_from_slice(value);
        self.headers.extend_from_slice(b"\r\n");
    }

    /// [`Self::header`] for a chain.
    #[must_use]
    pub fn with(mut self, name: &str, value: &[u8]) -> Self {
        self.header(name, value);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_cannot_split_the_response() {
        for value in [&b"a\r\nset-cookie: b"[..], b"a\nb", b"a\0b", b"\x7f"] {
            assert!(Answer::empty(200).with("x", value).headers.is_empty());
        }
        assert_eq!(
            Answer::empty(200).with("x-request-id", b"a b").headers,
            b"x-request-id: a b\r\n"
        );
    }
}
