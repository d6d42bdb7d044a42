//! Answers by content type and status.

use serde_json::Value;

use super::*;
use crate::adapter::result::ToolResult;
use crate::limits;

fn decoded(status: u16, content_type: &str, body: &[u8]) -> ToolResult {
    // An earlier result's remains must not shine through.
    let mut result = ToolResult::text("earlier", true);
    result.structured = Some(b"{}".to_vec());
    let content_type = (!content_type.is_empty()).then_some(content_type.as_bytes());
    decode(
        &Reply {
            status,
            content_type,
            body,
            truncated: false,
        },
        &mut result,
    );
    let content: Value = serde_json::from_slice(&result.content).unwrap();
    assert_eq!(content.as_array().unwrap().len(), 1);
    if let Some(structured) = &result.structured {
        let value: Value = serde_json::from_slice(structured).unwrap();
        assert_eq!(value.is_object(), result.structured_is_object);
    }
    assert_eq!(result.backend_status, Some(status));
    result
}

fn block(result: &ToolResult) -> Value {
    serde_json::from_slice::<Value>(&result.content).unwrap()[0].clone()
}

#[test]
fn content_types() {
    let text = |text: &str| json!({"type": "text", "text": text});
    let blob = |mime_type: &str, blob: &str| json!({"type": "resource", "resource": {"uri": "stoa://tool/answer", "mimeType": mime_type, "blob": blob}});
    let check = |content_type: &str, body: &[u8], expected: Value, structured: Option<&str>| {
        let result = decoded(200, content_type, body);
        assert_eq!(block(&result), expected, "{content_type}");
        assert_eq!(
            result.structured.as_deref(),
            structured.map(str::as_bytes),
            "{content_type}"
        );
        assert!(!result.is_error);
    };
    let json = "{ \"a\" : 1.10, \"b\": \"\\u0041 \\\"q\\\"\" }";
    for content_type in [
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/problem+json",
        "application/vnd.api+JSON;version=1",
        "text/json",
        "",
        "nonsense",
    ] {
        check(content_type, json.as_bytes(), text(json), Some(json));
    }
    check("application/json", b"[1]\n", text("[1]\n"), Some("[1]"));
    check(
        "application/json",
        b"\xef\xbb\xbf{}",
        text("{}"),
        Some("{}"),
    );
    check(
        "application/json; charset=\"ISO-8859-1\"",
        b"{\"a\":\"\xe9\"}",
        text("{\"a\":\"é\"}"),
        Some("{\"a\":\"é\"}"),
    );
    check("application/json", b"{\"a\":", text("{\"a\":"), None);
    check("application/json", b"{} {}", text("{} {}"), None);
    check("application/json", b"<html>", text("<html>"), None);
    check(
        "application/json",
        b"\"\xff\"",
        text("\"\u{fffd}\""),
        Some("\"\u{fffd}\""),
    );
    check(
        "text/plain",
        "grüße\n\"x\"\u{1}".as_bytes(),
        text("grüße\n\"x\"\u{1}"),
        None,
    );
    check(
        "text/plain; charset=latin1",
        b"gr\xfc\xdfe \x80",
        text("grüße €"),
        None,
    );
    check("text/plain", b"a\xffb", text("a\u{fffd}b"), None);
    check("text/csv", b"{}", text("{}"), None);
    check("application/xml", b"<a/>", text("<a/>"), None);
    check("application/soap+xml", b"<a/>", text("<a/>"), None);
    check("text/html", b"<p>x</p>", text("<p>x</p>"), None);
    check(
        "image/png",
        &[0xff, 0x00, 0x01],
        json!({"type": "image", "mimeType": "image/png", "data": "/wAB"}),
        None,
    );
    check(
        "audio/mpeg; x=y",
        b"a",
        json!({"type": "audio", "mimeType": "audio/mpeg", "data": "YQ=="}),
        None,
    );
    check(
        "application/pdf",
        b"%PDF",
        blob("application/pdf", "JVBERg=="),
        None,
    );
    check("video/mp4", b"ab", blob("video/mp4", "YWI="), None);
    check(
        "",
        &[0xff, 0xfe],
        blob("application/octet-stream", "//4="),
        None,
    );
    check("", b"plain", text("plain"), None);
    check(
        "x/\"y",
        b"a\0b",
        blob("application/octet-stream", "YQBi"),
        None,
    );
}

#[test]
fn empty_answers_say_so() {
    let check = |status: u16, text: &str| {
        let result = decoded(status, "application/json", b"");
        assert_eq!(block(&result)["text"], text);
        assert!(!result.is_error && result.structured.is_none());
    };
    check(204, "HTTP 204 No Content. The answer has no content.");
    check(200, "HTTP 200 OK. The answer has no content.");
    check(299, "HTTP 299. The answer has no content.");
}

#[test]
fn failures_show_status_and_what_the_upstream_said() {
    let check = |status: u16, content_type: &str, body: &[u8], text: &str| {
        let result = decoded(status, content_type, body);
        assert_eq!(block(&result)["text"], text);
        assert!(result.is_error && result.structured.is_none());
    };
    check(
        404,
        "application/json",
        br#"{"error":"no such order"}"#,
        "HTTP 404 Not Found\n{\"error\":\"no such order\"}",
    );
    check(500, "", b"", "HTTP 500 Internal Server Error");
    check(599, "text/plain", b" \n", "HTTP 599");
    check(
        422,
        "text/plain; charset=iso-8859-1",
        b"pr\xe9nom",
        "HTTP 422 Unprocessable Content\nprénom",
    );
    check(
        502,
        "text/html; charset=utf-8",
        b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title><style>b{}</style><SCRIPT>alert('<b>')</script></head>\n<body><!-- <p>hidden</p> --><h1>Bad &amp; sad &lt;gateway&gt;</h1></body></html>",
        "HTTP 502 Bad Gateway\n502 Bad Gateway Bad & sad <gateway>",
    );
    check(
        403,
        "image/png",
        &[1, 2, 3],
        "HTTP 403 Forbidden\n[3 bytes of image/png]",
    );
    let long = vec![b'x'; limits::UPSTREAM_ERROR_BYTES_MAX + 1];
    let text = block(&decoded(500, "text/plain", &long))["text"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        text.len(),
        "HTTP 500 Internal Server Error\n".len()
            + limits::UPSTREAM_ERROR_BYTES_MAX
            + "\n[cut]".len()
    );
}

#[test]
fn redirects_are_errors_that_tell_no_address() {
    for status in [301, 302, 303, 307, 308] {
        let result = decoded(
            status,
            "text/html",
            b"<a href=\"http://10.0.0.7/secret\">here</a>",
        );
        assert!(result.is_error);
        let text = block(&result)["text"].as_str().unwrap().to_owned();
        assert!(
            text.contains("not followed") && !text.contains("10.0.0.7"),
            "{text}"
        );
    }
}

#[test]
fn cut_answers_are_errors_that_name_the_limit() {
    let mut result = ToolResult::default();
    let reply = Reply {
        status: 200,
        content_type: Some(b"application/json"),
        body: b"[1,2",
        truncated: true,
    };
    decode(&reply, &mut result);
    assert!(result.is_error && result.structured.is_none());
    assert!(
        block(&result)["text"]
            .as_str()
            .unwrap()
            .starts_with("The answer is longer than 16 MiB")
    );
    decode(
        &Reply {
            status: 500,
            ..reply
        },
        &mut result,
    );
    assert_eq!(
        block(&result)["text"],
        "HTTP 500 Internal Server Error\n[1,2\n[cut]"
    );
}
