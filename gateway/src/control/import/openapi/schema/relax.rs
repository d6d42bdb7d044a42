//! What is loosened: alternatives and conditions of a schema that lost a constraint, and "or null".

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::value::{is_annotation, names, types};

/// What a schema that lost a constraint still means: every `oneOf` becomes an `anyOf`, conditions go,
/// and so do parts that say nothing any more.
pub(super) fn relax(schema: &mut Value) {
    match schema {
        Value::Object(keywords) => {
            for name in ["not", "if", "then", "else"] {
                keywords.shift_remove(name);
            }
            if let Some(Value::Array(parts)) = keywords.shift_remove("oneOf") {
                keywords.entry("anyOf").or_insert(Value::Array(parts));
            }
            for (name, value) in keywords.iter_mut() {
                match (name.as_str(), value) {
                    ("const" | "enum" | "default" | "examples" | "dependentRequired", _) => {}
                    ("properties" | "patternProperties" | "$defs", Value::Object(members)) => {
                        members.values_mut().for_each(relax);
                    }
                    (_, value) => relax(value),
                }
            }
            keywords.retain(|name, value| match (name.as_str(), value) {
                ("anyOf", Value::Array(parts)) => !parts.iter().any(says_nothing),
                ("allOf", Value::Array(parts)) => {
                    parts.retain(|part| !says_nothing(part));
                    !parts.is_empty()
                }
                _ => true,
            });
        }
        Value::Array(elements) => elements.iter_mut().for_each(relax),
        _ => {}
    }
}

fn says_nothing(schema: &Value) -> bool {
    *schema == Value::Bool(true) || schema.as_object().is_some_and(Map::is_empty)
}

/// Whether the conditions of an object consist of keywords that are converted without loss.
pub(super) fn conditions_are_simple(object: &Map<String, Value>) -> bool {
    ["not", "if", "then", "else"]
        .iter()
        .filter_map(|name| object.get(*name))
        .all(is_simple)
}

fn is_simple(schema: &Value) -> bool {
    let Value::Object(keywords) = schema else {
        return schema.is_boolean();
    };
    keywords.iter().all(|(name, value)| match name.as_str() {
        "type" => types(value).is_some(),
        "required" => names(value, &HashSet::new()).is_some(),
        "const" | "minimum" | "maximum" | "minLength" | "maxLength" | "title" | "description" => {
            true
        }
        "enum" => value.as_array().is_some_and(|values| !values.is_empty()),
        "allOf" | "anyOf" | "oneOf" => value
            .as_array()
            .is_some_and(|parts| !parts.is_empty() && parts.iter().all(is_simple)),
        "not" => is_simple(value),
        "properties" => value
            .as_object()
            .is_some_and(|members| members.values().all(is_simple)),
        _ => false,
    })
}

/// The same schema, or null.
pub(super) fn or_null(schema: Value) -> Value {
    let Value::Object(mut keywords) = schema else {
        return schema;
    };
    let combined = ["$ref", "allOf", "anyOf", "oneOf", "not", "const", "if"]
        .iter()
        .any(|name| keywords.contains_key(*name));
    if !combined {
        match keywords.get_mut("type") {
            Some(Value::String(name)) if name != "null" => {
                let both = json!([name, "null"]);
                keywords.insert("type".into(), both);
            }
            Some(Value::Array(names)) if !names.contains(&json!("null")) => {
                names.push(json!("null"));
            }
            _ => {}
        }
        if let Some(Value::Array(values)) = keywords.get_mut("enum")
            && !values.contains(&Value::Null)
        {
            values.push(Value::Null);
        }
        return Value::Object(keywords);
    }
    let (mut outer, mut inner) = (Map::new(), Map::new());
    for (name, value) in keywords {
        let to = if is_annotation(&name) {
            &mut outer
        } else {
            &mut inner
        };
        to.insert(name, value);
    }
    outer.insert("anyOf".into(), json!([inner, {"type": "null"}]));
    Value::Object(outer)
}
