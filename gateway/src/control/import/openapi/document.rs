//! A document's text becomes a tree: JSON or YAML, which version, within which bounds.
//!
//! Nothing is validated here beyond what the other files rely on: that the root is an object of a
//! known version, that it is no larger and no deeper than the bounds, and that a YAML bomb is
//! refused before it is expanded.

use serde_json::{Map, Value};

use super::{ImportError, text};
use crate::limits;

/// Characters of a parser's message that are shown.
const MESSAGE_CHARS_MAX: usize = 400;

/// The dialects that differ in meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// Swagger 2.0.
    Swagger20,
    /// OpenAPI 3.0: schemas are a dialect of their own.
    OpenApi30,
    /// OpenAPI 3.1 and 3.2: schemas are JSON Schema 2020-12.
    OpenApi31,
}

/// A parsed document.
#[derive(Debug)]
pub(super) struct Document {
    root: Value,
    version: Version,
}

impl Document {
    /// Reads JSON or YAML.
    pub(super) fn parse(document: &str) -> Result<Self, ImportError> {
        if document.len() > limits::DOCUMENT_BYTES_MAX {
            return Err(ImportError::TooLarge {
                bytes: document.len(),
                bytes_max: limits::DOCUMENT_BYTES_MAX,
            });
        }
        let document = document.trim_start_matches('\u{feff}').trim_start();
        // JSON is YAML, too, but its own parser is many times faster and its messages fit.
        let root = if document.starts_with('{') {
            from_json(document)?
        } else {
            from_yaml(document, YamlBounds::default())?
        };
        let Some(object) = root.as_object() else {
            return Err(ImportError::Syntax("the document is no object".into()));
        };
        let version = version_of(object)?;
        Ok(Self { root, version })
    }

    /// The whole tree, to resolve pointers in.
    pub(super) fn root(&self) -> &Value {
        &self.root
    }

    /// What its words mean.
    pub(super) fn version(&self) -> Version {
        self.version
    }

    /// A member of the root.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.root.get(name)
    }

    /// `info.title`, empty where missing.
    pub(super) fn title(&self) -> String {
        self.info("title")
    }

    /// `info.version`, empty where missing.
    pub(super) fn api_version(&self) -> String {
        self.info("version")
    }

    fn info(&self, name: &str) -> String {
        self.get("info")
            .and_then(|info| info.get(name))
            .map(scalar_text)
            .unwrap_or_default()
    }
}

/// The text of a scalar. YAML turns an unquoted `version: 1.0` into a number, which people do not
/// mean.
pub(super) fn scalar_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        _ => String::new(),
    }
}

fn from_json(document: &str) -> Result<Value, ImportError> {
    // The tree is built by recursion, so depth is bounded before it starts.
    if json_depth(document.as_bytes()) > limits::JSON_DEPTH_MAX {
        return Err(ImportError::TooDeep {
            depth_max: limits::JSON_DEPTH_MAX,
        });
    }
    let mut bytes = document.as_bytes().to_vec();
    if let Ok(root) = simd_json::serde::from_slice::<Value>(&mut bytes) {
        return Ok(root);
    }
    // simd-json refuses integers beyond 64 bits, which documents have as bounds (`maximum: 2^64`),
    // and it names no line. serde_json takes the former and names the latter.
    serde_json::from_str::<Value>(document).map_err(|error| {
        let message = error.to_string();
        ImportError::Syntax(format!(
            "no JSON: {}",
            text::cut(&message, MESSAGE_CHARS_MAX)
        ))
    })
}

/// The deepest nesting of brackets outside strings. Exact for JSON; on other input it is only some
/// number, and the parser refuses that input anyway.
fn json_depth(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0_usize);
    let mut rest = bytes.iter();
    while let Some(byte) = rest.next() {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => loop {
                match rest.next() {
                    Some(b'\\') => {
                        rest.next();
                    }
                    Some(b'"') | None => break,
                    Some(_) => {}
                }
            },
            _ => {}
        }
    }
    deepest
}

/// What a YAML document may cost to read.
#[derive(Clone, Copy, Debug)]
struct YamlBounds {
    nodes_max: usize,
    aliases_max: usize,
    replayed_events_max: usize,
}

impl Default for YamlBounds {
    fn default() -> Self {
        Self {
            nodes_max: limits::DOCUMENT_YAML_NODES_MAX,
            aliases_max: limits::DOCUMENT_YAML_ALIASES_MAX,
            replayed_events_max: limits::DOCUMENT_YAML_REPLAYED_EVENTS_MAX,
        }
    }
}

fn from_yaml(document: &str, bounds: YamlBounds) -> Result<Value, ImportError> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: limits::JSON_DEPTH_MAX,
            max_nodes: bounds.nodes_max,
            max_events: bounds.nodes_max * 2,
            max_aliases: bounds.aliases_max,
            max_anchors: bounds.aliases_max,
            max_documents: 1,
            max_total_scalar_bytes: limits::DOCUMENT_BYTES_MAX,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: bounds.replayed_events_max,
        },
        // YAML 1.2, which OpenAPI asks for: `on`, `no` and `y` are words and not booleans.
        strict_booleans: true,
        emit_comments: false,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options::<Value>(document, options).map_err(|error| {
        let message = error.to_string();
        let message = message.strip_prefix("error: ").unwrap_or(&message);
        ImportError::Syntax(format!(
            "no YAML: {}",
            text::cut(message, MESSAGE_CHARS_MAX)
        ))
    })
}

fn version_of(root: &Map<String, Value>) -> Result<Version, ImportError> {
    let (field, value) = match (root.get("openapi"), root.get("swagger")) {
        (Some(value), _) => ("openapi", scalar_text(value)),
        (None, Some(value)) => ("swagger", scalar_text(value)),
        (None, None) => {
            return Err(ImportError::Version(
                "neither `openapi` nor `swagger` is there: this is no OpenAPI document".into(),
            ));
        }
    };
    let minor = value
        .trim()
        .split('.')
        .take(2)
        .collect::<Vec<_>>()
        .join(".");
    match (field, minor.as_str()) {
        // YAML reads `2.0` as a number, whose shortest text may be `2`.
        ("swagger", "2" | "2.0") => Ok(Version::Swagger20),
        ("openapi", "3" | "3.0") => Ok(Version::OpenApi30),
        ("openapi", "3.1" | "3.2") => Ok(Version::OpenApi31),
        _ => Err(ImportError::Version(format!(
            "`{field}: {}` is not supported; Swagger 2.0 and OpenAPI 3.0 and 3.1 are",
            text::cut(&value, 40)
        ))),
    }
}

#[cfg(test)]
mod tests;
