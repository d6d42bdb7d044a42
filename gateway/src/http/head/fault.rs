//! What can be wrong with the framing of a message.
//!
//! Shared by requests and upstreams' answers: the rules are the same, only who is told differs.

use crate::refusal::Refusal;

/// One way in which a message breaks the rules of HTTP/1.1, each a smuggling or splitting tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadFault {
    /// More than one `Authorization`.
    AuthorizationRepeated,
    /// A CR that no LF follows.
    BareCarriageReturn,
    /// A LF that no CR precedes.
    BareLineFeed,
    /// Chunk data that is not followed by CRLF.
    ChunkData,
    /// A chunk extension with control characters, or more of them than allowed.
    ChunkExtension,
    /// A chunk size that is not 1 to 16 hexadecimal digits.
    ChunkSize,
    /// A header line without a colon.
    ColonMissing,
    /// More than one `X-Consumer-Id`.
    ConsumerRepeated,
    /// More than one `Content-Type`.
    ContentTypeRepeated,
    /// A control character in a header value or in the first line.
    ControlCharacter,
    /// A `Host` or an authority that is no host with an optional port.
    HostInvalid,
    /// HTTP/1.1 without `Host`.
    HostMissing,
    /// More than one `Host`.
    HostRepeated,
    /// `Content-Length` that is not only digits, or more than 64 bits.
    LengthInvalid,
    /// More than one `Content-Length`, even if equal.
    LengthRepeated,
    /// `Content-Length` and `Transfer-Encoding` together.
    LengthWithTransferEncoding,
    /// A header line that begins with its colon.
    NameEmpty,
    /// A character in a header name that is no token character.
    NameInvalid,
    /// A header continued on a second line.
    ObsoleteFold,
    /// More than one `Origin`.
    OriginRepeated,
    /// A first line that is not method, target and version with one space between them.
    RequestLine,
    /// A space or tab between a header's name and its colon.
    SpaceBeforeColon,
    /// A space or tab within a header's name.
    SpaceInName,
    /// An upstream's first line that is not version, status and reason.
    StatusLine,
    /// A target in no form of RFC 9112 section 3.2, or with a fragment or non-ASCII characters.
    TargetInvalid,
    /// A TLS handshake on a port that speaks plain HTTP.
    TlsHandshake,
    /// A trailer that is no header line.
    Trailer,
    /// More bytes of trailers than allowed.
    TrailerBytes,
    /// `Transfer-Encoding` whose last coding is not `chunked`, or that names `chunked` twice.
    TransferCodingOrder,
    /// `Transfer-Encoding` that is not a list of codings.
    TransferEncodingInvalid,
    /// `Transfer-Encoding` in HTTP/1.0.
    TransferEncodingInOldVersion,
    /// A space or tab before the first header.
    WhitespaceAtLineStart,
}

impl HeadFault {
    /// A sentence for the one who sent it.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::AuthorizationRepeated => "the Authorization header is repeated",
            Self::BareCarriageReturn => "a carriage return is not followed by a line feed",
            Self::BareLineFeed => "a line ends in a line feed without carriage return",
            Self::ChunkData => "a chunk is longer or shorter than its size says",
            Self::ChunkExtension => "chunk extensions are malformed or too long",
            Self::ChunkSize => "a chunk size is not 1 to 16 hexadecimal digits",
            Self::ColonMissing => "a header line has no colon",
            Self::ConsumerRepeated => "the X-Consumer-Id header is repeated",
            Self::ContentTypeRepeated => "the Content-Type header is repeated",
            Self::ControlCharacter => "a header holds a control character",
            Self::HostInvalid => "the host is not a name or address with an optional port",
            Self::HostMissing => "the Host header is missing",
            Self::HostRepeated => "the Host header is repeated",
            Self::LengthInvalid => "the Content-Length header is not a number of bytes",
            Self::LengthRepeated => "the Content-Length header is repeated",
            Self::LengthWithTransferEncoding => {
                "Content-Length and Transfer-Encoding cannot be used together"
            }
            Self::NameEmpty => "a header has no name",
            Self::NameInvalid => "a header name holds a character that is not allowed",
            Self::ObsoleteFold => "a header is continued on a second line",
            Self::OriginRepeated => "the Origin header is repeated",
            Self::RequestLine => {
                "the request line is not a method, a target and a version with single spaces"
            }
            Self::SpaceBeforeColon => "there is a space between a header name and its colon",
            Self::SpaceInName => "a header name holds a space",
            Self::StatusLine => "the status line is malformed",
            Self::TargetInvalid => "the request target is malformed",
            Self::TlsHandshake => "a TLS handshake arrived on a port that speaks plain HTTP",
            Self::Trailer => "a trailer is malformed",
            Self::TrailerBytes => "the trailers are too long",
            Self::TransferCodingOrder => "chunked must be the last transfer coding, and only once",
            Self::TransferEncodingInvalid => "the Transfer-Encoding header is malformed",
            Self::TransferEncodingInOldVersion => "Transfer-Encoding does not exist in HTTP/1.0",
            Self::WhitespaceAtLineStart => "there is a space before the first header",
        }
    }
}

impl From<HeadFault> for Refusal {
    fn from(fault: HeadFault) -> Self {
        Self::Malformed(fault)
    }
}
