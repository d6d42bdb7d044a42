//! JSON-RPC errors: which HTTP status they travel with, and their text.
//!
//! The code, message and suggestion of a cause stand in [`crate::refusal`]'s table. Here is what only
//! MCP knows: that eras differ in status, and what `data` a modern client looks for.

use super::envelope::Id;
use super::version::{Era, Revision};
use crate::json::{write_escaped, write_string};
use crate::refusal::{MirroredHeader, Refusal};

/// A refusal and what its answer names beyond the row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Refused<'a> {
    /// The cause.
    pub refusal: Refusal,
    /// What exactly.
    pub detail: Detail<'a>,
}

/// What exactly is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail<'a> {
    /// The row says all.
    None,
    /// The version that a client asked for: -32022 must name it.
    Requested(&'a str),
    /// A mirrored header.
    Header {
        /// For `Mcp-Param-{parameter}`, what follows the prefix.
        parameter: Option<&'a str>,
        /// What is wrong with it.
        fault: HeaderFault,
    },
    /// A sentence in place of the row's message and suggestion.
    Message(&'static str),
}

/// What is wrong with a mirrored header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderFault {
    /// Not there, though the body has the value.
    Missing,
    /// There more than once.
    Repeated,
    /// Characters or base64 that no conforming client sends.
    Malformed,
    /// Not the value in the body, or the body has none.
    Different,
}

impl From<Refusal> for Refused<'_> {
    fn from(refusal: Refusal) -> Self {
        Self {
            refusal,
            detail: Detail::None,
        }
    }
}

impl Refused<'_> {
    /// A mirrored header other than a parameter.
    #[must_use]
    pub fn header(header: MirroredHeader, fault: HeaderFault) -> Self {
        Self {
            refusal: Refusal::HeaderMismatch(header),
            detail: Detail::Header {
                parameter: None,
                fault,
            },
        }
    }
}

impl HeaderFault {
    fn describe(self) -> &'static str {
        match self {
            Self::Missing => "is missing",
            Self::Repeated => "is sent more than once",
            Self::Malformed => "has characters or base64 that are not allowed",
            Self::Different => "does not match the body",
        }
    }
}

/// The HTTP status of an error on the MCP endpoint.
///
/// An answer to one well-formed request travels as 200: a client that sees 400 may take the whole
/// server for one of another era (Streamable HTTP, "Backward Compatibility"), and its transport may
/// drop the body. What is wrong with the envelope, its headers or the session has the status of its
/// row, as the specification asks. An unknown method is 404 in the modern era by the specification's
/// word.
#[must_use]
pub fn http_status(refusal: Refusal, era: Era) -> u16 {
    match (refusal, era) {
        (Refusal::MethodUnknown, Era::Legacy)
        | (
            Refusal::ParamsInvalid
            | Refusal::CursorInvalid
            | Refusal::ToolUnknown
            | Refusal::ArgumentsInvalid,
            _,
        ) => 200,
        _ => refusal.row().http,
    }
}

/// Appends a JSON-RPC error. `id` is `None` where the request had none that could be read.
pub fn write(out: &mut Vec<u8>, id: Option<Id<'_>>, refused: &Refused<'_>) {
    let row = refused.refusal.row();
    out.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
    out.extend_from_slice(id.map_or("null", Id::as_json).as_bytes());
    out.extend_from_slice(br#","error":{"code":"#);
    out.extend_from_slice(itoa::Buffer::new().format(row.json_rpc).as_bytes());
    out.extend_from_slice(br#","message":""#);
    write_message(out, refused);
    out.push(b'"');
    if !matches!(refused.detail, Detail::Message(_)) {
        out.extend_from_slice(br#","data":{"#);
        write_data(out, refused);
        out.push(b'}');
    }
    out.extend_from_slice(b"}}");
}

/// The inside of the message's string.
fn write_message(out: &mut Vec<u8>, refused: &Refused<'_>) {
    match (refused.refusal, refused.detail) {
        (Refusal::HeaderMismatch(header), Detail::Header { parameter, fault }) => {
            write_escaped(out, "Header mismatch: ");
            write_header(out, header, parameter);
            write_escaped(out, " ");
            write_escaped(out, fault.describe());
        }
        (_, Detail::Message(message)) => write_escaped(out, message),
        _ => write_escaped(out, refused.refusal.row().message),
    }
}

/// The members of `data`: those the specification defines for the code, and the suggestion.
fn write_data(out: &mut Vec<u8>, refused: &Refused<'_>) {
    match (refused.refusal, refused.detail) {
        (Refusal::ProtocolVersionUnsupported, Detail::Requested(requested)) => {
            out.extend_from_slice(br#""supported":"#);
            write_versions(out, &Revision::MODERN);
            out.extend_from_slice(br#","requested":"#);
            write_string(out, requested);
            out.push(b',');
        }
        (Refusal::HeaderMismatch(header), Detail::Header { parameter, .. }) => {
            out.extend_from_slice(br#""header":""#);
            write_header(out, header, parameter);
            out.extend_from_slice(br#"","#);
        }
        (Refusal::RateLimited(state), _) => {
            out.extend_from_slice(br#""retryAfterSeconds":"#);
            out.extend_from_slice(itoa::Buffer::new().format(state.retry_after_s).as_bytes());
            out.push(b',');
        }
        _ => {}
    }
    out.extend_from_slice(br#""suggestion":"#);
    write_string(out, refused.refusal.row().suggestion);
}

fn write_header(out: &mut Vec<u8>, header: MirroredHeader, parameter: Option<&str>) {
    match parameter {
        Some(parameter) => {
            write_escaped(out, "Mcp-Param-");
            write_escaped(out, parameter);
        }
        None => write_escaped(out, header.name()),
    }
}

/// Appends an array of revision names.
pub(super) fn write_versions(out: &mut Vec<u8>, revisions: &[Revision]) {
    out.push(b'[');
    for (index, revision) in revisions.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_string(out, revision.as_str());
    }
    out.push(b']');
}

#[cfg(test)]
mod tests;
