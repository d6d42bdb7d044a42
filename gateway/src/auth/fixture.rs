//! What tests of this stage and the next ones share: callers, tools and a snapshot, made by the same
//! doors as in the product. There is no other way to a principal, not even here.

use std::sync::Arc;

use super::compile::Registry;
use super::scope::Roles;
use super::{Principal, TokenCache, authenticate};
use crate::guard::schema::ArgumentSchema;
use crate::limit::Rate;
use crate::limit::bucket::Bucket;
use crate::meter::usage::CallerUsage;
use crate::snapshot::Snapshot;
use crate::snapshot::identity::{Identity, IdentityKind, Keys};
use crate::snapshot::tenant::{Tenant, TenantId};
use crate::snapshot::tool::{Annotations, Backend, Definition, Tool};
use crate::worker::clock::Now;

/// Platform, then two tenants.
pub(crate) const TENANTS: [&str; 3] = ["stoa-system", "acme", "globex"];
pub(crate) const ACME: TenantId = TenantId(1);
pub(crate) const GLOBEX: TenantId = TenantId(2);

/// A caller with the scopes of its roles and a limit that no test reaches.
pub(crate) fn identity(tenant: TenantId, roles: Roles) -> Identity {
    Identity {
        kind: IdentityKind::ApiKey,
        subject: "agent".into(),
        consumer: "agent".into(),
        may_name_consumer: false,
        tenant,
        binding: [7; 16],
        roles,
        scopes: roles.scopes(),
        tools_allowed: None,
        tools_refused: Box::default(),
        tier_bucket: bucket(60_000, 1_000),
        consumer_bucket: None,
        usage: Arc::default(),
    }
}

/// Through the door: a gateway without keys serves this one to whoever comes.
pub(crate) fn principal(identity: Identity) -> Principal {
    let keys = Keys {
        anonymous: Some(Arc::new(identity)),
        ..Keys::default()
    };
    authenticate(
        &with_keys(keys),
        &mut TokenCache::default(),
        None,
        Now {
            mono_ns: 0,
            unix_ms: 0,
        },
    )
    .unwrap()
}

/// A snapshot of nothing but keys.
pub(crate) fn with_keys(keys: Keys) -> Snapshot {
    Snapshot {
        keys,
        ..Snapshot::default()
    }
}

pub(crate) fn bucket(requests_per_minute: u32, burst: u32) -> Arc<Bucket> {
    Arc::new(Bucket::new(Rate {
        requests_per_minute,
        burst,
    }))
}

pub(crate) fn tool(tenant: TenantId, name: &str, read_only: bool) -> Tool {
    Tool {
        tenant,
        name: name.into(),
        full_name: name.into(),
        title: None,
        description: "".into(),
        tags: Vec::new(),
        category: "general".into(),
        search_text: name.into(),
        annotations: Annotations {
            read_only,
            ..Annotations::default()
        },
        definition: Arc::new(Definition {
            modern: r#""inputSchema":{"type":"object"}"#.into(),
            legacy: None,
        }),
        mirrored: Vec::new(),
        arguments: Arc::new(
            ArgumentSchema::compile(&serde_json::json!({"type": "object"})).unwrap(),
        ),
        backend: Backend::Catalog,
        timeout_ms: 1_000,
        bucket: None,
        cost_multiplier: 1.0,
        usage: Arc::default(),
    }
}

pub(crate) fn snapshot(tools: Vec<Tool>) -> Snapshot {
    let tenant = |name: &str| Tenant {
        name: name.into(),
        tools: Vec::new(),
        tools_by_name: Default::default(),
        bucket: None,
        catalog_version: 0,
    };
    let by_name = TENANTS.iter().zip(0..);
    Snapshot {
        tenants: TENANTS.map(tenant).into(),
        tenants_by_name: by_name
            .map(|(name, id)| ((*name).into(), TenantId(id)))
            .collect(),
        tools,
        ..Snapshot::default()
    }
}

/// A registry that keeps what it was asked for.
#[derive(Default)]
pub(crate) struct TestRegistry {
    pub(crate) tenants: Vec<String>,
    pub(crate) buckets: Vec<(String, Rate, Arc<Bucket>)>,
    pub(crate) usages: Vec<String>,
}

impl Registry for TestRegistry {
    fn tenant(&mut self, name: &str) -> TenantId {
        let known = self.tenants.iter().position(|tenant| tenant == name);
        let at = known.unwrap_or_else(|| {
            self.tenants.push(name.to_owned());
            self.tenants.len() - 1
        });
        TenantId(u32::try_from(at).unwrap())
    }

    fn bucket(&mut self, key: &str, rate: Rate) -> Arc<Bucket> {
        if let Some((_, _, bucket)) = self.buckets.iter().find(|(known, ..)| known == key) {
            return Arc::clone(bucket);
        }
        let bucket = Arc::new(Bucket::new(rate));
        self.buckets
            .push((key.to_owned(), rate, Arc::clone(&bucket)));
        bucket
    }

    fn usage(&mut self, key: &str) -> Arc<CallerUsage> {
        self.usages.push(key.to_owned());
        Arc::default()
    }
}
