//! An upstream's answer as a tool's result.
//!
//! What a model sees of a failure is the status and the body the upstream meant for its callers,
//! bounded; never an address, a header or where a redirect points.

use super::content::{self, MediaType};
use crate::adapter::result::ToolResult;
use crate::limits;

/// What an upstream answered.
#[derive(Clone, Copy, Debug)]
pub struct Reply<'a> {
    /// HTTP status.
    pub status: u16,
    /// Value of `content-type`.
    pub content_type: Option<&'a [u8]>,
    /// The body, transfer codings removed.
    pub body: &'a [u8],
    /// The body was longer than [`limits::UPSTREAM_BODY_BYTES_MAX`] and is cut.
    pub truncated: bool,
}

/// Writes the result of an answer into `out`, which may hold an earlier one.
pub fn decode(reply: &Reply<'_>, out: &mut ToolResult) {
    out.clear();
    out.backend_status = Some(reply.status);
    let media_type = MediaType::of(reply.content_type.unwrap_or_default());
    match reply.status {
        300..=399 => redirect(reply.status, out),
        400.. => failure(reply, media_type, out),
        _ if reply.truncated => too_long(out),
        _ if reply.body.is_empty() => {
            out.set_text(&status_line(reply.status, "The answer has no content."))
        }
        _ => content::write(media_type, reply.body, out),
    }
}

/// Redirects are never followed to elsewhere, and where they point is the upstream's own affair.
fn redirect(status: u16, out: &mut ToolResult) {
    out.is_error = true;
    out.set_text(&status_line(
        status,
        "The API answered with a redirect, which is not followed.",
    ));
}

fn too_long(out: &mut ToolResult) {
    out.is_error = true;
    out.set_text(&format!(
        "The answer is longer than {} MiB, the most that is read. Ask for less, for example with a filter or a page size.",
        limits::UPSTREAM_BODY_BYTES_MAX / (1024 * 1024)
    ));
}

fn failure(reply: &Reply<'_>, media_type: MediaType<'_>, out: &mut ToolResult) {
    out.is_error = true;
    let mut text = status_line(reply.status, "");
    let shown = &reply.body[..reply.body.len().min(limits::UPSTREAM_ERROR_BYTES_MAX)];
    let body = content::readable(media_type, shown);
    let body = body.trim();
    if !body.is_empty() {
        text.push('\n');
        text.push_str(body);
        if shown.len() < reply.body.len() || reply.truncated {
            text.push_str("\n[cut]");
        }
    }
    out.set_text(&text);
}

fn status_line(status: u16, sentence: &str) -> String {
    let phrase = phrase(status);
    let space = |text: &str| if text.is_empty() { "" } else { " " };
    let stop = if sentence.is_empty() { "" } else { "." };
    format!(
        "HTTP {status}{}{phrase}{stop}{}{sentence}",
        space(phrase),
        space(sentence)
    )
}

/// RFC 9110 section 15 and its registry. The upstream's own phrase is not shown: it may say anything.
fn phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        205 => "Reset Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        423 => "Locked",
        424 => "Failed Dependency",
        428 => "Precondition Required",
        429 => "Too Many Requests",
        451 => "Unavailable For Legal Reasons",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        507 => "Insufficient Storage",
        _ => "",
    }
}
