//! A Tool as it is written becomes a [`ToolSpec`]: defaults filled in, older spellings understood,
//! every argument given a place in the request.
//!
//! Without `request`, placeholders of the endpoint take arguments of their names; of the rest, `GET`,
//! `HEAD` and `DELETE` take each property of the schema into the query, and other methods send one
//! JSON body of everything.

use std::path::Path;

use serde_json::{Map, Value, json};
use serde_saphyr::Spanned;

use super::document::{OldAuth, RequestDocument, ToolDocument};
use super::problem::Problem;
use super::spec::credential::Authentication;
use super::spec::{Credential, SecretSource, ToolSpec, duration_ms};
use super::{url, yaml};
use crate::limits::UPSTREAM_TOTAL_TIMEOUT_MS_MAX;

mod placement;

use placement::{place_arguments, unplaced};

/// Methods that a tool may have.
const METHODS: [&str; 6] = ["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"];
/// The most that a multiplier may be: beyond it is a typing error.
const COST_MULTIPLIER_MAX: f64 = 1e6;

/// Makes the specification of a Tool named `name`; paths of secrets are relative to `directory`.
///
/// # Errors
/// Every problem, with its line and column within the document.
pub fn tool(
    document: Spanned<ToolDocument>,
    name: &str,
    directory: &Path,
) -> Result<ToolSpec, Vec<Problem>> {
    let start = yaml::place(&document.referenced);
    let document = document.value;
    let mut problems = Vec::new();
    let mut note = |result: Result<(), Problem>| problems.extend(result.err());
    note(check_api_ref(&document, start));
    let request = request(&document, start)
        .map_err(|problem| note(Err(problem)))
        .ok();
    let input_schema = input_schema(document.input_schema.as_ref())
        .map_err(|problem| note(Err(problem)))
        .ok();
    note(check_output_schema(document.output_schema.as_ref()));
    let credential = credential(&document, directory)
        .map_err(|problem| note(Err(problem)))
        .ok();
    let timeout_ms = timeout(document.timeout.as_ref())
        .map_err(|problem| note(Err(problem)))
        .ok();
    note(check_cost(document.cost_multiplier.as_ref()));
    let (Some((endpoint, written)), Some(input_schema), Some(credential), Some(timeout_ms), true) = (
        request,
        input_schema,
        credential,
        timeout_ms,
        problems.is_empty(),
    ) else {
        return Err(problems);
    };
    let request_place = document
        .request
        .as_ref()
        .map_or(start, |request| yaml::place(&request.referenced));
    let request = place_arguments(written, &input_schema);
    if let Some(name) = unplaced(&request, &input_schema) {
        return Err(vec![
            Problem::new(format!("the argument `{name}` has no place in the request"))
                .at(request_place)
                .hint("add it to `request.parameters`, or let the body take all arguments"),
        ]);
    }
    Ok(ToolSpec {
        name: name.to_owned(),
        title: document
            .display_name
            .or_else(|| document.annotations.title.clone()),
        description: document.description.unwrap_or_default().trim().to_owned(),
        tags: document.tags,
        category: document.category,
        version: document.version,
        endpoint,
        request,
        input_schema,
        output_schema: document.output_schema.map(|schema| schema.value),
        annotations: document.annotations,
        timeout_ms,
        rate_limit: document.rate_limit,
        credential,
        upstream_allow: document.upstream_allow,
        cost_multiplier: document.cost_multiplier.map(|cost| cost.value),
        deprecated: document.deprecated,
    })
}

fn at<T>(value: &Spanned<T>, message: impl Into<String>) -> Problem {
    Problem::new(message).at(yaml::place(&value.referenced))
}

fn check_api_ref(document: &ToolDocument, start: (u64, u64)) -> Result<(), Problem> {
    match (&document.endpoint, &document.api_ref) {
        (Some(_), _) => Ok(()),
        (None, Some(reference)) => Err(at(
            reference,
            "`apiRef` names an API of a control plane, which this version does not have",
        )
        .hint("add `endpoint: https://...`")),
        (None, None) => Err(Problem::new("`endpoint` is missing")
            .at(start)
            .hint("add `endpoint: https://...`")),
    }
}

/// The request as far as it is written, and the method, with the base URL.
fn request(
    document: &ToolDocument,
    start: (u64, u64),
) -> Result<(String, RequestDocument), Problem> {
    let Some(endpoint) = &document.endpoint else {
        // `check_api_ref` has said so.
        return Ok((String::new(), RequestDocument::default()));
    };
    let (origin, path) = url::split(&endpoint.value).map_err(|message| at(endpoint, message))?;
    let written = document.request.as_ref();
    let request_place = written.map_or(start, |request| yaml::place(&request.referenced));
    let empty = RequestDocument::default();
    let request = written.map_or(&empty, |request| &request.value);
    let method = match (&document.method, &request.method) {
        (Some(one), Some(other)) if !one.value.eq_ignore_ascii_case(other) => {
            return Err(at(
                one,
                format!(
                    "`method` is `{}` here and `{other}` in `request`",
                    one.value
                ),
            ));
        }
        (Some(method), _) => (method.value.as_str(), yaml::place(&method.referenced)),
        (None, Some(method)) => (method.as_str(), request_place),
        (None, None) => ("POST", start),
    };
    let upper = method.0.to_ascii_uppercase();
    if !METHODS.contains(&upper.as_str()) {
        return Err(
            Problem::new(format!("`{}` is no method of a tool", method.0))
                .at(method.1)
                .hint(format!("one of: {}", METHODS.join(", "))),
        );
    }
    // With a path of its own, the endpoint is the API's base and its path stays in front; without,
    // it is the operation, and its whole path is the template.
    let (endpoint_url, template) = match &request.path {
        Some(_) if path.contains('?') => {
            return Err(at(
                endpoint,
                "the endpoint has a query, which belongs to `request.path`",
            ));
        }
        Some(template) => (
            endpoint.value.trim_end_matches('/').to_owned(),
            template.clone(),
        ),
        None => (
            format!("{}://{}", origin.scheme(), origin.authority()),
            path.to_owned(),
        ),
    };
    let template = if template.starts_with('/') {
        template
    } else {
        format!("/{template}")
    };
    Ok((
        endpoint_url,
        RequestDocument {
            method: Some(upper),
            path: Some(template),
            parameters: request.parameters.clone(),
            body: request.body.clone(),
            fixed_headers: request.fixed_headers.clone(),
        },
    ))
}

