//! Documents of random content in OpenAPI's words: whatever they say, the import ends, and what it
//! makes can be used.

use std::collections::HashSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use serde_json::{Map, Value, json};
use stoa_gateway::control::import::openapi::{ImportOptions, import};
use stoa_gateway::guard::schema::ArgumentSchema;
use stoa_gateway::limits;
use stoa_gateway::snapshot::operation::RestOperation;
use stoa_gateway::snapshot::upstream::UpstreamId;

/// Names that mean something somewhere in a document; a random tree of them meets most code paths.
const WORDS: [&str; 56] = [
    "$ref",
    "*/*",
    "200",
    "204",
    "2XX",
    "additionalProperties",
    "allOf",
    "anyOf",
    "application/json",
    "application/x-www-form-urlencoded",
    "components",
    "consumes",
    "content",
    "default",
    "deprecated",
    "description",
    "else",
    "encoding",
    "enum",
    "example",
    "exclusiveMinimum",
    "explode",
    "format",
    "if",
    "in",
    "items",
    "maximum",
    "minLength",
    "minimum",
    "multipart/form-data",
    "name",
    "not",
    "nullable",
    "oneOf",
    "operationId",
    "parameters",
    "pattern",
    "prefixItems",
    "produces",
    "properties",
    "readOnly",
    "requestBody",
    "required",
    "responses",
    "schema",
    "security",
    "servers",
    "style",
    "summary",
    "tags",
    "then",
    "title",
    "type",
    "url",
    "writeOnly",
    "x-mcp-header",
];

/// Values that keywords have. The first three name schemas.
const TEXTS: [&str; 26] = [
    "#/s/a",
    "#/s/b",
    "#/s/c",
    "#",
    "#/paths/~1a~1%7Bid%7D",
    "#/s/a/properties/x",
    "(",
    "X-Y",
    "^[a-z]+$",
    "array",
    "binary",
    "body",
    "byte",
    "cookie",
    "deepObject",
    "file",
    "formData",
    "header",
    "id",
    "integer",
    "null",
    "object",
    "other.json#/a",
    "path",
    "query",
    "string",
];

fn object(members: Vec<(&str, Value)>) -> Value {
    let members = members.into_iter();
    let members: Map<String, Value> = members.map(|(name, one)| (name.to_owned(), one)).collect();
    Value::Object(members)
}

fn tree() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => prop::sample::select(&TEXTS[..]).prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => (-3_i64..9).prop_map(Value::from),
        1 => Just(Value::Null),
    ];
    leaf.prop_recursive(6, 60, 5, |inner| {
        let name = prop::sample::select(&WORDS[..]);
        prop_oneof![
            4 => prop::collection::vec((name, inner.clone()), 0..6).prop_map(object),
            1 => prop::collection::vec(inner, 0..4).prop_map(Value::from),
        ]
    })
}

/// A parameter that is nearly right.
fn parameter() -> impl Strategy<Value = Value> {
    let name = prop::sample::select(vec!["id", "q", "X-Y", "a[b]", "body", ""]);
    let place = prop::sample::select(vec![
        "path", "query", "header", "cookie", "body", "formData",
    ]);
    let format = prop::sample::select(vec!["csv", "ssv", "tsv", "pipes", "multi", "deepObject"]);
    (name, place, format, any::<bool>(), schema()).prop_map(
        |(name, place, format, flag, schema)| {
            json!({"name": name, "in": place, "style": format, "collectionFormat": format,
            "required": flag, "explode": flag, "type": "array", "schema": schema})
        },
    )
}

/// A reference to one of three schemas, a combination of such, or something else.
fn schema() -> impl Strategy<Value = Value> {
    let reference = prop::sample::select(&TEXTS[..3]).prop_map(|to| json!({ "$ref": to }));
    let leaf = prop_oneof![3 => reference, 2 => tree()];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let list = prop::collection::vec(inner.clone(), 1..4);
        let word = prop::sample::select(vec!["allOf", "anyOf", "oneOf", "prefixItems"]);
        let child = prop::sample::select(vec!["items", "not", "if", "additionalProperties"]);
        prop_oneof![
            (word, list).prop_map(|(word, list)| json!({ word: list })),
            (child, inner.clone()).prop_map(|(word, one)| json!({ word: one })),
            (inner.clone(), inner).prop_map(|(x, y)| {
                json!({"type": "object", "properties": {"x": x, "y": y}, "required": ["x"]})
            }),
        ]
    })
}

