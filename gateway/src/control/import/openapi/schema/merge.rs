//! `allOf` merged into one object where that loses nothing and adds nothing.
//!
//! Models read one flat object better than three parts, and a body can be spread over a tool's
//! arguments only when it is one object. Works on converted schemas.

use serde_json::{Map, Value, json};

use super::value::is_annotation;

/// Merges the `allOf` of a schema into it. Where a keyword stands in two parts and has no obvious
/// sum, everything stays as it was.
pub(in super::super) fn all_of(schema: &mut Map<String, Value>) {
    let Some(Value::Array(parts)) = schema.get("allOf") else {
        return;
    };
    let mut merged = schema.clone();
    merged.shift_remove("allOf");
    let mut inherited = Map::new();
    for part in parts {
        let Value::Object(part) = part else {
            return;
        };
        let mut part = part.clone();
        all_of(&mut part);
        if part.contains_key("allOf") || !absorb(&mut inherited, part) {
            return;
        }
    }
    // The schema's own words win over those of its parts, but its parts' members come first: that is
    // the order in which people read inheritance.
    for (name, value) in merged.clone() {
        if is_annotation(&name) {
            inherited.insert(name.clone(), value);
            merged.shift_remove(&name);
        }
    }
    if absorb(&mut inherited, merged) {
        *schema = inherited;
    }
}

/// Adds the keywords of `part` to `sum`; false where that is not the same as both.
fn absorb(sum: &mut Map<String, Value>, part: Map<String, Value>) -> bool {
    // A closed object and further members contradict each other unless both know all of them.
    for (closed, other) in [(&*sum, &part), (&part, &*sum)] {
        let limits = [
            "additionalProperties",
            "patternProperties",
            "unevaluatedProperties",
        ]
        .iter()
        .any(|name| closed.get(*name).is_some_and(|value| *value != json!(true)));
        if limits && other.contains_key("properties") {
            return false;
        }
    }
    for (name, value) in part {
        let Some(present) = sum.get_mut(&name) else {
            sum.insert(name, value);
            continue;
        };
        if *present == value {
            continue;
        }
        match (name.as_str(), present, value) {
            (name, _, _) if is_annotation(name) => {}
            ("required", Value::Array(all), Value::Array(more)) => {
                for name in more {
                    if !all.contains(&name) {
                        all.push(name);
                    }
                }
            }
            ("properties", Value::Object(all), Value::Object(more)) => {
                for (name, schema) in more {
                    let schema = match all.get(&name) {
                        Some(other) if *other != schema => both(other, schema),
                        _ => schema,
                    };
                    all.insert(name, schema);
                }
            }
            _ => return false,
        }
    }
    true
}

/// A member that two parts declare: both hold. The later one is usually the earlier one refined, so
/// where it names everything that the earlier one does it stands alone.
fn both(earlier: &Value, later: Value) -> Value {
    if let (Value::Object(first), Value::Object(second)) = (earlier, &later) {
        let refined = first
            .iter()
            .all(|(name, value)| is_annotation(name) || second.get(name) == Some(value));
        if refined {
            return later;
        }
    }
    json!({ "allOf": [earlier, later] })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(schema: Value, expected: Value) {
        let mut keywords = schema.as_object().unwrap().clone();
        all_of(&mut keywords);
        assert_eq!(Value::Object(keywords), expected, "{schema}");
    }

    #[test]
    fn parts_are_merged_where_that_is_safe() {
        check(
            json!({"description": "own", "allOf": [
                {"type": "object", "description": "base", "properties": {"a": {}}, "required": ["a"]},
                {"type": "object", "properties": {"b": {}}, "required": ["b", "a"]},
            ]}),
            json!({"type": "object", "description": "own",
                "properties": {"a": {}, "b": {}}, "required": ["a", "b"]}),
        );
        // Nested, and beside the object's own members.
        check(
            json!({"properties": {"c": {}}, "allOf": [{"allOf": [{"properties": {"a": {}}}]}]}),
            json!({"properties": {"a": {}, "c": {}}}),
        );
        // A member declared twice.
        check(
            json!({"allOf": [
                {"properties": {"a": {"type": "string", "description": "x"}, "b": {"minimum": 1}}},
                {"properties": {"a": {"type": "string", "maxLength": 3}, "b": {"maximum": 2}}},
            ]}),
            json!({"properties": {
                "a": {"type": "string", "maxLength": 3},
                "b": {"allOf": [{"minimum": 1}, {"maximum": 2}]},
            }}),
        );
        check(
            json!({"allOf": [{"$ref": "#/$defs/a"}], "title": "t"}),
            json!({"$ref": "#/$defs/a", "title": "t"}),
        );
    }

    #[test]
    fn parts_stay_where_a_sum_would_mean_something_else() {
        for schema in [
            json!({"allOf": [{"type": "object"}, {"type": "string"}]}),
            json!({"allOf": [{"minProperties": 1}, {"minProperties": 2}]}),
            json!({"allOf": [{"anyOf": [{}]}, {"anyOf": [true]}]}),
            json!({"allOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/b"}]}),
            json!({"allOf": [{"additionalProperties": {"type": "string"}}, {"properties": {"a": {}}}]}),
            json!({"properties": {"a": {}}, "allOf": [{"additionalProperties": false}]}),
            json!({"allOf": [{"allOf": [{"type": "object"}, {"type": "string"}]}]}),
            json!({"allOf": [true, {"type": "string"}]}),
        ] {
            check(schema.clone(), schema);
        }
    }
}
