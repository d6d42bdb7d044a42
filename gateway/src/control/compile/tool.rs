//! One tool: its checks, its operation, its prepared text.

use std::path::Path;

use super::definition::definition;
use super::registry::Build;
use super::{LoadedTool, allowed, full_name};
use crate::auth::compile::Registry;
use crate::control::names::{PLATFORM, PLATFORM_PREFIX, tool_name};
use crate::control::spec::{Secret, SecretSource, ToolSpec};
use crate::control::url;
use crate::guard::schema::ArgumentSchema;
use crate::mcp::parameter;
use crate::snapshot::operation::RestOperation;
use crate::snapshot::tool::{Annotations, Backend, Tool};

/// Bytes of a secret file; a larger one is not a secret but a mistake.
const SECRET_BYTES_MAX: u64 = 64 * 1024;
/// What tools without a tag are counted under.
const CATEGORY_DEFAULT: &str = "general";

/// Compiles a tool.
///
/// # Errors
/// A sentence for the person who wrote it.
pub(super) fn compile(loaded: &LoadedTool, build: &mut Build<'_>) -> Result<Tool, String> {
    let (tenant, spec) = (loaded.tenant.as_str(), &loaded.spec);
    if tool_name(&spec.name).1 || spec.name.is_empty() {
        return Err(format!("`{}` is no tool name: 1 to 64 letters, digits, _ or -", spec.name));
    }
    if tenant != PLATFORM && spec.name.starts_with(PLATFORM_PREFIX) {
        return Err(format!("names that begin with {PLATFORM_PREFIX} belong to the namespace {PLATFORM}"));
    }
    let arguments = ArgumentSchema::compile(&spec.input_schema).map_err(|reason| format!("inputSchema: {reason}"))?;
    let mirrored = parameter::declare(&spec.input_schema).map_err(|reason| format!("inputSchema: {reason}"))?;
    let backend = Backend::Rest(Box::new(operation(spec, build)?));
    let annotations = annotations(spec);
    let bucket = spec.rate_limit.map(|rate| build.bucket(&format!("tool/{tenant}/{}", spec.name), rate.rate()));
    let destructive = build.settings.rates.cost_destructive_multiplier;
    let default_multiplier = if annotations.destructive { destructive } else { 1.0 };
    Ok(Tool {
        tenant: build.tenant(tenant),
        name: spec.name.as_str().into(),
        full_name: full_name(tenant, &spec.name),
        title: title(spec).map(Into::into),
        description: description(spec).into(),
        tags: spec.tags.iter().map(|tag| tag.as_str().into()).collect(),
        category: spec.category.as_ref().or(spec.tags.first()).map_or(CATEGORY_DEFAULT, String::as_str).into(),
        search_text: search_text(spec),
        annotations,
        definition: definition(title(spec), &description(spec), annotations, &spec.input_schema, spec.output_schema.as_ref()),
        mirrored,
        arguments,
        backend,
        timeout_ms: spec.timeout_ms.unwrap_or(build.settings.catalog.upstream_timeout_ms),
        bucket,
        cost_multiplier: spec.cost_multiplier.unwrap_or(default_multiplier),
        usage: build.tool_usage(tenant, &spec.name),
    })
}

fn operation(spec: &ToolSpec, build: &mut Build<'_>) -> Result<RestOperation, String> {
    let (origin, base) = url::split(&spec.endpoint).map_err(|reason| format!("endpoint: {reason}"))?;
    let upstream = build.upstream(&origin, allowed(build.settings, &spec.upstream_allow));
    let mut request = spec.request.clone();
    request.path = format!("{}{}", base.trim_end_matches('/'), request.path);
    if !request.path.starts_with('/') {
        request.path.insert(0, '/');
    }
    request.credential = spec.credential.resolve(read_secret)?;
    RestOperation::compile(&request, upstream)
}

/// Reads a secret; the message names where it should be, never what it is.
fn read_secret(source: &SecretSource) -> Result<Secret, String> {
    let text = match source {
        SecretSource::Environment(name) => std::env::var(name)
            .map_err(|_| format!("authentication: the environment variable {name} is not set, or no text"))?,
        SecretSource::File(path) => read_file(path)?,
    };
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        return Err("authentication: the secret is empty".to_owned());
    }
    Ok(Secret::new(text))
}

fn read_file(path: &Path) -> Result<String, String> {
    let fail = |reason: &dyn std::fmt::Display| format!("authentication: cannot read {}: {reason}", path.display());
    let length = std::fs::metadata(path).map_err(|error| fail(&error))?.len();
    if length > SECRET_BYTES_MAX {
        return Err(fail(&format!("it has more than {SECRET_BYTES_MAX} bytes")));
    }
    std::fs::read_to_string(path).map_err(|error| fail(&error))
}

/// What the author said; else what the method says.
fn annotations(spec: &ToolSpec) -> Annotations {
    let said = &spec.annotations;
    let reads = matches!(spec.request.method.as_str(), "GET" | "HEAD");
    let deletes = spec.request.method == "DELETE";
    let read_only = said.read_only.unwrap_or(reads);
    Annotations {
        read_only,
        destructive: said.destructive.unwrap_or(deletes && !read_only),
        idempotent: said.idempotent.unwrap_or(reads || deletes || spec.request.method == "PUT"),
        open_world: said.open_world.unwrap_or(true),
    }
}

fn title(spec: &ToolSpec) -> Option<&str> {
    spec.title.as_deref().or(spec.annotations.title.as_deref())
}

fn description(spec: &ToolSpec) -> String {
    if spec.deprecated && !spec.description.to_lowercase().contains("deprecated") {
        return format!("Deprecated. {}", spec.description).trim_end().to_owned();
    }
    spec.description.clone()
}

fn search_text(spec: &ToolSpec) -> Box<str> {
    [spec.name.as_str(), title(spec).unwrap_or_default(), &spec.description, &spec.tags.join(" ")]
        .join("\n")
        .to_lowercase()
        .into()
}
