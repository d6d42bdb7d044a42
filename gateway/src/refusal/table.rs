//! The table of refusals. A variant without a row, or a row without a variant, does not compile.
//!
//! Columns: variant, HTTP status, JSON-RPC code, REST code, metric label, meter status, log level;
//! then the message and the suggestion.

use tracing::Level;

use super::{Refusal, Row};
use crate::meter::record::Status;

/// Writes [`ROWS`] and [`index`] from one list, so that they cannot differ.
macro_rules! table {
    ($(
        $variant:ident $(($payload:pat))? $http:literal $json_rpc:literal $code:literal
        $label:literal $status:ident $level:ident
        $message:literal
        $suggestion:literal;
    )+) => {
        /// One name a row: its discriminant is the row's position.
        enum Index { $($variant),+ }

        /// All rows, e.g. to register one counter for each.
        pub static ROWS: [Row; [$($label),+].len()] = [$(Row {
            http: $http,
            json_rpc: $json_rpc,
            code: $code,
            label: $label,
            status: Status::$status,
            level: Level::$level,
            message: $message,
            suggestion: $suggestion,
        }),+];

        /// Position of a refusal in [`ROWS`].
        pub(super) fn index(refusal: Refusal) -> usize {
            (match refusal {
                $(Refusal::$variant $(($payload))? => Index::$variant,)+
            }) as usize
        }
    };
}

