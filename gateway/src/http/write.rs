//! Answers as bytes: appended to the connection's buffer, with nothing in between.
//!
//! [`begin`] writes the status line and the date; the [`Writer`] it returns takes headers and ends
//! with a whole body or opens a stream. How the message ends follows from the [`Recipient`]. What a
//! stream carries is framed by [`StreamFraming`].
//!
//! Not here: what to answer.

use super::head::{Head, Method, Version};

mod date;
mod status;
#[cfg(test)]
mod tests;

pub use date::Date;

/// What of a request decides how its answer is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// The version it speaks.
    pub version: Version,
    /// Whether the connection stays open after this answer.
    pub keep_alive: bool,
    /// Whether it asked with `HEAD`, and so gets no body.
    pub is_head: bool,
}

impl Recipient {
    /// As the request asks. The worker clears `keep_alive` where it means to close.
    #[must_use]
    pub fn of(head: &Head<'_>) -> Self {
        Self {
            version: head.version,
            keep_alive: head.keep_alive,
            is_head: head.method == Method::Head,
        }
    }

    /// One whose request could not be read: the answer is framed by a length, then the
    /// connection closes.
    pub const UNREADABLE: Self = Self {
        version: Version::Http11,
        keep_alive: false,
        is_head: false,
    };
}

/// The answer that tells a waiting sender to go on with its body.
#[must_use]
pub fn continue_100() -> &'static [u8] {
    b"HTTP/1.1 100 Continue\r\n\r\n"
}

/// Begins an answer at the end of `out`: status line and date.
pub fn begin<'o>(
    out: &'o mut Vec<u8>,
    status: u16,
    recipient: Recipient,
    date: &Date,
) -> Writer<'o> {
    status::append_line(out, status);
    out.extend_from_slice(b"date: ");
    out.extend_from_slice(date.as_bytes());
    out.extend_from_slice(b"\r\n");
    Writer {
        out,
        status,
        recipient,
    }
}

/// An answer whose head is being written. It is valid once [`Self::body`], [`Self::no_body`] or
/// [`Self::stream`] has ended it.
#[derive(Debug)]
#[must_use = "an answer without an end is not valid"]
pub struct Writer<'o> {
    out: &'o mut Vec<u8>,
    status: u16,
    recipient: Recipient,
}

