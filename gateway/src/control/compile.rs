//! From objects, keys and settings to the one [`Snapshot`]: the only bridge between what people wrote
//! and what workers read.
//!
//! What is expensive about a tool was done when its text changed ([`super::catalog::prepared`]), so a
//! compilation resolves names, indices, secrets and limits, and little else.

use std::sync::Arc;

use super::catalog::directory::Directory;
use super::catalog::prepared::Prepared;
use super::issuers::Issuers;
use super::keyed::Keyed;
use super::names::stable_hash;
use super::problem::Problem;
use super::settings::Settings;
use crate::auth;
use crate::auth::keys_file::{HashSecret, KeysFile};
use crate::limits::TOOLS_MAX;
use crate::snapshot::identity::Keys;
use crate::snapshot::operation::RestOperation;
use crate::snapshot::tool::{Backend, Tool, ToolId};
use crate::snapshot::{Snapshot, Table};

mod builtin;
mod claims;
pub mod secrets;
mod tenants;
mod upstreams;

use claims::{Claim, claim_names};
use secrets::Secrets;
use tenants::Tenants;
use upstreams::Upstreams;

/// What is compiled.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// Settings in force.
    pub settings: &'a Settings,
    /// Objects in force; `None` where no catalog is configured.
    pub directory: Option<&'a Directory>,
    /// Keys in force; `None` where no keys file is configured.
    pub keys: Option<&'a KeysFile>,
    /// The operator's secret for hashing keys.
    pub hash_secret: Option<&'a HashSecret>,
    /// Issuers of tokens; `None` where none is configured.
    pub issuers: Option<&'a Issuers>,
    /// Counts publications.
    pub generation: u64,
    /// Monotonic nanoseconds on the workers' clock.
    pub now_ns: u64,
}

/// Compiles. What cannot be used is left out, each with a problem; everything else is in the snapshot.
///
/// # Errors
/// The keys cannot be compiled: then there is no snapshot, as it would let nobody or anybody in.
pub fn compile(
    inputs: Inputs<'_>,
    keyed: &mut Keyed,
    secrets: &mut Secrets,
) -> Result<(Snapshot, Vec<Problem>), Vec<Problem>> {
    let mut problems = Vec::new();
    let mut claims = claim_names(inputs.directory, TOOLS_MAX, &mut problems);
    let mut tenants = Tenants::new(inputs.settings, inputs.now_ns, keyed);
    let keys = keys(inputs, &mut tenants)?;
    // Lists are in this order; full names sort differently, as `-` comes before `_`.
    claims.sort_by(|one, other| (&one.tenant, &one.name).cmp(&(&other.tenant, &other.name)));
    let mut upstreams = Upstreams::new(&inputs.settings.catalog.upstream_allow);
    let mut tools: Vec<Tool> = Vec::with_capacity(claims.len() + 2);
    for claim in &claims {
        let backend = match claim.builtin {
            Some(builtin) => Ok(builtin.backend()),
            None => backend(&claim.tool, &mut upstreams, secrets, tenants.keyed()),
        };
        match backend {
            Ok(backend) => tools.push(tool(claim, backend, inputs.settings, &mut tenants)),
            Err(reason) => problems.push(claim.problem(&reason)),
        }
    }
    let mut snapshot = Snapshot {
        generation: inputs.generation,
        upstreams: upstreams.into_vec(),
        keys,
        ..Snapshot::default()
    };
    index(&mut snapshot, tools, tenants, &claims);
    Ok((snapshot, problems))
}

fn keys(inputs: Inputs<'_>, tenants: &mut Tenants<'_>) -> Result<Keys, Vec<Problem>> {
    let mut keys = match (inputs.keys, inputs.issuers) {
        (Some(file), _) => auth::compile(file, inputs.hash_secret, tenants)
            .map_err(|problems| problems.iter().map(key_problem).collect::<Vec<_>>())?,
        (None, Some(_)) => Keys::default(),
        (None, None) => {
            let tenant = &inputs.settings.identity.anonymous_tenant;
            Keys {
                anonymous: Some(auth::compile::anonymous(tenant, tenants)),
                ..Keys::default()
            }
        }
    };
    keys.issuers = inputs.issuers.map(|issuers| issuers.compile(tenants));
    Ok(keys)
}

