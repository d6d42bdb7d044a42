//! The text that a mirrored header stands for: plain, or base64 between sentinels.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const START: &[u8] = b"=?base64?";
const END: &[u8] = b"?=";

/// A value that no conforming client sends: characters that belong in base64, or base64 that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedValue;

/// Decodes the value of `Mcp-Name` or `Mcp-Param-*`.
///
/// Only the exact, lower-case sentinels at both ends make it base64; anything else is literal, also
/// half a sentinel.
///
/// # Errors
/// [`MalformedValue`] for a literal with other characters than visible ASCII, space and tab, and for
/// base64 that is not strict: alphabet, padding, unused bits.
pub fn decode(value: &[u8]) -> Result<Cow<'_, [u8]>, MalformedValue> {
    let encoded = value
        .strip_prefix(START)
        .and_then(|rest| rest.strip_suffix(END));
    match encoded {
        Some(encoded) => STANDARD
            .decode(encoded)
            .map(Cow::Owned)
            .map_err(|_| MalformedValue),
        None if value.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~')) => {
            Ok(Cow::Borrowed(value))
        }
        None => Err(MalformedValue),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        let malformed = Err(MalformedValue);
        for (value, expected) in [
            ("us-west1", Ok("us-west1")),
            ("", Ok("")),
            ("two words\tand a tab", Ok("two words\tand a tab")),
            ("=?base64?SGVsbG8=?=", Ok("Hello")),
            ("=?base64?SGVsbG8sIOS4lueVjA==?=", Ok("Hello, 世界")),
            ("=?base64?IHBhZGRlZCA=?=", Ok(" padded ")),
            ("=?base64?bGluZTEKbGluZTI=?=", Ok("line1\nline2")),
            (
                "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=",
                Ok("=?base64?literal?="),
            ),
            ("=?base64??=", Ok("")),
            // Half a sentinel, or another case, is literal.
            ("=?base64?SGVsbG8=", Ok("=?base64?SGVsbG8=")),
            ("SGVsbG8=?=", Ok("SGVsbG8=?=")),
            ("=?BASE64?SGVsbG8=?=", Ok("=?BASE64?SGVsbG8=?=")),
            ("=?base64?=", Ok("=?base64?=")),
            // Strict base64 between whole ones.
            ("=?base64?SGVsbG8?=", malformed),
            ("=?base64?SGVsbG9=?=", malformed),
            ("=?base64?SGVs!!!bG8=?=", malformed),
            ("=?base64?SGVs bG8=?=", malformed),
            ("=?base64?SGVsbG8==?=", malformed),
            ("=?base64?_-_-?=", malformed),
            // What HTTP can carry, and a mirrored value cannot.
            ("naïve", malformed),
            ("bell\u{7}", malformed),
            ("delete\u{7f}", malformed),
        ] {
            let decoded = decode(value.as_bytes());
            let decoded = decoded.as_deref().map_err(|fault| *fault);
            assert_eq!(decoded, expected.map(str::as_bytes), "{value}");
        }
    }
}
