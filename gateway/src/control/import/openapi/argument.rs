//! Parameters and body become the arguments of one tool: their names, one input schema, and the plan
//! of where each argument goes.
//!
//! The members of an object body are arguments of their own where that is unambiguous; else the body
//! is one argument. The same document gives the same names on every import.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::body::{self, Body, Kind, Shape};
use super::parameter::{Parameter, Wire};
use super::schema::{Converted, Schemas, is_annotation, merge};
use super::{Reason, text};
use crate::control::spec::{
    BinaryBody, BodyPlan, BodySource, FormBody, JsonBody, Location, MultipartBody, ParameterPlan,
    PropertyEncoding, TextBody,
};

/// Characters of an argument's name. Model APIs take no longer ones, and no other characters than
/// letters, digits, `_`, `.` and `-`.
const NAME_CHARS_MAX: usize = 64;

/// What a tool takes, and where it goes.
#[derive(Debug)]
pub(super) struct Arguments {
    pub(super) input_schema: Value,
    pub(super) parameters: Vec<ParameterPlan>,
    pub(super) body: BodyPlan,
}

/// Assembles the arguments of one operation.
pub(super) fn assemble<'d>(
    schemas: &Schemas<'d>,
    parameters: &[Parameter<'d>],
    body: Option<&Body<'d>>,
) -> Result<Arguments, Reason> {
    let mut converted = convert(schemas, parameters, body)?;
    let mut input = Input::default();
    let mut plans = Vec::new();
    let mut own = converted
        .schemas
        .drain(..parameters.len())
        .collect::<Vec<_>>();
    for (parameter, schema) in parameters.iter().zip(own.drain(..)) {
        let argument = input.name(parameter);
        plans.push(plan(parameter, &argument));
        let schema = describe(parameter, &argument, schema);
        input.add(argument, schema, parameter.required);
    }
    let body = match body {
        None => BodyPlan::None,
        Some(body) => {
            let schema = body_schema(body, converted.schemas);
            add_body(&mut input, body, schema)?
        }
    };
    Ok(Arguments {
        input_schema: input.schema(converted.definitions),
        parameters: plans,
        body,
    })
}

/// Converts everything at once, as it shares one budget and one set of definitions.
fn convert<'d>(
    schemas: &Schemas<'d>,
    parameters: &[Parameter<'d>],
    body: Option<&Body<'d>>,
) -> Result<Converted, Reason> {
    // A parameter without a schema is a text.
    static ANYTHING: Value = Value::Bool(true);
    let anything: &'static Value = &ANYTHING;
    let mut sources: Vec<&'d Value> = parameters
        .iter()
        .map(|parameter| parameter.schema.unwrap_or(anything))
        .collect();
    match body.map(|body| &body.shape) {
        Some(Shape::Fields(fields)) => sources.extend(fields.iter().map(|field| field.schema)),
        Some(Shape::Schema(schema)) => sources.push(schema.unwrap_or(anything)),
        None => {}
    }
    schemas.input(&sources)
}

/// Properties of the input schema as they are collected.
#[derive(Debug, Default)]
struct Input {
    properties: Map<String, Value>,
    required: Vec<String>,
    /// What a flattened body says about members that it does not name.
    additional: Option<Value>,
}

impl Input {
    fn add(&mut self, name: String, schema: Value, required: bool) {
        if required {
            self.required.push(name.clone());
        }
        self.properties.insert(name, schema);
    }

    /// `id`; if that is taken `id_query`, by the place; if that is taken, too, `id_query_2`.
    fn name(&self, parameter: &Parameter<'_>) -> String {
        let wanted = match text::sanitise(parameter.name, true) {
            name if name.is_empty() => "parameter".to_owned(),
            name => name,
        };
        let place = match parameter.location {
            Location::Cookie => "cookie",
            Location::Header => "header",
            Location::Path => "path",
            Location::Query => "query",
        };
        self.free(&wanted, place)
    }

    fn free(&self, wanted: &str, place: &str) -> String {
        // Only ASCII is left, so that bytes are characters.
        let cut = |suffix: &str| {
            let length = wanted.len().min(NAME_CHARS_MAX - suffix.len());
            format!("{}{suffix}", &wanted[..length])
        };
        let mut candidate = cut("");
        let mut count = 1;
        while self.properties.contains_key(&candidate) {
            candidate = match count {
                1 => cut(&format!("_{place}")),
                count => cut(&format!("_{place}_{count}")),
            };
            count += 1;
        }
        candidate
    }

