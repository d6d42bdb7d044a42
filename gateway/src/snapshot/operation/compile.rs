//! A request plan to a [`RestOperation`]: everything that can be wrong with a plan is found here,
//! when the catalog is read, so that a call cannot meet it.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    Body, Expansion, FormField, Guarded, Parameter, PartField, PathPart, RestOperation, Source,
    Style,
};
use crate::control::spec::{
    self, BodyPlan, BodySource, Credential, Location, ParameterPlan, RequestPlan, Secret,
};
use crate::snapshot::upstream::UpstreamId;

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

/// Headers that belong to the connection, to framing or to the gateway: neither an argument nor a
/// fixed header may set them.
const REFUSED_HEADERS: [&str; 15] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "trailers",
    "transfer-encoding",
    "upgrade",
    "via",
];
/// Headers that an operator may fix, but no caller may fill: the credential of the upstream, what the
/// body is, and what an answer may look like.
const REFUSED_HEADER_PARAMETERS: [&str; 5] = [
    "accept-encoding",
    "authorization",
    "content-encoding",
    "content-type",
    "cookie",
];

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
        let (template, query) = split_query(&request.path)?;
        let (prefix, path) = compile_path(method.name, template, &request.parameters)?;
        let mut fixed = Fixed::default();
        fixed.query.extend(utf8_percent_encode(query, &TEMPLATE));
        fixed.add_headers(request)?;
        fixed.add_credential(&request.credential)?;
        let body = compile_body(&request.body)?;
        if !method.may_have_body && !matches!(body, Body::None) {
            return Err(format!(
                "{} has no body; use query parameters or another method",
                method.name
            ));
        }
        let headers = compile_headers(&request.parameters)?;
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
            fixed_cookies: Guarded(cookie_credential(&request.credential)?.into()),
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

/// Path template and constant query.
fn split_query(path: &str) -> Result<(&str, &str), String> {
    if path.contains('#') {
        return Err(format!(
            "path {path:?} holds a fragment; no server ever sees one"
        ));
    }
    if path.chars().any(char::is_control) {
        return Err(format!("path {path:?} holds a control character"));
    }
    let (template, query) = path.split_once('?').unwrap_or((path, ""));
    if query.contains(['{', '}']) {
        return Err(format!(
            "placeholder in the query of {path:?}: make it a query parameter"
        ));
    }
    if template
        .split('/')
        .any(|segment| segment == "." || segment == "..")
    {
        return Err(format!(
            "path {path:?} holds a \".\" or \"..\" segment; write the path that is meant"
        ));
    }
    Ok((template, query))
}

fn compile_path(
    method: &str,
    template: &str,
    parameters: &[ParameterPlan],
) -> Result<(Box<str>, Box<[PathPart]>), String> {
    let (first, mut rest) = literal(template)?;
    let mut prefix = format!("{method} ");
    if !first.starts_with('/') {
        prefix.push('/');
    }
    prefix.extend(utf8_percent_encode(first, &TEMPLATE));
    let mut parts: Vec<PathPart> = Vec::new();
    while let Some(text) = rest {
        let Some((name, after)) = text.split_once('}') else {
            return Err(format!("path {template:?} has a {{ without a }}"));
        };
        let plan = parameters
            .iter()
            .find(|plan| plan.location == Location::Path && plan.name == name)
            .ok_or_else(|| {
                format!("path {template:?} names {name:?}, which is no path parameter")
            })?;
        if parts
            .iter()
            .any(|part| *part.parameter.argument == *plan.argument)
        {
            return Err(format!("path {template:?} names {name:?} twice"));
        }
        let mut parameter = compile_parameter(plan, encoded(name));
        parameter.required = true;
        let (after, next) = literal(after)?;
        let after: String = utf8_percent_encode(after, &TEMPLATE).collect();
        parts.push(PathPart {
            parameter,
            after: after.into(),
        });
        rest = next;
    }
    let unused = parameters
        .iter()
        .filter(|plan| plan.location == Location::Path);
    if let Some(unused) = unused.into_iter().find(|plan| {
        parts
            .iter()
            .all(|part| *part.parameter.argument != *plan.argument)
    }) {
        return Err(format!(
            "path {template:?} has no place for the path parameter {:?}",
            unused.name
        ));
    }
    Ok((prefix.into(), parts.into()))
}

