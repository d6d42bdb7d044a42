//! `RateLimit-*` headers: what a caller may know of its limits.
//!
//! Both spellings in use: the three headers that most gateways send, and the two of the IETF draft
//! (draft-ietf-httpapi-ratelimit-headers: structured fields, so names are quoted strings).
//! `Retry-After` is not here: it belongs to refusals, see [`crate::refusal::Refusal::retry_after_s`].

use super::RateState;

/// Bytes of the longest lines.
const BYTES_MAX: usize = 190;
/// Room for what else an answer's head says: its request id, above all.
const OTHER_BYTES: usize = 64;

/// Appends the header lines of one limit, each ended by CRLF: at most 190 bytes.
pub fn write(state: &RateState, out: &mut Vec<u8>) {
    // Once, in place of the growth that each line, and then the request id, would cause.
    out.reserve(BYTES_MAX + OTHER_BYTES);
    let mut number = itoa::Buffer::new();
    for (name, value) in [
        ("RateLimit-Limit: ", state.limit),
        ("\r\nRateLimit-Remaining: ", state.remaining),
        ("\r\nRateLimit-Reset: ", state.reset_s),
    ] {
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(number.format(value).as_bytes());
    }
    out.extend_from_slice(b"\r\nRateLimit-Policy: \"");
    out.extend_from_slice(state.scope.name().as_bytes());
    out.extend_from_slice(b"\";q=");
    out.extend_from_slice(number.format(state.limit).as_bytes());
    // All rates are by the minute: the draft's window is 60 s.
    out.extend_from_slice(b";w=60\r\nRateLimit: \"");
    out.extend_from_slice(state.scope.name().as_bytes());
    out.extend_from_slice(b"\";r=");
    out.extend_from_slice(number.format(state.remaining).as_bytes());
    out.extend_from_slice(b";t=");
    out.extend_from_slice(number.format(state.reset_s).as_bytes());
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limit::LimitScope;

    #[test]
    fn both_spellings_say_the_same() {
        let state = RateState {
            limit: 60,
            remaining: 9,
            reset_s: 1,
            retry_after_s: 0,
            scope: LimitScope::Tier,
        };
        let mut out = b"X: y\r\n".to_vec();
        write(&state, &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "X: y\r\n\
             RateLimit-Limit: 60\r\n\
             RateLimit-Remaining: 9\r\n\
             RateLimit-Reset: 1\r\n\
             RateLimit-Policy: \"tier\";q=60;w=60\r\n\
             RateLimit: \"tier\";r=9;t=1\r\n"
        );
    }

    #[test]
    fn the_longest_fits_what_is_promised() {
        let most = u32::MAX;
        let state = RateState {
            limit: most,
            remaining: most,
            reset_s: most,
            retry_after_s: most,
            scope: LimitScope::Consumer,
        };
        let mut out = Vec::new();
        write(&state, &mut out);
        assert!(out.len() <= BYTES_MAX, "{}", out.len());
    }
}
