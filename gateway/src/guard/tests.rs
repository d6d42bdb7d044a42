use serde_json::json;

use super::*;
use crate::limits;

fn validated(schema: &serde_json::Value, arguments: &str) -> Result<(), String> {
    let schema = ArgumentSchema::compile(schema).unwrap();
    let raw = Raw::parse(arguments).unwrap();
    validate(&schema, Some(raw))
        .map(|_| ())
        .map_err(|invalid| invalid.text().to_owned())
}

fn order() -> serde_json::Value {
    json!({
        "type": "object",
        "properties": {
            "order_id": {"type": "string", "minLength": 2, "maxLength": 8, "pattern": "^[a-z0-9]+$"},
            "amount": {"type": "integer", "minimum": 1, "maximum": 100},
            "currency": {"enum": ["EUR", "USD"]},
            "customer": {
                "type": "object",
                "properties": {"email": {"type": "string"}, "name": {"type": ["string", "null"]}},
                "required": ["email"],
                "additionalProperties": false
            },
            "items": {"type": "array", "minItems": 1, "maxItems": 2, "uniqueItems": true, "items": {"type": "number"}},
            "payment": {"oneOf": [
                {"type": "object", "properties": {"iban": {"type": "string"}}, "required": ["iban"]},
                {"type": "object", "properties": {"card": {"type": "string"}, "cvc": {"type": "string"}}, "required": ["card", "cvc"]}
            ]}
        },
        "required": ["order_id", "amount"],
        "additionalProperties": false
    })
}

#[test]
fn texts_say_which_argument_and_what_is_expected() {
    let check = |arguments: &str, expected: &str| {
        assert_eq!(
            validated(&order(), arguments).unwrap_err(),
            expected,
            "{arguments}"
        );
    };
    check(
        r#"{"order_id":12}"#,
        r#"order_id: 12 is not of type "string"; missing required property "amount""#,
    );
    check(
        r#"{"order_id":"ab","amount":0}"#,
        "amount: 0 is less than the minimum of 1",
    );
    check(
        r#"{"order_id":"ab","amount":101}"#,
        "amount: 101 is greater than the maximum of 100",
    );
    check(
        r#"{"order_id":"ab","amount":1.5}"#,
        r#"amount: 1.5 is not of type "integer""#,
    );
    check(
        r#"{"order_id":"a","amount":1}"#,
        r#"order_id: "a" is shorter than 2 characters"#,
    );
    check(
        r#"{"order_id":"A B","amount":1}"#,
        r#"order_id: "A B" does not match the pattern ^[a-z0-9]+$"#,
    );
    check(
        r#"{"order_id":"ab","amount":1,"currency":"GBP"}"#,
        r#"currency: "GBP" is not one of "EUR", "USD""#,
    );
    check(
        r#"{"orderId":"ab","amount":1}"#,
        r#"unknown property "orderId", did you mean "order_id"? (known: order_id, amount, currency, customer, items, payment); missing required property "order_id""#,
    );
    check(
        r#"{"order_id":"ab","amount":1,"customer":{"emial":"x"}}"#,
        r#"customer: unknown property "emial", did you mean "email"? (known: email, name); customer: missing required property "email""#,
    );
    check(
        r#"{"order_id":"ab","amount":1,"customer":{"email":"x","name":3}}"#,
        r#"customer.name: 3 is not of type "null" or "string""#,
    );
    check(
        r#"{"order_id":"ab","amount":1,"items":[1,"x"]}"#,
        r#"items[1]: "x" is not of type "number""#,
    );
    check(
        r#"{"order_id":"ab","amount":1,"items":[1,1]}"#,
        "items: [1,1] has non-unique elements",
    );
    check(
        r#"{"order_id":"ab","amount":1,"payment":{"card":"x"}}"#,
        r#"payment: fits none of the 2 allowed forms; for the closest one: payment: missing required property "iban""#,
    );
}

#[test]
fn arguments_are_an_object() {
    let check = |arguments: &str, expected: &str| {
        for schema in [order(), json!({})] {
            assert_eq!(validated(&schema, arguments).unwrap_err(), expected);
        }
    };
    check("[1]", "arguments must be a JSON object, not [1]");
    check("null", "arguments must be a JSON object, not null");
    check("\"x\"", "arguments must be a JSON object, not \"x\"");
}

#[test]
fn missing_arguments_are_an_empty_object() {
    let open = ArgumentSchema::compile(&json!({"type": "object"})).unwrap();
    assert_eq!(validate(&open, None).unwrap().raw(), "{}");
    let order = ArgumentSchema::compile(&order()).unwrap();
    assert_eq!(
        validate(&order, None).unwrap_err().text(),
        r#"missing required property "order_id"; missing required property "amount""#
    );
}

