//! A tool, checked and made ready: all that is expensive about it, done once when its text changes
//! and shared by every snapshot after that.
//!
//! JSON trees of schemas are large, so none is kept: what stays is the compiled check and the text.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::control::names::stable_hash;
use crate::control::spec::{
    AnnotationsSpec, BodyPlan, BodySource, Credential, FormBody, JsonBody, MultipartBody,
    RequestPlan, Secret, ToolSpec,
};
use crate::control::url::{self, Origin};
use crate::guard::schema::ArgumentSchema;
use crate::limit::Rate;
use crate::mcp::parameter::declare;
use crate::snapshot::operation::RestOperation;
use crate::snapshot::tool::{Annotations, Definition, MirroredParameter};
use crate::snapshot::upstream::UpstreamId;

/// What the REST facade counts a tool by that has neither category nor tag.
const CATEGORY_DEFAULT: &str = "general";

/// A tool without what depends on other objects: its final name, its upstream's index, its secret.
#[derive(Debug)]
pub struct Prepared {
    /// The name that it asks for.
    pub name: String,
    /// See [`ToolSpec::title`].
    pub title: Option<Arc<str>>,
    /// See [`ToolSpec::description`].
    pub description: Arc<str>,
    /// See [`ToolSpec::tags`].
    pub tags: Vec<Arc<str>>,
    /// Category, first tag or `general`.
    pub category: Arc<str>,
    /// Effects, what the method says included.
    pub annotations: Annotations,
    /// Text for lists.
    pub definition: Arc<Definition>,
    /// Hash of that text.
    pub definition_hash: u64,
    /// Arguments that are mirrored in headers.
    pub mirrored: Vec<MirroredParameter>,
    /// Compiled check.
    pub arguments: Arc<ArgumentSchema>,
    /// Where it is sent.
    pub origin: Origin,
    /// The request; the path begins with the endpoint's own.
    pub request: RequestPlan,
    /// What the upstream asks for.
    pub credential: Credential,
    /// See [`ToolSpec::upstream_allow`].
    pub upstream_allow: Vec<ipnet::IpNet>,
    /// Milliseconds, where the tool says.
    pub timeout_ms: Option<u64>,
    /// Calls by everyone together.
    pub rate: Option<Rate>,
    /// Where the tool says.
    pub cost_multiplier: Option<f64>,
}

/// Checks and prepares a tool.
///
/// # Errors
/// A sentence for the person who wrote it.
pub fn prepare(spec: ToolSpec) -> Result<Prepared, String> {
    let (origin, path) = url::split(&spec.endpoint)?;
    if path.contains('?') {
        return Err("the endpoint has a query, which belongs to the path of the request".into());
    }
    let mut request = spec.request;
    request.path = format!("{}{}", path.trim_end_matches('/'), request.path);
    let arguments = ArgumentSchema::compile(&closed(&request, &spec.input_schema))
        .map_err(|reason| format!("`inputSchema` is no JSON Schema: {reason}"))?;
    if let Some(schema) = &spec.output_schema {
        // Nothing is checked against it, but a client that does must not find it broken.
        ArgumentSchema::compile(schema)
            .map_err(|reason| format!("`outputSchema` is no JSON Schema: {reason}"))?;
    }
    let mirrored = declare(&spec.input_schema)?;
    try_compile(&request, &spec.credential)?;
    let annotations = annotations(&spec.annotations, &request.method);
    let title = spec.title.or_else(|| spec.annotations.title.clone());
    let description = if spec.deprecated && !spec.description.to_lowercase().contains("deprecated")
    {
        format!("Deprecated. {}", spec.description)
            .trim_end()
            .to_owned()
    } else {
        spec.description
    };
    let text = Text {
        title: title.as_deref(),
        description: &description,
        input_schema: &spec.input_schema,
        output_schema: spec.output_schema.as_ref(),
        annotations: hints(&spec.annotations, &request.method),
    };
    let definition = text.definition();
    let category = spec.category.or_else(|| spec.tags.first().cloned());
    Ok(Prepared {
        name: spec.name,
        title: title.map(Arc::from),
        description: description.into(),
        category: category.map_or_else(|| CATEGORY_DEFAULT.into(), Arc::from),
        tags: spec.tags.into_iter().map(Arc::from).collect(),
        annotations,
        definition_hash: stable_hash(definition.modern.as_bytes()),
        definition: Arc::new(definition),
        mirrored,
        arguments: Arc::new(arguments),
        origin,
        request,
        credential: spec.credential,
        upstream_allow: spec.upstream_allow,
        timeout_ms: spec.timeout_ms,
        rate: spec.rate_limit.map(crate::control::spec::RateSpec::rate),
        cost_multiplier: spec.cost_multiplier,
    })
}

