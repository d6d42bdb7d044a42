//! Bodies: which of several content types is used, and how its members are written.

use serde_json::{Map, Value, json};

use super::parameter::{Parameters, Wire};
use super::reference::Resolver;
use super::schema::is_anything;
use super::{Reason, text};
use crate::control::spec::{PropertyEncoding, Style};

/// What a content type is to us, in order of preference: what a model writes best comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// JSON of any vendor.
    Json,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// `multipart/form-data`.
    Multipart,
    /// Characters.
    Text,
    /// Bytes.
    Binary,
}

/// A body that will be sent.
#[derive(Debug)]
pub(super) struct Body<'d> {
    pub(super) kind: Kind,
    /// What `Content-Type` will say, without the boundary of multipart.
    pub(super) content_type: String,
    pub(super) shape: Shape<'d>,
    pub(super) required: bool,
    pub(super) description: Option<&'d str>,
    /// `encoding` of the media type, by property.
    pub(super) encoding: Option<&'d Map<String, Value>>,
}

/// Where the schema of a body is written.
#[derive(Debug)]
pub(super) enum Shape<'d> {
    /// Swagger's form parameters, one by one.
    Fields(Vec<Field<'d>>),
    /// In one place, or nowhere.
    Schema(Option<&'d Value>),
}

/// One `formData` parameter of Swagger.
#[derive(Clone, Debug)]
pub(super) struct Field<'d> {
    pub(super) name: &'d str,
    pub(super) schema: &'d Value,
    pub(super) required: bool,
    pub(super) wire: Wire,
}

impl Body<'_> {
    /// Whether the body is an object without any member.
    pub(super) fn is_empty(&self) -> bool {
        let Shape::Schema(Some(Value::Object(schema))) = &self.shape else {
            return matches!(&self.shape, Shape::Fields(fields) if fields.is_empty());
        };
        let members = schema.get("properties").and_then(Value::as_object);
        let combines = ["$ref", "allOf", "anyOf", "oneOf", "patternProperties"];
        members.is_some_and(Map::is_empty)
            && matches!(
                schema.get("additionalProperties"),
                None | Some(Value::Bool(false))
            )
            && !combines.iter().any(|name| schema.contains_key(*name))
    }
}

impl Kind {
    /// The kind of a media type or range; nothing for multipart that is no form.
    pub(super) fn of(media_type: &str) -> Option<Self> {
        let essence = essence(media_type);
        let (kind, subtype) = essence.split_once('/').unwrap_or((&essence, ""));
        Some(match (kind, subtype) {
            ("*" | "application", "*") | ("text" | "application", "json" | "x-json") => Self::Json,
            (_, subtype) if subtype.ends_with("+json") => Self::Json,
            ("application", "x-www-form-urlencoded") => Self::Form,
            ("multipart", "form-data" | "*") => Self::Multipart,
            ("multipart", _) => return None,
            ("text", _)
            | (
                "application",
                "xml" | "yaml" | "x-yaml" | "graphql" | "javascript" | "x-ndjson" | "ndjson"
                | "jsonl" | "json-seq" | "sql" | "toml" | "csv" | "xml-dtd",
            ) => Self::Text,
            (_, subtype) if subtype.ends_with("+xml") || subtype.ends_with("+yaml") => Self::Text,
            _ => Self::Binary,
        })
    }
}

fn essence(media_type: &str) -> String {
    let essence = media_type.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

/// The body of an OpenAPI 3 operation.
pub(super) fn of_request_body<'d>(
    resolver: &Resolver<'d>,
    operation: &'d Map<String, Value>,
) -> Result<Option<Body<'d>>, Reason> {
    let Some(value) = operation.get("requestBody") else {
        return Ok(None);
    };
    let body = resolver
        .follow(value)
        .map_err(|reason| reason.of("request body"))?;
    let required = body.get("required") == Some(&Value::Bool(true));
    let content = body.get("content").and_then(Value::as_object);
    let Some(content) = content.filter(|content| !content.is_empty()) else {
        return match required {
            true => Err(Reason::new("its required body has no content type")),
            false => Ok(None),
        };
    };
    let Some((kind, media_type, media)) = preferred(content) else {
        let types: Vec<&str> = content.keys().map(String::as_str).collect();
        return Err(Reason::new(format!(
            "its body can only be {}, which cannot be written",
            text::cut(&types.join(", "), 120)
        )));
    };
    let media = resolver.follow(media)?;
    Ok(Some(Body {
        kind,
        content_type: concrete(kind, media_type)?,
        shape: Shape::Schema(media.get("schema").filter(|schema| schema.is_object())),
        required,
        description: body.get("description").and_then(Value::as_str),
        encoding: media.get("encoding").and_then(Value::as_object),
    }))
}

