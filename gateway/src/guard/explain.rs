//! Turns validation errors into a text that a language model can act on: which argument, what is
//! wrong, what is expected. Cold: runs only when a call is refused.

use std::fmt::Write as _;

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use serde_json::Value;

use super::arguments::InvalidArguments;
use super::document::{Document, Kind, Node};
use super::schema::ArgumentSchema;
use crate::limits::EXPLAINED_NODES_MAX;

/// Errors told at most; a model fixes a few at a time.
const ERRORS_MAX: usize = 8;
/// Characters of a caller's value that are repeated.
const VALUE_CHARS_MAX: usize = 200;
/// Characters of what the schema expects (enumerations, patterns).
const EXPECTED_CHARS_MAX: usize = 400;
/// Levels of `anyOf` and `oneOf` that are followed to the closest branch.
const BRANCH_DEPTH_MAX: usize = 3;

pub(super) fn explain(schema: &ArgumentSchema, document: &Document<'_>) -> InvalidArguments {
    if document.node_count() > EXPLAINED_NODES_MAX {
        return InvalidArguments::new(
            "the arguments do not match the tool's input schema; they are too large to say where, so try a smaller call",
        );
    }
    let mut errors = schema.errors(document);
    // What was given and is wrong comes before what is missing: the sort is stable.
    errors.sort_by_key(|error| matches!(error.kind(), ValidationErrorKind::Required { .. }));
    let mut texts: Vec<String> = Vec::new();
    let mut untold = 0;
    for error in &errors {
        let text = describe(schema, document.root(), error, 0);
        if texts.contains(&text) {
            continue;
        }
        if texts.len() == ERRORS_MAX {
            untold += 1;
        } else {
            texts.push(text);
        }
    }
    let mut text = texts.join("; ");
    if untold > 0 {
        let _ = write!(text, "; and {untold} more");
    }
    InvalidArguments::new(text)
}

/// The text of a value, cut to what may be repeated to a caller.
pub(super) fn shown(raw: &str) -> String {
    cut(raw, VALUE_CHARS_MAX)
}

fn cut(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

fn describe(
    schema: &ArgumentSchema,
    root: Node<'_>,
    error: &ValidationError<'_>,
    depth: usize,
) -> String {
    let (place, node) = locate(root, error.instance_path().as_str());
    let problem = problem(schema, root, node, error, depth);
    if place.is_empty() {
        problem
    } else {
        format!("{place}: {problem}")
    }
}

/// Walks a JSON pointer; gives the value there and the path as a person would write it.
fn locate<'d>(root: Node<'d>, pointer: &str) -> (String, Node<'d>) {
    let mut place = String::new();
    let mut node = root;
    for segment in pointer.split('/').skip(1) {
        let name = segment.replace("~1", "/").replace("~0", "~");
        let position = if node.kind() == Kind::Array {
            name.parse::<usize>().ok()
        } else {
            None
        };
        let child = match position {
            Some(position) => {
                let _ = write!(place, "[{position}]");
                node.elements().nth(position)
            }
            None => {
                if !place.is_empty() {
                    place.push('.');
                }
                place.push_str(&shown(&name));
                node.get(&name)
            }
        };
        let Some(child) = child else { break };
        node = child;
    }
    (place, node)
}

