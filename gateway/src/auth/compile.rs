//! From the keys file that a person sees to the table that requests are checked against.
//!
//! Either the whole file is good or nothing of it is taken: [`check()`] tells every problem at once.

use std::collections::HashMap;
use std::sync::Arc;

use aws_lc_rs::digest;

use super::keys_file::{HashSecret, KeyEntry, KeysFile, Problem, Text};
use super::scope::{Roles, Scopes};
use crate::limit::Rate;
use crate::limit::bucket::Bucket;
use crate::meter::usage::CallerUsage;
use crate::snapshot::identity::{Identity, IdentityKind, Keys, StoredKey};
use crate::snapshot::tenant::TenantId;

mod check;

pub use check::{check, check_name, tenant_name};

/// What outlives a snapshot, and who is in it: control finds or makes each thing by its key.
pub trait Registry {
    /// The index of a tenant by its name without `tenant-`, which is added where the catalog has none.
    fn tenant(&mut self, name: &str) -> TenantId;
    /// The bucket of this key, set to this rate.
    fn bucket(&mut self, key: &str, rate: Rate) -> Arc<Bucket>;
    /// The limit of a caller with these roles, as the operator set it.
    fn tier(&self, roles: Roles) -> Rate {
        Rate::of_tier(roles)
    }
    /// The counters of this caller.
    fn usage(&mut self, key: &str) -> Arc<CallerUsage>;
}

/// Compiles the keys in a file. `secret` is the operator's hash secret, where one is set.
///
/// # Errors
/// Every problem in the file, each with its line; then the registry was not touched.
pub fn compile(
    file: &KeysFile,
    secret: Option<&HashSecret>,
    registry: &mut dyn Registry,
) -> Result<Keys, Vec<Problem>> {
    let problems = check(file);
    if !problems.is_empty() {
        return Err(problems);
    }
    let hasher = file.hasher(secret).map_err(|problem| vec![problem])?;
    let mut keys = Keys {
        hasher: Some(hasher),
        ..Keys::default()
    };
    let mut problems = Vec::new();
    for entry in &file.keys {
        match entry_to_key(entry, registry) {
            Some(key) => {
                keys.by_id.insert(entry.id.value.as_str().into(), key);
            }
            // `check` found nothing, so this is a fault of ours: refuse rather than drop a key.
            None => problems.push(file.problem(&entry.id, "this key cannot be compiled")),
        }
    }
    if problems.is_empty() {
        Ok(keys)
    } else {
        Err(problems)
    }
}

/// Who an unauthenticated caller is where no identity is configured: a member of `tenant` that may
/// call its tools.
pub fn anonymous(tenant: &str, registry: &mut dyn Registry) -> Arc<Identity> {
    let subject: Arc<str> = "anonymous".into();
    let rate = registry.tier(Roles::TENANT_ADMIN);
    Arc::new(Identity {
        kind: IdentityKind::Anonymous,
        subject: Arc::clone(&subject),
        consumer: subject,
        // Nobody is verified, so a name in a header is as good as any other.
        may_name_consumer: true,
        tenant: registry.tenant(tenant),
        binding: binding(IdentityKind::Anonymous, tenant, "anonymous"),
        roles: Roles::TENANT_ADMIN,
        scopes: Roles::TENANT_ADMIN.scopes(),
        tools_allowed: None,
        tools_refused: Box::default(),
        tier_bucket: registry.bucket("tier//anonymous", rate),
        consumer_bucket: None,
        usage: registry.usage("/anonymous"),
    })
}

fn entry_to_key(entry: &KeyEntry, registry: &mut dyn Registry) -> Option<StoredKey> {
    let tenant = tenant_name(&entry.tenant.value);
    let name = entry.name.value.as_str();
    let roles = entry.roles().ok()?;
    let scopes = entry.scopes().ok()?.union(roles.scopes());
    let consumer = entry.consumer();
    // A rate of the key's own takes the place of its tier's.
    let rate = entry.rate.unwrap_or_else(|| registry.tier(roles));
    let identity = Identity {
        kind: IdentityKind::ApiKey,
        subject: name.into(),
        consumer: consumer.into(),
        may_name_consumer: entry.may_name_consumer,
        tenant: registry.tenant(tenant),
        binding: binding(IdentityKind::ApiKey, tenant, name),
        roles,
        scopes,
        tools_allowed: entry.tools_allowed.as_deref().map(sorted),
        tools_refused: sorted(&entry.tools_refused),
        tier_bucket: registry.bucket(&format!("tier/{tenant}/{name}"), rate),
        consumer_bucket: entry
            .consumer_rate
            .map(|rate| registry.bucket(&format!("consumer/{tenant}/{consumer}"), rate)),
        usage: registry.usage(&format!("{tenant}/{name}")),
    };
    Some(StoredKey {
        hash: entry.hash()?,
        expires_at_ms: entry.ends_at_ms().ok()?,
        identity: Arc::new(identity),
    })
}

/// Sorted, for the decision's binary search; `tenant-acme:x` becomes `acme:x`.
fn sorted(tools: &[Text]) -> Box<[Arc<str>]> {
    let mut names: Vec<Arc<str>> = tools
        .iter()
        .map(|tool| match tool.value.split_once(':') {
            Some((tenant, name)) => format!("{}:{name}", tenant_name(tenant)).into(),
            None => tool.value.as_str().into(),
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    names.into_boxed_slice()
}

/// See [`crate::auth::Principal::binding`]. Names cannot hold a zero byte, so no two callers have the
/// same text.
pub(in crate::auth) fn binding(kind: IdentityKind, tenant: &str, subject: &str) -> [u8; 16] {
    let kind = match kind {
        IdentityKind::Anonymous => "anonymous",
        IdentityKind::ApiKey => "api-key",
        IdentityKind::Token => "token",
    };
    let text = ["stoa principal 1", kind, tenant, subject].join("\0");
    let mut binding = [0; 16];
    binding.copy_from_slice(&digest::digest(&digest::SHA256, text.as_bytes()).as_ref()[..16]);
    binding
}

// === impl KeyEntry: what its texts mean ===

impl KeyEntry {
    /// The roles.
    ///
    /// # Errors
    /// The first text that is no role, with the reason.
    pub fn roles(&self) -> Result<Roles, (&Text, String)> {
        self.roles.iter().try_fold(Roles::NONE, |roles, text| {
            let role = Roles::parse(&text.value).map_err(|error| (text, error.to_string()))?;
            Ok(roles.union(role))
        })
    }

    /// The scopes, those of the roles not included.
    ///
    /// # Errors
    /// The first text that is no scope, with the reason.
    pub fn scopes(&self) -> Result<Scopes, (&Text, String)> {
        self.scopes.iter().try_fold(Scopes::NONE, |scopes, text| {
            let scope = Scopes::parse(&text.value).map_err(|error| (text, error.to_string()))?;
            Ok(scopes.union(scope))
        })
    }

    /// The verified client in events: the key's name where no other is given.
    #[must_use]
    pub fn consumer(&self) -> &str {
        self.consumer
            .as_ref()
            .map_or(&self.name.value, |consumer| &consumer.value)
    }
}

/// Rates by what they are the rate of; used by [`check()`].
type Rates<'f> = HashMap<(&'f str, &'f str), Option<Rate>>;

#[cfg(test)]
mod tests;