/// The schema that arguments are checked against. Where the body does not take whatever is left, an
/// argument that the schema does not name could only be dropped, so it is refused instead: a model
/// then learns of its mistake.
fn closed(request: &RequestPlan, schema: &Value) -> Value {
    let takes_the_rest = match &request.body {
        BodyPlan::Form(FormBody { source, .. })
        | BodyPlan::Json(JsonBody { source, .. })
        | BodyPlan::Multipart(MultipartBody { source, .. }) => {
            *source == BodySource::WholeArguments
        }
        BodyPlan::Binary(_) | BodyPlan::None | BodyPlan::Text(_) => false,
    };
    let mut schema = schema.clone();
    let keywords = [
        "additionalProperties",
        "unevaluatedProperties",
        "patternProperties",
        "$ref",
        "allOf",
        "anyOf",
        "oneOf",
    ];
    if let Value::Object(members) = &mut schema
        && !takes_the_rest
        && !keywords
            .iter()
            .any(|keyword| members.contains_key(*keyword))
    {
        members.insert("additionalProperties".to_owned(), false.into());
    }
    schema
}

/// Whether the request can be compiled, with any secret.
fn try_compile(request: &RequestPlan, credential: &Credential) -> Result<(), String> {
    let credential = credential.resolve(|_| Ok::<_, String>(Secret::new("user:secret")))?;
    let request = RequestPlan {
        credential,
        ..request.clone()
    };
    RestOperation::compile(&request, UpstreamId::default()).map(drop)
}

fn annotations(written: &AnnotationsSpec, method: &str) -> Annotations {
    let reads = matches!(method, "GET" | "HEAD");
    Annotations {
        read_only: written.read_only.unwrap_or(reads),
        destructive: written.destructive.unwrap_or(method == "DELETE"),
        idempotent: written
            .idempotent
            .unwrap_or(reads || matches!(method, "DELETE" | "PUT")),
        // The protocol's default.
        open_world: written.open_world.unwrap_or(true),
    }
}

/// What a model is told: what was written, and what the method makes certain. Nothing is said where
/// neither is known, so that the protocol's cautious defaults stand.
fn hints(written: &AnnotationsSpec, method: &str) -> Map<String, Value> {
    let reads = matches!(method, "GET" | "HEAD");
    let certain =
        |written: Option<bool>, is: bool| if is { written.or(Some(true)) } else { written };
    let repeatable = matches!(method, "DELETE" | "PUT");
    let mut hints = Map::new();
    for (name, value) in [
        ("readOnlyHint", certain(written.read_only, reads)),
        (
            "destructiveHint",
            certain(written.destructive, method == "DELETE"),
        ),
        ("idempotentHint", certain(written.idempotent, repeatable)),
        ("openWorldHint", written.open_world),
    ] {
        if let Some(value) = value {
            hints.insert(name.to_owned(), value.into());
        }
    }
    hints
}

/// What a definition is made of.
pub(in crate::control) struct Text<'a> {
    pub(in crate::control) title: Option<&'a str>,
    pub(in crate::control) description: &'a str,
    pub(in crate::control) input_schema: &'a Value,
    pub(in crate::control) output_schema: Option<&'a Value>,
    pub(in crate::control) annotations: Map<String, Value>,
}

impl Text<'_> {
    /// The members of the definition after its name.
    pub(in crate::control) fn definition(&self) -> Definition {
        let is_object = |schema: &&Value| schema.get("type") == Some(&json!("object"));
        let object_only = self.output_schema.filter(is_object);
        // Revisions before 2026-07-28 know only objects as structured content.
        let legacy = (object_only != self.output_schema).then(|| self.write(object_only));
        Definition {
            modern: self.write(self.output_schema),
            legacy,
        }
    }

    fn write(&self, output_schema: Option<&Value>) -> Box<str> {
        let mut members = Map::new();
        let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
        if let Some(title) = self.title {
            put("title", title.into());
        }
        if !self.description.is_empty() {
            put("description", self.description.into());
        }
        put("inputSchema", self.input_schema.clone());
        if let Some(schema) = output_schema {
            put("outputSchema", schema.clone());
        }
        let mut annotations = Map::new();
        if let Some(title) = self.title {
            // 2025-03-26 knows a title only here.
            annotations.insert("title".to_owned(), title.into());
        }
        annotations.extend(self.annotations.clone());
        if !annotations.is_empty() {
            put("annotations", Value::Object(annotations));
        }
        let text = Value::Object(members).to_string();
        text[1..text.len() - 1].into()
    }
}

#[cfg(test)]
mod tests;
