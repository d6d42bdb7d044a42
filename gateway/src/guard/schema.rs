//! A tool's input schema, compiled once. Validation itself is the `jsonschema` crate's, reading our
//! documents through `instance`.

use jsonschema::{Draft, PatternOptions, ValidationError, Validator};
use serde_json::{Map, Value};

use super::document::Document;
use super::instance::Spans;
use crate::limits::{PATTERN_BACKTRACK_STEPS_MAX, PATTERN_BYTES_MAX};

/// Nesting up to which closed objects are remembered for suggestions.
const SUGGESTION_DEPTH_MAX: usize = 32;

/// Keywords that say nothing about which objects fit.
const ANNOTATIONS: [&str; 9] = [
    "$comment",
    "$schema",
    "default",
    "deprecated",
    "description",
    "example",
    "examples",
    "readOnly",
    "title",
];

/// A compiled input schema.
pub struct ArgumentSchema {
    /// `None` where every object fits.
    validator: Option<Validator<Spans>>,
    /// Objects that refuse unknown names: where each stands in the schema, and the names it knows.
    closed: Box<[ClosedObject]>,
}

struct ClosedObject {
    /// JSON pointer of the object in the schema.
    pointer: Box<str>,
    names: Box<[Box<str>]>,
}

impl std::fmt::Debug for ArgumentSchema {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ArgumentSchema")
            .field("accepts_any_object", &self.accepts_any_object())
            .finish_non_exhaustive()
    }
}

impl ArgumentSchema {
    /// Compiles a schema of the draft that its `$schema` names, or of 2020-12. References outside the
    /// document are never fetched. `format` is an annotation, as 2020-12 has it.
    ///
    /// # Errors
    /// The schema is invalid, refers to what it does not hold, or has a pattern that no engine reads.
    pub fn compile(schema: &Value) -> Result<Self, String> {
        if accepts_any_object(schema) {
            return Ok(Self {
                validator: None,
                closed: Box::default(),
            });
        }
        let linear = PatternOptions::regex().size_limit(PATTERN_BYTES_MAX);
        let options = options(schema);
        let validator = options
            .clone()
            .with_pattern_options(linear)
            .build(schema)
            .or_else(|error| {
                if !is_pattern_error(&error) {
                    return Err(error);
                }
                // Look-around and back-references need backtracking: bounded, so still no catastrophe.
                let backtracking = PatternOptions::fancy_regex()
                    .backtrack_limit(PATTERN_BACKTRACK_STEPS_MAX)
                    .size_limit(PATTERN_BYTES_MAX);
                options.with_pattern_options(backtracking).build(schema)
            });
        let validator = validator.map_err(|error| describe(&error))?;
        let mut closed = Vec::new();
        collect_closed(schema, &mut String::new(), 0, &mut closed);
        Ok(Self {
            validator: Some(validator),
            closed: closed.into(),
        })
    }

    /// Whether any object fits, so that nobody need look inside.
    #[must_use]
    pub fn accepts_any_object(&self) -> bool {
        self.validator.is_none()
    }

    /// Whether the document fits.
    #[must_use]
    pub(super) fn is_valid(&self, document: &Document<'_>) -> bool {
        self.validator
            .as_ref()
            .is_none_or(|validator| validator.is_valid(document.root()))
    }

    /// Why the document does not fit; every reason.
    pub(super) fn errors<'d>(&self, document: &'d Document<'d>) -> Vec<ValidationError<'d>> {
        // `iter_errors` ties the errors to the validator as well as to the document; `validate` does
        // not. A schema reports at most what it has keywords for, once per value.
        self.validator.as_ref().map_or_else(Vec::new, |validator| {
            validator
                .iter_errors(document.root())
                .map(ValidationError::to_owned)
                .collect()
        })
    }

    /// Names that the object at `pointer` in the schema knows, where it refuses others.
    pub(super) fn known_names(&self, pointer: &str) -> &[Box<str>] {
        self.closed
            .iter()
            .find(|object| &*object.pointer == pointer)
            .map_or(&[], |object| &object.names)
    }
}

fn options(
    schema: &Value,
) -> jsonschema::ValidationOptions<'static, std::sync::Arc<dyn jsonschema::Retrieve>, Spans> {
    let options = jsonschema::options_for::<Spans>()
        .offline()
        .should_validate_formats(false);
    // A private meta-schema cannot be fetched; the schema is then read as the current draft.
    match Draft::default().detect(schema) {
        Draft::Unknown => options.with_draft(Draft::Draft202012),
        _ => options,
    }
}

fn is_pattern_error(error: &ValidationError<'_>) -> bool {
    let keyword = error.schema_path().as_str();
    let place = error.instance_path().as_str();
    keyword.contains("pattern") || place.contains("pattern") || error.kind().keyword() == "format"
}

fn describe(error: &ValidationError<'_>) -> String {
    let place = error.instance_path().as_str();
    if place.is_empty() {
        format!("input schema: {error}")
    } else {
        format!("input schema at {place}: {error}")
    }
}

fn accepts_any_object(schema: &Value) -> bool {
    match schema {
        Value::Bool(accepts) => *accepts,
        Value::Object(members) => members
            .iter()
            .all(|(keyword, value)| match keyword.as_str() {
                "type" => value == "object",
                "properties" => value.as_object().is_some_and(Map::is_empty),
                "required" => value.as_array().is_some_and(Vec::is_empty),
                "additionalProperties" => accepts_anything(value),
                keyword => ANNOTATIONS.contains(&keyword) || keyword.starts_with("x-"),
            }),
        _ => false,
    }
}

fn accepts_anything(schema: &Value) -> bool {
    match schema {
        Value::Bool(accepts) => *accepts,
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

/// Remembers the known names of every object that refuses unknown ones, for suggestions.
fn collect_closed(
    schema: &Value,
    pointer: &mut String,
    depth: usize,
    closed: &mut Vec<ClosedObject>,
) {
    if depth > SUGGESTION_DEPTH_MAX {
        return;
    }
    let length = pointer.len();
    match schema {
        Value::Object(members) => {
            let refuses = |keyword| members.get(keyword) == Some(&Value::Bool(false));
            if let Some(properties) = members.get("properties").and_then(Value::as_object)
                && (refuses("additionalProperties") || refuses("unevaluatedProperties"))
            {
                closed.push(ClosedObject {
                    pointer: pointer.as_str().into(),
                    names: properties.keys().map(|name| name.as_str().into()).collect(),
                });
            }
            for (name, member) in members {
                if !matches!(member, Value::Object(_) | Value::Array(_)) {
                    continue;
                }
                pointer.push('/');
                pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
                collect_closed(member, pointer, depth + 1, closed);
                pointer.truncate(length);
            }
        }
        Value::Array(elements) => {
            for (position, element) in elements.iter().enumerate() {
                pointer.push('/');
                pointer.push_str(&position.to_string());
                collect_closed(element, pointer, depth + 1, closed);
                pointer.truncate(length);
            }
        }
        _ => {}
    }
}
