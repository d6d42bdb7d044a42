//! Correlation: W3C trace context (Level 1) and request ids.
//!
//! A caller's `traceparent` is carried to the upstream with a span id of ours in between; an invalid
//! one is ignored, as the specification says, and none is made up. Spans are not exported here.

use crate::limits::REQUEST_ID_CHARS_MAX;
use crate::meter::identifier::Identifiers;

/// Characters of a version 00 `traceparent`.
const TRACEPARENT_CHARS: usize = 55;

/// A valid `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The whole trace; never all zero.
    pub trace_id: [u8; 16],
    /// The caller's span; never all zero.
    pub parent_id: [u8; 8],
    /// Bit 0: the caller may have recorded its span.
    pub flags: u8,
}

impl TraceContext {
    /// Reads a header's value: `None` where it is not valid.
    ///
    /// A version above 00 is read by its first four fields, as the specification asks (3.2.4).
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let (head, rest) = value.split_first_chunk::<TRACEPARENT_CHARS>()?;
        let dashes_stand = head[2] == b'-' && head[35] == b'-' && head[52] == b'-';
        let [version] = hex::<1>(&head[0..2])?;
        let ends_well = if version == 0 {
            rest.is_empty()
        } else {
            rest.first().is_none_or(|next| *next == b'-')
        };
        if !dashes_stand || version == 0xff || !ends_well {
            return None;
        }
        let trace_id = hex::<16>(&head[3..35])?;
        let parent_id = hex::<8>(&head[36..52])?;
        let [flags] = hex::<1>(&head[53..55])?;
        (trace_id != [0; 16] && parent_id != [0; 8]).then_some(Self {
            trace_id,
            parent_id,
            flags,
        })
    }

    /// The header for the upstream: the same trace, a span of ours as the parent. Flags that version
    /// 00 does not know are cleared.
    #[must_use]
    pub fn child(&self, identifiers: &mut Identifiers) -> [u8; TRACEPARENT_CHARS] {
        let mut out = *b"00-................................-................-..";
        put_hex(&self.trace_id, &mut out[3..35]);
        put_hex(&identifiers.span_id(), &mut out[36..52]);
        put_hex(&[self.flags & 1], &mut out[53..55]);
        out
    }
}

/// The correlation id of a request: returned, passed upstream, and in its event.
#[derive(Clone, Copy)]
pub struct RequestId {
    bytes: [u8; REQUEST_ID_CHARS_MAX],
    length: u8,
}

impl RequestId {
    /// The caller's, where it is 1 to [`REQUEST_ID_CHARS_MAX`] visible ASCII characters; else a new
    /// uuid v7.
    #[must_use]
    pub fn accept_or_make(
        header: Option<&[u8]>,
        identifiers: &mut Identifiers,
        unix_ms: u64,
    ) -> Self {
        let mut bytes = [0; REQUEST_ID_CHARS_MAX];
        let accepted = header.filter(|value| {
            (1..=REQUEST_ID_CHARS_MAX).contains(&value.len())
                && value.iter().all(u8::is_ascii_graphic)
        });
        let length = match accepted {
            Some(value) => {
                bytes[..value.len()].copy_from_slice(value);
                value.len()
            }
            None => {
                let uuid = uuid::Uuid::from_bytes(identifiers.uuid_v7(unix_ms));
                uuid.hyphenated().encode_lower(&mut bytes).len()
            }
        };
        Self {
            bytes,
            length: length as u8,
        }
    }

    /// The text: visible ASCII only.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.length)]).unwrap_or_default()
    }
}

impl std::fmt::Debug for RequestId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_tuple("RequestId")
            .field(&self.as_str())
            .finish()
    }
}

/// Lower-case hexadecimal digits, as the specification requires them.
fn hex<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let nibble = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut out = [0; N];
    for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(out)
}

fn put_hex(bytes: &[u8], out: &mut [u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (byte, pair) in bytes.iter().zip(out.chunks_exact_mut(2)) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[track_caller]
    fn check(value: &str, is_valid: bool) {
        let parsed = TraceContext::parse(value.as_bytes());
        assert_eq!(parsed.is_some(), is_valid, "{value}");
        if let Some(context) = parsed {
            assert_eq!(
                context.trace_id,
                u128::from_str_radix(TRACE, 16).unwrap().to_be_bytes()
            );
            assert_eq!(context.parent_id, 0x00f0_67aa_0ba9_02b7_u64.to_be_bytes());
        }
    }

    #[test]
    fn traceparent_is_read_as_the_specification_says() {
        let with = |version: &str, end: &str| format!("{version}-{TRACE}-00f067aa0ba902b7-01{end}");
        check(&with("00", ""), true);
        check(&with("01", ""), true);
        check(&with("cc", "-what-comes-later"), true);
        check(&with("00", "-more"), false);
        check(&with("01", "more"), false);
        check(&with("ff", ""), false);
        check(&with("0", ""), false);
        check(&with("00", "").to_uppercase(), false);
        check(&with("00", "").replace('-', "_"), false);
        check(&format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)), false);
        check(&format!("00-{TRACE}-0000000000000000-01"), false);
        check(&format!("00-{TRACE}-00f067aa0ba902b7-0g"), false);
        check(&format!("00-{TRACE}-00f067aa0ba902b7"), false);
        check("", false);
    }

    #[test]
    fn a_child_keeps_the_trace_and_has_a_span_of_its_own() {
        let mut identifiers = Identifiers::from_seed(1);
        let context =
            TraceContext::parse(format!("00-{TRACE}-00f067aa0ba902b7-ff").as_bytes()).unwrap();
        let children: std::collections::HashSet<_> =
            (0..100).map(|_| context.child(&mut identifiers)).collect();
        assert_eq!(children.len(), 100);
        for child in children {
            let child = TraceContext::parse(&child).unwrap();
            assert_eq!((child.trace_id, child.flags), (context.trace_id, 1));
            assert_ne!(child.parent_id, context.parent_id);
        }
    }

    #[test]
    fn a_request_id_is_taken_or_made() {
        let longest = "x".repeat(REQUEST_ID_CHARS_MAX);
        let cases: [(Option<&[u8]>, bool); 8] = [
            (Some(b"a"), true),
            (Some(b"req-1/{\"}~"), true),
            (Some(longest.as_bytes()), true),
            (Some(&[b'x'; REQUEST_ID_CHARS_MAX + 1]), false),
            (Some(b""), false),
            (Some(b"with space"), false),
            (Some("é".as_bytes()), false),
            (None, false),
        ];
        let mut identifiers = Identifiers::from_seed(1);
        for (header, is_taken) in cases {
            let id = RequestId::accept_or_make(header, &mut identifiers, 1_780_000_000_000);
            if is_taken {
                assert_eq!(id.as_str().as_bytes(), header.unwrap());
            } else {
                assert_eq!(
                    uuid::Uuid::parse_str(id.as_str())
                        .unwrap()
                        .get_version_num(),
                    7
                );
            }
        }
    }
}