/// A problem of the keys file in our words.
pub(super) fn key_problem(problem: &auth::keys_file::Problem) -> Problem {
    Problem::new(problem.message.clone())
        .in_file(&problem.path)
        .at((problem.line, problem.column))
}

fn backend(
    prepared: &Prepared,
    upstreams: &mut Upstreams,
    secrets: &mut Secrets,
    keyed: &mut Keyed,
) -> Result<Backend, String> {
    let credential = prepared.credential.resolve(|source| secrets.read(source))?;
    let upstream = upstreams.add(&prepared.origin, &prepared.upstream_allow, keyed);
    let mut request = prepared.request.clone();
    request.credential = credential;
    RestOperation::compile(&request, upstream).map(|operation| Backend::Rest(Box::new(operation)))
}

fn tool(claim: &Claim, backend: Backend, settings: &Settings, tenants: &mut Tenants<'_>) -> Tool {
    let prepared = &claim.tool;
    let tenant = tenants.find(&claim.tenant);
    let name: Arc<str> = claim.name.as_str().into();
    let key = format!("tool/{}/{name}", claim.tenant);
    let destructive = settings.rates.cost_destructive_multiplier;
    Tool {
        tenant,
        full_name: claim.full_name.as_str().into(),
        title: prepared.title.clone(),
        description: Arc::clone(&prepared.description),
        tags: prepared.tags.clone(),
        category: Arc::clone(&prepared.category),
        search_text: search_text(&name, prepared),
        annotations: prepared.annotations,
        definition: Arc::clone(&prepared.definition),
        mirrored: prepared.mirrored.clone(),
        arguments: Arc::clone(&prepared.arguments),
        backend,
        timeout_ms: prepared
            .timeout_ms
            .unwrap_or(settings.catalog.upstream_timeout_ms),
        bucket: prepared.rate.map(|rate| tenants.limit(&key, rate)),
        cost_multiplier: prepared
            .cost_multiplier
            .unwrap_or(if prepared.annotations.destructive {
                destructive
            } else {
                1.0
            }),
        usage: tenants.keyed().tool(&key),
        name,
    }
}

fn search_text(name: &str, prepared: &Prepared) -> Box<str> {
    let title = prepared.title.as_deref().unwrap_or_default();
    let mut text = format!("{name}\n{title}\n{}", prepared.description).to_lowercase();
    for tag in &prepared.tags {
        text.push('\n');
        text.push_str(&tag.to_lowercase());
    }
    text.into()
}

/// Fills the tables by which the data path finds things, and the versions that say when a list changes.
fn index(snapshot: &mut Snapshot, tools: Vec<Tool>, tenants: Tenants<'_>, claims: &[Claim]) {
    let (mut table, by_name) = tenants.into_tables();
    let mut versions = vec![0_u64; table.len()];
    let hashes: Table<&str, u64> = claims
        .iter()
        .map(|claim| (claim.full_name.as_str(), claim.tool.definition_hash))
        .collect();
    let mut by_full_name = Table::default();
    for (position, tool) in (0..).zip(&tools) {
        let id = ToolId(position);
        let tenant = &mut table[tool.tenant.0 as usize];
        tenant.tools.push(id);
        tenant.tools_by_name.insert(Arc::clone(&tool.name), id);
        by_full_name.insert(Arc::clone(&tool.full_name), id);
        let version = &mut versions[tool.tenant.0 as usize];
        let definition = hashes.get(&*tool.full_name).copied().unwrap_or_default();
        *version = mix(mix(*version, stable_hash(tool.name.as_bytes())), definition);
    }
    let mut catalog_version = 0;
    for (tenant, version) in table.iter_mut().zip(versions) {
        tenant.catalog_version = version;
        if version != 0 {
            // By name and without order: a tenant without tools changes nothing, wherever it stands.
            catalog_version ^= mix(stable_hash(tenant.name.as_bytes()), version);
        }
    }
    snapshot.catalog_version = catalog_version;
    snapshot.tenants = table;
    snapshot.tenants_by_name = by_name;
    snapshot.tools = tools;
    snapshot.tools_by_full_name = by_full_name;
}

fn mix(one: u64, other: u64) -> u64 {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&one.to_le_bytes());
    bytes[8..].copy_from_slice(&other.to_le_bytes());
    stable_hash(&bytes)
}

#[cfg(test)]
mod tests;
