use serde_json::json;

use super::*;

/// A document of a version whose `s` members are the schemas.
fn document(version: &str, schemas: &Value) -> Document {
    let field = if version == "2.0" {
        "swagger"
    } else {
        "openapi"
    };
    let document = json!({field: version, "s": schemas});
    Document::parse(&document.to_string()).unwrap()
}

/// Converts `/s/root`; its definitions stand under `$defs`.
fn convert(version: &str, direction: Direction, schemas: &Value) -> Result<Value, String> {
    let document = document(version, schemas);
    let resolver = Resolver::new(document.root(), None);
    let converter = Schemas::new(&document, &resolver);
    let source = &document.root()["s"]["root"];
    let converted = match direction {
        Direction::Request => converter.input(&[source]),
        Direction::Response => converter
            .output(&[source])
            .map(|converted| converted.expect("fits")),
    }
    .map_err(|reason| reason.to_string())?;
    let mut schema = converted.schemas.into_iter().next().unwrap();
    if !converted.definitions.is_empty() {
        schema["$defs"] = Value::Object(converted.definitions);
    }
    jsonschema::draft202012::new(&schema).expect("compiles");
    Ok(schema)
}

fn check(version: &str, schema: Value, expected: Value) {
    let found = convert(version, Direction::Request, &json!({ "root": schema })).unwrap();
    assert_eq!(found, expected, "{version}: {schema}");
}

fn check_with(schemas: Value, expected: Value) {
    let found = convert("3.0.3", Direction::Request, &schemas).unwrap();
    assert_eq!(found, expected, "{schemas}");
}

fn to(name: &str) -> Value {
    json!({"$ref": format!("#/s/{name}")})
}

#[test]
fn the_dialect_of_3_0_becomes_2020_12() {
    for (schema, expected) in [
        (
            json!({"type": "integer", "minimum": 1, "exclusiveMinimum": true, "maximum": 9, "exclusiveMaximum": false}),
            json!({"type": "integer", "exclusiveMinimum": 1, "maximum": 9}),
        ),
        (
            json!({"type": "string", "nullable": true, "enum": ["a", "b"]}),
            json!({"type": ["string", "null"], "enum": ["a", "b", null]}),
        ),
        (
            json!({"type": "string", "x-nullable": true}),
            json!({"type": ["string", "null"]}),
        ),
        (
            json!({"nullable": true, "description": "d", "oneOf": [{"type": "string"}]}),
            json!({"description": "d", "anyOf": [{"oneOf": [{"type": "string"}]}, {"type": "null"}]}),
        ),
        (json!({"nullable": true}), json!({})),
        (
            json!({"type": "string", "example": "x", "discriminator": {"propertyName": "t"}, "xml": {"name": "x"}, "externalDocs": {}, "x-go-name": "X"}),
            json!({"type": "string", "examples": ["x"]}),
        ),
        (
            json!({"type": "string", "format": "byte"}),
            json!({"type": "string", "format": "byte", "contentEncoding": "base64"}),
        ),
        (
            json!({"type": "array", "items": [{"type": "string"}]}),
            json!({"type": "array", "prefixItems": [{"type": "string"}]}),
        ),
        (
            json!({"type": "string", "x-mcp-header": "Region", "deprecated": true}),
            json!({"type": "string", "x-mcp-header": "Region", "deprecated": true}),
        ),
    ] {
        check("3.0.3", schema.clone(), expected.clone());
        check("2.0", schema, expected);
    }
    check(
        "2.0",
        json!({"type": "file", "description": "d"}),
        json!({"type": "string", "description": "d", "format": "binary", "contentEncoding": "base64"}),
    );
}

#[test]
fn schemas_of_3_1_stay_as_they_are() {
    for schema in [
        json!({"type": ["string", "null"], "const": "a"}),
        json!({"exclusiveMinimum": 1, "examples": [2], "default": 3}),
        json!({"type": "array", "prefixItems": [true, {"type": "string"}], "items": false, "contains": {"const": 1}, "minContains": 2}),
        json!({"type": "object", "patternProperties": {"^x-": {}}, "propertyNames": {"maxLength": 3}, "unevaluatedProperties": false}),
        json!({"type": "object", "dependentRequired": {"a": ["b"]}}),
        json!({"if": {"required": ["a"]}, "then": {"required": ["b"]}, "else": {"not": {"required": ["c"]}}}),
        json!({"allOf": [{"type": "object"}, {"required": ["a"]}], "oneOf": [{"title": "A"}, {"title": "B"}]}),
        json!({"contentEncoding": "base64", "contentMediaType": "image/png"}),
    ] {
        check("3.1.0", schema.clone(), schema);
    }
    check(
        "3.1.0",
        json!({"$id": "https://x.io/s", "$schema": "https://x.io/d", "$comment": "c", "$anchor": "a", "type": "string", "$defs": {"unused": {}}}),
        json!({"type": "string"}),
    );
}