impl Writer<'_> {
    /// Adds a header. `name` is a constant of the gateway, in lower case; `value` may be a caller's.
    ///
    /// A CR, LF, NUL or other control character in `value` would end the header where the caller
    /// likes; each becomes a space (RFC 9110 section 5.5).
    pub fn header(self, name: &'static str, value: &[u8]) -> Self {
        debug_assert!(name.bytes().all(super::field::is_token_byte), "{name}");
        debug_assert!(!matches!(
            name,
            "content-length" | "transfer-encoding" | "connection"
        ));
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b": ");
        let start = self.out.len();
        self.out.extend_from_slice(value);
        let written = &mut self.out[start..];
        if written.iter().any(|byte| is_control(*byte)) {
            written
                .iter_mut()
                .filter(|byte| is_control(**byte))
                .for_each(|byte| *byte = b' ');
        }
        self.out.extend_from_slice(b"\r\n");
        self
    }

    /// Adds header lines that are whole already, each with its CRLF: [`crate::answer::Answer`] makes
    /// and checks them.
    pub fn lines(self, lines: &[u8]) -> Self {
        debug_assert!(lines.is_empty() || lines.ends_with(b"\r\n"));
        self.out.extend_from_slice(lines);
        self
    }

    /// Adds a header whose value is a number.
    pub fn header_number(self, name: &'static str, value: u64) -> Self {
        self.header(name, itoa::Buffer::new().format(value).as_bytes())
    }

    /// Ends the answer with a body. A recipient that asked with `HEAD` gets its length only, and a
    /// status that has no body (204, 304) gets neither.
    pub fn body(self, content_type: &str, body: &[u8]) {
        if !status::may_have_body(self.status) {
            return self.no_body();
        }
        let mut writer = self.header("content-type", content_type.as_bytes());
        writer.end_with_length(body.len());
        if !writer.recipient.is_head {
            writer.out.extend_from_slice(body);
        }
    }

    /// Ends the head of an answer whose body, of so many bytes, is written by itself: a large one
    /// need not be copied behind its head.
    pub fn body_apart(self, content_type: &str, bytes: usize) {
        let mut writer = self.header("content-type", content_type.as_bytes());
        writer.end_with_length(bytes);
    }

    /// Ends the answer without a body.
    pub fn no_body(mut self) {
        if status::may_have_body(self.status) {
            self.end_with_length(0);
        } else {
            // RFC 9110 section 8.6: no Content-Length in a 204; the empty line is the end.
            self.end();
        }
    }

    /// Ends the head and opens a body of unknown length, which the returned framing writes.
    ///
    /// To an HTTP/1.0 recipient the body ends with the connection, so the worker must close it:
    /// see [`StreamFraming::closes_connection`].
    pub fn stream(mut self, content_type: &str) -> StreamFraming {
        let framing = match self.recipient {
            Recipient { is_head: true, .. } => StreamFraming::Absent,
            Recipient {
                version: Version::Http11,
                ..
            } => StreamFraming::Chunked,
            Recipient {
                version: Version::Http10,
                ..
            } => StreamFraming::UntilClose,
        };
        self.recipient.keep_alive &= !framing.closes_connection();
        let mut writer = self.header("content-type", content_type.as_bytes());
        if writer.recipient.version == Version::Http11 {
            writer
                .out
                .extend_from_slice(b"transfer-encoding: chunked\r\n");
        }
        writer.end();
        framing
    }

    fn end_with_length(&mut self, bytes: usize) {
        self.out.extend_from_slice(b"content-length: ");
        self.out
            .extend_from_slice(itoa::Buffer::new().format(bytes).as_bytes());
        self.out.extend_from_slice(b"\r\n");
        self.end();
    }

    /// What the recipient must be told about the connection (RFC 9112 section 9.3), and the empty
    /// line.
    fn end(&mut self) {
        let end: &[u8] = match (self.recipient.version, self.recipient.keep_alive) {
            (Version::Http11, true) => b"\r\n",
            (Version::Http10, true) => b"connection: keep-alive\r\n\r\n",
            (_, false) => b"connection: close\r\n\r\n",
        };
        self.out.extend_from_slice(end);
    }
}

fn is_control(byte: u8) -> bool {
    (byte < b' ' && byte != b'\t') || byte == 0x7f
}

/// How what a stream carries is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamFraming {
    /// The answer to a `HEAD`: nothing is carried.
    Absent,
    /// In chunks.
    Chunked,
    /// As it is; closing the connection ends it.
    UntilClose,
}

/// Room for a chunk's size that is filled in afterwards: eight digits hold 4 GiB, and leading zeros
/// are part of the grammar (RFC 9112 section 7.1).
const SIZE_DIGITS: usize = 8;

impl StreamFraming {
    /// Whether the connection must be closed when the stream ends.
    #[must_use]
    pub fn closes_connection(self) -> bool {
        self == Self::UntilClose
    }

    /// Appends `data` to `out` as one piece of the stream. Empty data is left out, as an empty
    /// chunk would end the stream.
    pub fn chunk(self, out: &mut Vec<u8>, data: &[u8]) {
        self.chunk_with(out, |out| out.extend_from_slice(data));
    }

    /// Appends to `out`, as one piece of the stream, whatever `write` appends, so that it need not
    /// be made elsewhere first. `write` must only append, and less than 4 GiB.
    pub fn chunk_with(self, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
        match self {
            Self::Absent => {}
            Self::UntilClose => write(out),
            Self::Chunked => {
                let start = out.len();
                out.extend_from_slice(b"00000000\r\n");
                let data_start = out.len();
                write(out);
                let bytes = out.len() - data_start;
                if bytes == 0 {
                    out.truncate(start);
                    return;
                }
                debug_assert!(u32::try_from(bytes).is_ok());
                write_hex(&mut out[start..start + SIZE_DIGITS], bytes);
                out.extend_from_slice(b"\r\n");
            }
        }
    }

    /// Appends the end of the stream.
    pub fn last_chunk(self, out: &mut Vec<u8>) {
        if self == Self::Chunked {
            out.extend_from_slice(b"0\r\n\r\n");
        }
    }
}

/// Fills `digits` with a number, the last digit last.
fn write_hex(digits: &mut [u8], number: usize) {
    let mut rest = number;
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789abcdef"[rest & 0xf];
        rest >>= 4;
    }
}
