//! JSON-RPC results: the frame around them, and those of `tools/call`.
//!
//! Everything is appended to the buffer that goes to the socket; parts that are already JSON text are
//! copied once.

use super::envelope::Id;
use super::version::{Era, Revision};
use crate::adapter::result::ToolResult;
use crate::json::write_string;
use crate::limits::BATCH_ANSWER_BYTES_MAX;

/// What every modern result carries: its kind, and who made it (SHOULD, `ResultMetaObject`).
pub(super) const MODERN_MEMBERS: &str = concat!(
    r#""resultType":"complete","_meta":{"io.modelcontextprotocol/serverInfo":"#,
    r#"{"name":"stoa-gateway","title":"STOA Gateway","version":""#,
    env!("CARGO_PKG_VERSION"),
    r#""}}"#
);

/// Bytes of a tool result around its content: enough for the frame, an id and [`MODERN_MEMBERS`].
const FRAME_BYTES: usize = 512;

/// Appends the beginning of an answer, up to the first member of its result.
pub(super) fn begin(out: &mut Vec<u8>, id: Id<'_>) {
    out.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
    out.extend_from_slice(id.as_json().as_bytes());
    out.extend_from_slice(br#","result":{"#);
}

/// Appends the end of an answer that [`begin`] began.
pub(super) fn end(out: &mut Vec<u8>) {
    out.extend_from_slice(b"}}");
}

/// Appends `{}`: the answer to `ping` and `logging/setLevel`.
pub fn write_empty(out: &mut Vec<u8>, id: Id<'_>) {
    begin(out, id);
    end(out);
}

/// Appends the result of a tool.
///
/// `structuredContent` came with 2025-06-18 as an object; other values are for the modern era only,
/// and older clients find them in the content's text.
pub fn write_tool_result(out: &mut Vec<u8>, id: Id<'_>, revision: Revision, result: &ToolResult) {
    let structured = result.structured.as_deref().unwrap_or_default();
    out.reserve(result.content.len() + structured.len() + FRAME_BYTES);
    begin(out, id);
    out.extend_from_slice(br#""content":"#);
    out.extend_from_slice(&result.content);
    if result.structured.is_some() && may_carry_structured(revision, result.structured_is_object) {
        out.extend_from_slice(br#","structuredContent":"#);
        out.extend_from_slice(structured);
    }
    end_tool_result(out, revision, result.is_error);
}

/// Appends a tool's failure with one text for the model to act on: invalid arguments, an API that
/// does not answer.
pub fn write_tool_error(out: &mut Vec<u8>, id: Id<'_>, revision: Revision, text: &str) {
    begin(out, id);
    out.extend_from_slice(br#""content":[{"type":"text","text":"#);
    write_string(out, text);
    out.extend_from_slice(b"}]");
    end_tool_result(out, revision, true);
}

fn may_carry_structured(revision: Revision, is_object: bool) -> bool {
    match revision.era() {
        Era::Modern => true,
        Era::Legacy => is_object && revision.has_structured_content(),
    }
}

fn end_tool_result(out: &mut Vec<u8>, revision: Revision, is_error: bool) {
    let is_error = if is_error {
        r#","isError":true"#
    } else {
        r#","isError":false"#
    };
    out.extend_from_slice(is_error.as_bytes());
    if revision.era() == Era::Modern {
        out.push(b',');
        out.extend_from_slice(MODERN_MEMBERS.as_bytes());
    }
    end(out);
}

/// Puts the answers to a batch into one array. Notifications have none, so it can end empty.
#[derive(Debug, Default)]
pub struct BatchAnswers {
    count: usize,
}

impl BatchAnswers {
    /// Whether an answer of so many bytes may join those gathered so far
    /// ([`BATCH_ANSWER_BYTES_MAX`]). An error always may: it is small, and a batch has few of them.
    #[must_use]
    pub fn fits(gathered: usize, answer: usize) -> bool {
        // One more for the bracket or comma before it.
        gathered + 1 + answer <= BATCH_ANSWER_BYTES_MAX
    }

    /// To be called before each answer is appended.
    pub fn begin_one(&mut self, out: &mut Vec<u8>) {
        out.push(if self.count == 0 { b'[' } else { b',' });
        self.count += 1;
    }

    /// Ends the array. `false` where nothing was to be answered: then nothing was written, and the
    /// status is 202.
    pub fn end(self, out: &mut Vec<u8>) -> bool {
        if self.count > 0 {
            out.push(b']');
        }
        self.count > 0
    }
}

#[cfg(test)]
mod tests;