#[test]
fn careless_keywords_cost_themselves_only() {
    for (schema, expected) in [
        (
            json!({"type": "string", "required": true}),
            json!({"type": "string"}),
        ),
        (
            json!({"type": "object", "required": ["a", "a", "b"]}),
            json!({"type": "object", "required": ["a", "b"]}),
        ),
        (
            json!({"type": "object", "required": []}),
            json!({"type": "object"}),
        ),
        (json!({"enum": []}), json!({})),
        (json!({"enum": "a"}), json!({})),
        (
            json!({"type": "string", "enum": [1.5, true, "a", "a"]}),
            json!({"type": "string", "enum": ["1.5", "true", "a"]}),
        ),
        (json!({"type": "int"}), json!({"type": "integer"})),
        (json!({"type": "float"}), json!({"type": "number"})),
        (json!({"type": "Model"}), json!({})),
        (json!({"type": ["string", "Model"]}), json!({})),
        (
            json!({"type": "string", "minLength": -1, "maxLength": "5"}),
            json!({"type": "string"}),
        ),
        (
            json!({"type": "string", "maxLength": 5.0}),
            json!({"type": "string", "maxLength": 5}),
        ),
        (json!({"multipleOf": 0}), json!({})),
        (json!({"pattern": "("}), json!({})),
        (json!({"pattern": "/^a$/"}), json!({})),
        (
            json!({"pattern": "^[a-z]+$"}),
            json!({"pattern": "^[a-z]+$"}),
        ),
        (json!({"properties": []}), json!({})),
        (
            json!({"properties": {"a": "b", "c": true}}),
            json!({"properties": {"a": {}, "c": true}}),
        ),
        (json!({"items": "string"}), json!({})),
        (json!({"items": []}), json!({})),
        (json!({"prefixItems": []}), json!({})),
        (
            json!({"description": 5, "title": "t"}),
            json!({"title": "t"}),
        ),
        (json!("string"), json!({})),
        (json!({"allOf": [], "anyOf": [], "oneOf": []}), json!({})),
    ] {
        check("3.0.3", schema, expected);
    }
}

#[test]
fn references_are_written_out_unless_they_recur() {
    check_with(
        json!({"root": {"properties": {"a": to("a"), "b": to("a")}}, "a": {"type": "string"}}),
        json!({"properties": {"a": {"type": "string"}, "b": {"type": "string"}}}),
    );
    check_with(
        json!({"root": {"properties": {"tree": to("node")}}, "node": {"properties": {"left": to("node"), "all": {"items": to("node")}}}}),
        json!({
            "properties": {"tree": {"$ref": "#/$defs/node"}},
            "$defs": {"node": {"properties": {
                "left": {"$ref": "#/$defs/node"},
                "all": {"items": {"$ref": "#/$defs/node"}},
            }}},
        }),
    );
    // A root that recurs is written out, so that its members can become arguments.
    check_with(
        json!({"root": {"properties": {"left": to("root")}}}),
        json!({
            "properties": {"left": {"$ref": "#/$defs/root"}},
            "$defs": {"root": {"properties": {"left": {"$ref": "#/$defs/root"}}}},
        }),
    );
    // Two of one name, and a name that is none.
    check_with(
        json!({
            "root": {"items": {"oneOf": [to("x/node"), to("y/node"), to("y/~1")]}},
            "x": {"node": {"items": to("x/node")}},
            "y": {"node": {"items": to("y/node")}, "/": {"items": to("y/~1")}},
        }),
        json!({
            "items": {"oneOf": [{"$ref": "#/$defs/node"}, {"$ref": "#/$defs/node_2"}, {"$ref": "#/$defs/schema"}]},
            "$defs": {
                "node": {"items": {"$ref": "#/$defs/node"}},
                "node_2": {"items": {"$ref": "#/$defs/node_2"}},
                "schema": {"items": {"$ref": "#/$defs/schema"}},
            },
        }),
    );
    // What is large is written out once.
    let large = json!({"type": "string", "description": "x".repeat(600)});
    let found = convert(
        "3.0.3",
        Direction::Request,
        &json!({"root": {"properties": {"a": to("large"), "b": to("large"), "c": to("large")}}, "large": large}),
    )
    .unwrap();
    assert_eq!(found["properties"]["a"], large);
    assert_eq!(found["properties"]["b"], json!({"$ref": "#/$defs/large"}));
    assert_eq!(found["properties"]["c"], json!({"$ref": "#/$defs/large"}));
    assert_eq!(found["$defs"]["large"], large);
}

