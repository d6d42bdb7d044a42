//! OpenAPI documents become tools: Swagger 2.0, OpenAPI 3.0 and 3.1, in JSON or YAML.
//!
//! [`import`] is a plain function of the text: it reads no file, fetches nothing, and a document
//! that cannot be mapped in part costs that part only. The way of an operation through the files:
//! `document` parses, `selector` chooses, `operation` walks; `parameter`, `body`, `schema` and
//! `argument` make the input schema and the plan of the request, `response` the output schema,
//! `server` the base URL, `security` the credential, `name` the name; `emit` prints the result.

use std::fmt;

use thiserror::Error;

use crate::control::spec::credential::Authentication;
use crate::control::spec::{RateSpec, ToolSpec};

mod argument;
mod body;
mod document;
pub mod emit;
mod name;
mod operation;
mod parameter;
mod reference;
mod response;
mod schema;
mod security;
mod selector;
mod server;
mod text;

pub use name::Naming;
pub use selector::Selector;

/// Bytes of stack for an import. YAML as deep as allowed overflows the 2 MiB that threads have by
/// default (in a debug build), so that an import brings a stack of its own.
const STACK_BYTES: usize = 16 * 1024 * 1024;

/// What an operator adds to a document.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// Replaces the document's servers.
    pub base_url: Option<String>,
    /// Where the document came from: relative server URLs are relative to it.
    pub document_url: Option<String>,
    /// Which operations are wanted.
    pub selector: Selector,
    /// How tools are named.
    pub naming: Naming,
    /// What every tool gets.
    pub defaults: Defaults,
    /// Namespace of the tools where they are printed; the import itself does not depend on it.
    pub namespace: Option<String>,
}

/// What every tool of an import gets.
#[derive(Clone, Debug, Default)]
pub struct Defaults {
    /// Added to the tags of each operation.
    pub tags: Vec<String>,
    /// Milliseconds for a call.
    pub timeout_ms: Option<u64>,
    /// Calls of each tool by everyone together.
    pub rate_limit: Option<RateSpec>,
    /// How calls prove themselves. Where an API key has no place of its own, the document's scheme
    /// names it.
    pub credential: Authentication,
}

/// What became of a document.
#[derive(Clone, Debug, Default)]
pub struct Import {
    /// In the document's order.
    pub tools: Vec<ToolSpec>,
    /// Operations that are no tools, and why.
    pub left_out: Vec<LeftOut>,
    /// What an operator should know of operations that are tools.
    pub notes: Vec<Note>,
    /// The document's own title, may be empty.
    pub title: String,
    /// The API's version, may be empty.
    pub version: String,
    /// `sha256:` and the digest of the text, in hexadecimal.
    pub spec_hash: String,
}

/// An operation that is no tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// `GET /pets/{id}`.
    pub operation: String,
    /// A sentence for the operator.
    pub reason: String,
}

/// Something worth knowing about one tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// `GET /pets/{id}`.
    pub operation: String,
    /// A sentence for the operator.
    pub text: String,
}

/// Why a document gives no tools at all.
#[derive(Debug, Error)]
pub enum ImportError {
    /// The operator's base URL is none.
    #[error("{0}")]
    BaseUrl(String),
    /// The operator's credential makes no sense.
    #[error("authentication: {0}")]
    Credential(String),
    /// Not one operation has a server.
    #[error("{0}")]
    NoServer(String),
    /// The text is neither JSON nor YAML.
    #[error("the document cannot be read: {0}")]
    Syntax(String),
    /// The system has no thread left.
    #[error("no thread for the import: {0}")]
    Thread(std::io::Error),
    /// Nested too deep.
    #[error("the document is nested deeper than {depth_max} levels")]
    TooDeep {
        /// Levels allowed.
        depth_max: usize,
    },
    /// Too large.
    #[error("the document has {bytes} bytes, more than the {bytes_max} that are allowed")]
    TooLarge {
        /// Bytes of the text.
        bytes: usize,
        /// Bytes allowed.
        bytes_max: usize,
    },
    /// Too many operations.
    #[error("the document has more than {operations_max} operations")]
    TooMany {
        /// Operations allowed.
        operations_max: usize,
    },
    /// Another kind of document.
    #[error("{0}")]
    Version(String),
}

/// Makes tools of a document.
///
/// # Errors
/// What is wrong with the document or the options as a whole. Trouble with one operation is in
/// [`Import::left_out`].
pub fn import(document: &str, options: &ImportOptions) -> Result<Import, ImportError> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("import".into())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, || import_here(document, options))
            .map_err(ImportError::Thread)?;
        thread
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn import_here(document: &str, options: &ImportOptions) -> Result<Import, ImportError> {
    let parsed = document::Document::parse(document)?;
    let mut import = operation::all(&parsed, options)?;
    import.title = parsed.title();
    import.version = parsed.api_version();
    import.spec_hash = spec_hash(document);
    Ok(import)
}

/// `sha256:` and the digest of a text, in hexadecimal: equal hashes need no second import.
#[must_use]
pub fn spec_hash(document: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, document.as_bytes());
    digest
        .as_ref()
        .iter()
        .fold(String::from("sha256:"), |mut text, byte| {
            text.push_str(&format!("{byte:02x}"));
            text
        })
}

/// Why an operation, or a part of it, cannot be mapped: a sentence for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Reason(String);

impl Reason {
    fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The same reason, saying of what.
    fn of(self, what: impl fmt::Display) -> Self {
        Self(format!("{what}: {}", self.0))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests;