fn problem(
    schema: &ArgumentSchema,
    root: Node<'_>,
    node: Node<'_>,
    error: &ValidationError<'_>,
    depth: usize,
) -> String {
    let value = shown(node.raw());
    match error.kind() {
        ValidationErrorKind::Type {
            kind: TypeKind::Single(expected),
        } => format!("{value} is not of type \"{expected}\""),
        ValidationErrorKind::Type {
            kind: TypeKind::Multiple(expected),
        } => {
            let names: Vec<String> = expected.iter().map(|name| format!("\"{name}\"")).collect();
            format!("{value} is not of type {}", names.join(" or "))
        }
        ValidationErrorKind::Required { property } => {
            format!("missing required property {}", expected(property))
        }
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => unknown_names(
            unexpected,
            schema.known_names(parent(error.schema_path().as_str())),
        ),
        ValidationErrorKind::Enum { options } => {
            format!("{value} is not one of {}", listed(options))
        }
        ValidationErrorKind::Constant { expected_value } => {
            format!("{value} must be {}", expected(expected_value))
        }
        ValidationErrorKind::Pattern { pattern } => {
            format!(
                "{value} does not match the pattern {}",
                cut(pattern, EXPECTED_CHARS_MAX)
            )
        }
        ValidationErrorKind::BacktrackLimitExceeded { .. }
        | ValidationErrorKind::RegexEngineFailure { .. } => {
            format!("{value} is too hard to match against the pattern; send a simpler value")
        }
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            branches(schema, root, &value, context, depth)
        }
        ValidationErrorKind::OneOfMultipleValid { .. } => {
            format!("{value} fits more than one of the allowed forms, and exactly one must fit")
        }
        ValidationErrorKind::Not { schema } => {
            format!("{value} must not match {}", expected(schema))
        }
        ValidationErrorKind::FalseSchema => "is not allowed here; leave it out".to_owned(),
        ValidationErrorKind::PropertyNames { error } => {
            format!(
                "a property name is refused: {}",
                cut(&error.to_string(), EXPECTED_CHARS_MAX)
            )
        }
        // Bounds, lengths, counts, uniqueness: the crate's own words, with our cut of the value.
        _ => cut(
            &error.masked_with(value).to_string(),
            VALUE_CHARS_MAX + EXPECTED_CHARS_MAX,
        ),
    }
}

/// Explains the branch that came closest: the one with the fewest errors.
fn branches(
    schema: &ArgumentSchema,
    root: Node<'_>,
    value: &str,
    context: &[Vec<ValidationError<'static>>],
    depth: usize,
) -> String {
    let closest = context
        .iter()
        .filter(|errors| !errors.is_empty())
        .min_by_key(|errors| errors.len());
    let Some(closest) = closest.filter(|_| depth < BRANCH_DEPTH_MAX) else {
        return format!("{value} fits none of the allowed forms");
    };
    let reasons: Vec<String> = closest
        .iter()
        .take(ERRORS_MAX / 2)
        .map(|error| describe(schema, root, error, depth + 1))
        .collect();
    format!(
        "fits none of the {} allowed forms; for the closest one: {}",
        context.len(),
        reasons.join(", ")
    )
}

fn unknown_names(unexpected: &[String], known: &[Box<str>]) -> String {
    let mut text = String::new();
    for name in unexpected.iter().take(ERRORS_MAX) {
        if !text.is_empty() {
            text.push_str("; ");
        }
        let _ = write!(text, "unknown property {}", shown(&format!("{name:?}")));
        if let Some(nearest) = nearest(name, known) {
            let _ = write!(text, ", did you mean {nearest:?}?");
        }
    }
    if unexpected.len() > ERRORS_MAX {
        let _ = write!(text, "; and {} more", unexpected.len() - ERRORS_MAX);
    }
    if !known.is_empty() {
        let names: Vec<&str> = known.iter().map(AsRef::as_ref).collect();
        let _ = write!(
            text,
            " (known: {})",
            cut(&names.join(", "), EXPECTED_CHARS_MAX)
        );
    }
    text
}

/// The known name that is most like `name`, where one is near enough to be meant.
fn nearest<'n>(name: &str, known: &'n [Box<str>]) -> Option<&'n str> {
    if name.len() > VALUE_CHARS_MAX {
        return None; // The distance costs the product of both lengths.
    }
    let folded = |text: &str| text.to_ascii_lowercase().replace(['-', '_', ' '], "");
    let wanted = folded(name);
    known
        .iter()
        .map(|candidate| {
            (
                strsim::jaro_winkler(&wanted, &folded(candidate)),
                &**candidate,
            )
        })
        .filter(|(similarity, _)| *similarity > 0.8)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, candidate)| candidate)
}

/// The pointer without its last segment.
fn parent(pointer: &str) -> &str {
    pointer.rsplit_once('/').map_or("", |(parent, _)| parent)
}

fn expected(value: &Value) -> String {
    cut(&value.to_string(), EXPECTED_CHARS_MAX)
}

fn listed(options: &Value) -> String {
    let Some(options) = options.as_array() else {
        return expected(options);
    };
    let mut text = String::new();
    for (position, option) in options.iter().enumerate() {
        if position > 0 {
            text.push_str(", ");
        }
        if text.len() > EXPECTED_CHARS_MAX {
            let _ = write!(text, "or {} more", options.len() - position);
            break;
        }
        text.push_str(&expected(option));
    }
    text
}
