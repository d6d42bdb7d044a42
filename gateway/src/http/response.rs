//! The head of an upstream's answer: status, where its body ends, and the few headers that are read.
//!
//! As strict about framing as [`super::head`] is with requests: an upstream that lies about
//! where its answer ends would let one caller's answer reach another over a kept connection. Interim
//! answers (1xx) are passed over.

use std::fmt;
use std::mem::MaybeUninit;

use super::body::Framing;
use super::field::{self, ConnectionOptions, Declared, FramingFault, Lines, is_name};
use super::head::{self, HeadFault, Version};
use super::scan::Scan;
use crate::limits::{HEADER_COUNT_MAX, UPSTREAM_HEAD_BYTES_MAX};

#[cfg(test)]
mod tests;

/// Why an upstream's head cannot be used. The connection must be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseFault {
    /// More headers than [`HEADER_COUNT_MAX`].
    HeaderCount,
    /// More bytes than [`UPSTREAM_HEAD_BYTES_MAX`], interim answers included.
    HeadTooLarge,
    /// It breaks a rule of HTTP/1.1.
    Malformed(HeadFault),
    /// A transfer coding before `chunked`.
    TransferCodingUnknown,
    /// `101 Switching Protocols`, which nobody asked for.
    UpgradeUnasked,
    /// A version other than 1.0 and 1.1.
    VersionUnsupported,
}

impl ResponseFault {
    /// A phrase for the operator's log.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::HeaderCount => "the answer has too many headers",
            Self::HeadTooLarge => "the head of the answer is too large",
            Self::Malformed(fault) => fault.describe(),
            Self::TransferCodingUnknown => "the answer has a transfer coding other than chunked",
            Self::UpgradeUnasked => "the upstream switches protocols without being asked",
            Self::VersionUnsupported => "the answer is not HTTP/1.0 or HTTP/1.1",
        }
    }
}

impl From<HeadFault> for ResponseFault {
    fn from(fault: HeadFault) -> Self {
        Self::Malformed(fault)
    }
}

/// The head of a final answer, borrowed from the buffer it arrived in.
#[derive(Clone, Copy)]
pub struct ResponseHead<'b> {
    /// 200 to 999.
    pub status: u16,
    /// The version the upstream speaks.
    pub version: Version,
    /// Where the body ends.
    pub framing: Framing,
    /// Whether the connection may be used again once the body has been read.
    pub keep_alive: bool,
    /// Bytes of the head and of the interim answers before it: where the body begins.
    pub head_bytes: usize,
    /// `Content-Type`, the first.
    pub content_type: Option<&'b [u8]>,
    /// `Content-Encoding`, the first.
    pub content_encoding: Option<&'b [u8]>,
    /// `Location`, the first.
    pub location: Option<&'b [u8]>,
    /// `Retry-After`, the first.
    pub retry_after: Option<&'b [u8]>,
    /// The final head, without the interim answers.
    message: &'b [u8],
}

impl<'b> ResponseHead<'b> {
    /// All headers in order, names as they came, values without the white space around them.
    pub fn headers(&self) -> impl Iterator<Item = (&'b str, &'b [u8])> + use<'b> {
        Lines::new(self.message)
    }
}

/// Headers of an upstream are not for logs; only what frames the answer is shown.
impl fmt::Debug for ResponseHead<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ResponseHead")
            .field("status", &self.status)
            .field("version", &self.version)
            .field("framing", &self.framing)
            .field("keep_alive", &self.keep_alive)
            .field("head_bytes", &self.head_bytes)
            .finish_non_exhaustive()
    }
}

/// Reads the head of the final answer at the start of `buffer`; `None` while it is incomplete.
///
/// `scan` must be the same one until a head is complete, which resets it, and `buffer` must then
/// only have grown. `request_was_head`: the answer has no body, whatever its headers say.
///
/// # Errors
/// The upstream's fault.
pub fn parse<'b>(
    buffer: &'b [u8],
    scan: &mut Scan,
    request_was_head: bool,
) -> Result<Option<ResponseHead<'b>>, ResponseFault> {
    let window = &buffer[..buffer.len().min(UPSTREAM_HEAD_BYTES_MAX)];
    loop {
        if !scan.may_be_whole(window)? {
            return incomplete(window);
        }
        let message = &window[scan.start..];
        // Clients do not skip empty lines: here they are left over from an answer that was longer
        // than it said.
        if let Some(b'\r' | b'\n') = message.first() {
            return Err(HeadFault::StatusLine.into());
        }
        let mut slots = [const { MaybeUninit::uninit() }; HEADER_COUNT_MAX];
        let mut response = httparse::Response::new(&mut []);
        let config = httparse::ParserConfig::default();
        match config.parse_response_with_uninit_headers(&mut response, message, &mut slots) {
            Ok(httparse::Status::Complete(bytes)) => {
                let head_bytes = scan.start + bytes;
                let head = build(&response, &message[..bytes], head_bytes, request_was_head)?;
                let Some(head) = head else {
                    scan.restart(head_bytes);
                    continue;
                };
                scan.restart(0);
                return Ok(Some(head));
            }
            Ok(httparse::Status::Partial) => {
                scan.search(window)?;
                return incomplete(window);
            }
            Err(error) => return Err(diagnose(error, message)),
        }
    }
}