#[test]
fn words_beside_a_reference_count() {
    check_with(
        json!({"root": {"$ref": "#/s/a", "description": "here", "maxLength": 3}, "a": {"type": "string", "description": "there"}}),
        json!({"type": "string", "description": "here"}),
    );
    check_with(
        json!({"root": {"$ref": "#/s/a", "nullable": true}, "a": {"type": "string"}}),
        json!({"type": ["string", "null"]}),
    );
    let schemas = json!({
        "root": {"$ref": "#/s/a", "description": "here", "maxLength": 3},
        "a": {"type": "string", "description": "there", "maxLength": 5},
    });
    assert_eq!(
        convert("3.1.0", Direction::Request, &schemas).unwrap(),
        json!({"description": "here", "maxLength": 3, "allOf": [{"type": "string", "description": "there", "maxLength": 5}]}),
    );
}

#[test]
fn inheritance_in_both_directions_ends() {
    // The parent lists its children, each child includes its parent.
    let schemas = json!({
        "root": to("pet"),
        "pet": {"type": "object", "properties": {"kind": {"type": "string"}, "friend": to("pet")}, "oneOf": [to("cat"), to("dog")]},
        "cat": {"allOf": [to("pet"), {"properties": {"lives": {"type": "integer"}}}]},
        "dog": {"allOf": [to("pet"), {"properties": {"bark": {"type": "string"}}}]},
    });
    let found = convert("3.0.3", Direction::Request, &schemas).unwrap();
    let validator = jsonschema::draft202012::new(&found).unwrap();
    let cat = json!({"kind": "cat", "lives": 9, "friend": {"kind": "dog", "bark": "wau"}});
    assert!(validator.is_valid(&cat));
    assert!(!validator.is_valid(&json!({"kind": "cat", "lives": "nine", "bark": 3})));
    assert!(!validator.is_valid(&json!({"kind": "cat", "friend": {"kind": 3}})));
    // Both alternatives fit a pet without lives and bark, which a `oneOf` that lost its
    // constraints would refuse.
    assert!(validator.is_valid(&json!({"kind": "fish"})));
    assert!(
        found.get("oneOf").is_none() && found.get("anyOf").is_some(),
        "{found}"
    );

    // Circles that say nothing at all.
    for schemas in [
        json!({"root": to("root")}),
        json!({"root": to("a"), "a": to("b"), "b": to("a")}),
        json!({"root": {"allOf": [to("root")]}}),
        json!({"root": {"anyOf": [to("root"), {"type": "string"}]}}),
    ] {
        let found = convert("3.1.0", Direction::Request, &schemas).unwrap();
        assert_eq!(found, json!({}), "{schemas}");
    }
}

#[test]
fn read_only_members_are_not_asked_for_and_write_only_ones_not_promised() {
    let schemas = json!({
        "root": {
            "required": ["id", "name", "secret", "stamp"],
            "properties": {
                "id": {"type": "integer", "readOnly": true},
                "name": {"type": "string"},
                "secret": {"type": "string", "writeOnly": true},
                "stamp": to("stamp"),
            },
        },
        "stamp": {"type": "string", "readOnly": true},
    });
    assert_eq!(
        convert("3.0.3", Direction::Request, &schemas).unwrap(),
        json!({"required": ["name", "secret"], "properties": {"name": {"type": "string"}, "secret": {"type": "string"}}})
    );
    assert_eq!(
        convert("3.0.3", Direction::Response, &schemas).unwrap(),
        json!({"required": ["id", "name", "stamp"], "properties": {
            "id": {"type": "integer"}, "name": {"type": "string"}, "stamp": {"type": "string"}}})
    );
    // Declared read-only in one part and required in another.
    check_with(
        json!({
            "root": {"allOf": [to("base"), {"required": ["id", "a"], "properties": {"a": {}}}], "required": ["id"]},
            "base": {"properties": {"id": {"readOnly": true}}},
        }),
        json!({"properties": {"a": {}}, "required": ["a"]}),
    );
    // Said beside a reference, in the only way that 3.0 has for it.
    check_with(
        json!({
            "root": {"properties": {"a": {"allOf": [to("shared"), {"readOnly": true}]}, "b": to("shared")}},
            "shared": {"type": "string"},
        }),
        json!({"properties": {"b": {"type": "string"}}}),
    );
    // Parts without end are given up on, not followed.
    check_with(
        json!({
            "root": {"properties": {"a": to("loop")}},
            "loop": {"allOf": [to("loop"), to("loop")]},
        }),
        json!({"properties": {"a": {"$ref": "#/$defs/loop"}}, "$defs": {"loop": {}}}),
    );
}

