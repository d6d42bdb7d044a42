//! Tells what is wrong with a head that the parser has refused, so that its sender can mend it.
//!
//! Only refused heads come here; nothing is ever accepted by this file. It walks the head slowly
//! and names the first fault it meets.

use super::HeadFault;
use crate::limits::METHOD_BYTES_MAX;
use crate::refusal::Refusal;

/// Names the fault of a request head.
#[cold]
pub(super) fn request(error: httparse::Error, head: &[u8]) -> Refusal {
    if error == httparse::Error::TooManyHeaders {
        return Refusal::HeaderCount;
    }
    if head.starts_with(&[0x16, 0x03]) {
        return HeadFault::TlsHandshake.into();
    }
    let line = first_line(head);
    match error {
        httparse::Error::Version => version(line),
        httparse::Error::Token => line_fault(line).unwrap_or(HeadFault::RequestLine).into(),
        _ => fields(head, HeadFault::RequestLine).into(),
    }
}

/// Names the fault of a request line that is longer than it may be.
#[cold]
pub(super) fn request_line_too_long(head: &[u8]) -> Refusal {
    let method_bytes_seen = &head[..head.len().min(METHOD_BYTES_MAX + 1)];
    if memchr::memchr(b' ', method_bytes_seen).is_some() {
        Refusal::TargetTooLong
    } else {
        HeadFault::RequestLine.into()
    }
}

/// Names the fault of an upstream's head (too many headers aside).
#[cold]
pub(in crate::http) fn response(head: &[u8]) -> HeadFault {
    fields(head, HeadFault::StatusLine)
}

/// A version that is not ours, or a line in which something else stands in its place.
fn version(line: &[u8]) -> Refusal {
    if line == b"PRI * HTTP/2.0" {
        return Refusal::Http2PriorKnowledge;
    }
    let word = line
        .splitn(3, |byte| *byte == b' ')
        .nth(2)
        .unwrap_or_default();
    match word {
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            Refusal::VersionUnsupported
        }
        _ => line_fault(line).unwrap_or(HeadFault::RequestLine).into(),
    }
}

/// The first fault in the lines of a head; `fallback` where it is in the first line's own grammar.
fn fields(head: &[u8], fallback: HeadFault) -> HeadFault {
    let mut lines = head.split_inclusive(|byte| *byte == b'\n');
    let first = lines.next().unwrap_or_default();
    if let Some(fault) = line_end_fault(first).or_else(|| line_fault(strip_end(first))) {
        return fault;
    }
    for (index, line) in lines.enumerate() {
        if line == b"\r\n" {
            break;
        }
        if let Some(fault) = line_end_fault(line).or_else(|| field_fault(strip_end(line), index)) {
            return fault;
        }
    }
    fallback
}

fn first_line(head: &[u8]) -> &[u8] {
    strip_end(
        head.split_inclusive(|byte| *byte == b'\n')
            .next()
            .unwrap_or_default(),
    )
}

/// A line without its end, or without the CR whose LF has not arrived.
fn strip_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn line_end_fault(line: &[u8]) -> Option<HeadFault> {
    (line.ends_with(b"\n") && !line.ends_with(b"\r\n")).then_some(HeadFault::BareLineFeed)
}

/// Control characters in a line without its end.
fn line_fault(line: &[u8]) -> Option<HeadFault> {
    if line.contains(&b'\r') {
        return Some(HeadFault::BareCarriageReturn);
    }
    let is_control = |byte: &u8| *byte == 0x7f || (*byte < b' ' && *byte != b'\t');
    line.iter()
        .any(is_control)
        .then_some(HeadFault::ControlCharacter)
}

/// The fault of one header line, of which `index` come before it.
fn field_fault(line: &[u8], index: usize) -> Option<HeadFault> {
    if line.starts_with(b" ") || line.starts_with(b"\t") {
        let first = index == 0;
        return Some(if first {
            HeadFault::WhitespaceAtLineStart
        } else {
            HeadFault::ObsoleteFold
        });
    }
    if line.contains(&b'\r') {
        return Some(HeadFault::BareCarriageReturn);
    }
    let Some(colon) = memchr::memchr(b':', line) else {
        return line_fault(line).or(Some(HeadFault::ColonMissing));
    };
    let name = &line[..colon];
    match name {
        [] => Some(HeadFault::NameEmpty),
        [.., b' ' | b'\t'] => Some(HeadFault::SpaceBeforeColon),
        _ if name.iter().any(|byte| matches!(byte, b' ' | b'\t')) => Some(HeadFault::SpaceInName),
        _ if name
            .iter()
            .any(|byte| !crate::http::field::is_token_byte(*byte)) =>
        {
            Some(HeadFault::NameInvalid)
        }
        _ => line_fault(line),
    }
}
