//! Results by revision.

use crate::json::raw::Raw;
use serde_json::{Value, json};

use super::*;

fn with_id(write: impl FnOnce(&mut Vec<u8>, Id<'_>)) -> Value {
    let raw = Raw::parse(r#""a\"1""#).unwrap();
    let mut out = Vec::new();
    write(&mut out, Id::read(raw).unwrap());
    let answer: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(answer["jsonrpc"], "2.0");
    assert_eq!(answer["id"], "a\"1");
    answer["result"].clone()
}

fn tool_result(structured: Option<&str>, is_error: bool) -> ToolResult {
    ToolResult {
        content: br#"[{"type":"text","text":"ok"}]"#.to_vec(),
        structured: structured.map(|text| text.as_bytes().to_vec()),
        structured_is_object: structured.is_some_and(|text| text.starts_with('{')),
        is_error,
        backend_status: Some(200),
    }
}

#[test]
fn structured_content_by_revision() {
    let object = r#"{"a":[1, 2.50]}"#;
    for (structured, revision, carried) in [
        (Some(object), Revision::V20241105, false),
        (Some(object), Revision::V20250326, false),
        (Some(object), Revision::V20250618, true),
        (Some(object), Revision::V20251125, true),
        (Some(object), Revision::V20260728, true),
        (Some("[1]"), Revision::V20251125, false),
        (Some("[1]"), Revision::V20260728, true),
        (Some("null"), Revision::V20260728, true),
        (Some("7"), Revision::V20260728, true),
        (None, Revision::V20260728, false),
    ] {
        let result = tool_result(structured, false);
        let written = with_id(|out, id| write_tool_result(out, id, revision, &result));
        let expected = structured
            .filter(|_| carried)
            .map(|text| serde_json::from_str(text).unwrap());
        assert_eq!(
            written.get("structuredContent"),
            expected.as_ref(),
            "{structured:?} {revision:?}"
        );
        assert_eq!(written["content"], json!([{"type": "text", "text": "ok"}]));
        assert_eq!(written["isError"], false);
    }
}

#[test]
fn only_modern_results_say_what_kind_they_are_and_who_made_them() {
    for revision in Revision::ALL {
        for is_error in [false, true] {
            let result = tool_result(None, is_error);
            let modern = revision.era() == Era::Modern;
            for written in [
                with_id(|out, id| write_tool_result(out, id, revision, &result)),
                with_id(|out, id| write_tool_error(out, id, revision, "no")),
            ] {
                let kind = if modern {
                    json!("complete")
                } else {
                    Value::Null
                };
                assert_eq!(written["resultType"], kind, "{revision:?}");
                assert_eq!(written.get("_meta").is_some(), modern, "{revision:?}");
            }
            let written = with_id(|out, id| write_tool_result(out, id, revision, &result));
            assert_eq!(written["isError"], is_error);
        }
    }
}

#[test]
fn a_tool_error_carries_its_text_escaped() {
    let text = "\"page\" must be >= 1\n\u{1f}é";
    let written = with_id(|out, id| write_tool_error(out, id, Revision::V20251125, text));
    assert_eq!(
        written,
        json!({"content": [{"type": "text", "text": text}], "isError": true})
    );
    assert_eq!(with_id(write_empty), json!({}));
}

#[test]
fn a_batch_without_answers_writes_nothing() {
    let mut out = Vec::new();
    assert!(!BatchAnswers::default().end(&mut out));
    assert!(out.is_empty());
    let mut answers = BatchAnswers::default();
    for number in ["1", "2"] {
        answers.begin_one(&mut out);
        out.extend_from_slice(number.as_bytes());
    }
    assert!(answers.end(&mut out));
    assert_eq!(out, b"[1,2]");
}

#[test]
fn the_answers_of_a_batch_are_bounded_together() {
    const MAX: usize = BATCH_ANSWER_BYTES_MAX;
    for (gathered, answer, fits) in [
        (0, MAX - 1, true),
        (0, MAX, false),
        (MAX / 2, MAX / 2 - 1, true),
        (MAX / 2, MAX / 2, false),
        (MAX - 1, 1, false),
    ] {
        assert_eq!(
            BatchAnswers::fits(gathered, answer),
            fits,
            "{answer} after {gathered}"
        );
    }
}