/// The text up to the next `{`, and the text after it.
fn literal(text: &str) -> Result<(&str, Option<&str>), String> {
    let (literal, rest) = match text.split_once('{') {
        Some((literal, rest)) => (literal, Some(rest)),
        None => (text, None),
    };
    if literal.contains('}') {
        return Err(format!("a }} without a {{ in the path at {text:?}"));
    }
    Ok((literal, rest))
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
            if plan.name.is_empty() || is_cookie && !is_token(&plan.name) {
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

fn compile_headers(parameters: &[ParameterPlan]) -> Result<Box<[Parameter]>, String> {
    let wanted = parameters
        .iter()
        .filter(|plan| plan.location == Location::Header);
    wanted
        .map(|plan| {
            check_header_name(&plan.name)?;
            if REFUSED_HEADER_PARAMETERS.contains(&plan.name.to_ascii_lowercase().as_str()) {
                return Err(format!("no argument may set the header {:?}", plan.name));
            }
            Ok(compile_parameter(plan, plan.name.as_str().into()))
        })
        .collect()
}

fn check_header_name(name: &str) -> Result<(), String> {
    if !is_token(name) {
        return Err(format!("{name:?} is no header name"));
    }
    if REFUSED_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
        return Err(format!(
            "the header {name:?} belongs to the connection; only the gateway sets it"
        ));
    }
    Ok(())
}

/// RFC 9110 section 5.6.2.
fn is_token(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// What every call sends alike.
#[derive(Default)]
struct Fixed {
    query: String,
    /// Name as written, value.
    headers: Vec<(String, String)>,
}

impl Fixed {
    fn has(&self, name: &str) -> bool {
        self.headers
            .iter()
            .any(|(header, _)| header.eq_ignore_ascii_case(name))
    }

    fn add_headers(&mut self, request: &RequestPlan) -> Result<(), String> {
        for (name, value) in &request.fixed_headers {
            if name.eq_ignore_ascii_case("content-type") && !request.body.is_none() {
                return Err(
                    "the content type belongs to the body, not to the fixed headers".to_owned(),
                );
            }
            self.add(name, value)?;
        }
        Ok(())
    }

    /// The value is never part of an error: it may be a secret.
    fn add(&mut self, name: &str, value: &str) -> Result<(), String> {
        check_header_name(name)?;
        if !value.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return Err(format!(
                "the value of header {name:?} is not printable ASCII"
            ));
        }
        if self.has(name) {
            return Err(format!("the header {name:?} is set twice"));
        }
        self.headers
            .push((name.to_owned(), value.trim().to_owned()));
        Ok(())
    }

    fn add_credential(&mut self, credential: &Credential<Secret>) -> Result<(), String> {
        match credential {
            Credential::ApiKeyHeader { name, secret } => self.add(name, secret.expose()),
            Credential::ApiKeyQuery { name, secret } => {
                if !self.query.is_empty() {
                    self.query.push('&');
                }
                self.query.push_str(&encoded(name));
                self.query.push('=');
                self.query.push_str(&encoded(secret.expose()));
                Ok(())
            }
            Credential::Basic { username, secret } => {
                let pair = match username {
                    Some(username) => format!("{username}:{}", secret.expose()),
                    None => secret.expose().to_owned(),
                };
                self.add("authorization", &format!("Basic {}", STANDARD.encode(pair)))
            }
            Credential::Bearer(secret) => {
                self.add("authorization", &format!("Bearer {}", secret.expose()))
            }
            Credential::ApiKeyCookie { .. } | Credential::None => Ok(()),
        }
    }

    fn check_overlap(&self, headers: &[Parameter]) -> Result<(), String> {
        match headers.iter().find(|header| self.has(&header.name)) {
            Some(header) => Err(format!(
                "the header {:?} is both fixed and an argument",
                header.name
            )),
            None => Ok(()),
        }
    }

    /// Header lines. Codings are not asked for: answers are read here, and nothing inflates them.
    fn into_head(mut self) -> Vec<u8> {
        let defaults = [
            ("accept", "application/json, */*;q=0.8"),
            ("accept-encoding", "identity"),
            (
                "user-agent",
                concat!("stoa-gateway/", env!("CARGO_PKG_VERSION")),
            ),
        ];
        for (name, value) in defaults {
            if !self.has(name) {
                self.headers.insert(0, (name.to_owned(), value.to_owned()));
            }
        }
        let mut head = Vec::new();
        for (name, value) in self.headers {
            for piece in [name.as_str(), ": ", &value, "\r\n"] {
                head.extend_from_slice(piece.as_bytes());
            }
        }
        head
    }
}

fn cookie_credential(credential: &Credential<Secret>) -> Result<Vec<u8>, String> {
    let Credential::ApiKeyCookie { name, secret } = credential else {
        return Ok(Vec::new());
    };
    let octet =
        |byte: u8| matches!(byte, b'!' | b'#'..=b'+' | b'-'..=b':' | b'<'..=b'[' | b']'..=b'~');
    if !is_token(name) || !secret.expose().bytes().all(octet) {
        return Err(format!(
            "the cookie {name:?} has a name or secret that RFC 6265 does not allow"
        ));
    }
    Ok(format!("{name}={}", secret.expose()).into_bytes())
}

fn compile_body(plan: &BodyPlan) -> Result<Body, String> {
    Ok(match plan {
        BodyPlan::None => Body::None,
        BodyPlan::Binary(body) => Body::Binary {
            argument: body.argument.as_str().into(),
            content_type: content_type(&body.content_type)?,
        },
        BodyPlan::Text(body) => Body::Text {
            argument: body.argument.as_str().into(),
            content_type: content_type(&body.content_type)?,
        },
        BodyPlan::Json(body) => {
            let content_type = content_type(&body.content_type)?;
            match &body.source {
                BodySource::WholeArguments => Body::JsonRest { content_type },
                BodySource::Argument(argument) => Body::JsonArgument {
                    argument: argument.as_str().into(),
                    content_type,
                },
            }
        }
        BodyPlan::Form(body) => Body::Form {
            source: source(&body.source),
            fields: body.encodings.iter().map(form_field).collect(),
        },
        BodyPlan::Multipart(body) => Body::Multipart {
            source: source(&body.source),
            parts: body
                .encodings
                .iter()
                .map(part_field)
                .collect::<Result<_, _>>()?,
        },
    })
}

fn source(source: &BodySource) -> Source {
    match source {
        BodySource::Argument(argument) => Source::Argument(argument.as_str().into()),
        BodySource::WholeArguments => Source::Rest,
    }
}

fn form_field(encoding: &spec::PropertyEncoding) -> FormField {
    let is_json = encoding.content_type.as_deref().is_some_and(is_json);
    FormField {
        name: encoding.property.as_str().into(),
        expansion: Expansion {
            style: if is_json {
                Style::Json
            } else {
                style(encoding.style)
            },
            explode: encoding.explode,
            allow_reserved: encoding.allow_reserved,
        },
    }
}

fn part_field(encoding: &spec::PropertyEncoding) -> Result<PartField, String> {
    Ok(PartField {
        name: encoding.property.as_str().into(),
        content_type: encoding
            .content_type
            .as_deref()
            .map(content_type)
            .transpose()?,
        binary: encoding.file,
    })
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    essence == "application/json" || essence.ends_with("+json")
}

fn content_type(text: &str) -> Result<Box<str>, String> {
    // OpenAPI allows a list of types for a part; the first is the one we send.
    let text = text.split(',').next().unwrap_or_default().trim();
    if !text.contains('/') || !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err(format!("{text:?} is no content type"));
    }
    Ok(if text.contains('*') {
        "application/octet-stream".into()
    } else {
        text.into()
    })
}
