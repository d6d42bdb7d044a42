//! A request plan to a [`RestOperation`]: everything that can be wrong with a plan is found here,
//! when the catalog is read, so that a call cannot meet it.

use std::collections::HashSet;

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Body, Expansion, Guarded, Parameter, RestOperation, Style};
use crate::control::spec::{self, BodyPlan, BodySource, Location, ParameterPlan, RequestPlan};
use crate::snapshot::upstream::UpstreamId;

mod body;
mod head;
mod path;

pub(crate) use head::may_be_header_parameter;

/// What RFC 3986 does not allow in a path or query and a template may hold; `%` stays, because
/// templates are written encoded.
const TEMPLATE: AsciiSet = CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');
/// Everything but RFC 3986's unreserved characters: parameter names and the credential in a query.
const UNRESERVED: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

impl RestOperation {
    /// Compiles a plan. [`RequestPlan::path`] must hold the endpoint's own path already.
    ///
    /// # Errors
    /// A sentence for the person who wrote the plan: a placeholder without a path parameter or twice,
    /// a path parameter without a placeholder, an argument used twice, a name or method that HTTP does
    /// not allow, a header that only the gateway may set, a body where the method has none.
    pub fn compile(request: &RequestPlan, upstream: UpstreamId) -> Result<Self, String> {
        let method = Method::of(&request.method)?;
        check_arguments(request)?;
        let (template, query) = path::split_query(&request.path)?;
        let (prefix, path) = path::compile(method.name, template, &request.parameters)?;
        let mut fixed = head::Fixed::default();
        fixed.query.extend(utf8_percent_encode(query, &TEMPLATE));
        fixed.add_headers(request)?;
        fixed.add_credential(&request.credential)?;
        let body = body::compile(&request.body)?;
        if !method.may_have_body && !matches!(body, Body::None) {
            return Err(format!(
                "{} has no body; use query parameters or another method",
                method.name
            ));
        }
        let headers = head::compile_parameters(&request.parameters)?;
        fixed.check_overlap(&headers)?;
        let own = |name: &str| {
            headers
                .iter()
                .any(|header| header.name.eq_ignore_ascii_case(name))
                || fixed.has(name)
        };
        Ok(Self {
            upstream,
            idempotent: method.idempotent,
            head_only: method.name == "HEAD",
            prefix,
            path,
            sends_request_id: !own("x-request-id"),
            sends_traceparent: !own("traceparent"),
            fixed_query: Guarded(std::mem::take(&mut fixed.query).into_bytes().into()),
            query: encoded_names(&request.parameters, Location::Query)?,
            fixed_head: Guarded(fixed.into_head().into()),
            headers,
            fixed_cookies: Guarded(head::cookie_credential(&request.credential)?.into()),
            cookies: encoded_names(&request.parameters, Location::Cookie)?,
            body,
            announces_empty_body: method.announces_empty_body,
        })
    }
}

/// RFC 9110 section 9 and RFC 5789.
struct Method {
    name: &'static str,
    idempotent: bool,
    /// GET, HEAD and TRACE: a body has no meaning and is refused by many servers. DELETE and OPTIONS
    /// may carry one where their documents say so.
    may_have_body: bool,
    announces_empty_body: bool,
}

impl Method {
    const ALL: [Self; 7] = [
        Self {
            name: "DELETE",
            idempotent: true,
            may_have_body: true,
            announces_empty_body: false,
        },
        Self {
            name: "GET",
            idempotent: true,
            may_have_body: false,
            announces_empty_body: false,
        },
        Self {
            name: "HEAD",
            idempotent: true,
            may_have_body: false,
            announces_empty_body: false,
        },
        Self {
            name: "OPTIONS",
            idempotent: true,
            may_have_body: true,
            announces_empty_body: false,
        },
        Self {
            name: "PATCH",
            idempotent: false,
            may_have_body: true,
            announces_empty_body: true,
        },
        Self {
            name: "POST",
            idempotent: false,
            may_have_body: true,
            announces_empty_body: true,
        },
        Self {
            name: "PUT",
            idempotent: true,
            may_have_body: true,
            announces_empty_body: true,
        },
    ];

    fn of(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|method| method.name == name)
            .ok_or_else(|| {
                format!("method {name:?} is none of DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT")
            })
    }
}

/// Every argument has one place.
fn check_arguments(request: &RequestPlan) -> Result<(), String> {
    let mut arguments = HashSet::new();
    let mut places = HashSet::new();
    for parameter in &request.parameters {
        if !arguments.insert(parameter.argument.as_str()) {
            return Err(format!(
                "argument {:?} is used by two parameters",
                parameter.argument
            ));
        }
        let name = match parameter.location {
            Location::Header => parameter.name.to_ascii_lowercase(),
            _ => parameter.name.clone(),
        };
        if !places.insert((parameter.location, name)) {
            return Err(format!(
                "two parameters are called {:?} in the same place",
                parameter.name
            ));
        }
    }
    let body = match &request.body {
        BodyPlan::Binary(body) => Some(&body.argument),
        BodyPlan::Text(body) => Some(&body.argument),
        BodyPlan::Json(spec::JsonBody {
            source: BodySource::Argument(argument),
            ..
        })
        | BodyPlan::Form(spec::FormBody {
            source: BodySource::Argument(argument),
            ..
        })
        | BodyPlan::Multipart(spec::MultipartBody {
            source: BodySource::Argument(argument),
            ..
        }) => Some(argument),
        _ => None,
    };
    match body {
        Some(argument) if arguments.contains(argument.as_str()) => Err(format!(
            "argument {argument:?} is used by a parameter and by the body"
        )),
        _ => Ok(()),
    }
}

fn compile_parameter(plan: &ParameterPlan, name: Box<str>) -> Parameter {
    Parameter {
        argument: plan.argument.as_str().into(),
        name,
        expansion: Expansion {
            style: if plan.json_content {
                Style::Json
            } else {
                style(plan.style)
            },
            explode: plan.explode,
            allow_reserved: plan.allow_reserved,
        },
        required: plan.required,
    }
}

fn style(style: spec::Style) -> Style {
    match style {
        spec::Style::DeepObject => Style::DeepObject,
        spec::Style::Form => Style::Form,
        spec::Style::Label => Style::Label,
        spec::Style::Matrix => Style::Matrix,
        spec::Style::PipeDelimited => Style::PipeDelimited,
        spec::Style::Simple => Style::Simple,
        spec::Style::SpaceDelimited => Style::SpaceDelimited,
    }
}

fn encoded(name: &str) -> Box<str> {
    utf8_percent_encode(name, &UNRESERVED)
        .collect::<String>()
        .into()
}

/// Parameters of the query or of cookies, their names encoded.
fn encoded_names(
    parameters: &[ParameterPlan],
    location: Location,
) -> Result<Box<[Parameter]>, String> {
    let wanted = parameters.iter().filter(|plan| plan.location == location);
    wanted
        .map(|plan| {
            let is_cookie = location == Location::Cookie;
            if plan.name.is_empty() || is_cookie && !head::is_token(&plan.name) {
                return Err(format!(
                    "parameter name {:?} is not allowed there",
                    plan.name
                ));
            }
            let name = if is_cookie {
                plan.name.as_str().into()
            } else {
                encoded(&plan.name)
            };
            Ok(compile_parameter(plan, name))
        })
        .collect()
}
