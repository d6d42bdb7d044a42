//! Arguments that a schema takes, made without a person: for calling every tool of a document.
//!
//! Not random: the same schema gives the same sample. What it makes is checked by validating it, so
//! that a caller of [`sample_arguments`] learns nothing about the validator from a sample that the
//! validator has not seen; schemas that contradict themselves give their best attempt.

#[path = "sample/pattern.rs"]
mod pattern;

use serde_json::{Map, Value, json};

/// Schemas followed below each other, references included.
const DEPTH_MAX: usize = 24;
/// Levels down to which members are given that a schema does not require.
const OPTIONAL_LEVELS: usize = 3;
/// Values made for one sample, so that a schema of a thousand members stays a small call.
const VALUES_MAX: usize = 400;

/// Arguments for a tool with this input schema: with everything optional where that is valid, else
/// with what is required.
pub(crate) fn sample_arguments(schema: &Value) -> Value {
    let validator = jsonschema::draft202012::new(schema).ok();
    let valid = |value: &Value| validator.as_ref().is_some_and(|one| one.is_valid(value));
    for optional_levels in [OPTIONAL_LEVELS, 1, 0] {
        for choice in 0..4 {
            let sample = Sampler::new(schema, optional_levels, choice).value(schema, 0);
            if valid(&sample) {
                return sample;
            }
        }
    }
    Sampler::new(schema, 0, 0).value(schema, 0)
}

struct Sampler<'s> {
    root: &'s Value,
    optional_levels: usize,
    /// Which alternative is taken where there are several.
    choice: usize,
    values_left: usize,
}

impl<'s> Sampler<'s> {
    fn new(root: &'s Value, optional_levels: usize, choice: usize) -> Self {
        Self {
            root,
            optional_levels,
            choice,
            values_left: VALUES_MAX,
        }
    }

    fn value(&mut self, schema: &Value, depth: usize) -> Value {
        let mut merged = Map::new();
        self.flatten(schema, depth, &mut merged);
        self.values_left = self.values_left.saturating_sub(1);
        self.flat(&merged, depth)
    }

    /// Adds what a schema says in place, references and alternatives followed, to `merged`.
    fn flatten(&self, schema: &Value, depth: usize, merged: &mut Map<String, Value>) {
        let Value::Object(keywords) = schema else {
            return;
        };
        if depth > DEPTH_MAX {
            return;
        }
        for (name, value) in keywords {
            match (name.as_str(), value) {
                ("$ref", Value::String(reference)) => {
                    let target = reference
                        .strip_prefix('#')
                        .and_then(|pointer| self.root.pointer(pointer));
                    if let Some(target) = target {
                        self.flatten(target, depth + 1, merged);
                    }
                }
                ("allOf", Value::Array(parts)) => {
                    parts
                        .iter()
                        .for_each(|part| self.flatten(part, depth + 1, merged));
                }
                ("anyOf" | "oneOf", Value::Array(parts)) if !parts.is_empty() => {
                    let part = &parts[self.choice % parts.len()];
                    self.flatten(part, depth + 1, merged);
                }
                (_, value) => add(merged, name, value),
            }
        }
    }

    fn flat(&mut self, schema: &Map<String, Value>, depth: usize) -> Value {
        if let Some(value) = schema.get("const") {
            return value.clone();
        }
        if let Some(Value::Array(values)) = schema.get("enum") {
            return values[self.choice % values.len()].clone();
        }
        let kind = match schema.get("type") {
            Some(Value::String(kind)) => kind.as_str(),
            Some(Value::Array(kinds)) => kinds
                .iter()
                .filter_map(Value::as_str)
                .find(|kind| *kind != "null")
                .unwrap_or("null"),
            _ if schema.contains_key("properties") || schema.contains_key("required") => "object",
            _ if schema.contains_key("items") => "array",
            _ => "string",
        };
        match kind {
            "object" => self.object(schema, depth),
            "array" => self.array(schema, depth),
            "integer" | "number" => number(schema, kind == "integer"),
            "boolean" => json!(true),
            "null" => Value::Null,
            _ => json!(text(schema, self.choice)),
        }
    }

