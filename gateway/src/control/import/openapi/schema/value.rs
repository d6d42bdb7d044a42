//! Values of keywords: types, names, counts, and how large a value is.

use std::collections::HashSet;

use serde_json::{Map, Number, Value, json};

/// Whether a keyword constrains nothing.
pub(in super::super) fn is_annotation(name: &str) -> bool {
    matches!(
        name,
        "title"
            | "description"
            | "default"
            | "deprecated"
            | "example"
            | "examples"
            | "x-mcp-header"
    )
}

/// Whether a schema has schemas within.
pub(super) fn nests(object: &Map<String, Value>) -> bool {
    const NESTING: [&str; 11] = [
        "$ref",
        "additionalProperties",
        "allOf",
        "anyOf",
        "if",
        "items",
        "not",
        "oneOf",
        "patternProperties",
        "prefixItems",
        "properties",
    ];
    NESTING
        .iter()
        .any(|name| object.get(*name).is_some_and(|value| !value.is_boolean()))
}

/// `type`, with the names that documents use by mistake. Nothing where it says nothing.
pub(super) fn types(value: &Value) -> Option<Value> {
    let known = |name: &str| match name {
        "string" | "number" | "integer" | "boolean" | "array" | "object" | "null" => {
            Some(name.to_owned())
        }
        "file" | "date" | "datetime" | "date-time" | "uuid" | "text" | "String" => {
            Some("string".to_owned())
        }
        "int" | "int32" | "int64" | "long" | "Integer" => Some("integer".to_owned()),
        "float" | "double" | "decimal" => Some("number".to_owned()),
        "bool" | "Boolean" => Some("boolean".to_owned()),
        _ => None,
    };
    match value {
        Value::String(name) => known(name).map(Value::String),
        Value::Array(list) => {
            let mut names: Vec<String> = Vec::new();
            for name in list {
                // One unknown alternative means that the list is no constraint we know.
                let name = known(name.as_str()?)?;
                if !names.contains(&name) {
                    names.push(name);
                }
            }
            match names.len() {
                0 => None,
                _ => Some(json!(names)),
            }
        }
        _ => None,
    }
}

/// A list of distinct names without those that are hidden.
pub(super) fn names<'v>(list: &'v Value, hidden: &HashSet<&str>) -> Option<Vec<&'v str>> {
    let mut names = Vec::new();
    for name in list.as_array()? {
        let name = name.as_str()?;
        if !names.contains(&name) && !hidden.contains(name) {
            names.push(name);
        }
    }
    Some(names)
}

/// A count that may be written as `5.0`.
pub(super) fn count(number: &Number) -> Option<u64> {
    number.as_u64().or_else(|| {
        let float = number.as_f64()?;
        let whole = float >= 0.0 && float.fract() == 0.0 && float < 1e15;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked above: a whole number from 0 to 1e15"
        )]
        whole.then_some(float as u64)
    })
}

/// About how many bytes a value has as JSON.
pub(super) fn bytes_of(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 5,
        Value::Number(_) => 8,
        Value::String(text) => text.len() + 2,
        Value::Array(elements) => 2 + elements.iter().map(|one| bytes_of(one) + 1).sum::<usize>(),
        Value::Object(members) => {
            members
                .iter()
                .map(|(name, value)| name.len() + 4 + bytes_of(value))
                .sum::<usize>()
                + 2
        }
    }
}
