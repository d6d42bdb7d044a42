//! What the data path reads: immutable, compiled by [`crate::control`], swapped whole.
//!
//! A name is resolved to an index once, by `route`. State that outlives a snapshot (limit buckets,
//! statistics) is referred to by `Arc`; control finds it again by key when it compiles the next one.

use std::collections::HashMap;
use std::sync::Arc;

pub mod identity;
pub mod issuer;
pub mod operation;
pub mod tenant;
pub mod tool;
pub mod upstream;

use identity::Keys;
use tenant::{Tenant, TenantId};
use tool::{Tool, ToolId};
use upstream::{Upstream, UpstreamId};

/// Map for tables that only an operator fills, so a fast hash without DoS protection is safe.
pub type Table<K, V> = HashMap<K, V, foldhash::fast::FixedState>;

/// The whole of what is in force.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// Counts publications, from 1; 0 is the empty snapshot before the first.
    pub generation: u64,
    /// Changes when, and only when, what some caller may list has changed: names and definitions.
    pub catalog_version: u64,
    /// Indexed by [`TenantId`]. Index 0 is always the platform, `stoa-system`.
    pub tenants: Vec<Tenant>,
    /// By tenant name without the `tenant-` prefix of its namespace.
    pub tenants_by_name: Table<Box<str>, TenantId>,
    /// Indexed by [`ToolId`]; sorted by tenant name, then tool name, so lists are deterministic.
    pub tools: Vec<Tool>,
    /// Every tenant's tools by [`Tool::full_name`].
    pub tools_by_full_name: Table<Arc<str>, ToolId>,
    /// Indexed by [`UpstreamId`].
    pub upstreams: Vec<Upstream>,
    /// Who may call.
    pub keys: Keys,
}

impl Snapshot {
    /// The tool behind an index of this snapshot.
    #[must_use]
    pub fn tool(&self, id: ToolId) -> &Tool {
        &self.tools[id.0 as usize]
    }

    /// The tenant behind an index of this snapshot.
    #[must_use]
    pub fn tenant(&self, id: TenantId) -> &Tenant {
        &self.tenants[id.0 as usize]
    }

    /// The upstream behind an index of this snapshot.
    #[must_use]
    pub fn upstream(&self, id: UpstreamId) -> &Upstream {
        &self.upstreams[id.0 as usize]
    }
}