/// The body of a Swagger operation: its `body` parameter or its form, and `consumes`.
pub(super) fn of_swagger<'d>(
    parameters: &mut Parameters<'d>,
    consumes: &[&str],
) -> Result<Option<Body<'d>>, Reason> {
    let consumed = |wanted: &[Kind]| {
        consumes
            .iter()
            .filter_map(|media_type| Some((Kind::of(media_type)?, *media_type)))
            .filter(|(kind, _)| wanted.contains(kind))
            .min_by_key(|(kind, _)| *kind)
    };
    let fields = std::mem::take(&mut parameters.fields);
    if let Some(object) = parameters.body {
        let others = [Kind::Json, Kind::Text, Kind::Binary];
        let (kind, media_type) = consumed(&others).unwrap_or((Kind::Json, "application/json"));
        return Ok(Some(Body {
            kind,
            content_type: concrete(kind, media_type)?,
            shape: Shape::Schema(object.get("schema").filter(|schema| schema.is_object())),
            required: object.get("required") == Some(&Value::Bool(true)),
            description: object.get("description").and_then(Value::as_str),
            encoding: None,
        }));
    }
    if fields.is_empty() {
        return Ok(None);
    }
    let files = fields
        .iter()
        .any(|field| field.schema.get("type").and_then(Value::as_str) == Some("file"));
    let kind = match consumed(&[Kind::Form, Kind::Multipart]) {
        // Swagger says that files need multipart, whatever `consumes` forgot.
        _ if files => Kind::Multipart,
        Some((kind, _)) => kind,
        None => Kind::Form,
    };
    Ok(Some(Body {
        kind,
        content_type: concrete(kind, "")?,
        required: fields.iter().any(|field| field.required),
        shape: Shape::Fields(fields),
        description: None,
        encoding: None,
    }))
}

/// The media type that is written best; among equals the one that comes first.
fn preferred(content: &Map<String, Value>) -> Option<(Kind, &str, &Value)> {
    content
        .iter()
        .filter_map(|(media_type, media)| Some((Kind::of(media_type)?, media_type.as_str(), media)))
        .min_by_key(|(kind, media_type, _)| {
            let plain = essence(media_type) == "application/json";
            (*kind, *kind == Kind::Json && !plain)
        })
}

/// What `Content-Type` says: ranges become the usual type of their kind.
fn concrete(kind: Kind, media_type: &str) -> Result<String, Reason> {
    let usual = match kind {
        Kind::Json => "application/json",
        Kind::Form => "application/x-www-form-urlencoded",
        Kind::Multipart => "multipart/form-data",
        Kind::Text => "text/plain",
        Kind::Binary => "application/octet-stream",
    };
    let media_type = media_type.trim();
    let range = essence(media_type).contains('*') || !media_type.contains('/');
    if range || matches!(kind, Kind::Form | Kind::Multipart) {
        return Ok(usual.to_owned());
    }
    if media_type.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Ok(media_type.to_owned());
    }
    Err(Reason::new(
        "its content type has characters that a header cannot have",
    ))
}

/// How the members of a form are written, as far as that is not the default. `properties` are the
/// converted schemas; files among them are marked as base64 there.
pub(super) fn encodings(
    body: &Body<'_>,
    properties: &mut Map<String, Value>,
) -> Vec<PropertyEncoding> {
    let mut all = Vec::new();
    for (name, schema) in properties.iter_mut() {
        let declared = body.encoding.and_then(|all| all.get(name));
        let mut encoding = PropertyEncoding {
            property: name.clone(),
            style: Style::Form,
            explode: true,
            allow_reserved: flag(declared, "allowReserved").unwrap_or(false),
            content_type: None,
            file: false,
        };
        if let Shape::Fields(fields) = &body.shape
            && let Some(field) = fields.iter().find(|field| field.name == name)
        {
            separate(field.wire, &mut encoding);
        }
        if body.kind == Kind::Multipart {
            multipart(declared, schema, &mut encoding);
        } else {
            urlencoded(declared, schema, &mut encoding);
        }
        let default = PropertyEncoding {
            property: name.clone(),
            style: Style::Form,
            explode: true,
            allow_reserved: false,
            content_type: None,
            file: false,
        };
        if encoding != default {
            all.push(encoding);
        }
    }
    all
}

