//! The head of a request: method, target, how its body is framed, and the headers that are read.
//!
//! [`parse`] is the door where request smuggling is refused (RFC 9112 section 11.2): whatever two
//! programs could read in two ways does not pass. One pass over the headers captures those the
//! gateway reads; nothing is copied or allocated, and nothing is kept of the others, which
//! [`Head::headers`] can walk again.
//!
//! Not here: what the values mean. `authorization`, `accept` and the rest are the caller's bytes.

use std::fmt;
use std::mem::MaybeUninit;

use super::body::Framing;
use super::field::{self, ConnectionOptions, Declared, FramingFault, Lines, is_name};
use super::scan::Scan;
use super::target::{self, Target};
use crate::limits::{HEAD_BYTES_MAX, HEADER_COUNT_MAX, METHOD_BYTES_MAX, TARGET_BYTES_MAX};
use crate::refusal::Refusal;

pub(super) mod diagnose;
mod fault;
mod method;
#[cfg(test)]
mod tests;

pub use fault::HeadFault;
pub use method::{Method, Version};

/// Bytes of a request line without its end: method, target, version, two spaces.
const REQUEST_LINE_BYTES_MAX: usize =
    METHOD_BYTES_MAX + 1 + TARGET_BYTES_MAX + 1 + "HTTP/1.1".len();

/// Which headers stood in the head more than once. Their captured values are the first ones.
///
/// Repeats of `Host`, `Content-Length`, `Authorization`, `Content-Type`, `Origin` and
/// `X-Consumer-Id` are refused outright and so never seen here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repeated {
    /// `Accept`: legal, one list; walk [`Head::headers`] for the rest of it.
    pub accept: bool,
    /// `Mcp-Method`
    pub mcp_method: bool,
    /// `Mcp-Name`
    pub mcp_name: bool,
    /// `MCP-Protocol-Version`
    pub mcp_protocol_version: bool,
    /// `Mcp-Session-Id`
    pub mcp_session_id: bool,
    /// `tracestate`: legal, one list; walk [`Head::headers`] for the rest of it.
    pub tracestate: bool,
}

/// A request's head, borrowed from the buffer it arrived in.
#[derive(Clone, Copy)]
pub struct Head<'b> {
    /// What is asked.
    pub method: Method<'b>,
    /// Of what.
    pub target: Target<'b>,
    /// In which version.
    pub version: Version,
    /// Where the body ends. Never [`Framing::UntilClose`].
    pub framing: Framing,
    /// Whether the connection may serve another request after this one.
    pub keep_alive: bool,
    /// Whether the sender waits for `100 Continue` before it sends the body.
    pub expect_continue: bool,
    /// Bytes of the head, with empty lines before it: where the body begins in the buffer.
    pub head_bytes: usize,
    /// The host addressed: from the target where that names one, else from `Host`. Always there in
    /// HTTP/1.1, and always a valid host with an optional port.
    pub host: Option<&'b [u8]>,
    /// `Authorization`
    pub authorization: Option<&'b [u8]>,
    /// `Content-Type`
    pub content_type: Option<&'b [u8]>,
    /// `Accept`; see [`Repeated::accept`].
    pub accept: Option<&'b [u8]>,
    /// `Origin`
    pub origin: Option<&'b [u8]>,
    /// `traceparent`; absent if repeated, which makes it invalid.
    pub traceparent: Option<&'b [u8]>,
    /// `tracestate`; see [`Repeated::tracestate`]. Absent without a `traceparent`.
    pub tracestate: Option<&'b [u8]>,
    /// `X-Request-Id`, the first.
    pub x_request_id: Option<&'b [u8]>,
    /// `X-Consumer-Id`
    pub x_consumer_id: Option<&'b [u8]>,
    /// `Mcp-Session-Id`
    pub mcp_session_id: Option<&'b [u8]>,
    /// `MCP-Protocol-Version`
    pub mcp_protocol_version: Option<&'b [u8]>,
    /// `Mcp-Method`
    pub mcp_method: Option<&'b [u8]>,
    /// `Mcp-Name`
    pub mcp_name: Option<&'b [u8]>,
    /// `Last-Event-ID`, the first.
    pub last_event_id: Option<&'b [u8]>,
    /// Whether any `Mcp-Param-*` is there: only then is [`Head::headers`] worth a walk for them.
    pub has_mcp_params: bool,
    /// Which headers stood there more than once.
    pub repeated: Repeated,
    /// The head without the empty lines before it.
    message: &'b [u8],
}

impl<'b> Head<'b> {
    /// All headers in order, names as they came, values without the white space around them.
    pub fn headers(&self) -> impl Iterator<Item = (&'b str, &'b [u8])> + use<'b> {
        Lines::new(self.message)
    }
}

