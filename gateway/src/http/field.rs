//! Header lines: comparing names, reading the two headers that frame a body, walking a parsed head.
//!
//! Used for requests and for upstreams' answers alike, so that both obey one set of rules.

use super::body::Framing;
use super::head::{HeadFault, Version};

/// Why the two headers that frame a body cannot be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FramingFault {
    /// They break a rule.
    Malformed(HeadFault),
    /// The body is chunked, but in a coding that is not known here.
    CodingUnknown,
}

/// What `Content-Length` and `Transfer-Encoding` say, collected over all header lines.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Declared {
    length: Option<u64>,
    transfer_encoding: bool,
    chunked: bool,
    other_coding: bool,
}

impl Declared {
    /// Takes a `Content-Length` line.
    ///
    /// # Errors
    /// A second one, or a value that is not digits within 64 bits.
    pub(super) fn content_length(&mut self, value: &[u8]) -> Result<(), HeadFault> {
        // RFC 9110 section 8.6 lets a recipient take equal repeats for one. Not doing so costs no
        // honest sender anything and leaves nothing to disagree about.
        if self.length.is_some() {
            return Err(HeadFault::LengthRepeated);
        }
        self.length = Some(parse_decimal(value).ok_or(HeadFault::LengthInvalid)?);
        Ok(())
    }

    /// Takes a `Transfer-Encoding` line; several lines are one list.
    ///
    /// # Errors
    /// Something after `chunked`, an empty element, or a coding that is no token.
    pub(super) fn transfer_encoding(&mut self, value: &[u8]) -> Result<(), HeadFault> {
        self.transfer_encoding = true;
        for coding in value.split(|byte| *byte == b',') {
            let coding = coding.trim_ascii();
            if self.chunked {
                return Err(HeadFault::TransferCodingOrder);
            }
            if coding.eq_ignore_ascii_case(b"chunked") {
                self.chunked = true;
                continue;
            }
            let name = coding
                .split(|byte| *byte == b';')
                .next()
                .unwrap_or_default()
                .trim_ascii();
            let is_token = !name.is_empty() && name.iter().all(|byte| is_token_byte(*byte));
            // "chunked" takes no parameters (RFC 9112 section 7.1).
            if !is_token || name.eq_ignore_ascii_case(b"chunked") {
                return Err(HeadFault::TransferEncodingInvalid);
            }
            self.other_coding = true;
        }
        Ok(())
    }

    /// Whether any of the two headers was there and promised bytes.
    pub(super) fn promises_body(&self) -> bool {
        self.transfer_encoding || self.length.is_some_and(|bytes| bytes > 0)
    }

    /// How the body is framed; `None` where neither header is there.
    ///
    /// # Errors
    /// Both headers at once, `Transfer-Encoding` in HTTP/1.0, a last coding other than `chunked`
    /// (RFC 9112 section 6.3 demands 400 then), or an unknown coding before it (501, section 6.1).
    pub(super) fn framing(&self, version: Version) -> Result<Option<Framing>, FramingFault> {
        if !self.transfer_encoding {
            return Ok(self.length.map(Framing::Length));
        }
        if self.length.is_some() {
            return Err(FramingFault::Malformed(
                HeadFault::LengthWithTransferEncoding,
            ));
        }
        if version == Version::Http10 {
            return Err(FramingFault::Malformed(
                HeadFault::TransferEncodingInOldVersion,
            ));
        }
        match (self.chunked, self.other_coding) {
            (true, false) => Ok(Some(Framing::Chunked)),
            (true, true) => Err(FramingFault::CodingUnknown),
            (false, _) => Err(FramingFault::Malformed(HeadFault::TransferCodingOrder)),
        }
    }
}

/// What `Connection` says, collected over all its lines.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ConnectionOptions {
    close: bool,
    keep_alive: bool,
}

impl ConnectionOptions {
    /// Takes a `Connection` line. Options other than `close` and `keep-alive` are of no concern.
    pub(super) fn take(&mut self, value: &[u8]) {
        for option in value.split(|byte| *byte == b',') {
            let option = option.trim_ascii();
            self.close |= option.eq_ignore_ascii_case(b"close");
            self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
        }
    }

