//! Everything of a request's head that no call changes: fixed headers, defaults and the credential.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{compile_parameter, encoded};
use crate::control::spec::{Credential, Location, ParameterPlan, RequestPlan, Secret};
use crate::snapshot::operation::Parameter;

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

/// Whether a header of this name may be filled by a caller's argument.
pub(crate) fn may_be_header_parameter(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    !REFUSED_HEADERS.contains(&name.as_str()) && !REFUSED_HEADER_PARAMETERS.contains(&name.as_str())
}

/// Parameters that are headers.
pub(super) fn compile_parameters(parameters: &[ParameterPlan]) -> Result<Box<[Parameter]>, String> {
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
pub(super) fn is_token(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// What every call sends alike.
#[derive(Default)]
pub(super) struct Fixed {
    /// Constant part of the query, encoded.
    pub(super) query: String,
    /// Name as written, value.
    headers: Vec<(String, String)>,
}

impl Fixed {
    pub(super) fn has(&self, name: &str) -> bool {
        self.headers
            .iter()
            .any(|(header, _)| header.eq_ignore_ascii_case(name))
    }

    pub(super) fn add_headers(&mut self, request: &RequestPlan) -> Result<(), String> {
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

    pub(super) fn add_credential(&mut self, credential: &Credential<Secret>) -> Result<(), String> {
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

    pub(super) fn check_overlap(&self, headers: &[Parameter]) -> Result<(), String> {
        match headers.iter().find(|header| self.has(&header.name)) {
            Some(header) => Err(format!(
                "the header {:?} is both fixed and an argument",
                header.name
            )),
            None => Ok(()),
        }
    }

    /// Header lines. Codings are not asked for: answers are read here, and nothing inflates them.
    pub(super) fn into_head(mut self) -> Vec<u8> {
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

pub(super) fn cookie_credential(credential: &Credential<Secret>) -> Result<Vec<u8>, String> {
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