/// Values of headers are secrets or the caller's business; only what frames the request is shown.
impl fmt::Debug for Head<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Head")
            .field("method", &self.method)
            .field("path", &self.target.path)
            .field("version", &self.version)
            .field("framing", &self.framing)
            .field("keep_alive", &self.keep_alive)
            .field("head_bytes", &self.head_bytes)
            .finish_non_exhaustive()
    }
}

/// Reads the head at the start of `buffer`; `None` while it is incomplete. What follows the head,
/// a body or the next request, is not looked at.
///
/// `scan` must be the same one until a head is complete, which resets it, and `buffer` must then
/// only have grown. [`Head::head_bytes`] says where the body begins.
///
/// # Errors
/// The refusal to answer with; the connection must be closed after it, as its framing is lost.
pub fn parse<'b>(buffer: &'b [u8], scan: &mut Scan) -> Result<Option<Head<'b>>, Refusal> {
    let window = &buffer[..buffer.len().min(HEAD_BYTES_MAX)];
    scan.skip_empty_lines(window)?;
    if !scan.may_be_whole(window)? {
        return incomplete(window, scan);
    }
    let message = &window[scan.start..];
    let mut slots = [const { MaybeUninit::uninit() }; HEADER_COUNT_MAX];
    let mut request = httparse::Request::new(&mut []);
    match request.parse_with_uninit_headers(message, &mut slots) {
        Ok(httparse::Status::Complete(bytes)) => {
            let mut head = build(&request, &message[..bytes])?;
            head.head_bytes = scan.start + bytes;
            scan.restart(0);
            Ok(Some(head))
        }
        Ok(httparse::Status::Partial) => {
            scan.search(window)?;
            incomplete(window, scan)
        }
        // Which version it is, and so which answer, shows only when its line has ended.
        Err(httparse::Error::Version) if memchr::memchr(b'\n', message).is_none() => {
            scan.search(window)?;
            incomplete(window, scan)
        }
        Err(error) => Err(diagnose::request(error, message)),
    }
}

/// Decides whether more bytes may still make a head of what is there.
fn incomplete<'b>(window: &[u8], scan: &Scan) -> Result<Option<Head<'b>>, Refusal> {
    let message = window.get(scan.start..).unwrap_or_default();
    let line_bytes_max = REQUEST_LINE_BYTES_MAX + "\r\n".len();
    if !scan.first_line_complete && message.len() >= line_bytes_max {
        return Err(diagnose::request_line_too_long(message));
    }
    if window.len() == HEAD_BYTES_MAX {
        return Err(Refusal::HeadTooLarge);
    }
    Ok(None)
}

/// Makes a head of what the parser found in `message`, which ends with the head.
fn build<'b>(request: &httparse::Request<'_, 'b>, message: &'b [u8]) -> Result<Head<'b>, Refusal> {
    let name = request.method.unwrap_or_default();
    let raw_target = request.path.unwrap_or_default();
    if name.len() > METHOD_BYTES_MAX || raw_target.len() > TARGET_BYTES_MAX {
        return Err(diagnose::request_line_too_long(message));
    }
    if !field::lines_end_in_crlf(message, request.headers) {
        return Err(HeadFault::BareLineFeed.into());
    }
    let method = Method::new(name);
    let version = Version::from_minor(request.version);
    let (target, authority) = target::parse(method, raw_target)?;
    let mut head = Head::empty(method, target, version, message);
    head.read_headers(request.headers)?;
    match head.host {
        Some(host) if !target::is_host(host) => return Err(HeadFault::HostInvalid.into()),
        None if version == Version::Http11 => return Err(HeadFault::HostMissing.into()),
        _ => {}
    }
    if let Some(authority) = authority {
        head.host = Some(authority.as_bytes());
    }
    Ok(head)
}

impl<'b> Head<'b> {
    fn empty(method: Method<'b>, target: Target<'b>, version: Version, message: &'b [u8]) -> Self {
        Self {
            method,
            target,
            version,
            framing: Framing::None,
            keep_alive: false,
            expect_continue: false,
            head_bytes: 0,
            host: None,
            authorization: None,
            content_type: None,
            accept: None,
            origin: None,
            traceparent: None,
            tracestate: None,
            x_request_id: None,
            x_consumer_id: None,
            mcp_session_id: None,
            mcp_protocol_version: None,
            mcp_method: None,
            mcp_name: None,
            last_event_id: None,
            has_mcp_params: false,
            repeated: Repeated::default(),
            message,
        }
    }

