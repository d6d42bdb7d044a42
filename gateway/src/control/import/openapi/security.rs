//! What a document says about authentication, and the secret that the operator names.
//!
//! A document knows the kind and the place of a credential, never the secret. The operator's word
//! wins; the document fills in the header, query parameter or cookie of an API key, and operations
//! that it declares public get none.

use serde_json::{Map, Value};

use super::document::Document;
use super::reference::Resolver;
use super::{ImportError, text};
use crate::control::spec::Credential;
use crate::control::spec::credential::{Authentication, AuthenticationKind};

/// Credentials for the operations of one document.
#[derive(Debug)]
pub(super) struct Security<'d> {
    document: &'d Document,
    resolver: &'d Resolver<'d>,
    configured: &'d Authentication,
}

/// What a scheme asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Scheme<'d> {
    ApiKey {
        place: &'d str,
        name: &'d str,
    },
    Basic,
    Bearer,
    /// Nothing that we can give: digest, mutual TLS, or an unknown word.
    Other(&'d str),
}

impl Scheme<'_> {
    fn describe(&self) -> String {
        match self {
            Self::ApiKey { place, name } => format!("an API key in the {place} `{name}`"),
            Self::Basic => "basic authentication".into(),
            Self::Bearer => "a bearer token".into(),
            Self::Other(name) => format!("`{}`", text::cut(name, 60)),
        }
    }

    fn is_met_by(&self, kind: AuthenticationKind) -> bool {
        match self {
            // Swagger 2.0 has no word for bearer tokens: documents declare them as an API key in
            // `Authorization`.
            Self::ApiKey { name, .. } => {
                kind == AuthenticationKind::ApiKey
                    || (name.eq_ignore_ascii_case("authorization")
                        && kind != AuthenticationKind::None)
            }
            Self::Basic => kind == AuthenticationKind::Basic,
            Self::Bearer => matches!(
                kind,
                AuthenticationKind::Bearer | AuthenticationKind::Oauth2
            ),
            Self::Other(_) => false,
        }
    }
}

impl<'d> Security<'d> {
    /// Checks the operator's words once.
    pub(super) fn new(
        document: &'d Document,
        resolver: &'d Resolver<'d>,
        configured: &'d Authentication,
    ) -> Result<Self, ImportError> {
        configured.credential().map_err(ImportError::Credential)?;
        Ok(Self {
            document,
            resolver,
            configured,
        })
    }

    /// The credential of an operation, and a note where the document asks for another one.
    pub(super) fn credential(
        &self,
        operation: &'d Map<String, Value>,
    ) -> (Credential, Option<String>) {
        let own = operation.get("security").and_then(Value::as_array);
        let alternatives = own.or_else(|| self.document.get("security")?.as_array());
        let alternatives: Vec<Vec<Scheme<'d>>> = alternatives
            .into_iter()
            .flatten()
            .filter_map(Value::as_object)
            .map(|all| all.keys().map(|name| self.scheme(name)).collect())
            .collect();
        let optional = alternatives.is_empty() || alternatives.iter().any(Vec::is_empty);
        let asked = || asked(&alternatives);
        let kind = self.configured.kind;
        if kind == AuthenticationKind::None {
            let note =
                (!optional).then(|| format!("needs {}, and no credential is configured", asked()));
            return (Credential::None, note);
        }
        if own.is_some_and(Vec::is_empty) {
            // Declared public: a secret goes to nobody who does not ask for it.
            return (Credential::None, None);
        }
        let matching = alternatives
            .iter()
            .find(|all| all.iter().any(|scheme| scheme.is_met_by(kind)))
            .map(Vec::as_slice);
        let note = match matching {
            Some([first, rest @ ..]) if rest.iter().any(|one| one != first) => Some(format!(
                "needs {}, and one credential is configured",
                asked()
            )),
            None if !optional => Some(format!(
                "needs {}, and the configured credential is of another kind",
                asked()
            )),
            _ => None,
        };
        let placed = self.placed(matching);
        (placed.credential().unwrap_or_default(), note)
    }

    /// The operator's words with the document's place for an API key that has none.
    fn placed(&self, matching: Option<&[Scheme<'d>]>) -> Authentication {
        let mut written = self.configured.clone();
        let named = [
            &written.header_name,
            &written.query_name,
            &written.cookie_name,
        ];
        if written.kind != AuthenticationKind::ApiKey || named.iter().any(|name| name.is_some()) {
            return written;
        }
        let declared: Vec<Scheme<'d>> = self
            .schemes()
            .map(|all| all.keys().map(|name| self.scheme(name)).collect())
            .unwrap_or_default();
        let of_operation = matching.into_iter().flatten();
        let key = of_operation
            .chain(&declared)
            .find_map(|scheme| match scheme {
                Scheme::ApiKey { place, name } => Some((*place, (*name).to_owned())),
                _ => None,
            });
        match key {
            Some(("query", name)) => written.query_name = Some(name),
            Some(("cookie", name)) => written.cookie_name = Some(name),
            Some((_, name)) => written.header_name = Some(name),
            None => {}
        }
        written
    }

    fn schemes(&self) -> Option<&'d Map<String, Value>> {
        let components = self.document.get("components");
        components
            .and_then(|all| all.get("securitySchemes"))
            .or_else(|| self.document.get("securityDefinitions"))?
            .as_object()
    }

    fn scheme(&self, name: &'d str) -> Scheme<'d> {
        let Some(Ok(scheme)) = self
            .schemes()
            .and_then(|all| all.get(name))
            .map(|scheme| self.resolver.follow(scheme))
        else {
            return Scheme::Other(name);
        };
        let word = |field: &str| scheme.get(field).and_then(Value::as_str);
        let http = word("scheme").unwrap_or_default();
        match word("type").unwrap_or_default() {
            "apiKey" => match (word("in"), word("name")) {
                (Some(place @ ("header" | "query" | "cookie")), Some(name)) => {
                    Scheme::ApiKey { place, name }
                }
                _ => Scheme::Other(name),
            },
            "basic" => Scheme::Basic,
            "http" if http.eq_ignore_ascii_case("basic") => Scheme::Basic,
            "http" if http.eq_ignore_ascii_case("bearer") => Scheme::Bearer,
            "oauth2" | "openIdConnect" => Scheme::Bearer,
            _ => Scheme::Other(name),
        }
    }
}

/// What the alternatives of an operation ask for, each thing once.
fn asked(alternatives: &[Vec<Scheme<'_>>]) -> String {
    let mut texts: Vec<String> = Vec::new();
    for all in alternatives.iter().filter(|all| !all.is_empty()) {
        let mut parts: Vec<String> = all.iter().map(Scheme::describe).collect();
        parts.dedup();
        let text = parts.join(" and ");
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    texts.join(", or ")
}

#[cfg(test)]
mod tests;
