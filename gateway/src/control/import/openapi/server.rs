//! Where an operation lives: `servers` of 3.x, `schemes`, `host` and `basePath` of Swagger, or what
//! the operator says.
//!
//! Only a place is chosen; whether the gateway may connect to it is decided when it connects.

use serde_json::{Map, Value};

use super::document::{Document, Version};
use super::{ImportError, Reason, text};

/// Characters of a URL in a reason.
const SHOWN_CHARS_MAX: usize = 160;
const NO_SERVER: &str =
    "the document names no absolute server URL; set `baseURL` to the API's address";

/// Chooses the base URL of operations.
#[derive(Debug)]
pub(super) struct Servers<'d> {
    document: &'d Document,
    base_url: Option<String>,
    document_url: Option<&'d str>,
}

impl<'d> Servers<'d> {
    /// `base_url` replaces whatever the document says; `document_url` is what relative URLs of the
    /// document are relative to.
    pub(super) fn new(
        document: &'d Document,
        base_url: Option<&str>,
        document_url: Option<&'d str>,
    ) -> Result<Self, ImportError> {
        let base_url = base_url
            .map(|url| {
                absolute(url).map_err(|why| ImportError::BaseUrl(format!("`baseURL`: {why}")))
            })
            .transpose()?;
        Ok(Self {
            document,
            base_url,
            document_url,
        })
    }

    /// The base URL of one operation, without a slash at its end.
    pub(super) fn endpoint(
        &self,
        item: &Map<String, Value>,
        operation: &Map<String, Value>,
    ) -> Result<String, Reason> {
        if let Some(url) = &self.base_url {
            return Ok(url.clone());
        }
        if self.document.version() == Version::Swagger20 {
            return self.swagger(operation);
        }
        let lists = [
            operation.get("servers"),
            item.get("servers"),
            self.document.get("servers"),
        ];
        let list = lists
            .into_iter()
            .flatten()
            .filter_map(Value::as_array)
            .find(|list| !list.is_empty());
        let Some(list) = list else {
            // Absent servers mean one server with the URL `/`.
            return self.resolve("/");
        };
        let mut first_fault = None;
        for server in list {
            match expand(server).and_then(|url| self.resolve(&url)) {
                Ok(url) => return Ok(url),
                Err(fault) => {
                    first_fault.get_or_insert(fault);
                }
            }
        }
        Err(first_fault.unwrap_or_else(|| Reason::new(NO_SERVER)))
    }

    fn swagger(&self, operation: &Map<String, Value>) -> Result<String, Reason> {
        let schemes: Vec<&str> = [operation.get("schemes"), self.document.get("schemes")]
            .into_iter()
            .flatten()
            .find_map(Value::as_array)
            .map(|list| list.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        let text = |name: &str| self.document.get(name).and_then(Value::as_str);
        let path = text("basePath").unwrap_or("/");
        let path = if path.starts_with('/') {
            path.to_owned()
        } else {
            format!("/{path}")
        };
        let Some(host) = text("host").filter(|host| !host.is_empty()) else {
            return self.resolve(&path);
        };
        let own = self.document_url.and_then(|url| url.split_once("://"));
        let scheme = match (schemes.as_slice(), own) {
            (schemes, _) if schemes.contains(&"https") => "https",
            (schemes, _) if schemes.contains(&"http") => "http",
            ([], Some((scheme, _))) => scheme,
            ([], None) => "https",
            (schemes, _) => {
                return Err(Reason::new(format!(
                    "its schemes are {}, of which none is http or https",
                    schemes.join(", ")
                )));
            }
        };
        self.resolve(&format!("{scheme}://{host}{path}"))
    }

    fn resolve(&self, url: &str) -> Result<String, Reason> {
        let url = url.trim();
        if has_scheme(url) {
            return absolute(url).map_err(Reason::new);
        }
        let base = self
            .document_url
            .filter(|base| absolute(base.split(['?', '#']).next().unwrap_or_default()).is_ok())
            .ok_or_else(|| Reason::new(NO_SERVER))?;
        absolute(&join(base, url)).map_err(Reason::new)
    }
}

/// Fills a server's variables with their defaults.
fn expand(server: &Value) -> Result<String, Reason> {
    let template = server
        .get("url")
        .and_then(Value::as_str)
        .ok_or_else(|| Reason::new("a server has no `url`"))?;
    let mut url = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else {
            break;
        };
        let variable = server.get("variables").and_then(|all| all.get(name));
        let value = variable
            .and_then(|one| one.get("default").or_else(|| one.get("enum")?.get(0)))
            .map(super::document::scalar_text)
            .ok_or_else(|| {
                Reason::new(format!(
                    "the server URL `{}` has a variable `{}` without a default; set `baseURL`",
                    text::cut(template, SHOWN_CHARS_MAX),
                    text::cut(name, 40)
                ))
            })?;
        url.push_str(before);
        url.push_str(&value);
        rest = after;
    }
    url.push_str(rest);
    Ok(url)
}

/// An absolute http or https URL without query, fragment, credentials or a slash at its end.
fn absolute(url: &str) -> Result<String, String> {
    let shown = || text::cut(url, SHOWN_CHARS_MAX);
    let Some((scheme, rest)) = url.split_once("://") else {
        return Err(format!(
            "`{}` is no absolute URL; set `baseURL` to one that begins with https:// or http://",
            shown()
        ));
    };
    let scheme = scheme.to_ascii_lowercase();
    if scheme != "http" && scheme != "https" {
        return Err(format!(
            "`{}` is neither http nor https; set `baseURL`",
            shown()
        ));
    }
    let authority = rest.split('/').next().unwrap_or_default();
    let host = authority
        .rsplit_once(':')
        .map_or(authority, |(host, _)| host);
    if host.is_empty() {
        return Err(format!("`{}` names no host; set `baseURL`", shown()));
    }
    if authority.contains('@') {
        // Not shown: it holds a password.
        return Err("a server URL contains credentials; name them as `authentication`".into());
    }
    let unfit =
        |character: char| !character.is_ascii_graphic() || "{}<>\"\\^`|?#".contains(character);
    if rest.contains(unfit) {
        return Err(format!(
            "`{}` contains a character that a base URL cannot have; set `baseURL`",
            shown()
        ));
    }
    Ok(format!("{scheme}://{}", rest.trim_end_matches('/')))
}

fn has_scheme(url: &str) -> bool {
    url.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme
                .chars()
                .all(|one| one.is_ascii_alphanumeric() || "+-.".contains(one))
    })
}

/// RFC 3986 section 5.2 for what a server URL can be: `//host/path`, `/path`, `path`.
fn join(base: &str, reference: &str) -> String {
    let base = base.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = base.split_once("://") else {
        return reference.to_owned();
    };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if let Some(other) = reference.strip_prefix("//") {
        return format!("{scheme}://{other}");
    }
    let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
    let whole = match reference.strip_prefix('/') {
        Some(absolute) => absolute.to_owned(),
        None => format!("{directory}/{reference}"),
    };
    let mut segments: Vec<&str> = Vec::new();
    for segment in whole.split('/') {
        match segment {
            "." | "" => {}
            ".." => {
                segments.pop();
            }
            segment => segments.push(segment),
        }
    }
    format!("{scheme}://{authority}/{}", segments.join("/"))
}

#[cfg(test)]
mod tests;