    /// Whether the connection may be used again (RFC 9112 section 9.3).
    pub(super) fn persists(&self, version: Version) -> bool {
        match version {
            Version::Http11 => !self.close,
            Version::Http10 => self.keep_alive && !self.close,
        }
    }
}

/// Whether `name` is `lower`, which must be lower case letters, digits and hyphens, in any case.
///
/// Setting bit 5 folds the case of letters, and turns no other token character into a letter or a
/// hyphen, so on names that the parser has accepted the comparison is exact. With `N` known the
/// compiler makes two or three wide loads of it.
#[inline(always)]
pub(super) fn is_name<const N: usize>(name: &str, lower: &[u8; N]) -> bool {
    let Ok(name) = <&[u8; N]>::try_from(name.as_bytes()) else {
        return false;
    };
    name.iter()
        .zip(lower)
        .fold(0, |difference, (a, b)| difference | ((a | 0x20) ^ b))
        == 0
}

/// Whether a byte may be part of a token (RFC 9110 section 5.6.2).
pub(super) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Digits only, within 64 bits.
fn parse_decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// Whether every line of a parsed head ends in CRLF. `httparse` also takes a bare LF.
///
/// `message` ends with the head. A line's last byte can be no CR of its own (no header value holds
/// one), so the byte two before the next line's start tells: no further pass over the bytes.
pub(super) fn lines_end_in_crlf(message: &[u8], headers: &[httparse::Header<'_>]) -> bool {
    let base = message.as_ptr().addr();
    let ends_before =
        |start: usize| start.checked_sub(2).and_then(|before| message.get(before)) == Some(&b'\r');
    let last_line = message.len().saturating_sub(2);
    headers
        .iter()
        .all(|header| ends_before(header.name.as_ptr().addr() - base))
        && ends_before(last_line)
        && message.ends_with(b"\r\n")
}

/// Walks the header lines of a head that was parsed and found good.
#[derive(Clone, Debug)]
pub(super) struct Lines<'b> {
    rest: &'b [u8],
}

impl<'b> Lines<'b> {
    /// `head` begins with the first line and ends with the empty one.
    pub(super) fn new(head: &'b [u8]) -> Self {
        let fields = memchr::memchr(b'\n', head).map_or(&[][..], |end| &head[end + 1..]);
        Self { rest: fields }
    }
}

impl<'b> Iterator for Lines<'b> {
    type Item = (&'b str, &'b [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let end = memchr::memchr(b'\n', self.rest)?;
        let (line, rest) = self.rest.split_at(end + 1);
        self.rest = rest;
        // The empty line has no colon, so it ends the walk.
        let colon = memchr::memchr(b':', line)?;
        let name = std::str::from_utf8(&line[..colon]).ok()?;
        Some((name, line[colon + 1..].trim_ascii()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_letters_fold() {
        assert!(is_name("Content-Length", b"content-length"));
        assert!(is_name("CONTENT-LENGTH", b"content-length"));
        assert!(!is_name("content_length", b"content-length"));
        assert!(!is_name("content-lengt", b"content-length"));
        // For every token byte: equal if and only if the standard library says so.
        for byte in (0..=127u8).filter(|byte| is_token_byte(*byte)) {
            let name = [b'h', byte, b's', b't'];
            let name = std::str::from_utf8(&name).unwrap();
            assert_eq!(
                is_name(name, b"host"),
                name.eq_ignore_ascii_case("host"),
                "{name}"
            );
        }
    }

    #[test]
    fn decimals() {
        let cases: [(&str, Option<u64>); 9] = [
            ("0", Some(0)),
            ("007", Some(7)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("", None),
            ("+1", None),
            ("-1", None),
            ("1 ", None),
            ("0x1", None),
        ];
        for (input, expected) in cases {
            assert_eq!(parse_decimal(input.as_bytes()), expected, "{input}");
        }
    }
}