/// `type: object` is added when missing; a schema of anything else cannot take arguments.
fn input_schema(written: Option<&Spanned<Value>>) -> Result<Value, Problem> {
    let Some(written) = written else {
        return Ok(json!({"type": "object"}));
    };
    let Value::Object(schema) = &written.value else {
        return Err(at(written, "`inputSchema` is not a mapping")
            .hint("write a JSON Schema with `type: object`"));
    };
    match schema.get("type") {
        Some(Value::String(kind)) if kind == "object" => Ok(written.value.clone()),
        None => {
            let mut typed = Map::new();
            typed.insert("type".to_owned(), "object".into());
            typed.extend(schema.clone());
            Ok(Value::Object(typed))
        }
        Some(other) => Err(at(
            written,
            format!("`inputSchema` has `type: {other}`, but arguments are an object"),
        )
        .hint("write `type: object`")),
    }
}

fn check_output_schema(written: Option<&Spanned<Value>>) -> Result<(), Problem> {
    match written {
        Some(written) if !written.value.is_object() => {
            Err(at(written, "`outputSchema` is not a mapping"))
        }
        _ => Ok(()),
    }
}

fn credential(document: &ToolDocument, directory: &Path) -> Result<Credential, Problem> {
    let found = match &document.authentication {
        Some(written) => authentication(written, directory)?,
        None => Credential::None,
    };
    let Some(old) = &document.auth else {
        return Ok(found);
    };
    match (old.value, &found) {
        (OldAuth::None, Credential::None) | (OldAuth::Bearer, Credential::Bearer(_)) => Ok(found),
        (OldAuth::Bearer, Credential::None) => {
            Err(at(old, "`auth: bearer` does not say where the token is")
                .hint("write `authentication: {type: bearer, secretFile: PATH}`"))
        }
        (OldAuth::ServiceAccount, _) => Err(at(
            old,
            "`auth: service_account` needs a cluster, which a catalog directory has not",
        )
        .hint("write `authentication: {type: bearer, secretFile: PATH}`")),
        _ => Err(at(old, "`auth` and `authentication` say different things")
            .hint("remove `auth`, the older one")),
    }
}

/// What `authentication` means, its file relative to `directory`.
///
/// # Errors
/// What makes no sense, at its place.
pub fn authentication(
    written: &Spanned<Authentication>,
    directory: &Path,
) -> Result<Credential, Problem> {
    let credential = written
        .value
        .credential()
        .map_err(|message| at(written, message))?;
    Ok(with_directory(&credential, directory))
}

/// The same credential, a relative file made relative to `directory`.
#[must_use]
pub fn with_directory(credential: &Credential, directory: &Path) -> Credential {
    let joined = credential.resolve(|source| {
        Ok::<_, std::convert::Infallible>(match source {
            SecretSource::File(path) => SecretSource::File(directory.join(path)),
            SecretSource::Environment(name) => SecretSource::Environment(name.clone()),
        })
    });
    match joined {
        Ok(credential) => credential,
        Err(never) => match never {},
    }
}

/// Milliseconds of `timeout`.
///
/// # Errors
/// What is no duration, and one beyond [`UPSTREAM_TOTAL_TIMEOUT_MS_MAX`].
pub fn timeout(written: Option<&Spanned<String>>) -> Result<Option<u64>, Problem> {
    let Some(written) = written else {
        return Ok(None);
    };
    let ms = duration_ms::parse(&written.value).map_err(|message| at(written, message))?;
    if !(1..=UPSTREAM_TOTAL_TIMEOUT_MS_MAX).contains(&ms) {
        return Err(at(
            written,
            format!(
                "`{}` is not within 1ms and {UPSTREAM_TOTAL_TIMEOUT_MS_MAX}ms",
                written.value
            ),
        ));
    }
    Ok(Some(ms))
}

fn check_cost(written: Option<&Spanned<f64>>) -> Result<(), Problem> {
    match written {
        Some(cost) if !(0.0..=COST_MULTIPLIER_MAX).contains(&cost.value) => Err(at(
            cost,
            format!(
                "`{}` is no multiplier; write a number from 0 to {COST_MULTIPLIER_MAX}",
                cost.value
            ),
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