#[test]
fn requests_are_never_stricter_than_the_document_means() {
    // Closed parts of a whole would refuse each other's members.
    check_with(
        json!({"root": {"allOf": [
            {"properties": {"a": {}}, "additionalProperties": false},
            {"properties": {"b": {}}, "additionalProperties": false},
        ]}}),
        json!({"properties": {"a": {}, "b": {}}}),
    );
    check_with(
        json!({"root": {"properties": {"a": {}}, "additionalProperties": false, "oneOf": [{"required": ["a"]}, {"title": "none"}]}}),
        json!({"properties": {"a": {}}, "anyOf": [{"required": ["a"]}, {"title": "none"}]}),
    );
    check_with(
        json!({"root": {"properties": {"a": {}}, "additionalProperties": false}}),
        json!({"properties": {"a": {}}, "additionalProperties": false}),
    );
    // Alternatives that exclude each other by being closed stay so.
    let alternatives = json!({"oneOf": [
        {"properties": {"a": {}}, "additionalProperties": false},
        {"properties": {"b": {}}, "additionalProperties": false},
    ]});
    check_with(json!({"root": alternatives}), alternatives);
    // A negation of what was cut would refuse everything.
    check_with(
        json!({"root": {"not": to("a")}, "a": {"type": "string"}}),
        json!({}),
    );
}

#[test]
fn answers_may_have_more_than_is_documented() {
    let schemas = json!({"root": {
        "type": "object",
        "additionalProperties": false,
        "properties": {"a": {"type": "object", "additionalProperties": {"type": "string"}}},
        "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
        "not": {"required": ["c"]},
    }});
    for version in ["3.0.3", "3.1.0"] {
        assert_eq!(
            convert(version, Direction::Response, &schemas).unwrap(),
            json!({
                "type": "object",
                "properties": {"a": {"type": "object", "additionalProperties": {"type": "string"}}},
                "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
            })
        );
    }
}

#[test]
fn broken_references_say_why() {
    for (schema, part) in [
        (to("gone"), "names nothing"),
        (
            json!({"properties": {"a": {"items": {"$ref": "other.json#/a"}}}}),
            "never fetched",
        ),
    ] {
        let reason = convert("3.0.3", Direction::Request, &json!({ "root": schema })).unwrap_err();
        assert!(reason.contains(part), "{reason}");
    }
}

#[test]
fn large_schemas_lose_detail_and_keep_their_members() {
    // A binary tree of distinct schemas, 2^14 leaves when written out.
    let mut schemas = Map::new();
    schemas.insert(
        "root".into(),
        json!({"type": "object", "required": ["l"], "properties": {"l": to("n1"), "r": to("m1")}}),
    );
    for level in 1..14 {
        for side in ["n", "m"] {
            let (left, right) = (format!("n{}", level + 1), format!("m{}", level + 1));
            let words = "word ".repeat(150);
            schemas.insert(
                format!("{side}{level}"),
                json!({"type": "object", "description": words, "properties": {"l": {"allOf": [to(&left)]}, "r": {"allOf": [to(&right)]}}}),
            );
        }
    }
    for leaf in ["n14", "m14"] {
        let names: Map<String, Value> = (0..2000)
            .map(|index| (format!("member{index}"), json!({"type": "string"})))
            .collect();
        schemas.insert(leaf.into(), json!({"properties": names}));
    }
    let found = convert("3.0.3", Direction::Request, &Value::Object(schemas)).unwrap();
    let bytes = found.to_string().len();
    assert!(bytes <= INPUT_SCHEMA_BYTES_MAX, "{bytes}");
    assert!(bytes > 1000, "most of the budget is used: {found}");
    assert_eq!(found["required"], json!(["l"]));
    assert_eq!(found["properties"]["l"]["type"], "object");

    // Nothing but nesting: deeper than a stack or a validator takes.
    let mut deep = json!({"type": "string"});
    for _ in 0..60 {
        deep = json!({"items": deep});
    }
    let found = convert("3.0.3", Direction::Request, &json!({ "root": deep })).unwrap();
    assert!(found.to_string().len() < 1000, "{found}");

    // Many members with long words keep their names and types.
    let members: Map<String, Value> = (0..1500)
        .map(|index| {
            let words = "word ".repeat(30);
            (
                format!("m{index}"),
                json!({"type": "string", "description": words}),
            )
        })
        .collect();
    let wide = json!({"root": {"type": "object", "properties": members}});
    let found = convert("3.0.3", Direction::Request, &wide).unwrap();
    assert_eq!(found["properties"]["m1499"]["type"], "string");

    // A flat object of more members than fit.
    let members: Map<String, Value> = (0..10_000)
        .map(|index| (format!("member{index}"), json!({"type": "string"})))
        .collect();
    let reason = convert(
        "3.0.3",
        Direction::Request,
        &json!({"root": {"properties": members}}),
    );
    assert!(reason.unwrap_err().contains("more than 65536 bytes"));
}

