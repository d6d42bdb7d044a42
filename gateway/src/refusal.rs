//! Every reason to refuse, and one table of what each looks like to a caller.
//!
//! A refusal is data: no strings, no allocation. Each transport reads its columns from
//! [`Refusal::row`]; the rows stand in `refusal/table.rs`. Codes for causes that JSON-RPC and MCP do
//! not name equal the HTTP status (401, 403, 429, ...): the specification asks that application codes
//! lie outside -32768..-32000. Which HTTP status an MCP answer has where eras differ (an unknown
//! method is 404 in one, 200 in the other) is the mcp layer's business, not this table's.

mod table;

use crate::auth::scope::Scopes;
use crate::http::head::HeadFault;
use crate::json::lexer;
use crate::limit::RateState;
use crate::meter::record::Status;

pub use table::ROWS;

/// Why a request is not served.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Refusal {
    // --- framing ---
    /// Request line and headers exceed [`crate::limits::HEAD_BYTES_MAX`].
    HeadTooLarge,
    /// More headers than [`crate::limits::HEADER_COUNT_MAX`].
    HeaderCount,
    /// Request target exceeds [`crate::limits::TARGET_BYTES_MAX`].
    TargetTooLong,
    /// Body exceeds the configured bound.
    BodyTooLarge,
    /// The head did not end in time.
    HeadTimeout,
    /// The body did not end in time.
    BodyTimeout,
    /// The bytes are not HTTP/1, or are ambiguous (request smuggling).
    Malformed(HeadFault),
    /// An HTTP version other than 1.0 and 1.1.
    VersionUnsupported,
    /// The HTTP/2 preface on a port that speaks HTTP/1.1.
    Http2PriorKnowledge,
    /// `Expect` with anything but `100-continue`.
    ExpectationUnknown,
    /// `Transfer-Encoding` with anything but `chunked`.
    TransferCodingUnknown,
    /// All connections, or all of one address, are taken.
    ConnectionsExceeded,
    /// All event streams of one caller, or of one worker, are taken.
    StreamsExceeded,
    /// The gateway is stopping.
    Draining,
    // --- HTTP ---
    /// `Host` is not one of ours (DNS rebinding).
    HostRefused,
    /// `Origin` is not one of ours (DNS rebinding).
    OriginRefused,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// No such path.
    NotFound,
    /// `Content-Type` is not `application/json`.
    MediaTypeUnsupported,
    /// `Accept` admits nothing that we can write.
    NotAcceptable,
    // --- MCP ---
    /// The body is not JSON.
    ParseError,
    /// JSON nested deeper than [`crate::limits::JSON_DEPTH_MAX`].
    TooDeep,
    /// JSON, but no JSON-RPC request.
    InvalidRequest,
    /// A batch in a revision that has none.
    BatchRefused,
    /// More messages than [`crate::limits::BATCH_MESSAGES_MAX`].
    BatchTooLong,
    /// With this answer those of its batch would exceed [`crate::limits::BATCH_ANSWER_BYTES_MAX`].
    BatchAnswerTooLarge,
    /// No such method.
    MethodUnknown,
    /// Parameters of a method have the wrong shape.
    ParamsInvalid,
    /// `_meta` with the protocol version is missing (2026-07-28).
    MetaMissing,
    /// A cursor that we did not make, or not for this caller.
    CursorInvalid,
    /// No tool of this name that this caller may know of.
    ToolUnknown,
    /// A mirrored header is missing, malformed or differs from the body (2026-07-28).
    HeaderMismatch(MirroredHeader),
    /// A revision that we do not speak.
    ProtocolVersionUnsupported,
    /// The client lacks a capability that the request needs.
    CapabilityMissing,
    /// A request that needs a session came without one (legacy).
    SessionMissing,
    /// A session token that is forged, expired, ended or another caller's (legacy).
    SessionUnknown,
    // --- identity ---
    /// No credentials, and some are asked for.
    CredentialsMissing,
    /// Credentials that prove nothing.
    CredentialsInvalid,
    /// Credentials that were good once.
    CredentialsExpired,
    /// A good token of a known issuer, for somebody else.
    TokenAudience,
    /// The credential's tenant is not in this catalog, or not its issuer's to name.
    TenantUnknown,
    // --- limit ---
    /// A bucket is empty: which one, and until when.
    RateLimited(RateState),
    // --- policy ---
    /// The caller may know of the thing, but lacks these scopes, or some of them, to use it.
    ScopeInsufficient(Scopes),
    /// A rule other than scopes is against it.
    PermissionRefused,
    // --- call ---
    /// Arguments do not fit the tool's schema. On MCP this is a tool error, so that a model can try
    /// again.
    ArgumentsInvalid,
    /// The upstream could not be reached or broke off.
    UpstreamFailed,
    /// The upstream was too slow.
    UpstreamTimeout,
    /// The upstream's breaker is open.
    UpstreamUnavailable,
    /// The upstream's address lies in a range that its settings do not allow.
    UpstreamRefused,
    /// The caller went away.
    Cancelled,
    /// Calls cannot be recorded, so none is made.
    MeteringFull,
    /// A fault of ours.
    Internal,
}