    fn schema(self, definitions: Map<String, Value>) -> Value {
        let mut schema = Map::new();
        schema.insert("type".into(), json!("object"));
        schema.insert("properties".into(), Value::Object(self.properties));
        if !self.required.is_empty() {
            schema.insert("required".into(), json!(self.required));
        }
        // Closed, so that a misspelt argument is told to the model instead of being dropped.
        let additional = self.additional.unwrap_or(Value::Bool(false));
        schema.insert("additionalProperties".into(), additional);
        if !definitions.is_empty() {
            schema.insert("$defs".into(), Value::Object(definitions));
        }
        Value::Object(schema)
    }
}

fn plan(parameter: &Parameter<'_>, argument: &str) -> ParameterPlan {
    let (style, explode) = match parameter.wire {
        Wire::Style { style, explode } => (style, explode),
        Wire::Separated(_) => (parameter.location.default_style(), false),
    };
    ParameterPlan {
        argument: argument.to_owned(),
        name: parameter.name.to_owned(),
        location: parameter.location,
        style,
        explode,
        allow_reserved: parameter.allow_reserved,
        required: parameter.required,
        json_content: parameter.json_content,
    }
}

/// The schema of an argument with what the parameter says beyond its schema.
fn describe(parameter: &Parameter<'_>, argument: &str, schema: Value) -> Value {
    let mut schema = match schema {
        Value::Object(schema) => schema,
        _ => Map::new(),
    };
    let untyped = parameter.schema.is_none();
    if untyped && !parameter.json_content {
        schema.insert("type".into(), json!("string"));
    }
    let mut words: Vec<String> = Vec::new();
    let own = parameter
        .description
        .filter(|words| !words.trim().is_empty());
    let inherited = schema.get("description").and_then(Value::as_str);
    words.extend(own.or(inherited).map(str::to_owned));
    if let Wire::Separated(separator) = parameter.wire
        && schema.get("type") == Some(&json!("array"))
    {
        schema = Map::new();
        schema.insert("type".into(), json!("string"));
        words.push(format!("Several values are separated by {separator}."));
    }
    if argument != parameter.name {
        let place = match parameter.location {
            Location::Cookie => "cookie",
            Location::Header => "header",
            Location::Path => "path parameter",
            Location::Query => "query parameter",
        };
        words.push(format!("Sent as the {place} `{}`.", parameter.name));
    }
    if !words.is_empty() {
        schema.insert("description".into(), json!(words.join(" ")));
    }
    if parameter.deprecated {
        schema.insert("deprecated".into(), json!(true));
    }
    if let Some(mirror @ Value::String(_)) = parameter.mirror {
        schema.insert("x-mcp-header".into(), mirror.clone());
    }
    Value::Object(schema)
}

/// One schema for a body, whichever way it was written.
fn body_schema(body: &Body<'_>, mut converted: Vec<Value>) -> Value {
    let Shape::Fields(fields) = &body.shape else {
        return converted.pop().unwrap_or_else(|| json!({}));
    };
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (field, schema) in fields.iter().zip(converted) {
        let schema = match (field.wire, &schema) {
            (Wire::Separated(separator), schema) if schema.get("type") == Some(&json!("array")) => {
                json!({"type": "string", "description": format!("Values separated by {separator}.")})
            }
            _ => schema,
        };
        if field.required {
            required.push(field.name);
        }
        properties.insert(field.name.to_owned(), schema);
    }
    json!({"type": "object", "properties": properties, "required": required})
}

fn add_body(input: &mut Input, body: &Body<'_>, schema: Value) -> Result<BodyPlan, Reason> {
    Ok(match body.kind {
        Kind::Json => {
            let (source, _) = spread(input, body, schema)?;
            BodyPlan::Json(JsonBody {
                source,
                content_type: body.content_type.clone(),
            })
        }
        Kind::Form => {
            let (source, encodings) = spread(input, body, schema)?;
            BodyPlan::Form(FormBody { source, encodings })
        }
        Kind::Multipart => {
            let (source, encodings) = spread(input, body, schema)?;
            BodyPlan::Multipart(MultipartBody { source, encodings })
        }
        Kind::Text => {
            let mut own = json!({"type": "string"});
            if schema.get("type") == Some(&json!("string")) {
                own = schema;
            }
            let argument = add_whole(input, body, own);
            BodyPlan::Text(TextBody {
                argument,
                content_type: body.content_type.clone(),
            })
        }
        // The API wants the text itself: bytes that the document says are written as base64.
        Kind::Binary if body::is_base64(&schema) => {
            let argument = add_whole(input, body, schema);
            BodyPlan::Text(TextBody {
                argument,
                content_type: body.content_type.clone(),
            })
        }
        Kind::Binary => {
            let mut schema = schema;
            body::as_base64(&mut schema);
            let argument = add_whole(input, body, schema);
            BodyPlan::Binary(BinaryBody {
                argument,
                content_type: body.content_type.clone(),
            })
        }
    })
}