/// A field's `collectionFormat`; [`Wire::Separated`] is a text by now and needs nothing.
fn separate(wire: Wire, encoding: &mut PropertyEncoding) {
    if let Wire::Style { style, explode } = wire {
        encoding.style = style;
        encoding.explode = explode;
    }
}

fn urlencoded(declared: Option<&Value>, schema: &Value, encoding: &mut PropertyEncoding) {
    let style = declared.and_then(|one| one.get("style")?.as_str());
    let explode = flag(declared, "explode");
    let styled = style.is_some() || explode.is_some();
    match style {
        Some("deepObject") => encoding.style = Style::DeepObject,
        Some("spaceDelimited") => encoding.style = Style::SpaceDelimited,
        Some("pipeDelimited") => encoding.style = Style::PipeDelimited,
        _ => {}
    }
    if styled {
        let exploded = matches!(encoding.style, Style::Form | Style::DeepObject);
        encoding.explode = explode.unwrap_or(exploded);
        return;
    }
    // OpenAPI 3.0.4 section 4.8.15: without a style, the content type decides, and that of an object
    // is JSON unless it is named.
    let content_type = declared.and_then(|one| one.get("contentType")?.as_str());
    let json = match content_type {
        Some(content_type) => {
            first_type(content_type).is_some_and(|one| Kind::of(&one) == Some(Kind::Json))
        }
        None => is_object(schema),
    };
    if json {
        encoding.content_type = Some("application/json".into());
    }
}

fn multipart(declared: Option<&Value>, schema: &mut Value, encoding: &mut PropertyEncoding) {
    let content_type = declared
        .and_then(|one| one.get("contentType")?.as_str())
        .and_then(first_type);
    let in_schema = |schema: &Value| {
        let media_type = schema.get("contentMediaType").and_then(Value::as_str);
        media_type.map(str::to_owned)
    };
    let bytes = |content_type: &Option<String>| {
        content_type
            .as_deref()
            .is_some_and(|one| Kind::of(one) == Some(Kind::Binary))
    };
    // An array is one part for each element.
    let is_array = schema.get("type").and_then(Value::as_str) == Some("array");
    let one = match schema.get_mut("items") {
        Some(items) if is_array => items,
        _ => schema,
    };
    let content_type = content_type.or_else(|| in_schema(one));
    let text = one.get("type").is_none_or(|kind| *kind == json!("string"));
    // 3.0 says `format: binary`; 3.1 says a content type, or nothing at all.
    encoding.file = one.get("format").and_then(Value::as_str) == Some("binary")
        || (text && one.get("contentEncoding").is_none() && bytes(&content_type))
        || (is_anything(one) && content_type.is_none());
    if encoding.file {
        let content_type = content_type.unwrap_or_else(|| "application/octet-stream".into());
        encoding.content_type = Some(content_type);
        as_base64(one);
    } else {
        encoding.content_type = content_type;
    }
}

/// Whether a converted schema is of a text in base64: `format: byte` of 3.0, `contentEncoding` of 3.1; not
/// Swagger's `file`, which is bytes.
pub(super) fn is_base64(schema: &Value) -> bool {
    schema.get("contentEncoding") == Some(&json!("base64"))
        && schema.get("format") != Some(&json!("binary"))
}

/// Makes a schema one of bytes written as base64.
pub(super) fn as_base64(schema: &mut Value) {
    let description = schema.get("description").and_then(Value::as_str);
    let description = match description {
        Some(words) => format!("{words} (base64)"),
        None => "Bytes, as base64.".to_owned(),
    };
    *schema = json!({
        "type": "string",
        "contentEncoding": "base64",
        "description": description,
    });
}

/// The first of several content types that names one; ranges do not.
fn first_type(list: &str) -> Option<String> {
    list.split(',')
        .map(str::trim)
        .find(|one| {
            one.contains('/')
                && !one.contains('*')
                && one.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        })
        .map(str::to_owned)
}

fn flag(declared: Option<&Value>, name: &str) -> Option<bool> {
    declared?.get(name)?.as_bool()
}

fn is_object(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("object")
        || schema.get("properties").is_some()
}
