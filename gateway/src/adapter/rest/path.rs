//! Arguments in the path. A value may fill its place and nothing else: it never adds, removes or
//! climbs a segment, however often a server behind decodes it.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::style::{self, Place};
use crate::guard::arguments::InvalidArguments;
use crate::guard::document::{Kind, Node};
use crate::limits::PATH_DECODING_ROUNDS_MAX;
use crate::snapshot::operation::{PathPart, RestOperation, Style};

/// Appends method and path; `taken` counts the arguments used.
pub(super) fn write(
    operation: &RestOperation,
    arguments: Node<'_>,
    taken: &mut usize,
    out: &mut Vec<u8>,
) -> Result<(), InvalidArguments> {
    out.extend_from_slice(operation.prefix.as_bytes());
    let start = out.len() - operation.prefix.len();
    for part in &operation.path {
        let argument = &*part.parameter.argument;
        let value = arguments.get(argument).ok_or_else(|| {
            InvalidArguments::new(format!("missing required property {argument:?}"))
        })?;
        *taken += 1;
        write_part(part, value, out)?;
        out.extend_from_slice(part.after.as_bytes());
    }
    if !operation.path.is_empty() {
        refuse_dot_segments(&out[start..])?;
    }
    Ok(())
}

fn write_part(part: &PathPart, value: Node<'_>, out: &mut Vec<u8>) -> Result<(), InvalidArguments> {
    let argument = &*part.parameter.argument;
    check(argument, value)?;
    let lead: &[u8] = match part.parameter.expansion.style {
        Style::Label => b".",
        Style::Matrix => b";",
        _ => b"",
    };
    let before = out.len();
    style::write_parameter(out, Place::Path, lead, &part.parameter, value);
    if out.len() == before {
        return Err(InvalidArguments::new(format!(
            "{argument}: is part of the path and must not be empty"
        )));
    }
    Ok(())
}

/// Refuses what a server might take for another path; the texts say what a value may be.
fn check(argument: &str, value: Node<'_>) -> Result<(), InvalidArguments> {
    match value.kind() {
        Kind::Boolean | Kind::Number | Kind::Null => Ok(()),
        Kind::String => check_text(argument, &value.string().unwrap_or_default()),
        Kind::Array => value
            .elements()
            .try_for_each(|element| check(argument, element)),
        Kind::Object => value.members().try_for_each(|(name, value)| {
            check_text(argument, &name.string().unwrap_or_default())?;
            check(argument, value)
        }),
    }
}

fn check_text(argument: &str, text: &str) -> Result<(), InvalidArguments> {
    if text.is_empty() {
        return Err(InvalidArguments::new(format!(
            "{argument}: is part of the path and must not be empty"
        )));
    }
    // Nearly every value is an identifier.
    if text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    {
        return Ok(());
    }
    let mut text = Cow::Borrowed(text);
    for _ in 0..PATH_DECODING_ROUNDS_MAX {
        if text.contains('\0') {
            return Err(InvalidArguments::new(format!(
                "{argument}: is part of the path and must not contain NUL"
            )));
        }
        if text
            .split(['/', '\\'])
            .any(|segment| segment == "." || segment == "..")
        {
            return Err(InvalidArguments::new(format!(
                "{argument}: is part of the path and must not be or contain the segment \".\" or \"..\""
            )));
        }
        let decoded = percent_decode_str(&text).decode_utf8_lossy();
        if decoded == text {
            return Ok(());
        }
        text = Cow::Owned(decoded.into_owned());
    }
    Err(InvalidArguments::new(format!(
        "{argument}: is part of the path and must not be percent-encoded {PATH_DECODING_ROUNDS_MAX} times over"
    )))
}

/// Two values in one segment may each be harmless and together be `..`. Templates hold no dot
/// segments: [`RestOperation::compile`] refuses them.
fn refuse_dot_segments(written: &[u8]) -> Result<(), InvalidArguments> {
    let is_dots = |segment: &[u8]| segment == b"." || segment == b"..";
    if memchr::memchr(b'.', written).is_some() && written.split(|&byte| byte == b'/').any(is_dots) {
        return Err(InvalidArguments::new(
            "the arguments of the path together make the segment \".\" or \"..\", which is refused",
        ));
    }
    Ok(())
}
