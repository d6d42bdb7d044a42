//! What a tool call gave, in MCP's terms and already as JSON text, so that no transport parses it
//! again. Not a JSON-RPC answer: `mcp` and the REST facade put it into theirs.

use crate::json;

/// The result of a call.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ToolResult {
    /// JSON array of MCP content blocks.
    pub content: Vec<u8>,
    /// JSON text of the answer as data, where it is JSON.
    pub structured: Option<Vec<u8>>,
    /// Whether [`Self::structured`] is an object: revisions before 2026-07-28 know nothing else.
    pub structured_is_object: bool,
    /// The tool failed; the content says how.
    pub is_error: bool,
    /// HTTP status of the upstream, where it gave one.
    pub backend_status: Option<u16>,
}

impl ToolResult {
    /// A result of one text: built-in tools and refusals.
    #[must_use]
    pub fn text(text: &str, is_error: bool) -> Self {
        let mut result = Self::default();
        result.set_text(text);
        result.is_error = is_error;
        result
    }

    /// A result that is a JSON object: built-in tools.
    #[must_use]
    pub fn json(object: Vec<u8>) -> Self {
        let mut result = Self::text(&String::from_utf8_lossy(&object), false);
        result.structured_is_object = true;
        result.structured = Some(object);
        result
    }

    /// Makes the content one text block.
    pub fn set_text(&mut self, text: &str) {
        self.content.clear();
        self.content.reserve(text.len() + text.len() / 8 + 32);
        self.content
            .extend_from_slice(br#"[{"type":"text","text":"#);
        json::write_string(&mut self.content, text);
        self.content.extend_from_slice(b"}]");
    }

    /// Back to empty, keeping the content's storage.
    pub fn clear(&mut self) {
        self.content.clear();
        self.structured = None;
        self.structured_is_object = false;
        self.is_error = false;
        self.backend_status = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_one_escaped_block() {
        let result = ToolResult::text("a \"quoted\"\nline", true);
        assert_eq!(
            result.content,
            br#"[{"type":"text","text":"a \"quoted\"\nline"}]"#
        );
        assert!(result.is_error);
        assert_eq!(
            ToolResult::text("", false).content,
            br#"[{"type":"text","text":""}]"#
        );
    }
}
