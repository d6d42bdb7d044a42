//! Responses: when there is an output schema, and what is asked for.

use super::*;

fn check(version: &str, responses: &str, expected: Value, accept: &str) {
    let tool = only(&operation(
        version,
        "get",
        "/a",
        &format!("responses: {responses}"),
    ));
    let found = tool.output_schema.unwrap_or_default();
    assert_eq!(found, expected, "{responses}");
    assert_eq!(
        tool.request.fixed_headers,
        [("Accept".to_owned(), accept.to_owned())],
        "{responses}"
    );
}

#[test]
fn an_output_schema_needs_every_success_to_be_json() {
    let json = "application/json, */*;q=0.5";
    let a = "content: {application/json: {schema: {type: object, properties: {a: {}}}}}";
    let list = "content: {application/json: {schema: {type: array, items: {type: integer}}}}";
    let schema = json!({"type": "object", "properties": {"a": {}}});
    let none = Value::Null;
    for (responses, expected, accept) in [
        (format!("{{200: {{{a}}}}}"), schema.clone(), json),
        (format!("{{'200': {{{a}}}, 404: {{}}, default: {{}}}}"), schema.clone(), json),
        (format!("{{200: {{{a}}}, 201: {{{a}}}}}"), schema.clone(), json),
        (format!("{{default: {{{a}}}}}"), schema.clone(), json),
        (format!("{{2XX: {{{a}}}}}"), schema.clone(), json),
        (
            format!("{{200: {{{list}}}}}"),
            json!({"type": "array", "items": {"type": "integer"}}),
            json,
        ),
        (
            format!("{{200: {{{a}}}, 202: {{{list}}}}}"),
            json!({"anyOf": [schema, {"type": "array", "items": {"type": "integer"}}]}),
            json,
        ),
        (
            "{200: {content: {application/json: {schema: {properties: {a: {}}}}}}, 201: {content: {application/json: {schema: {type: object}}}}}".to_owned(),
            json!({"type": "object", "anyOf": [{"properties": {"a": {}}, "type": "object"}, {"type": "object"}]}),
            json,
        ),
        // One success without: none.
        (format!("{{200: {{{a}}}, 204: {{description: gone}}}}"), none.clone(), json),
        (format!("{{200: {{{a}}}, 206: {{content: {{text/plain: {{}}}}}}}}"), none.clone(), json),
        (format!("{{200: {{content: {{}}}}, default: {{{a}}}}}"), none.clone(), "*/*"),
        ("{200: {content: {application/json: {}}}}".to_owned(), none.clone(), json),
        ("{200: {content: {application/json: {schema: {}}}}}".to_owned(), none.clone(), json),
        ("{200: {content: {application/json: {schema: {description: d}}}}}".to_owned(), none.clone(), json),
        ("{200: {content: {text/csv: {schema: {type: string}}}}}".to_owned(), none.clone(), "*/*"),
        ("{404: {description: gone}}".to_owned(), none.clone(), "*/*"),
        ("{}".to_owned(), none, "*/*"),
        // Vendors and ranges.
        (
            "{200: {content: {application/vnd.x+json: {schema: {type: object}}, text/csv: {}}}}".to_owned(),
            json!({"type": "object"}),
            "application/vnd.x+json, */*;q=0.5",
        ),
        ("{200: {content: {'*/*': {schema: {type: object}}}}}".to_owned(), json!({"type": "object"}), json),
        // Relaxed.
        (
            "{200: {content: {application/json: {schema: {type: object, additionalProperties: false, properties: {s: {type: string, writeOnly: true}, n: {type: string, nullable: true}}}}}}}".to_owned(),
            json!({"type": "object", "properties": {"n": {"type": ["string", "null"]}}}),
            json,
        ),
    ] {
        check("3.0.3", &responses, expected, accept);
    }
}

#[test]
fn swagger_says_json_in_produces() {
    let json = "application/json, */*;q=0.5";
    let object = json!({"type": "object"});
    for (responses, expected, accept) in [
        ("{200: {schema: {type: object}}}", object.clone(), json),
        (
            "{200: {schema: {type: object}}}\nproduces: [application/xml, application/json]",
            object.clone(),
            json,
        ),
        (
            "{200: {schema: {type: object}}}\nproduces: [application/hal+json]",
            object,
            "application/hal+json, */*;q=0.5",
        ),
        (
            "{200: {schema: {type: object}}}\nproduces: [application/xml]",
            Value::Null,
            "*/*",
        ),
        ("{200: {description: nothing}}", Value::Null, json),
    ] {
        check("2.0", responses, expected, accept);
    }
}

#[test]
fn trouble_with_a_response_costs_the_output_schema_only() {
    for (response, part) in [
        ("{$ref: '#/gone'}", "names nothing"),
        (
            "{content: {application/json: {schema: {$ref: 'other.yaml#/a'}}}}",
            "never fetched",
        ),
    ] {
        let import = run(&operation(
            "3.0.3",
            "get",
            "/a",
            &format!("responses: {{200: {response}}}"),
        ));
        assert_eq!(import.tools[0].output_schema, None);
        let note = &import.notes[0].text;
        assert!(
            note.starts_with("no output schema") && note.contains(part),
            "{note}"
        );
    }
    // Many members and nothing but members: too large to be worth it.
    let members: Vec<String> = (0..3000)
        .map(|index| format!("member{index}: {{type: string}}"))
        .collect();
    let import = run(&operation(
        "3.0.3",
        "get",
        "/a",
        &format!(
            "responses: {{200: {{content: {{application/json: {{schema: {{type: object, properties: {{{}}}}}}}}}}}}}",
            members.join(", ")
        ),
    ));
    assert_eq!(import.tools[0].output_schema, None);
    assert!(import.notes[0].text.contains("too large"));
    // A HEAD never has a body.
    let head = operation(
        "3.0.3",
        "head",
        "/a",
        "responses: {200: {content: {application/json: {schema: {type: object}}}}}",
    );
    assert_eq!(only(&head).output_schema, None);
}