table! {
    // --- framing ---
    HeadTooLarge 431 431 "HEADERS_TOO_LARGE" "head_too_large" Error DEBUG
        "The request line and headers together are larger than this gateway reads."
        "Send fewer or shorter headers: 64 KiB in all, cookies and tokens included.";
    HeaderCount 431 431 "HEADERS_TOO_LARGE" "header_count" Error DEBUG
        "The request has more headers than this gateway reads."
        "Send at most 100 headers.";
    TargetTooLong 414 414 "URI_TOO_LONG" "target_too_long" Error DEBUG
        "The request target (path and query) is too long."
        "Keep path and query below 8 KiB; send large values in the body.";
    BodyTooLarge 413 413 "PAYLOAD_TOO_LARGE" "body_too_large" Error DEBUG
        "The request body is larger than this gateway accepts."
        "Send a smaller body, e.g. fewer items in each call, or ask the operator to raise body_bytes_max.";
    HeadTimeout 408 408 "REQUEST_TIMEOUT" "head_timeout" Timeout DEBUG
        "The request line and headers did not arrive in time."
        "Send the whole head at once, on a new connection.";
    BodyTimeout 408 408 "REQUEST_TIMEOUT" "body_timeout" Timeout DEBUG
        "The request body did not arrive in time."
        "Send the whole body without pauses, on a new connection.";
    Malformed(_) 400 400 "INVALID_REQUEST" "malformed" Error DEBUG
        "The request is not well-formed HTTP/1.1, or can be read in more than one way."
        "Use an HTTP client library rather than writing the request by hand; the detail names the fault.";
    VersionUnsupported 505 505 "VERSION_UNSUPPORTED" "version_unsupported" Error DEBUG
        "This port speaks HTTP/1.1 and HTTP/1.0."
        "Send the request as HTTP/1.1.";
    Http2PriorKnowledge 505 505 "VERSION_UNSUPPORTED" "http2_prior_knowledge" Error DEBUG
        "This port does not speak HTTP/2 without negotiation."
        "Send the request as HTTP/1.1 (with curl: --http1.1).";
    ExpectationUnknown 417 417 "EXPECTATION_FAILED" "expectation_unknown" Error DEBUG
        "The Expect header asks for something other than 100-continue."
        "Leave the Expect header out.";
    TransferCodingUnknown 501 501 "TRANSFER_CODING_UNKNOWN" "transfer_coding_unknown" Error DEBUG
        "The only transfer coding this gateway reads is chunked."
        "Send the body with Content-Length, or chunked and nothing else.";
    ConnectionsExceeded 503 503 "SERVICE_UNAVAILABLE" "connections_exceeded" Error WARN
        "Too many connections are open."
        "Close connections that are not in use, keep one open instead of making many, and try again.";
    StreamsExceeded 503 503 "SERVICE_UNAVAILABLE" "streams_exceeded" Error INFO
        "Too many event streams are open."
        "Close event streams that nobody reads, then try again.";
    Draining 503 503 "SERVICE_UNAVAILABLE" "draining" Error DEBUG
        "This gateway is stopping."
        "Connect again: another instance, or this one restarted, will answer.";

    // --- HTTP ---
    HostRefused 421 421 "HOST_REFUSED" "host_refused" PolicyDenied WARN
        "The Host header names a host that this gateway does not serve."
        "Use the address the operator gave; an operator adds names with allowed_hosts.";
    OriginRefused 403 403 "ORIGIN_REFUSED" "origin_refused" PolicyDenied WARN
        "The Origin header names a web page that may not call this gateway."
        "Call from a program rather than a web page; an operator adds pages with allowed_origins.";
    MethodNotAllowed 405 405 "METHOD_NOT_ALLOWED" "method_not_allowed" Error DEBUG
        "This path does not accept that HTTP method."
        "Use one of the methods in the Allow header.";
    NotFound 404 404 "NOT_FOUND" "not_found" NotFound DEBUG
        "There is nothing at this path."
        "MCP is at /mcp, the REST facade at /mcp/v1/tools; GET / says how to connect.";
    MediaTypeUnsupported 415 415 "UNSUPPORTED_MEDIA_TYPE" "media_type_unsupported" Error DEBUG
        "The body must be JSON and say so."
        "Send Content-Type: application/json.";
    NotAcceptable 406 406 "NOT_ACCEPTABLE" "not_acceptable" Error DEBUG
        "The Accept header allows no media type that this gateway can answer with."
        "Send Accept: application/json, text/event-stream.";

    // --- MCP ---
    ParseError 400 -32700 "INVALID_REQUEST" "parse_error" Error DEBUG
        "The body is not valid JSON."
        "Send one JSON document in UTF-8.";
    TooDeep 400 -32700 "INVALID_REQUEST" "too_deep" Error DEBUG
        "The JSON document is nested too deeply."
        "Keep objects and arrays within 128 levels.";
    InvalidRequest 400 -32600 "INVALID_REQUEST" "invalid_request" Error DEBUG
        "The body is not a JSON-RPC 2.0 request or notification."
        "Send an object with \"jsonrpc\": \"2.0\", a \"method\" and, for a request, an \"id\" that is a string or an integer.";
    BatchRefused 400 -32600 "INVALID_REQUEST" "batch_refused" Error DEBUG
        "This protocol revision has no batches."
        "Send each message in a request of its own.";
    BatchTooLong 400 -32600 "INVALID_REQUEST" "batch_too_long" Error DEBUG
        "The batch holds too many messages."
        "Send at most 64 messages in one batch.";
    BatchAnswerTooLarge 413 413 "PAYLOAD_TOO_LARGE" "batch_answer_too_large" Error DEBUG
        "The message was served, but the answers to its batch are together larger than the 16 MiB that this gateway gathers."
        "Send the message in a request of its own; if it changes something, look first: the change was made.";
    MethodUnknown 404 -32601 "METHOD_NOT_FOUND" "method_unknown" NotFound DEBUG
        "There is no such method in this protocol revision."
        "Use a method that this gateway declares: tools/list and tools/call among them.";
    ParamsInvalid 400 -32602 "INVALID_PARAMS" "params_invalid" Error DEBUG
        "The parameters do not have the shape that this method needs."
        "Check names and types of the parameters against the method's definition.";
    MetaMissing 400 -32602 "INVALID_PARAMS" "meta_missing" Error DEBUG
        "The request lacks the _meta members that this protocol revision requires."
        "Send params._meta with the protocol version, the client's information and its capabilities.";
    CursorInvalid 400 -32602 "INVALID_PARAMS" "cursor_invalid" Error DEBUG
        "The cursor is not one that this gateway gave to this caller for this list."
        "Ask for the first page again, without a cursor.";
    ToolUnknown 404 -32602 "TOOL_NOT_FOUND" "tool_unknown" NotFound DEBUG
        "There is no tool of this name."
        "List the tools, or search with stoa_catalog, and use a name exactly as given there.";
    HeaderMismatch(_) 400 -32020 "INVALID_REQUEST" "header_mismatch" Error DEBUG
        "A header that mirrors the body is missing, malformed or differs from the body."
        "Send the header with exactly the value that stands in the body; the detail names it.";
    ProtocolVersionUnsupported 400 -32022 "INVALID_REQUEST" "protocol_version_unsupported" Error DEBUG
        "This gateway does not speak that protocol revision."
        "Use one of the supported revisions listed with this error.";
    CapabilityMissing 400 -32021 "INVALID_REQUEST" "capability_missing" Error DEBUG
        "The client did not declare a capability that this request needs."
        "Declare the capabilities listed with this error, if the client has them.";
    SessionMissing 400 -32000 "INVALID_REQUEST" "session_missing" Error DEBUG
        "This request needs a session and names none."
        "Send initialize first, then its Mcp-Session-Id header on every request.";
    SessionUnknown 404 -32001 "SESSION_NOT_FOUND" "session_unknown" NotFound DEBUG
        "This session does not exist or has ended."
        "Send initialize to start a new session.";

    // --- identity ---
    CredentialsMissing 401 401 "AUTH_REQUIRED" "credentials_missing" Unauthorized DEBUG
        "This gateway needs to know who is calling."
        "Send Authorization: Bearer with an API key (an operator makes one with stoa-gateway key create) or with an access token, where WWW-Authenticate says who gives one.";
    CredentialsInvalid 401 401 "INVALID_TOKEN" "credentials_invalid" Unauthorized INFO
        "The credentials are not valid here."
        "Check that the whole API key or access token was copied, as Authorization: Bearer KEY, and that it was not revoked.";
    CredentialsExpired 401 401 "TOKEN_EXPIRED" "credentials_expired" Unauthorized INFO
        "The credentials have expired."
        "Get a new access token, or ask the operator for a new API key; key rotate gives one that overlaps with the old.";
    TokenAudience 401 401 "INVALID_TOKEN" "token_audience" Unauthorized INFO
        "The access token was issued for another service than this gateway."
        "Ask the authorization server for a token with this gateway's resource or audience.";
    TenantUnknown 403 403 "TENANT_MISMATCH" "tenant_unknown" Unauthorized WARN
        "The credentials name no tenant that this gateway serves, or one that is not theirs."
        "Use credentials for a tenant of this gateway, or ask the operator to add the tenant.";

    // --- limit ---
    RateLimited(_) 429 429 "RATE_LIMITED" "rate_limited" RateLimited DEBUG
        "Too many requests in a short time."
        "Wait for the number of seconds in Retry-After, then continue at a slower pace.";

    // --- policy ---
    ScopeInsufficient(_) 403 403 "SCOPE_INSUFFICIENT" "scope_insufficient" PolicyDenied INFO
        "The credentials do not carry the scope that this needs."
        "Listing and read-only tools need stoa:tools:read, other tools stoa:tools:execute: ask the operator for it.";
    PermissionRefused 403 403 "PERMISSION_DENIED" "permission_refused" PolicyDenied INFO
        "The caller may not do this."
        "Ask the operator for permission, or use another tool.";

    // --- call ---
    ArgumentsInvalid 400 -32602 "VALIDATION_ERROR" "arguments_invalid" Error DEBUG
        "The arguments do not fit the tool's input schema."
        "Correct the arguments as the details say and call again.";
    UpstreamFailed 502 502 "BACKEND_ERROR" "upstream_failed" Error WARN
        "The API behind this tool could not be reached, or broke off its answer."
        "Try again later; if it keeps failing, tell the operator.";
    UpstreamTimeout 504 504 "BACKEND_TIMEOUT" "upstream_timeout" Timeout WARN
        "The API behind this tool did not answer in time."
        "Ask for less at once, or try again later; the call may have taken effect, so look before repeating a change.";
    UpstreamUnavailable 503 503 "SERVICE_UNAVAILABLE" "upstream_unavailable" Error INFO
        "The API behind this tool has been failing and is given time to recover."
        "Wait for the number of seconds in Retry-After, then try again.";
    UpstreamRefused 502 502 "BACKEND_ERROR" "upstream_refused" Error WARN
        "The API behind this tool lies in an address range that this gateway may not call."
        "Ask the operator to check the tool's endpoint and upstream_allow.";
    Cancelled 499 499 "CANCELLED" "cancelled" Cancelled DEBUG
        "The caller went away before the answer."
        "Keep the connection open until the answer has arrived.";
    MeteringFull 503 503 "SERVICE_UNAVAILABLE" "metering_full" Error ERROR
        "This gateway cannot record calls at the moment, so it makes none."
        "Try again later; the operator finds the cause in the log.";
    Internal 500 -32603 "INTERNAL_ERROR" "internal" Error ERROR
        "Something went wrong inside the gateway."
        "Try again; if it happens again, give the operator the request id.";
}
