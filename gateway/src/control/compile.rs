//! From what people wrote to what workers read: tools, keys and settings become one [`Snapshot`].
//!
//! The only bridge between the two. It returns every problem, and what is sound is in force regardless of
//! what is not.

mod builtin;
mod definition;
mod registry;
mod tool;

use std::sync::Arc;

use ipnet::IpNet;

use super::keyed::Keyed;
use super::names::{PLATFORM, stable_hash};
use super::problem::Problem;
use super::settings::Settings;
use super::spec::ToolSpec;
use crate::auth;
use crate::auth::keys_file::{HashSecret, KeysFile};
use crate::limits::TOOLS_MAX;
use crate::snapshot::identity::Keys;
use crate::snapshot::tenant::TenantId;
use crate::snapshot::tool::{Tool, ToolId};
use crate::snapshot::{Snapshot, Table};

use registry::Build;

/// A tool that was read, and where it stands.
#[derive(Clone, Debug)]
pub struct LoadedTool {
    /// Tenant, without `tenant-`.
    pub tenant: String,
    /// What it says.
    pub spec: ToolSpec,
    /// File, line, column and object; for problems that compiling finds.
    pub place: Problem,
}

/// What is compiled.
pub struct Sources<'a> {
    /// The catalog's tools, of all tenants.
    pub tools: &'a [LoadedTool],
    /// The keys file; `None` is anonymous access.
    pub keys: Option<&'a KeysFile>,
    /// What keys are hashed with, where the operator keeps it apart from the file.
    pub hash_secret: Option<&'a HashSecret>,
    /// Limits, defaults, ranges.
    pub settings: &'a Settings,
    /// Counts publications.
    pub generation: u64,
    /// Monotonic nanoseconds, for buckets whose rate changes.
    pub now_ns: u64,
}

/// What came out.
pub struct Compiled {
    /// To be published.
    pub snapshot: Snapshot,
    /// What is not in it, and why.
    pub problems: Vec<Problem>,
}

/// Compiles everything. Keys are all or nothing: a keys file with a problem is reported, and then nobody
/// is let in by it, so callers keep the last good file instead.
#[must_use]
pub fn compile(sources: &Sources<'_>, keyed: &mut Keyed) -> Compiled {
    let mut build = Build::new(sources.settings, keyed, sources.now_ns);
    let mut problems = Vec::new();
    let keys = keys(sources, &mut build, &mut problems);
    let mut tools = builtin::tools(&mut build);
    for loaded in sources.tools {
        if tools.len() >= TOOLS_MAX {
            let text = format!("there are more than {TOOLS_MAX} tools; this one and those after it are left out");
            problems.push(Problem { message: text, ..loaded.place.clone() });
            break;
        }
        match tool::compile(loaded, &mut build) {
            Ok(tool) => tools.push(tool),
            Err(message) => problems.push(Problem { message, ..loaded.place.clone() }),
        }
    }
    let mut snapshot = assemble(build, tools);
    snapshot.generation = sources.generation;
    snapshot.keys = keys;
    Compiled { snapshot, problems }
}

fn keys(sources: &Sources<'_>, build: &mut Build<'_>, problems: &mut Vec<Problem>) -> Keys {
    match sources.keys {
        None if sources.settings.is_anonymous() => {
            let tenant = &sources.settings.identity.anonymous_tenant;
            Keys { anonymous: Some(auth::compile::anonymous(tenant, build)), ..Keys::default() }
        }
        None => Keys::default(),
        Some(file) => match auth::compile(file, sources.hash_secret, build) {
            Ok(keys) => keys,
            Err(found) => {
                problems.extend(found.into_iter().map(Problem::from));
                Keys::default()
            }
        },
    }
}

/// Sorts tools, and gives every table its indices.
fn assemble(build: Build<'_>, mut tools: Vec<Tool>) -> Snapshot {
    let (mut tenants, upstreams) = build.finish();
    tools.sort_by(|left, right| {
        let tenant = |tool: &Tool| Arc::clone(&tenants[tool.tenant.0 as usize].name);
        tenant(left).cmp(&tenant(right)).then_with(|| left.name.cmp(&right.name))
    });
    let mut by_full_name = Table::default();
    let mut version = 0u64;
    for (index, tool) in tools.iter().enumerate() {
        let id = ToolId(u32::try_from(index).unwrap_or(u32::MAX));
        let tenant = &mut tenants[tool.tenant.0 as usize];
        let hash = definition_hash(&tenant.name, tool);
        tenant.catalog_version = tenant.catalog_version.rotate_left(1) ^ hash;
        version = version.rotate_left(1) ^ hash;
        tenant.tools.push(id);
        tenant.tools_by_name.insert(Arc::clone(&tool.name), id);
        by_full_name.insert(Arc::clone(&tool.full_name), id);
    }
    let by_name = |(index, tenant): (usize, &crate::snapshot::tenant::Tenant)| {
        (Box::from(&*tenant.name), TenantId(u32::try_from(index).unwrap_or(u32::MAX)))
    };
    Snapshot {
        catalog_version: version,
        tenants_by_name: tenants.iter().enumerate().map(by_name).collect(),
        tenants,
        tools,
        tools_by_full_name: by_full_name,
        upstreams,
        ..Snapshot::default()
    }
}

/// Of everything that a list shows of a tool.
fn definition_hash(tenant: &str, tool: &Tool) -> u64 {
    let text = [tenant, &tool.name, &tool.definition.modern].join("\0");
    stable_hash(text.as_bytes())
}

/// The name under which callers who see several tenants see a tool.
fn full_name(tenant: &str, name: &str) -> Arc<str> {
    if tenant == PLATFORM {
        return name.into();
    }
    super::names::tool_name(&format!("{tenant}__{name}")).0.into()
}

/// Ranges of the operator and of the tool.
fn allowed(settings: &Settings, own: &[IpNet]) -> Vec<IpNet> {
    let mut ranges = settings.catalog.upstream_allow.clone();
    ranges.extend_from_slice(own);
    ranges.sort_unstable();
    ranges.dedup();
    ranges
}
