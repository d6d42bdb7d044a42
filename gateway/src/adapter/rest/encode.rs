//! A whole HTTP/1.1 request, written straight into the upstream's buffer.
//!
//! The caller's own `Authorization` never travels: nothing here sees the caller's headers. The body's
//! length is always announced and never chunked, so that the request can be sent again as it is.

use super::{body, header, path, query};
use crate::guard::arguments::{Arguments, InvalidArguments};
use crate::guard::document::{Document, Node};
use crate::snapshot::operation::{Body, RestOperation};
use crate::snapshot::upstream::Upstream;

/// What travels with a call beside its arguments.
#[derive(Clone, Copy, Debug, Default)]
pub struct CallContext<'a> {
    /// Correlation id, visible ASCII.
    pub request_id: &'a str,
    /// W3C trace context, as it came or as it was made.
    pub traceparent: Option<&'a [u8]>,
}

/// Appends the request for a call to `out`. After an error `out` is as before.
///
/// # Errors
/// Arguments that cannot be written where the operation wants them, with a text for a model.
pub fn encode(
    operation: &RestOperation,
    upstream: &Upstream,
    arguments: &Arguments<'_>,
    context: &CallContext<'_>,
    out: &mut Vec<u8>,
) -> Result<(), InvalidArguments> {
    let start = out.len();
    let result = encode_parts(operation, upstream, arguments, context, out);
    if result.is_err() {
        out.truncate(start);
    }
    result
}

fn encode_parts(
    operation: &RestOperation,
    upstream: &Upstream,
    arguments: &Arguments<'_>,
    context: &CallContext<'_>,
    out: &mut Vec<u8>,
) -> Result<(), InvalidArguments> {
    out.reserve(operation.fixed_head.0.len() + arguments.raw().len() + 512);
    if forwards_bytes(operation) {
        // No argument has a place of its own: the caller's bytes are the body, never looked into.
        let empty = Document::parse("{}").map_err(InvalidArguments::from)?;
        write_head(operation, upstream, empty.root(), &mut 0, context, out)?;
        return body::write_raw(operation, arguments.raw(), out);
    }
    let document = arguments.document()?;
    let root = document.root();
    let mut taken = 0;
    write_head(operation, upstream, root, &mut taken, context, out)?;
    body::write(operation, arguments, root, &mut taken, context, out)?;
    if taken < root.count() && !operation.takes_rest() {
        return Err(without_place(operation, root));
    }
    Ok(())
}

/// Whether the arguments travel whole.
fn forwards_bytes(operation: &RestOperation) -> bool {
    matches!(operation.body, Body::JsonRest { .. }) && operation.parameters().next().is_none()
}

fn write_head(
    operation: &RestOperation,
    upstream: &Upstream,
    arguments: Node<'_>,
    taken: &mut usize,
    context: &CallContext<'_>,
    out: &mut Vec<u8>,
) -> Result<(), InvalidArguments> {
    path::write(operation, arguments, taken, out)?;
    query::write(operation, arguments, taken, out)?;
    out.extend_from_slice(b" HTTP/1.1\r\nhost: ");
    out.extend_from_slice(upstream.authority.as_bytes());
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(&operation.fixed_head.0);
    header::write(operation, arguments, taken, out)?;
    if operation.sends_request_id {
        write_own_header(b"x-request-id: ", context.request_id.as_bytes(), out);
    }
    if let Some(traceparent) = context.traceparent
        && operation.sends_traceparent
    {
        write_own_header(b"traceparent: ", traceparent, out);
    }
    Ok(())
}

/// A header of the gateway's own. The value came from a caller once, so it is checked where it is
/// written; one that does not fit is left out, since the call does not depend on it.
fn write_own_header(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    if !value.is_empty() && value.iter().all(u8::is_ascii_graphic) {
        out.extend_from_slice(name);
        out.extend_from_slice(value);
        out.extend_from_slice(b"\r\n");
    }
}

/// Nothing is dropped: an argument that the request has no place for is told to the caller.
fn without_place(operation: &RestOperation, arguments: Node<'_>) -> InvalidArguments {
    let unplaced = arguments
        .members()
        .map(|(name, _)| name.string().unwrap_or_default())
        .find(|name| !operation.takes(name))
        .unwrap_or_default();
    let mut known: Vec<&str> = operation
        .parameters()
        .map(|parameter| &*parameter.argument)
        .collect();
    known.extend(operation.body.argument());
    let known = if known.is_empty() {
        "no arguments at all".to_owned()
    } else {
        known.join(", ")
    };
    let unplaced: String = unplaced.chars().take(200).collect();
    InvalidArguments::new(format!(
        "unknown property {unplaced:?}: this tool takes {known}"
    ))
}
