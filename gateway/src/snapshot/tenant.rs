//! A tenant: a namespace of tools with limits of its own.

use std::sync::Arc;

use super::Table;
use super::tool::ToolId;
use crate::limit::bucket::Bucket;

/// Index into [`super::Snapshot::tenants`]; valid within one snapshot only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantId(pub u32);

impl TenantId {
    /// `stoa-system`: its tools are visible to every tenant.
    pub const PLATFORM: Self = Self(0);
}

/// One namespace.
#[derive(Debug)]
pub struct Tenant {
    /// `acme` for the namespace `tenant-acme`; the platform is `stoa-system`.
    pub name: Arc<str>,
    /// Its own tools, sorted by name.
    pub tools: Vec<ToolId>,
    /// Its own tools by the name that an agent of this tenant sees.
    pub tools_by_name: Table<Arc<str>, ToolId>,
    /// All calls of the tenant together; `None` where the operator set no such limit.
    pub bucket: Option<Arc<Bucket>>,
    /// Changes when, and only when, the names or definitions of its own tools change.
    pub catalog_version: u64,
}
