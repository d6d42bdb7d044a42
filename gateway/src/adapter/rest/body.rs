//! The body and the two headers that announce it. The last lines of a head are written here, because
//! the length is known only once the body is.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::encode::CallContext;
use super::{form, multipart};
use crate::guard::arguments::{Arguments, InvalidArguments};
use crate::guard::document::{Kind, Node};
use crate::snapshot::operation::{Body, RestOperation, Source};

/// Padding may be there or not: models leave it out.
const BASE64_CONFIG: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const BASE64_STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, BASE64_CONFIG);
const BASE64_URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, BASE64_CONFIG);

/// Ends the head and appends the caller's bytes as the body.
pub(super) fn write_raw(
    operation: &RestOperation,
    raw: &str,
    out: &mut Vec<u8>,
) -> Result<(), InvalidArguments> {
    if let Body::JsonRest { content_type } = &operation.body {
        write_content_type(content_type, out);
    }
    out.extend_from_slice(b"content-length: ");
    out.extend_from_slice(itoa::Buffer::new().format(raw.len()).as_bytes());
    out.extend_from_slice(b"\r\n\r\n");
    out.extend_from_slice(raw.as_bytes());
    Ok(())
}

/// Ends the head and appends the body; `taken` counts the arguments used.
pub(super) fn write(
    operation: &RestOperation,
    arguments: &Arguments<'_>,
    root: Node<'_>,
    taken: &mut usize,
    context: &CallContext<'_>,
    out: &mut Vec<u8>,
) -> Result<(), InvalidArguments> {
    if matches!(operation.body, Body::JsonRest { .. }) && *taken == 0 {
        return write_raw(operation, arguments.raw(), out);
    }
    let Some(value) = value_of(operation, root, taken) else {
        if operation.announces_empty_body {
            out.extend_from_slice(b"content-length: 0\r\n");
        }
        out.extend_from_slice(b"\r\n");
        return Ok(());
    };
    // The body is about as long as what it is made from: mostly the number of digits is right.
    let expected = arguments.raw().len();
    match &operation.body {
        Body::None => Ok(()),
        Body::JsonRest { content_type } => with_length(content_type, expected, out, |out| {
            write_json_rest(operation, value, out);
            Ok(())
        }),
        Body::JsonArgument { content_type, .. } => {
            with_length(content_type, expected, out, |out| {
                out.extend_from_slice(value.raw().as_bytes());
                Ok(())
            })
        }
        Body::Form { source, fields } => {
            check_object(source, value)?;
            with_length("application/x-www-form-urlencoded", expected, out, |out| {
                form::write(operation, source, fields, value, out);
                Ok(())
            })
        }
        Body::Multipart { source, parts } => {
            check_object(source, value)?;
            let form = multipart::Form::of(operation, source, parts, value, context.request_id)?;
            with_length(&form.content_type(), expected, out, |out| {
                form.write(out);
                Ok(())
            })
        }
        Body::Text { content_type, .. } => with_length(content_type, expected, out, |out| {
            out.extend_from_slice(value.text().as_bytes());
            Ok(())
        }),
        Body::Binary {
            argument,
            content_type,
        } => with_length(content_type, expected, out, |out| {
            let text = value.string().ok_or_else(|| not_base64(argument))?;
            decode_base64(argument, &text, out)
        }),
    }
}

/// What the body is made of, where there is anything.
fn value_of<'d>(operation: &RestOperation, root: Node<'d>, taken: &mut usize) -> Option<Node<'d>> {
    if operation.takes_rest() {
        return Some(root);
    }
    let value = root.get(operation.body.argument()?)?;
    *taken += 1;
    // Only JSON has a way to say null.
    (value.kind() != Kind::Null || matches!(operation.body, Body::JsonArgument { .. }))
        .then_some(value)
}

fn check_object(source: &Source, value: Node<'_>) -> Result<(), InvalidArguments> {
    match source {
        Source::Argument(argument) if value.kind() != Kind::Object => Err(InvalidArguments::new(
            format!("{argument}: must be an object, whose members are the form's fields"),
        )),
        _ => Ok(()),
    }
}

/// The members that the body's object holds: all, or those that no parameter takes.
pub(super) fn members<'d>(
    operation: &RestOperation,
    source: &Source,
    object: Node<'d>,
) -> impl Iterator<Item = (Node<'d>, Node<'d>)> {
    let filtered = matches!(source, Source::Rest);
    object.members().filter(move |(name, _)| {
        !filtered
            || operation
                .parameters()
                .all(|parameter| !name.is_string(&parameter.argument))
    })
}

/// Names and values exactly as they came, without those that travel elsewhere.
fn write_json_rest(operation: &RestOperation, root: Node<'_>, out: &mut Vec<u8>) {
    let mut lead = b'{';
    for (name, value) in members(operation, &Source::Rest, root) {
        out.push(lead);
        out.extend_from_slice(name.raw().as_bytes());
        out.push(b':');
        out.extend_from_slice(value.raw().as_bytes());
        lead = b',';
    }
    if lead == b'{' {
        out.push(lead);
    }
    out.push(b'}');
}

fn write_content_type(content_type: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"content-type: ");
    out.extend_from_slice(content_type.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Ends the head, lets `write` append the body, then fills in its length. Where the digits are not as
/// many as `expected` has, the body moves by the difference.
fn with_length(
    content_type: &str,
    expected: usize,
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), InvalidArguments>,
) -> Result<(), InvalidArguments> {
    write_content_type(content_type, out);
    out.extend_from_slice(b"content-length: ");
    let digits_start = out.len();
    out.extend_from_slice(itoa::Buffer::new().format(expected).as_bytes());
    let digits_end = out.len();
    out.extend_from_slice(b"\r\n\r\n");
    let body_start = out.len();
    write(out)?;
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(out.len() - body_start).as_bytes();
    if digits.len() == digits_end - digits_start {
        out[digits_start..digits_end].copy_from_slice(digits);
    } else {
        out.splice(digits_start..digits_end, digits.iter().copied());
    }
    Ok(())
}

/// Appends the bytes that a base64 text stands for: either alphabet, padded or not, with or without
/// the head of a `data:` URL, all of which models write.
pub(super) fn decode_base64(
    argument: &str,
    text: &str,
    out: &mut Vec<u8>,
) -> Result<(), InvalidArguments> {
    let (_, text) = split_data_url(text);
    let start = out.len();
    if BASE64_STANDARD.decode_vec(text, out).is_ok() {
        return Ok(());
    }
    out.truncate(start);
    BASE64_URL_SAFE
        .decode_vec(text, out)
        .map_err(|_| not_base64(argument))
}

pub(super) fn not_base64(argument: &str) -> InvalidArguments {
    InvalidArguments::new(format!(
        "{argument}: must be a string of base64, the bytes to send"
    ))
}

/// Media type and data of `data:image/png;base64,...`; other texts are all data.
pub(super) fn split_data_url(text: &str) -> (Option<&str>, &str) {
    let split = text
        .strip_prefix("data:")
        .and_then(|rest| rest.split_once(";base64,"));
    match split {
        Some((media_type, data)) if !media_type.is_empty() => (Some(media_type), data),
        Some((_, data)) => (None, data),
        None => (None, text),
    }
}