#[test]
fn chains_of_ten_thousand_references_are_no_stack_overflow() {
    let mut schemas = Map::new();
    schemas.insert("root".into(), to("c0"));
    for index in 0..10_000 {
        schemas.insert(
            format!("c{index}"),
            json!({"properties": {"next": to(&format!("c{}", index + 1))}}),
        );
        schemas.insert(format!("a{index}"), to(&format!("a{}", index + 1)));
    }
    schemas.insert("c10000".into(), json!({"type": "string"}));
    schemas.insert("a10000".into(), json!({"type": "string"}));
    assert!(convert("3.0.3", Direction::Request, &Value::Object(schemas.clone())).is_ok());
    schemas.insert("root".into(), to("a0"));
    let reason = convert("3.0.3", Direction::Request, &Value::Object(schemas)).unwrap_err();
    assert!(reason.contains("more than"), "{reason}");
}

/// Bytes that a schema with so many characters of words is counted as, and whether the words were kept.
fn counted(direction: Direction, words: usize) -> (usize, bool) {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string", "description": "w".repeat(words)}}});
    let document = document("3.1.0", &json!({ "root": schema }));
    let resolver = Resolver::new(document.root(), None);
    let schemas = Schemas::new(&document, &resolver);
    let source = &document.root()["s"]["root"];
    let converted = match direction {
        Direction::Request => schemas.input(&[source]).unwrap(),
        Direction::Response => schemas.output(&[source]).unwrap().unwrap(),
    };
    let kept = converted.schemas[0]["properties"]["a"]["description"]
        .as_str()
        .unwrap()
        .len();
    (schemas.bytes.get(), kept == words)
}

#[test]
fn one_past_the_bytes_of_a_schema_loses_detail() {
    for (direction, bytes_max) in [
        (Direction::Request, INPUT_SCHEMA_BYTES_MAX),
        (Direction::Response, OUTPUT_SCHEMA_BYTES_MAX),
    ] {
        let beside = counted(direction, 1_000).0 - 1_000;
        let most = bytes_max - beside;
        assert_eq!(counted(direction, most), (bytes_max, true), "{direction:?}");
        let (bytes, whole) = counted(direction, most + 1);
        assert!(bytes < bytes_max && !whole, "{direction:?}: {bytes}");
    }
}

#[test]
fn one_past_the_bytes_of_all_schemas_the_rest_is_left_out() {
    let document = document("3.1.0", &json!({"root": {"type": "string"}}));
    let resolver = Resolver::new(document.root(), None);
    let schemas = Schemas::new(&document, &resolver);
    let source = &document.root()["s"]["root"];
    let after = |bytes| {
        schemas.bytes.set(bytes);
        let output = schemas.output(&[source]).unwrap().is_some();
        schemas.bytes.set(bytes);
        (schemas.input(&[source]).is_ok(), output)
    };
    assert_eq!(after(DOCUMENT_OUTPUT_BYTES_MAX), (true, true));
    assert_eq!(after(DOCUMENT_OUTPUT_BYTES_MAX + 1), (true, false));
    assert_eq!(after(DOCUMENT_SCHEMAS_BYTES_MAX), (true, false));
    assert_eq!(after(DOCUMENT_SCHEMAS_BYTES_MAX + 1), (false, false));
}

#[test]
fn one_past_the_levels_of_a_schema_is_told_in_outline() {
    let kept = |levels: usize| {
        let mut schema = json!({"type": "string", "minLength": 1});
        for _ in 0..levels {
            schema = json!({"type": "array", "items": schema});
        }
        let found = convert("3.1.0", Direction::Request, &json!({ "root": schema })).unwrap();
        found.to_string().matches("\"items\"").count()
    };
    assert_eq!(kept(SCHEMA_LEVELS_MAX), SCHEMA_LEVELS_MAX);
    assert_eq!(kept(SCHEMA_LEVELS_MAX + 1), SCHEMA_LEVELS_MAX + 1);
    assert_eq!(kept(SCHEMA_LEVELS_MAX + 2), SCHEMA_LEVELS_MAX + 1);
}