/// Adds the members of a body as arguments where that is unambiguous, else the body as one.
fn spread(
    input: &mut Input,
    body: &Body<'_>,
    schema: Value,
) -> Result<(BodySource, Vec<PropertyEncoding>), Reason> {
    let mut schema = schema;
    if let Value::Object(keywords) = &mut schema {
        merge::all_of(keywords);
    }
    let form = body.kind != Kind::Json;
    let mut encodings = Vec::new();
    if form && let Some(Value::Object(properties)) = schema.get_mut("properties") {
        encodings = body::encodings(body, properties);
    }
    if !may_spread(input, body, &schema) {
        if form {
            schema = form_schema(schema)?;
        }
        let argument = add_whole(input, body, schema);
        return Ok((BodySource::Argument(argument), encodings));
    }
    if let Value::Object(mut keywords) = schema {
        let required: HashSet<String> = match keywords.get("required") {
            Some(Value::Array(names)) => names
                .iter()
                .filter_map(|name| name.as_str().map(str::to_owned))
                .collect(),
            _ => HashSet::new(),
        };
        if let Some(Value::Object(properties)) = keywords.shift_remove("properties") {
            for (name, schema) in properties {
                let required = required.contains(&name);
                input.add(name, schema, required);
            }
        }
        input.additional = keywords.shift_remove("additionalProperties");
    }
    Ok((BodySource::WholeArguments, encodings))
}

/// The schema of a form that is one argument: an object, as a form is made of members.
fn form_schema(schema: Value) -> Result<Value, Reason> {
    let Value::Object(mut keywords) = schema else {
        return Ok(json!({"type": "object"}));
    };
    let object = json!("object");
    let fits = match keywords.get("type") {
        None => true,
        Some(Value::Array(kinds)) => kinds.contains(&object),
        Some(kind) => *kind == object,
    };
    if !fits {
        return Err(Reason::new(
            "its body is a form, and the document's schema of it is no object",
        ));
    }
    keywords.entry("type").or_insert(object);
    Ok(Value::Object(keywords))
}

/// Whether the members of a body can be arguments: it is an object and nothing but its members
/// matters, their names are free and fit, and leaving all of them out means what leaving the body
/// out means.
fn may_spread(input: &Input, body: &Body<'_>, schema: &Value) -> bool {
    let Value::Object(keywords) = schema else {
        return false;
    };
    let Some(Value::Object(properties)) = keywords.get("properties") else {
        return false;
    };
    let known = keywords.iter().all(|(name, value)| match name.as_str() {
        "type" => *value == json!("object"),
        "properties" | "required" | "additionalProperties" => true,
        name => is_annotation(name),
    });
    let fits = |name: &String| {
        !input.properties.contains_key(name)
            && name.len() <= NAME_CHARS_MAX
            && !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
    };
    let named: Vec<&str> = match keywords.get("required") {
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    known
        && !properties.is_empty()
        && properties.keys().all(fits)
        && named.iter().all(|name| properties.contains_key(*name))
        && (body.required || named.is_empty())
}

/// Adds the body as one argument and tells its name.
fn add_whole(input: &mut Input, body: &Body<'_>, schema: Value) -> String {
    let mut schema = match schema {
        Value::Object(schema) => schema,
        _ => Map::new(),
    };
    let words = match (body.description, schema.get("description")) {
        (Some(words), _) if !words.trim().is_empty() => Some(words.to_owned()),
        (_, Some(_)) => None,
        _ => Some(format!("The request's body ({}).", body.content_type)),
    };
    if let Some(words) = words {
        schema.insert("description".into(), json!(words));
    }
    let name = input.free("body", "content");
    input.add(name.clone(), Value::Object(schema), body.required);
    name
}