/// Which mirrored header is at fault (2026-07-28, SEP-2243).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MirroredHeader {
    /// `MCP-Protocol-Version`.
    ProtocolVersion,
    /// `Mcp-Method`.
    Method,
    /// `Mcp-Name`.
    Name,
    /// `Mcp-Param-*`.
    Parameter,
}

/// What one cause looks like from outside.
#[derive(Debug)]
pub struct Row {
    /// HTTP status where HTTP carries the answer alone (REST, framing).
    pub http: u16,
    /// JSON-RPC error code.
    pub json_rpc: i32,
    /// `error.code` of the REST facade.
    pub code: &'static str,
    /// Value of the metric label `reason`.
    pub label: &'static str,
    /// How a call that ends so is metered.
    pub status: Status,
    /// How loud it is in the log: what a caller can cause at will stays at debug.
    pub level: tracing::Level,
    /// What happened: a sentence for a person or a model.
    pub message: &'static str,
    /// What to do about it: a sentence for a person or a model.
    pub suggestion: &'static str,
}

impl From<lexer::Fault> for Refusal {
    fn from(fault: lexer::Fault) -> Self {
        match fault {
            lexer::Fault::Malformed(_) => Self::ParseError,
            lexer::Fault::TooDeep => Self::TooDeep,
        }
    }
}

impl Refusal {
    /// What this refusal looks like from outside.
    #[must_use]
    pub fn row(self) -> &'static Row {
        &ROWS[self.index()]
    }

    /// Position in [`ROWS`], for counters kept in an array: the payload does not matter.
    #[must_use]
    pub fn index(self) -> usize {
        table::index(self)
    }

    /// What exactly is at fault, where one cause has several forms: for `details` and `data`.
    #[must_use]
    pub fn detail(self) -> Option<&'static str> {
        match self {
            Self::Malformed(fault) => Some(fault.describe()),
            Self::HeaderMismatch(header) => Some(header.name()),
            Self::RateLimited(state) => Some(state.scope.describe()),
            _ => None,
        }
    }

    /// How `WWW-Authenticate` begins (RFC 6750 section 3): on every 401, and on the 403 that a wider
    /// credential would cure. Which scopes, and where they are to be had, the exchange adds.
    #[must_use]
    pub fn challenge(self) -> Option<&'static str> {
        match self {
            // RFC 6750 section 3.1: without credentials there is no error to name.
            Self::CredentialsMissing => Some(r#"Bearer realm="stoa""#),
            Self::CredentialsInvalid => Some(
                r#"Bearer realm="stoa", error="invalid_token", error_description="The credentials are not valid""#,
            ),
            Self::CredentialsExpired => Some(
                r#"Bearer realm="stoa", error="invalid_token", error_description="The credentials have expired""#,
            ),
            Self::TokenAudience => Some(
                r#"Bearer realm="stoa", error="invalid_token", error_description="The token was issued for another audience""#,
            ),
            Self::ScopeInsufficient(_) => Some(
                r#"Bearer realm="stoa", error="insufficient_scope", error_description="The credentials lack a scope""#,
            ),
            _ => None,
        }
    }

    /// Seconds for `Retry-After`, where waiting helps.
    #[must_use]
    pub fn retry_after_s(self) -> Option<u32> {
        match self {
            Self::RateLimited(state) => Some(state.retry_after_s),
            // Another replica, or the restarted one, answers at once.
            Self::Draining => Some(1),
            // Connections end within seconds; a shorter wait would only add to the crowd.
            Self::ConnectionsExceeded | Self::StreamsExceeded | Self::MeteringFull => Some(5),
            // The breaker lets a probe through in this order of time.
            Self::UpstreamUnavailable => Some(5),
            _ => None,
        }
    }
}

impl MirroredHeader {
    /// The header's name, as the specification spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ProtocolVersion => "MCP-Protocol-Version",
            Self::Method => "Mcp-Method",
            Self::Name => "Mcp-Name",
            Self::Parameter => "Mcp-Param-*",
        }
    }
}

#[cfg(test)]
mod tests;