    /// The one pass over the headers.
    fn read_headers(&mut self, headers: &[httparse::Header<'b>]) -> Result<(), Refusal> {
        let mut hop = Hop::default();
        for header in headers {
            self.read_header(header.name, header.value, &mut hop)?;
        }
        // W3C Trace Context section 3.3: without a valid traceparent no tracestate is read.
        if hop.traceparent_repeated {
            self.traceparent = None;
        }
        if self.traceparent.is_none() {
            self.tracestate = None;
        }
        self.keep_alive = hop.connection.persists(self.version);
        self.framing = match hop.declared.framing(self.version) {
            Ok(framing) => framing.unwrap_or(Framing::None),
            Err(FramingFault::Malformed(fault)) => return Err(fault.into()),
            Err(FramingFault::CodingUnknown) => return Err(Refusal::TransferCodingUnknown),
        };
        // RFC 9110 section 10.1.1: in HTTP/1.0 the expectation is ignored.
        if self.version == Version::Http11 {
            if hop.expectation_unknown {
                return Err(Refusal::ExpectationUnknown);
            }
            self.expect_continue = hop.expect_continue && hop.declared.promises_body();
        }
        Ok(())
    }

    /// Captures a header if it is one that is read. Told apart by length first: at most four names
    /// share one.
    #[inline]
    fn read_header(
        &mut self,
        name: &'b str,
        value: &'b [u8],
        hop: &mut Hop,
    ) -> Result<(), HeadFault> {
        match name.len() {
            4 if is_name(name, b"host") => once(&mut self.host, value, HeadFault::HostRepeated)?,
            6 if is_name(name, b"accept") => self.repeated.accept |= first(&mut self.accept, value),
            6 if is_name(name, b"origin") => {
                once(&mut self.origin, value, HeadFault::OriginRepeated)?;
            }
            6 if is_name(name, b"expect") => hop.expect(value),
            8 if is_name(name, b"mcp-name") => {
                self.repeated.mcp_name |= first(&mut self.mcp_name, value);
            }
            10 if is_name(name, b"connection") => hop.connection.take(value),
            10 if is_name(name, b"mcp-method") => {
                self.repeated.mcp_method |= first(&mut self.mcp_method, value);
            }
            10 if is_name(name, b"tracestate") => {
                self.repeated.tracestate |= first(&mut self.tracestate, value);
            }
            11 if is_name(name, b"traceparent") => {
                hop.traceparent_repeated |= first(&mut self.traceparent, value);
            }
            12 if is_name(name, b"content-type") => {
                once(
                    &mut self.content_type,
                    value,
                    HeadFault::ContentTypeRepeated,
                )?;
            }
            12 if is_name(name, b"x-request-id") => {
                first(&mut self.x_request_id, value);
            }
            13 if is_name(name, b"authorization") => {
                once(
                    &mut self.authorization,
                    value,
                    HeadFault::AuthorizationRepeated,
                )?;
            }
            13 if is_name(name, b"x-consumer-id") => {
                once(&mut self.x_consumer_id, value, HeadFault::ConsumerRepeated)?;
            }
            13 if is_name(name, b"last-event-id") => {
                first(&mut self.last_event_id, value);
            }
            14 if is_name(name, b"content-length") => hop.declared.content_length(value)?,
            14 if is_name(name, b"mcp-session-id") => {
                self.repeated.mcp_session_id |= first(&mut self.mcp_session_id, value);
            }
            17 if is_name(name, b"transfer-encoding") => hop.declared.transfer_encoding(value)?,
            20 if is_name(name, b"mcp-protocol-version") => {
                self.repeated.mcp_protocol_version |= first(&mut self.mcp_protocol_version, value);
            }
            _ => self.has_mcp_params |= is_mcp_param(name),
        }
        Ok(())
    }
}

/// What is known only once all headers are read.
#[derive(Default)]
struct Hop {
    declared: Declared,
    connection: ConnectionOptions,
    expect_continue: bool,
    expectation_unknown: bool,
    traceparent_repeated: bool,
}

impl Hop {
    fn expect(&mut self, value: &[u8]) {
        let known = value.eq_ignore_ascii_case(b"100-continue");
        self.expect_continue |= known;
        self.expectation_unknown |= !known;
    }
}

/// Keeps the first value; tells whether this is a later one.
#[inline]
fn first<'b>(slot: &mut Option<&'b [u8]>, value: &'b [u8]) -> bool {
    let repeated = slot.is_some();
    if !repeated {
        *slot = Some(value);
    }
    repeated
}

/// Keeps the only value.
#[inline]
fn once<'b>(
    slot: &mut Option<&'b [u8]>,
    value: &'b [u8],
    fault: HeadFault,
) -> Result<(), HeadFault> {
    if first(slot, value) {
        Err(fault)
    } else {
        Ok(())
    }
}

fn is_mcp_param(name: &str) -> bool {
    name.as_bytes()
        .get(..10)
        .is_some_and(|prefix| prefix.eq_ignore_ascii_case(b"mcp-param-"))
}
