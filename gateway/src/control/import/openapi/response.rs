//! Responses: the schema of `structuredContent`, and what to ask for in `Accept`.
//!
//! A client that was given an output schema refuses a result without structured content, so there is
//! one only where every successful answer is JSON with a schema: a 204 beside a 200 means none.

use serde_json::{Map, Value, json};

use super::Reason;
use super::body::Kind;
use super::document::Version;
use super::reference::Resolver;
use super::schema::{Schemas, is_anything, merge};

/// What is known of the answers to an operation.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// For `outputSchema`.
    pub(super) output_schema: Option<Value>,
    /// For the `Accept` header.
    pub(super) accept: String,
    /// Why there is no output schema although the document has one.
    pub(super) note: Option<String>,
}

/// Reads the successful responses of an operation. `produces` is Swagger's list.
pub(super) fn answers<'d>(
    schemas: &Schemas<'d>,
    resolver: &Resolver<'d>,
    version: Version,
    operation: &'d Map<String, Value>,
    produces: &[&'d str],
) -> Answers {
    let mut answers = Answers {
        accept: "*/*".to_owned(),
        ..Answers::default()
    };
    let found = match successes(resolver, operation) {
        Ok(found) => found,
        Err(reason) => {
            answers.note = Some(format!("no output schema: {reason}"));
            return answers;
        }
    };
    let media: Vec<Option<Json<'d>>> = found
        .iter()
        .map(|response| match version {
            Version::Swagger20 => swagger(response, produces),
            Version::OpenApi30 | Version::OpenApi31 => json_of(response),
        })
        .collect();
    if let Some(json) = media.iter().flatten().next() {
        // Others stay acceptable: many APIs answer errors as text.
        answers.accept = format!("{}, */*;q=0.5", json.media_type);
    }
    let sources: Option<Vec<&'d Value>> = media.iter().map(|one| one.as_ref()?.schema).collect();
    let Some(mut sources) = sources.filter(|sources| !sources.is_empty()) else {
        return answers;
    };
    let mut distinct: Vec<&Value> = Vec::new();
    sources.retain(|source| {
        let new = !distinct.contains(source);
        distinct.push(source);
        new
    });
    match schemas.output(&sources) {
        Ok(Some(converted)) => {
            answers.output_schema = output_schema(converted.schemas, converted.definitions);
        }
        Ok(None) => answers.note = Some("no output schema: it would be too large".into()),
        Err(reason) => answers.note = Some(format!("no output schema: {reason}")),
    }
    answers
}

/// The response objects that a successful call may get, lowest status first.
fn successes<'d>(
    resolver: &Resolver<'d>,
    operation: &'d Map<String, Value>,
) -> Result<Vec<&'d Value>, Reason> {
    let Some(Value::Object(responses)) = operation.get("responses") else {
        return Ok(Vec::new());
    };
    let mut named: Vec<(&str, &'d Value)> = responses
        .iter()
        .filter(|(status, _)| status.starts_with('2') && status.len() == 3)
        .map(|(status, response)| (status.as_str(), response))
        .collect();
    named.sort_by_key(|(status, _)| *status);
    if named.is_empty() {
        named.extend(
            responses
                .get("default")
                .map(|response| ("default", response)),
        );
    }
    named
        .into_iter()
        .map(|(_, response)| resolver.follow(response))
        .collect()
}

/// The JSON of a response.
#[derive(Clone, Copy, Debug)]
struct Json<'d> {
    media_type: &'d str,
    schema: Option<&'d Value>,
}

fn json_of(response: &Value) -> Option<Json<'_>> {
    let content = response.get("content")?.as_object()?;
    let mut all = content.iter().filter(|(media_type, _)| is_json(media_type));
    let (media_type, media) = all
        .clone()
        .find(|(media_type, _)| media_type.starts_with("application/json"))
        .or_else(|| all.next())?;
    Some(Json {
        media_type: header_value(media_type),
        schema: media.get("schema"),
    })
}

fn swagger<'d>(response: &'d Value, produces: &[&'d str]) -> Option<Json<'d>> {
    let media_type = match produces {
        [] => "application/json",
        all => all.iter().copied().find(|media_type| is_json(media_type))?,
    };
    Some(Json {
        media_type: header_value(media_type),
        schema: response.get("schema"),
    })
}

fn is_json(media_type: &str) -> bool {
    Kind::of(media_type) == Some(Kind::Json)
}

/// The media type where it can stand in `Accept`, else the usual one.
fn header_value(media_type: &str) -> &str {
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    let plain = essence.bytes().all(|byte| byte.is_ascii_graphic());
    if plain && !essence.contains('*') && essence.contains('/') {
        essence
    } else {
        "application/json"
    }
}

fn output_schema(schemas: Vec<Value>, definitions: Map<String, Value>) -> Option<Value> {
    let mut alternatives: Vec<Map<String, Value>> = Vec::new();
    for schema in schemas {
        if is_anything(&schema) {
            return None;
        }
        let Value::Object(mut keywords) = schema else {
            return None;
        };
        merge::all_of(&mut keywords);
        if keywords.contains_key("properties") && !keywords.contains_key("type") {
            // Clients of older revisions ask for an object at the root, and an answer whose members
            // are documented is one.
            keywords.insert("type".into(), json!("object"));
        }
        alternatives.push(keywords);
    }
    let objects = alternatives
        .iter()
        .all(|keywords| keywords.get("type") == Some(&json!("object")));
    let mut schema = match (alternatives.len(), alternatives.pop()) {
        (1, only) => only?,
        (_, None) => return None,
        (_, Some(last)) => {
            alternatives.push(last);
            let mut union = Map::new();
            if objects {
                union.insert("type".into(), json!("object"));
            }
            union.insert("anyOf".into(), json!(alternatives));
            union
        }
    };
    if !definitions.is_empty() {
        schema.insert("$defs".into(), Value::Object(definitions));
    }
    Some(Value::Object(schema))
}
