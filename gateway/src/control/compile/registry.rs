//! Tenants and upstreams of the snapshot that is being compiled, found or made by name.

use std::collections::HashMap;
use std::sync::Arc;

use ipnet::IpNet;

use crate::auth::compile::Registry;
use crate::auth::scope::Roles;
use crate::control::keyed::Keyed;
use crate::control::names::PLATFORM;
use crate::control::settings::Settings;
use crate::control::url::Origin;
use crate::limit::Rate;
use crate::limit::bucket::Bucket;
use crate::meter::usage::{CallerUsage, ToolUsage};
use crate::snapshot::Table;
use crate::snapshot::tenant::{Tenant, TenantId};
use crate::snapshot::upstream::{Upstream, UpstreamId};

/// A snapshot under construction.
pub(super) struct Build<'k> {
    pub(super) settings: &'k Settings,
    keyed: &'k mut Keyed,
    now_ns: u64,
    tenants: Vec<Tenant>,
    tenants_by_name: HashMap<String, TenantId>,
    upstreams: Vec<Upstream>,
    upstreams_by_key: HashMap<(String, Vec<IpNet>), UpstreamId>,
}

impl<'k> Build<'k> {
    /// With the platform as the first tenant.
    pub(super) fn new(settings: &'k Settings, keyed: &'k mut Keyed, now_ns: u64) -> Self {
        let mut build = Self {
            settings,
            keyed,
            now_ns,
            tenants: Vec::new(),
            tenants_by_name: HashMap::new(),
            upstreams: Vec::new(),
            upstreams_by_key: HashMap::new(),
        };
        build.tenant(PLATFORM);
        build
    }

    /// The upstream of an origin. Two tools that may reach different ranges have two: what one may reach
    /// must not widen the other.
    pub(super) fn upstream(&mut self, origin: &Origin, allow: Vec<IpNet>) -> UpstreamId {
        let by = (origin.to_string(), allow);
        if let Some(id) = self.upstreams_by_key.get(&by) {
            return *id;
        }
        let id = UpstreamId(u32::try_from(self.upstreams.len()).unwrap_or(u32::MAX));
        let ranges: Vec<String> = by.1.iter().map(ToString::to_string).collect();
        let upstream = Upstream {
            // Pools are kept by this key, so a connection made under wider ranges is not reused.
            key: format!("{} {}", by.0, ranges.join(",")).trim_end().into(),
            tls: origin.tls,
            host: origin.host.as_str().into(),
            port: origin.port,
            authority: origin.authority().into(),
            allow: by.1.clone().into(),
            addresses: self.keyed.addresses(&by.0),
        };
        crate::control::resolver::resolve_literal(&upstream);
        self.upstreams.push(upstream);
        self.upstreams_by_key.insert(by, id);
        id
    }

    /// The counters of a tool.
    pub(super) fn tool_usage(&mut self, tenant: &str, name: &str) -> Arc<ToolUsage> {
        self.keyed.tool(&format!("{tenant}/{name}"))
    }

    /// The tenants and upstreams.
    pub(super) fn finish(self) -> (Vec<Tenant>, Vec<Upstream>) {
        (self.tenants, self.upstreams)
    }
}

impl Registry for Build<'_> {
    fn tenant(&mut self, name: &str) -> TenantId {
        if let Some(id) = self.tenants_by_name.get(name) {
            return *id;
        }
        let id = TenantId(u32::try_from(self.tenants.len()).unwrap_or(u32::MAX));
        let rate = self.settings.tenant_rate(name);
        let bucket = rate.map(|rate| self.bucket(&format!("tenant/{name}"), rate));
        self.tenants.push(Tenant {
            name: name.into(),
            tools: Vec::new(),
            tools_by_name: Table::default(),
            bucket,
            catalog_version: 0,
        });
        self.tenants_by_name.insert(name.to_owned(), id);
        id
    }

    fn bucket(&mut self, key: &str, rate: Rate) -> Arc<Bucket> {
        self.keyed.bucket(key, rate, self.now_ns)
    }

    fn tier(&self, roles: Roles) -> Rate {
        self.settings.rates.tiers.of(roles)
    }

    fn usage(&mut self, key: &str) -> Arc<CallerUsage> {
        self.keyed.caller(key)
    }
}