fn incomplete<'b>(window: &[u8]) -> Result<Option<ResponseHead<'b>>, ResponseFault> {
    if window.len() == UPSTREAM_HEAD_BYTES_MAX {
        return Err(ResponseFault::HeadTooLarge);
    }
    Ok(None)
}

#[cold]
fn diagnose(error: httparse::Error, message: &[u8]) -> ResponseFault {
    match error {
        httparse::Error::TooManyHeaders => ResponseFault::HeaderCount,
        httparse::Error::Version if message.starts_with(b"HTTP/") => {
            ResponseFault::VersionUnsupported
        }
        _ => head::diagnose::response(message).into(),
    }
}

/// Makes a head of what the parser found in `message`; `None` for an interim answer.
fn build<'b>(
    response: &httparse::Response<'_, 'b>,
    message: &'b [u8],
    head_bytes: usize,
    request_was_head: bool,
) -> Result<Option<ResponseHead<'b>>, ResponseFault> {
    if !field::lines_end_in_crlf(message, response.headers) {
        return Err(HeadFault::BareLineFeed.into());
    }
    let status = response.code.unwrap_or_default();
    match status {
        0..100 => return Err(HeadFault::StatusLine.into()),
        101 => return Err(ResponseFault::UpgradeUnasked),
        102..200 | 100 => return Ok(None),
        _ => {}
    }
    let mut head = ResponseHead {
        status,
        version: Version::from_minor(response.version),
        framing: Framing::None,
        keep_alive: false,
        head_bytes,
        content_type: None,
        content_encoding: None,
        location: None,
        retry_after: None,
        message,
    };
    let mut declared = Declared::default();
    let mut connection = ConnectionOptions::default();
    for header in response.headers.iter() {
        head.read_header(header.name, header.value, &mut declared, &mut connection)?;
    }
    head.decide_framing(declared, connection, request_was_head)?;
    Ok(Some(head))
}

impl<'b> ResponseHead<'b> {
    #[inline]
    fn read_header(
        &mut self,
        name: &'b str,
        value: &'b [u8],
        declared: &mut Declared,
        connection: &mut ConnectionOptions,
    ) -> Result<(), HeadFault> {
        match name.len() {
            8 if is_name(name, b"location") => keep_first(&mut self.location, value),
            10 if is_name(name, b"connection") => connection.take(value),
            11 if is_name(name, b"retry-after") => keep_first(&mut self.retry_after, value),
            12 if is_name(name, b"content-type") => keep_first(&mut self.content_type, value),
            14 if is_name(name, b"content-length") => declared.content_length(value)?,
            16 if is_name(name, b"content-encoding") => {
                keep_first(&mut self.content_encoding, value);
            }
            17 if is_name(name, b"transfer-encoding") => declared.transfer_encoding(value)?,
            _ => {}
        }
        Ok(())
    }

    /// RFC 9112 section 6.3, for an answer to anything but `CONNECT`.
    fn decide_framing(
        &mut self,
        declared: Declared,
        connection: ConnectionOptions,
        request_was_head: bool,
    ) -> Result<(), ResponseFault> {
        let framing = match declared.framing(self.version) {
            Ok(framing) => framing.unwrap_or(Framing::UntilClose),
            Err(FramingFault::Malformed(fault)) => return Err(fault.into()),
            Err(FramingFault::CodingUnknown) => return Err(ResponseFault::TransferCodingUnknown),
        };
        self.keep_alive = connection.persists(self.version);
        self.framing = match self.status {
            _ if request_was_head => Framing::None,
            304 => Framing::None,
            204 => {
                // It must announce no body. One that does may also send it, and those bytes would
                // be taken for the next answer.
                self.keep_alive &= !declared.promises_body();
                Framing::None
            }
            _ => framing,
        };
        self.keep_alive &= self.framing != Framing::UntilClose;
        Ok(())
    }
}

fn keep_first<'b>(slot: &mut Option<&'b [u8]>, value: &'b [u8]) {
    if slot.is_none() {
        *slot = Some(value);
    }
}
