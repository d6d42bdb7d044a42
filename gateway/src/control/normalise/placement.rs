//! Where each argument of a tool goes, as far as its author did not say.

use serde_json::{Map, Value};

use crate::control::document::{ParameterDocument, RequestDocument};
use crate::control::spec::{
    BodyPlan, BodySource, Credential, FormBody, JsonBody, Location, MultipartBody, ParameterPlan,
    RequestPlan, Style,
};

/// Fills in what the request does not say, from method, path and schema.
pub(super) fn place_arguments(written: RequestDocument, schema: &Value) -> RequestPlan {
    let method = written.method.unwrap_or_default();
    let template = written.path.unwrap_or_default();
    let (path, query) = template
        .split_once('?')
        .map_or((template.as_str(), None), |(path, query)| {
            (path, Some(query))
        });
    let mut parameters: Vec<ParameterPlan> = written.parameters.iter().map(parameter).collect();
    for name in placeholders(path) {
        if !parameters
            .iter()
            .any(|known| known.location == Location::Path && known.name == name)
        {
            parameters.push(plain(name, Location::Path, schema));
        }
    }
    let mut fixed_query = Vec::new();
    for pair in query
        .into_iter()
        .flat_map(|query| query.split('&'))
        .filter(|pair| !pair.is_empty())
    {
        let argument = pair.split_once('=').and_then(|(name, value)| {
            let argument = value.strip_prefix('{')?.strip_suffix('}')?;
            Some((name, argument))
        });
        match argument {
            Some((name, argument)) => {
                let mut placed = plain(argument, Location::Query, schema);
                name.clone_into(&mut placed.name);
                parameters.push(placed);
            }
            None => fixed_query.push(pair),
        }
    }
    let has_body_by_default = !matches!(method.as_str(), "DELETE" | "GET" | "HEAD");
    let body = written.body.unwrap_or_else(|| {
        if has_body_by_default {
            whole_arguments()
        } else {
            BodyPlan::None
        }
    });
    if body.is_none() {
        for name in properties(schema) {
            if !parameters.iter().any(|known| known.argument == *name) {
                parameters.push(plain(name, Location::Query, schema));
            }
        }
    }
    let path = if fixed_query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", fixed_query.join("&"))
    };
    RequestPlan {
        method,
        path,
        parameters,
        body,
        fixed_headers: written.fixed_headers,
        credential: Credential::None,
    }
}

/// The first argument of the schema that neither a parameter nor the body takes.
pub(super) fn unplaced<'s>(request: &RequestPlan, schema: &'s Value) -> Option<&'s str> {
    let taken_by_body = match &request.body {
        BodyPlan::Binary(body) => Some(&body.argument),
        BodyPlan::Text(body) => Some(&body.argument),
        BodyPlan::Form(FormBody { source, .. })
        | BodyPlan::Json(JsonBody { source, .. })
        | BodyPlan::Multipart(MultipartBody { source, .. }) => match source {
            BodySource::Argument(argument) => Some(argument),
            BodySource::WholeArguments => return None,
        },
        BodyPlan::None => None,
    };
    properties(schema)
        .find(|name| {
            Some(*name) != taken_by_body
                && !request
                    .parameters
                    .iter()
                    .any(|known| known.argument == **name)
        })
        .map(String::as_str)
}

fn whole_arguments() -> BodyPlan {
    BodyPlan::Json(JsonBody {
        source: BodySource::WholeArguments,
        content_type: "application/json".to_owned(),
    })
}

fn parameter(written: &ParameterDocument) -> ParameterPlan {
    let style = written
        .style
        .unwrap_or_else(|| written.location.default_style());
    ParameterPlan {
        argument: written.argument.clone(),
        name: written
            .name
            .clone()
            .unwrap_or_else(|| written.argument.clone()),
        location: written.location,
        style,
        explode: written.explode.unwrap_or(style == Style::Form),
        allow_reserved: written.allow_reserved,
        required: written
            .required
            .unwrap_or(written.location == Location::Path),
        json_content: written.json_content,
    }
}

/// A parameter that nobody described: OpenAPI's defaults, but an object in the query keeps its name
/// (`filter[a]=1`), so that two of them cannot run into each other.
fn plain(name: &str, location: Location, schema: &Value) -> ParameterPlan {
    let property = schema
        .get("properties")
        .and_then(|properties| properties.get(name));
    let is_object =
        property.and_then(|property| property.get("type")) == Some(&Value::from("object"));
    let style = if is_object && location == Location::Query {
        Style::DeepObject
    } else {
        location.default_style()
    };
    let required = schema.get("required").and_then(Value::as_array);
    let is_required = required.is_some_and(|names| names.iter().any(|required| required == name));
    ParameterPlan {
        argument: name.to_owned(),
        name: name.to_owned(),
        location,
        style,
        explode: matches!(style, Style::Form | Style::DeepObject),
        allow_reserved: false,
        required: is_required || location == Location::Path,
        json_content: false,
    }
}

fn properties(schema: &Value) -> impl Iterator<Item = &String> {
    schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(Map::keys)
}

/// Names between braces, in order. A brace that is not closed is left to the compiler of the request,
/// which refuses it.
fn placeholders(path: &str) -> impl Iterator<Item = &str> {
    path.split('{')
        .skip(1)
        .filter_map(|part| part.split_once('}').map(|(name, _)| name))
}