    fn object(&mut self, schema: &Map<String, Value>, depth: usize) -> Value {
        let empty = Map::new();
        let properties = match schema.get("properties") {
            Some(Value::Object(properties)) => properties,
            _ => &empty,
        };
        let required: Vec<&str> = match schema.get("required") {
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let mut out = Map::new();
        let anything = json!({});
        for name in &required {
            let property = properties.get(*name).unwrap_or(&anything);
            out.insert((*name).to_owned(), self.value(property, depth + 1));
        }
        for (name, property) in properties {
            let wanted = depth < self.optional_levels && self.values_left > 0;
            if wanted && !out.contains_key(name) && *property != Value::Bool(false) {
                out.insert(name.clone(), self.value(property, depth + 1));
            }
        }
        let least = count(schema, "minProperties").unwrap_or(0);
        for (name, property) in properties {
            if out.len() < least && !out.contains_key(name) {
                out.insert(name.clone(), self.value(property, depth + 1));
            }
        }
        let more = schema.get("additionalProperties").unwrap_or(&anything);
        for index in out.len()..least {
            out.insert(format!("member{index}"), self.value(more, depth + 1));
        }
        Value::Object(out)
    }

    fn array(&mut self, schema: &Map<String, Value>, depth: usize) -> Value {
        let least = count(schema, "minItems").unwrap_or(0);
        let most = count(schema, "maxItems").unwrap_or(usize::MAX);
        // Two, so that what stands between elements is seen.
        let wanted = if depth < self.optional_levels { 2 } else { 0 };
        let length = least.max(wanted).min(most).min(VALUES_MAX);
        let anything = json!({});
        let mut out: Vec<Value> = Vec::new();
        for index in 0..length {
            let prefix = schema.get("prefixItems").and_then(|all| all.get(index));
            let items = prefix.or_else(|| schema.get("items")).unwrap_or(&anything);
            if *items == Value::Bool(false) {
                break;
            }
            // Another choice for each element, as some arrays take no element twice.
            let before = self.choice;
            self.choice += index;
            out.push(self.value(items, depth + 1));
            self.choice = before;
        }
        Value::Array(out)
    }
}

/// Adds a keyword to what is known; bounds and members add up.
fn add(merged: &mut Map<String, Value>, name: &str, value: &Value) {
    match (merged.get_mut(name), value) {
        (Some(Value::Object(all)), Value::Object(more)) if name == "properties" => {
            for (name, schema) in more {
                match all.get_mut(name) {
                    Some(known) => *known = json!({"allOf": [known.clone(), schema]}),
                    None => {
                        all.insert(name.clone(), schema.clone());
                    }
                }
            }
        }
        (Some(Value::Array(all)), Value::Array(more)) if name == "required" => {
            all.extend(more.iter().cloned());
        }
        (Some(Value::Array(known)), Value::Array(other)) if name == "enum" => {
            known.retain(|value| other.contains(value));
        }
        (Some(known), value) if name.starts_with("min") || name == "exclusiveMinimum" => {
            if value.as_f64() > known.as_f64() {
                *known = value.clone();
            }
        }
        (Some(known), value) if name.starts_with("max") || name == "exclusiveMaximum" => {
            if value.as_f64() < known.as_f64() {
                *known = value.clone();
            }
        }
        (Some(_), _) => {}
        (None, value) => {
            merged.insert(name.to_owned(), value.clone());
        }
    }
}

fn number(schema: &Map<String, Value>, integer: bool) -> Value {
    let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
    let step = bound("multipleOf").unwrap_or(1.0);
    let least = match (bound("minimum"), bound("exclusiveMinimum")) {
        (Some(bound), _) => Some(bound),
        (None, Some(bound)) if integer => Some(bound.floor() + 1.0),
        (None, Some(bound)) => Some(bound + 0.5),
        (None, None) => None,
    };
    let most = match (bound("maximum"), bound("exclusiveMaximum")) {
        (Some(bound), _) => Some(bound),
        (None, Some(bound)) if integer => Some(bound.ceil() - 1.0),
        (None, Some(bound)) => Some(bound - 0.5),
        (None, None) => None,
    };
    let mut value = match (least, most) {
        (Some(least), Some(most)) if least <= 1.0 && 1.0 <= most => 1.0,
        (Some(least), Some(most)) if !integer && least.ceil() > most => (least + most) / 2.0,
        (Some(least), _) if least > 1.0 => least,
        (Some(least), None) => least.max(1.0),
        (_, Some(most)) if most < 1.0 => most,
        _ => 1.0,
    };
    if integer || schema.contains_key("multipleOf") {
        value = (value / step).ceil() * step;
        if most.is_some_and(|most| value > most) {
            value -= step;
        }
    }
    if value.fract() == 0.0 && value.abs() < 9e15 {
        json!(value as i64)
    } else {
        json!(value)
    }
}

fn text(schema: &Map<String, Value>, choice: usize) -> String {
    let least = count(schema, "minLength").unwrap_or(0);
    let most = count(schema, "maxLength").unwrap_or(usize::MAX);
    if let Some(Value::String(pattern)) = schema.get("pattern") {
        let examples = schema.get("examples").and_then(Value::as_array);
        let example = examples.into_iter().flatten().find_map(Value::as_str);
        let made = pattern::sample(pattern, least);
        return match (choice % 2, example) {
            (0, Some(example)) => example.to_owned(),
            _ => made,
        };
    }
    let format = schema.get("format").and_then(Value::as_str);
    let mut text = match format.unwrap_or_default() {
        "date" => "2026-01-02".to_owned(),
        "date-time" => "2026-01-02T03:04:05Z".to_owned(),
        "time" => "03:04:05Z".to_owned(),
        "duration" => "PT1S".to_owned(),
        "email" | "idn-email" => "a@example.com".to_owned(),
        "hostname" => "example.com".to_owned(),
        "ipv4" => "192.0.2.1".to_owned(),
        "ipv6" => "2001:db8::1".to_owned(),
        "uri" | "url" | "iri" | "uri-reference" => "https://example.com/a".to_owned(),
        "uuid" => "00000000-0000-4000-8000-000000000000".to_owned(),
        _ if schema.get("contentEncoding") == Some(&json!("base64")) => "aGVsbG8=".to_owned(),
        _ if choice > 0 => format!("text{choice}"),
        _ => "text".to_owned(),
    };
    while text.chars().count() < least.min(100_000) {
        text.push('x');
    }
    if text.chars().count() > most {
        text = text.chars().take(most).collect();
    }
    text
}

fn count(schema: &Map<String, Value>, name: &str) -> Option<usize> {
    let count = schema.get(name)?.as_f64()?;
    (count >= 0.0).then_some(count as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sample of the schema, which must be valid.
    fn check(schema: Value) -> Value {
        let sample = sample_arguments(&schema);
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let fault = validator
            .validate(&sample)
            .err()
            .map(|fault| fault.to_string());
        assert_eq!(fault, None, "{sample} of {schema}");
        sample
    }

    #[test]
    fn samples_validate() {
        for schema in [
            json!({}),
            json!({"type": "string", "minLength": 9, "maxLength": 9}),
            json!({"type": "string", "maxLength": 2}),
            json!({"type": "string", "pattern": "^[A-Z]{2}\\d{3,5}-(a|b)?x+$"}),
            json!({"type": "string", "pattern": "^[^\\s/]+/[\\w.-]*$"}),
            json!({"type": "string", "pattern": "^arn:(aws|aws-cn):[a-z0-9-]{3,}$", "minLength": 20}),
            json!({"type": "integer", "exclusiveMinimum": 3}),
            json!({"type": "integer", "minimum": -9, "maximum": -3}),
            json!({"type": "integer", "multipleOf": 7, "minimum": 8}),
            json!({"type": "number", "minimum": 0.2, "maximum": 0.7}),
            json!({"type": "number", "exclusiveMaximum": 0}),
            json!({"type": "boolean"}),
            json!({"type": ["null", "integer"]}),
            json!({"type": "null"}),
            json!({"enum": ["a", 1]}),
            json!({"const": {"a": 1}}),
            json!({"type": "array", "items": {"type": "integer"}, "minItems": 3}),
            json!({"type": "array", "items": {"enum": ["a", "b", "c"]}, "minItems": 2, "uniqueItems": true}),
            json!({"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "items": false, "minItems": 2}),
            json!({"type": "array", "maxItems": 0}),
            json!({"type": "object", "minProperties": 2, "additionalProperties": {"type": "integer"}}),
            json!({"allOf": [{"properties": {"a": {"minimum": 3}}}, {"required": ["a"], "properties": {"a": {"type": "integer"}}}]}),
            json!({"oneOf": [{"required": ["a"], "properties": {"b": false}}, {"required": ["b"], "properties": {"a": false}}], "properties": {"a": {}, "b": {}}}),
            json!({"anyOf": [{"type": "string"}, {"type": "null"}]}),
            json!({"type": "object", "properties": {"a": {}, "b": {}}, "not": {"required": ["a", "b"]}}),
            json!({"type": "object", "required": ["x"], "additionalProperties": false, "properties": {"x": {"$ref": "#/$defs/node"}},
                "$defs": {"node": {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}, "next": {"$ref": "#/$defs/node"}}}}}),
        ] {
            check(schema);
        }
    }

    #[test]
    fn optional_members_are_given_and_samples_stay_small() {
        let schema = json!({"type": "object", "required": ["a"], "properties": {"a": {}, "b": {"type": "integer"}}});
        assert_eq!(check(schema), json!({"a": "text", "b": 1}));

        let wide: Map<String, Value> = (0..2000)
            .map(|index| {
                (
                    format!("m{index}"),
                    json!({"type": "array", "items": {"type": "string"}}),
                )
            })
            .collect();
        let sample = check(json!({"type": "object", "properties": wide}));
        assert!(sample.as_object().unwrap().len() <= VALUES_MAX);

        let tree = json!({"$ref": "#/$defs/t", "$defs": {"t": {"type": "object", "properties": {
            "l": {"$ref": "#/$defs/t"}, "r": {"$ref": "#/$defs/t"}}}}});
        assert!(check(tree).to_string().len() < 1000);
        // Nothing fits: an attempt is made, and it ends.
        sample_arguments(
            &json!({"$ref": "#/$defs/t", "$defs": {"t": {"type": "object", "required": ["t"], "properties": {"t": {"$ref": "#/$defs/t"}}}}}),
        );
        sample_arguments(&json!(false));
    }
}