/// Imports a document; how many tools it gave.
fn check(document: &Value) -> usize {
    let options = ImportOptions {
        base_url: Some("https://api.example.com".into()),
        ..ImportOptions::default()
    };
    let found =
        import(&document.to_string(), &options).expect("whatever it says, it is a document");
    let mut names = HashSet::new();
    for tool in &found.tools {
        assert!((1..=limits::TOOL_NAME_CHARS_MAX).contains(&tool.name.len()));
        assert!(names.insert(&tool.name), "{} twice", tool.name);
        let arguments = ArgumentSchema::compile(&tool.input_schema);
        assert!(arguments.is_ok(), "{arguments:?}: {}", tool.input_schema);
        // A validator that ran in a circle would overflow the stack here.
        let samples = [
            json!({}),
            json!({"body": {"x": {"x": {}}}, "x": {"x": 1}, "y": {}, "q": []}),
        ];
        for schema in [&tool.input_schema].into_iter().chain(&tool.output_schema) {
            let validator = jsonschema::draft202012::new(schema);
            let validator = validator.unwrap_or_else(|fault| panic!("{fault}: {schema}"));
            for sample in &samples {
                std::hint::black_box(validator.is_valid(sample));
            }
        }
        let operation = RestOperation::compile(&tool.request, UpstreamId(0));
        assert!(operation.is_ok(), "{operation:?}: {:?}", tool.request);
    }
    assert!(found.left_out.iter().all(|one| !one.reason.is_empty()));
    found.tools.len()
}

const VERSIONS: [(&str, &str); 3] = [
    ("swagger", "2.0"),
    ("openapi", "3.0.3"),
    ("openapi", "3.1.0"),
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_operation_is_mapped_or_left_out(
        operation in tree(),
        item in tree(),
        version in prop::sample::select(&VERSIONS[..]),
    ) {
        check(&json!({
            version.0: version.1,
            "paths": {"/a/{id}": {"parameters": [item], "post": operation, "get": operation}},
            "s": {"a": item, "b": operation},
        }));
    }

    #[test]
    fn any_parameters_are_mapped_or_left_out(
        list in prop::collection::vec(parameter(), 0..5),
        version in prop::sample::select(&VERSIONS[..]),
    ) {
        check(&json!({
            version.0: version.1,
            "paths": {"/a/{id}": {"post": {"parameters": list}}},
            "s": {"a": {"type": "integer"}, "b": {"items": {"$ref": "#/s/b"}}, "c": {}},
        }));
    }

    #[test]
    fn any_schemas_are_converted_or_left_out(
        a in schema(),
        b in schema(),
        c in schema(),
        version in prop::sample::select(&VERSIONS[1..]),
    ) {
        let to = |name: &str| json!({"application/json": {"schema": {"$ref": format!("#/s/{name}")}}});
        let parameter = json!({"name": "p", "in": "query", "schema": {"$ref": "#/s/b"}});
        check(&json!({
            version.0: version.1,
            "paths": {"/a": {
                "post": {"requestBody": {"required": true, "content": to("a")}, "responses": {"200": {"content": to("a")}}},
                "get": {"parameters": [parameter], "responses": {"200": {"content": to("c")}}},
            }},
            "s": {"a": a, "b": b, "c": c},
        }));
    }
}

#[test]
fn the_generators_reach_tools() {
    // Without this, a generator that only makes nonsense would pass everything above.
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let tools: usize = (0..50)
        .map(|_| {
            let mut one = || {
                schema()
                    .new_tree(&mut runner)
                    .expect("makes a value")
                    .current()
            };
            let body = json!({"content": {"application/json": {"schema": one()}}});
            check(
                &json!({"openapi": "3.1.0", "paths": {"/a": {"post": {"requestBody": body}}},
                "s": {"a": one(), "b": one(), "c": one()}}),
            )
        })
        .sum();
    assert!(tools >= 20, "{tools} of 50");
}
