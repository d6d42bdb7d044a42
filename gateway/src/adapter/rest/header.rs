//! Arguments in headers and cookies. What a value may hold is decided here, because nothing after
//! this looks again: no line break, no NUL, no byte that servers read in different ways.
//!
//! Header values are visible ASCII with spaces and tabs inside. Others are refused rather than
//! encoded (RFC 8187, RFC 2047): a server that expects such an encoding says so, and most would take
//! it for the value. Cookie values are percent-encoded, as OpenAPI's `form` style has it.

use super::query::find;
use super::style::{self, Place};
use crate::guard::arguments::InvalidArguments;
use crate::guard::document::{Kind, Node};
use crate::snapshot::operation::{Parameter, RestOperation};

/// Appends header lines of arguments and the `cookie` line; `taken` counts the arguments used.
pub(super) fn write(
    operation: &RestOperation,
    arguments: Node<'_>,
    taken: &mut usize,
    out: &mut Vec<u8>,
) -> Result<(), InvalidArguments> {
    for parameter in &operation.headers {
        if let Some(value) = find(parameter, arguments, taken)? {
            write_header(parameter, value, out)?;
        }
    }
    let mut lead: &[u8] = b"cookie: ";
    if !operation.fixed_cookies.0.is_empty() {
        out.extend_from_slice(lead);
        out.extend_from_slice(&operation.fixed_cookies.0);
        lead = b"; ";
    }
    for parameter in &operation.cookies {
        let Some(value) = find(parameter, arguments, taken)? else {
            continue;
        };
        refuse_control(&parameter.argument, value)?;
        if style::write_parameter(out, Place::Cookie, lead, parameter, value) {
            lead = b"; ";
        }
    }
    if lead == b"; " {
        out.extend_from_slice(b"\r\n");
    }
    Ok(())
}

fn write_header(
    parameter: &Parameter,
    value: Node<'_>,
    out: &mut Vec<u8>,
) -> Result<(), InvalidArguments> {
    if value.kind() == Kind::Null {
        return Ok(());
    }
    out.extend_from_slice(parameter.name.as_bytes());
    out.extend_from_slice(b": ");
    let start = out.len();
    style::write_parameter(out, Place::Header, b"", parameter, value);
    let written = &out[start..];
    let allowed = |&byte: &u8| matches!(byte, b' '..=b'~' | b'\t');
    if let Some(&byte) = written.iter().find(|byte| !allowed(byte)) {
        return Err(InvalidArguments::new(format!(
            "{}: is sent as a header and must be visible ASCII, without {}",
            parameter.argument,
            describe(byte)
        )));
    }
    if written.first().is_some_and(u8::is_ascii_whitespace)
        || written.last().is_some_and(u8::is_ascii_whitespace)
    {
        return Err(InvalidArguments::new(format!(
            "{}: is sent as a header and must not begin or end with a space",
            parameter.argument
        )));
    }
    out.extend_from_slice(b"\r\n");
    Ok(())
}

fn describe(byte: u8) -> &'static str {
    match byte {
        0 => "NUL",
        b'\r' | b'\n' => "line breaks",
        0x80.. => "other characters",
        _ => "control characters",
    }
}

/// A cookie's value is encoded, but a control character in it can only be an attempt.
fn refuse_control(argument: &str, value: Node<'_>) -> Result<(), InvalidArguments> {
    let clean = |node: Node<'_>| {
        node.string()
            .is_none_or(|text| !text.chars().any(char::is_control))
    };
    let fits = match value.kind() {
        Kind::Array => value.elements().all(clean),
        Kind::Object => value
            .members()
            .all(|(name, value)| clean(name) && clean(value)),
        _ => clean(value),
    };
    if fits {
        return Ok(());
    }
    Err(InvalidArguments::new(format!(
        "{argument}: is sent as a cookie and must not contain control characters"
    )))
}
