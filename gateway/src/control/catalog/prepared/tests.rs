use serde_saphyr::Spanned;

use super::*;
use crate::control::document::ToolDocument;
use crate::control::{normalise, yaml};

pub(in crate::control) fn spec(yaml: &str) -> ToolSpec {
    let document: Spanned<ToolDocument> = yaml::from_str(yaml).unwrap();
    normalise::tool(document, "t", std::path::Path::new("/")).unwrap()
}

fn check(yaml: &str, expected: Result<&str, &str>) {
    match (prepare(spec(yaml)), expected) {
        (Ok(prepared), Ok(text)) => assert_eq!(&*prepared.definition.modern, text, "{yaml}"),
        (Err(message), Err(part)) => assert!(message.contains(part), "{yaml}: {message}"),
        (found, _) => panic!("{yaml}: {found:?}"),
    }
}

#[test]
fn definitions_keep_the_order_of_what_was_written() {
    check(
        "{endpoint: 'http://a', inputSchema: {type: object, properties: {z: {type: string}, a: {}}, required: [z]}}",
        Ok(
            r#""inputSchema":{"type":"object","properties":{"z":{"type":"string"},"a":{}},"required":["z"]}"#,
        ),
    );
    check(
        "{endpoint: 'http://a', method: GET, displayName: 'A \"b\"', description: 'c\nd', outputSchema: {type: object}, annotations: {openWorld: true}}",
        Ok(
            r#""title":"A \"b\"","description":"c d","inputSchema":{"type":"object"},"outputSchema":{"type":"object"},"annotations":{"title":"A \"b\"","readOnlyHint":true,"openWorldHint":true}"#,
        ),
    );
    check(
        "{endpoint: 'http://a', method: DELETE, deprecated: true, description: Removes.}",
        Ok(
            r#""description":"Deprecated. Removes.","inputSchema":{"type":"object"},"annotations":{"destructiveHint":true,"idempotentHint":true}"#,
        ),
    );
    check(
        "{endpoint: 'http://a', method: DELETE, annotations: {destructive: false}, deprecated: true, description: deprecated long ago}",
        Ok(
            r#""description":"deprecated long ago","inputSchema":{"type":"object"},"annotations":{"destructiveHint":false,"idempotentHint":true}"#,
        ),
    );
}

#[test]
fn what_cannot_work_is_refused() {
    for (yaml, part) in [
        (
            "{endpoint: 'http://a', inputSchema: {properties: {a: {type: strang}}}}",
            "`inputSchema` is no JSON Schema",
        ),
        (
            "{endpoint: 'http://a', outputSchema: {type: strang}}",
            "`outputSchema` is no JSON Schema",
        ),
        ("{endpoint: 'http://a/{id', method: GET}", "{"),
        (
            "{endpoint: 'http://a', inputSchema: {properties: {a: {type: number, x-mcp-header: A}}}}",
            "x-mcp-header",
        ),
        (
            "{endpoint: 'http://a', request: {method: POST, path: /, fixedHeaders: [[Host, b]]}}",
            "host",
        ),
        (
            "{endpoint: 'http://a', method: GET, request: {body: {kind: json}}}",
            "body",
        ),
    ] {
        let message = prepare(spec(yaml)).unwrap_err().to_lowercase();
        assert!(message.contains(&part.to_lowercase()), "{yaml}: {message}");
    }
}

#[test]
fn only_objects_are_output_schemas_of_the_past() {
    let legacy = |yaml| prepare(spec(yaml)).unwrap().definition.legacy.clone();
    assert_eq!(
        legacy("{endpoint: 'http://a', outputSchema: {type: object}}"),
        None
    );
    assert_eq!(legacy("{endpoint: 'http://a'}"), None);
    let text = legacy("{endpoint: 'http://a', outputSchema: {type: array}}").unwrap();
    assert_eq!(&*text, r#""inputSchema":{"type":"object"}"#);
}

#[test]
fn the_base_url_stands_before_the_path() {
    for (yaml, expected) in [
        ("{endpoint: 'http://a/v1/', request: {path: /o}}", "/v1/o"),
        ("{endpoint: 'http://a', request: {path: o}}", "/o"),
        ("{endpoint: 'http://a/v1/o'}", "/v1/o"),
    ] {
        assert_eq!(
            prepare(spec(yaml)).unwrap().request.path,
            expected,
            "{yaml}"
        );
    }
}

#[test]
fn an_argument_that_could_only_be_dropped_is_refused() {
    let is_closed = |yaml| {
        let spec = spec(yaml);
        closed(&spec.request, &spec.input_schema).get("additionalProperties") == Some(&json!(false))
    };
    assert!(is_closed(
        "{endpoint: 'http://a', method: GET, inputSchema: {properties: {q: {}}}}"
    ));
    assert!(!is_closed(
        "{endpoint: 'http://a', method: POST, inputSchema: {properties: {q: {}}}}"
    ));
    assert!(!is_closed(
        "{endpoint: 'http://a', method: GET, inputSchema: {additionalProperties: true}}"
    ));
}