#[test]
fn what_documents_refuse_has_a_text() {
    let check = |arguments: &str, expected: &str| {
        assert_eq!(validated(&order(), arguments).unwrap_err(), expected);
    };
    check(
        r#"{"order_id":"ab","amount":1,"amount":2}"#,
        r#"the name "amount" stands twice in one object; give it once"#,
    );
    check(
        r#"{"order_id":"\ud800","amount":1}"#,
        "a string holds half of a \\u surrogate pair; send the character itself",
    );
    let deep = "[".repeat(limits::JSON_DEPTH_MAX) + &"]".repeat(limits::JSON_DEPTH_MAX);
    // The envelope bounds depth, so such a text cannot come in through it; the
    // document refuses it all the same.
    let arguments =
        Arguments::new(Box::leak(format!("{{\"a\":{deep}}}").into_boxed_str())).unwrap();
    assert_eq!(
        arguments.document().unwrap_err().text(),
        "arguments are nested deeper than 128 levels"
    );
}

#[test]
fn a_schema_that_accepts_anything_needs_no_document() {
    let accepting = [
        json!(true),
        json!({}),
        json!({"type": "object"}),
        json!({"type": "object", "properties": {}, "additionalProperties": true, "description": "x", "x-y": 1}),
    ];
    for schema in accepting {
        let schema = ArgumentSchema::compile(&schema).unwrap();
        assert!(schema.accepts_any_object());
        // Not even repeated names matter where nobody looks.
        let raw = Raw::parse(r#"{"a":1,"a":2}"#).unwrap();
        assert!(validate(&schema, Some(raw)).is_ok());
    }
    for schema in [
        json!({"required": ["a"]}),
        json!({"minProperties": 1}),
        json!(false),
        json!({"additionalProperties": false}),
    ] {
        assert!(
            !ArgumentSchema::compile(&schema)
                .unwrap()
                .accepts_any_object(),
            "{schema}"
        );
    }
}

#[test]
fn texts_are_bounded() {
    let long = "x".repeat(100_000);
    let schema = json!({"properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "additionalProperties": false});
    let text = validated(
        &schema,
        &format!(r#"{{"a":"{long}","b":"{long}","{long}":1}}"#),
    )
    .unwrap_err();
    assert!(text.len() < 1_500, "{}", text.len());
    assert!(
        !text.contains(&"x".repeat(201)),
        "a value was repeated at length"
    );
    // Hundreds of wrong elements: eight are told.
    let schema = json!({"properties": {"a": {"items": {"type": "integer"}}}});
    let wrong = vec!["\"w\""; 500].join(",");
    let text = validated(&schema, &format!(r#"{{"a":[{wrong}]}}"#)).unwrap_err();
    assert_eq!(text.matches("is not of type").count(), 8);
    assert!(text.ends_with("; and 492 more"), "{text}");
}

#[test]
fn one_past_the_values_is_refused_without_a_list() {
    let schema = json!({"properties": {"a": {"items": {"type": "integer"}}}});
    let arguments = |wrong: usize| format!(r#"{{"a":[{}]}}"#, vec!["\"w\""; wrong].join(","));
    let beside = document::Document::parse(&arguments(1))
        .unwrap()
        .node_count()
        - 1;
    let most = limits::EXPLAINED_NODES_MAX - beside;
    let text = validated(&schema, &arguments(most)).unwrap_err();
    assert!(text.contains("is not of type"), "{text}");
    let text = validated(&schema, &arguments(most + 1)).unwrap_err();
    assert!(text.contains("too large to say where"), "{text}");
}

#[test]
fn one_past_the_bytes_of_a_text_is_cut() {
    let text = |bytes: usize| {
        InvalidArguments::new("ü".repeat(bytes / 2))
            .text()
            .to_owned()
    };
    let most = limits::ARGUMENT_ERROR_BYTES_MAX;
    assert_eq!(text(most), "ü".repeat(most / 2));
    let cut = text(most + 2);
    assert!(cut.ends_with("ü ...") && cut.len() <= most, "{}", cut.len());
}

#[test]
fn numbers_of_any_size_are_compared_and_kept() {
    let schema = json!({"properties": {"n": {"type": "integer", "minimum": 5}}});
    assert_eq!(
        validated(&schema, r#"{"n":123456789012345678901234567890}"#),
        Ok(())
    );
    assert_eq!(validated(&schema, r#"{"n":5.0}"#), Ok(()));
    assert_eq!(
        validated(&schema, r#"{"n":1e400}"#).unwrap_err(),
        r#"n: 1e400 is not of type "integer""#
    );
    assert_eq!(
        validated(&schema, r#"{"n":-123456789012345678901234567890}"#).unwrap_err(),
        "n: -123456789012345678901234567890 is less than the minimum of 5"
    );
}

#[test]
fn schemas_that_cannot_be_compiled_say_why() {
    let check = |schema: serde_json::Value, expected: &str| {
        let error = ArgumentSchema::compile(&schema).unwrap_err();
        assert!(error.contains(expected), "{error}");
    };
    check(json!({"type": "strnig"}), "input schema at /type");
    check(
        json!({"properties": {"a": {"$ref": "https://example.com/a.json"}}}),
        "example.com",
    );
    check(
        json!({"properties": {"a": {"$ref": "file:///etc/passwd"}}}),
        "passwd",
    );
    check(
        json!({"properties": {"a": {"$ref": "#/$defs/none"}}}),
        "none",
    );
    check(
        json!({"properties": {"a": {"pattern": "(unclosed"}}}),
        "(unclosed",
    );
}

#[test]
fn private_meta_schemas_and_older_drafts_are_read() {
    let schema =
        json!({"$schema": "https://example.com/meta", "properties": {"a": {"type": "string"}}});
    assert!(validated(&schema, r#"{"a":1}"#).is_err());
    let draft_7 = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "definitions": {"id": {"type": "string"}},
        "properties": {"a": {"$ref": "#/definitions/id"}}
    });
    assert!(validated(&draft_7, r#"{"a":1}"#).is_err());
    assert_eq!(validated(&draft_7, r#"{"a":"x"}"#), Ok(()));
}

#[test]
#[allow(clippy::disallowed_methods, reason = "the test is about time")]
fn patterns_cannot_be_made_to_take_long() {
    // Exponential for a backtracking engine; the linear one reads it.
    let evil = json!({"properties": {"a": {"pattern": "^(a+)+$"}}});
    // Needs look-ahead, hence backtracking: bounded steps.
    let evil_with_look_ahead = json!({"properties": {"a": {"pattern": "^(?=(a+)+$)(a|a)*b"}}});
    for schema in [evil, evil_with_look_ahead] {
        let compiled = ArgumentSchema::compile(&schema).unwrap();
        let text = format!(r#"{{"a":"{}!"}}"#, "a".repeat(40));
        let raw = Raw::parse(&text).unwrap();
        let start = std::time::Instant::now();
        assert!(validate(&compiled, Some(raw)).is_err());
        assert!(start.elapsed().as_millis() < 500, "{:?}", start.elapsed());
    }
    let look_ahead = json!({"properties": {"a": {"pattern": "^(?=.*[0-9]).{3,}$"}}});
    assert_eq!(validated(&look_ahead, r#"{"a":"ab1"}"#), Ok(()));
    assert!(validated(&look_ahead, r#"{"a":"abc"}"#).is_err());
}

#[test]
fn one_past_the_bytes_of_a_pattern_is_refused() {
    let compiled = |repeats: usize| {
        let pattern = format!("^[a-z]{{{repeats}}}$");
        ArgumentSchema::compile(&json!({"properties": {"a": {"pattern": pattern}}}))
    };
    assert!(compiled(limits::PATTERN_BYTES_MAX / 1_000).is_ok());
    // Each repetition takes more than a byte.
    let error = compiled(limits::PATTERN_BYTES_MAX).unwrap_err();
    assert!(error.contains("pattern"), "{error}");
}

/// The lazy loop is entered anew for each letter, which is a step each.
#[test]
fn a_pattern_with_look_ahead_has_its_steps_and_no_more() {
    let schema = json!({"properties": {"a": {"pattern": "^(?:(?=a)a)*?b$"}}});
    let check = |letters: usize| {
        let arguments = format!(r#"{{"a":"{}b"}}"#, "a".repeat(letters));
        validated(&schema, &arguments).is_ok()
    };
    assert!(check(limits::PATTERN_BACKTRACK_STEPS_MAX / 4));
    assert!(!check(limits::PATTERN_BACKTRACK_STEPS_MAX + 1));
}

#[test]
fn recursive_schemas_and_property_names_work_on_spans() {
    let tree = json!({
        "$defs": {"node": {"type": "object", "properties": {
            "children": {"type": "array", "items": {"$ref": "#/$defs/node"}}, "v": {"type": "integer"}}, "required": ["v"]}},
        "$ref": "#/$defs/node",
        "propertyNames": {"pattern": "^[a-z]+$", "maxLength": 10}
    });
    assert_eq!(
        validated(
            &tree,
            r#"{"v":1,"children":[{"v":2,"children":[]},{"v":3}]}"#
        ),
        Ok(())
    );
    assert_eq!(
        validated(&tree, r#"{"v":1,"children":[{"v":2},{"v":"x"}]}"#).unwrap_err(),
        r#"children[1].v: "x" is not of type "integer""#
    );
    assert!(
        validated(&tree, r#"{"v":1,"UPPER":2}"#)
            .unwrap_err()
            .contains("UPPER")
    );
    let constant = json!({"properties": {"a": {"const": {"b": [1, 2.0]}}, "e": {"enum": [1, "x", null, true]}}});
    assert_eq!(
        validated(&constant, r#"{"a":{"b":[1.0,2]},"e":1.0}"#),
        Ok(())
    );
    assert!(validated(&constant, r#"{"a":{"b":[1]}}"#).is_err());
    assert!(validated(&constant, r#"{"e":false}"#).is_err());
}
