//! What a browser needs to call us from another origin; the origin was checked before.

use crate::answer::Answer;

/// Request headers that a page may send.
const ALLOW_HEADERS: &[u8] = b"authorization, content-type, accept, mcp-session-id, mcp-protocol-version, mcp-method, mcp-name, last-event-id, x-request-id, traceparent";
/// Answer headers that a page may read.
const EXPOSE_HEADERS: &[u8] =
    b"mcp-session-id, www-authenticate, retry-after, ratelimit, ratelimit-policy, x-request-id";
/// Seconds for which a browser may remember a preflight.
const PREFLIGHT_AGE_S: &[u8] = b"600";

/// The answer to a preflight.
pub(super) fn preflight() -> Answer {
    Answer::empty(204)
        .with("access-control-allow-methods", b"GET, POST, DELETE")
        .with("access-control-allow-headers", ALLOW_HEADERS)
        .with("access-control-max-age", PREFLIGHT_AGE_S)
}

/// Names the caller's origin, where it has one.
pub(super) fn add(answer: &mut Answer, origin: Option<&[u8]>) {
    if let Some(origin) = origin {
        answer.header("access-control-allow-origin", origin);
        answer.header("access-control-expose-headers", EXPOSE_HEADERS);
        answer.header("vary", b"origin");
    }
}
