//! A tool as the data path needs it: prepared text for lists, compiled checks, a backend.

use std::sync::Arc;

use super::operation::RestOperation;
use super::tenant::TenantId;
use crate::guard::schema::ArgumentSchema;
use crate::limit::bucket::Bucket;
use crate::meter::usage::ToolUsage;

/// Index into [`super::Snapshot::tools`]; valid within one snapshot only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ToolId(pub u32);

/// One tool.
#[derive(Debug)]
pub struct Tool {
    /// Whose it is.
    pub tenant: TenantId,
    /// Its name inside its own tenant: `[A-Za-z0-9_-]{1,64}`.
    pub name: Arc<str>,
    /// `{tenant}__{name}`, cut with a hash beyond 64 characters: what a caller sees who sees several
    /// tenants. Unique in the snapshot.
    pub full_name: Arc<str>,
    /// For REST answers and `stoa_catalog`.
    pub title: Option<Arc<str>>,
    /// For REST answers and `stoa_catalog`; empty where the operator gave none.
    pub description: Arc<str>,
    /// Free words of the operator.
    pub tags: Vec<Arc<str>>,
    /// First tag, or `general`: what the REST facade counts by.
    pub category: Arc<str>,
    /// Name, title, description and tags in lower case, for `stoa_catalog`'s search and REST's `search`.
    pub search_text: Box<str>,
    /// What a model is told about effects; also what the decision goes by.
    pub annotations: Annotations,
    /// The members of its definition after `"name":"...",`, ready to be written into a list.
    /// Shared with control, which keeps it from one snapshot to the next.
    pub definition: Arc<Definition>,
    /// Parameters that must be mirrored in `Mcp-Param-*` headers (2026-07-28).
    pub mirrored: Vec<MirroredParameter>,
    /// Compiled check of arguments; shared like the definition.
    pub arguments: Arc<ArgumentSchema>,
    /// What a call does.
    pub backend: Backend,
    /// Milliseconds for the whole upstream call.
    pub timeout_ms: u64,
    /// `spec.rateLimit`: calls of this tool by everyone together.
    pub bucket: Option<Arc<Bucket>>,
    /// Multiplier of the base cost (2 for destructive tools unless the operator says otherwise).
    pub cost_multiplier: f64,
    /// Counters that live across snapshots.
    pub usage: Arc<ToolUsage>,
}

/// Hints of MCP's `annotations`. The operator wrote or imported them, so policy may rely on them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Annotations {
    /// The tool changes nothing.
    pub read_only: bool,
    /// The tool may remove or overwrite.
    pub destructive: bool,
    /// Calling twice is as calling once.
    pub idempotent: bool,
    /// The tool reaches beyond a closed world.
    pub open_world: bool,
}

/// Prepared JSON of a tool's definition, from after the name to before the closing brace,
/// e.g. `"title":"Get an order","description":"...","inputSchema":{...}`. Never empty: `inputSchema`
/// is always there.
#[derive(Debug)]
pub struct Definition {
    /// For 2026-07-28 and later.
    pub modern: Box<str>,
    /// For older revisions, where it differs (an `outputSchema` that is no object is left out).
    pub legacy: Option<Box<str>>,
}

impl Definition {
    /// The text for an era.
    #[must_use]
    pub fn for_era(&self, era: crate::mcp::version::Era) -> &str {
        match (era, &self.legacy) {
            (crate::mcp::version::Era::Legacy, Some(text)) => text,
            _ => &self.modern,
        }
    }
}

/// `x-mcp-header` of a schema property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MirroredParameter {
    /// Lower-case header name after `mcp-param-`.
    pub header: Box<str>,
    /// Member names from the arguments' root to the value.
    pub path: Vec<Box<str>>,
}

/// What a call does.
#[derive(Debug)]
pub enum Backend {
    /// `stoa_catalog`.
    Catalog,
    /// An HTTP API.
    Rest(Box<RestOperation>),
    /// `stoa_usage`.
    Usage,
}
