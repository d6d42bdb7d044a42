//! `x-mcp-header` in a tool's input schema: which arguments are mirrored, and where the annotation is
//! not allowed.
//!
//! A client must drop a tool whose annotations break the rules, so the catalog must refuse it first.

use serde_json::{Map, Value};

use crate::snapshot::tool::MirroredParameter;

const ANNOTATION: &str = "x-mcp-header";

/// The mirrored parameters of an input schema, in its order.
///
/// # Errors
/// The rule that is broken, and where: a name that is no HTTP token or is used twice (without case), a
/// type other than string, integer and boolean, an annotation that is not reached by `properties`
/// alone.
pub fn declare(input_schema: &Value) -> Result<Vec<MirroredParameter>, String> {
    let mut found = Vec::new();
    if let Value::Object(root) = input_schema {
        walk(root, &mut Vec::new(), &mut found)?;
    }
    Ok(found)
}

/// Walks a schema that is reached by `properties` alone.
fn walk<'s>(
    schema: &'s Map<String, Value>,
    path: &mut Vec<&'s str>,
    found: &mut Vec<MirroredParameter>,
) -> Result<(), String> {
    if let Some(annotation) = schema.get(ANNOTATION) {
        found.push(parameter(schema, annotation, path, found)?);
    }
    for (keyword, value) in schema {
        match (keyword.as_str(), value) {
            ("properties", Value::Object(properties)) => {
                for (name, property) in properties {
                    let Value::Object(property) = property else {
                        continue;
                    };
                    path.push(name);
                    walk(property, path, found)?;
                    path.pop();
                }
            }
            _ => refuse_below(keyword, value, path)?,
        }
    }
    Ok(())
}

fn parameter(
    schema: &Map<String, Value>,
    annotation: &Value,
    path: &[&str],
    found: &[MirroredParameter],
) -> Result<MirroredParameter, String> {
    let place = path.join(".");
    if path.is_empty() {
        return Err(format!(
            "{ANNOTATION} stands at the root of the schema: it belongs to a property"
        ));
    }
    let Some(name) = annotation.as_str().filter(|name| is_token(name)) else {
        return Err(format!(
            "{ANNOTATION} of {place} is {annotation}: it must be an HTTP header token"
        ));
    };
    match schema.get("type").and_then(Value::as_str) {
        Some("string" | "integer" | "boolean") => {}
        _ => {
            return Err(format!(
                "{ANNOTATION} of {place}: its type must be exactly string, integer or boolean"
            ));
        }
    }
    let header = name.to_ascii_lowercase().into_boxed_str();
    if found.iter().any(|other| other.header == header) {
        return Err(format!(
            "{ANNOTATION} of {place}: {name:?} is used twice (case does not count)"
        ));
    }
    let path = path.iter().map(|name| (*name).into()).collect();
    Ok(MirroredParameter { header, path })
}

/// Refuses an annotation anywhere below a keyword other than `properties` on the chain.
fn refuse_below(keyword: &str, value: &Value, path: &[&str]) -> Result<(), String> {
    match (keyword, value) {
        // Data, not schemas: a member there means nothing.
        ("const" | "enum" | "default" | "example" | "examples", _) => Ok(()),
        // Names of the author's own, each with a schema.
        (
            "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas",
            Value::Object(schemas),
        ) => schemas
            .values()
            .try_for_each(|schema| refuse_in(schema, keyword, path)),
        _ => refuse_in(value, keyword, path),
    }
}

fn refuse_in(value: &Value, keyword: &str, path: &[&str]) -> Result<(), String> {
    match value {
        Value::Object(schema) if schema.contains_key(ANNOTATION) => Err(format!(
            "{ANNOTATION} below {keyword:?} of {}: it must be reached by \"properties\" alone",
            if path.is_empty() {
                "the schema".to_owned()
            } else {
                path.join(".")
            }
        )),
        Value::Object(schema) => schema
            .iter()
            .try_for_each(|(keyword, value)| refuse_below(keyword, value, path)),
        Value::Array(items) => items
            .iter()
            .try_for_each(|item| refuse_in(item, keyword, path)),
        _ => Ok(()),
    }
}

/// RFC 9110 section 5.6.2.
fn is_token(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn annotations_on_a_chain_of_properties_are_collected() {
        let schema = json!({
            "type": "object",
            "properties": {
                "region": {"type": "string", "x-mcp-header": "Region"},
                "query": {"type": "string"},
                "page": {"type": "object", "properties": {
                    "size": {"type": "integer", "x-mcp-header": "Page-Size"},
                    "dry": {"type": "boolean", "x-mcp-header": "dry!"},
                }},
                // A property of that name, and data that looks like a schema.
                "x-mcp-header": {"type": "string", "default": {"x-mcp-header": "no"}},
                "any": true,
            },
            "enum": [{"x-mcp-header": "no"}],
            "$defs": {"x-mcp-header": {"type": "string"}},
        });
        let expected = [
            ("region", vec!["region"]),
            ("page-size", vec!["page", "size"]),
            ("dry!", vec!["page", "dry"]),
        ];
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(header, path)| MirroredParameter {
                header: header.into(),
                path: path.into_iter().map(Into::into).collect(),
            })
            .collect();
        assert_eq!(declare(&schema), Ok(expected));
        assert_eq!(declare(&json!(true)), Ok(Vec::new()));
    }

    #[test]
    fn each_broken_rule_is_named_with_its_place() {
        let property = |schema: Value| json!({"properties": {"a": {"properties": {"b": schema}}}});
        let annotated = json!({"type": "string", "x-mcp-header": "X"});
        for (schema, reason) in [
            (
                property(json!({"type": "string", "x-mcp-header": ""})),
                "of a.b is \"\"",
            ),
            (
                property(json!({"type": "string", "x-mcp-header": "a b"})),
                "HTTP header token",
            ),
            (
                property(json!({"type": "string", "x-mcp-header": "a\r\nb"})),
                "HTTP header token",
            ),
            (
                property(json!({"type": "string", "x-mcp-header": "é"})),
                "HTTP header token",
            ),
            (
                property(json!({"type": "string", "x-mcp-header": 7})),
                "HTTP header token",
            ),
            (
                property(json!({"type": "number", "x-mcp-header": "X"})),
                "exactly string",
            ),
            (
                property(json!({"type": "object", "x-mcp-header": "X"})),
                "exactly string",
            ),
            (
                property(json!({"type": ["string", "null"], "x-mcp-header": "X"})),
                "exactly string",
            ),
            (property(json!({"x-mcp-header": "X"})), "exactly string"),
            (
                json!({"properties": {"a": annotated, "b": {"type": "string", "x-mcp-header": "x"}}}),
                "of b: \"x\" is used twice",
            ),
            (annotated.clone(), "root of the schema"),
            (
                property(json!({"type": "array", "items": annotated})),
                "below \"items\" of a.b",
            ),
            (
                property(json!({"oneOf": [{"type": "null"}, annotated]})),
                "below \"oneOf\"",
            ),
            (
                json!({"allOf": [{"properties": {"a": annotated}}]}),
                "below \"properties\" of the schema",
            ),
            (json!({"if": annotated}), "below \"if\""),
            (json!({"$defs": {"a": annotated}}), "below \"$defs\""),
            (
                json!({"additionalProperties": annotated}),
                "below \"additionalProperties\"",
            ),
            (
                json!({"patternProperties": {"^a": annotated}}),
                "below \"patternProperties\"",
            ),
        ] {
            let error = declare(&schema).unwrap_err();
            assert!(error.contains(reason), "{schema}: {error}");
        }
    }
}
