//! Tenants of a snapshot, and the limits of their callers: what [`crate::auth::compile()`] asks for.

use std::sync::Arc;

use crate::auth::compile::Registry;
use crate::auth::scope::Roles;
use crate::control::keyed::Keyed;
use crate::control::names::PLATFORM;
use crate::control::settings::Settings;
use crate::limit::Rate;
use crate::limit::bucket::Bucket;
use crate::meter::usage::CallerUsage;
use crate::snapshot::Table;
use crate::snapshot::tenant::{Tenant, TenantId};

/// Tenants as they are found; the platform first.
pub(super) struct Tenants<'a> {
    settings: &'a Settings,
    now_ns: u64,
    keyed: &'a mut Keyed,
    table: Vec<Tenant>,
    by_name: Table<Box<str>, TenantId>,
}

impl<'a> Tenants<'a> {
    pub(super) fn new(settings: &'a Settings, now_ns: u64, keyed: &'a mut Keyed) -> Self {
        let mut tenants = Self {
            settings,
            now_ns,
            keyed,
            table: Vec::new(),
            by_name: Table::default(),
        };
        tenants.find(PLATFORM);
        tenants
    }

    /// The index of a tenant, which is added where it is new.
    pub(super) fn find(&mut self, name: &str) -> TenantId {
        if let Some(id) = self.by_name.get(name) {
            return *id;
        }
        // A catalog has at most as many tenants as tools and keys, which are bounded far below this.
        let id = TenantId(u32::try_from(self.table.len()).unwrap_or(u32::MAX));
        let rate = self.settings.tenant_rate(name);
        let bucket = rate.map(|rate| {
            self.keyed
                .bucket(&format!("tenant/{name}"), rate, self.now_ns)
        });
        self.table.push(Tenant {
            name: name.into(),
            tools: Vec::new(),
            tools_by_name: Table::default(),
            bucket,
            catalog_version: 0,
        });
        self.by_name.insert(name.into(), id);
        id
    }

    /// The bucket of this name.
    pub(super) fn limit(&mut self, name: &str, rate: Rate) -> Arc<Bucket> {
        self.keyed.bucket(name, rate, self.now_ns)
    }

    /// What outlives snapshots.
    pub(super) fn keyed(&mut self) -> &mut Keyed {
        self.keyed
    }

    /// The finished tables.
    pub(super) fn into_tables(self) -> (Vec<Tenant>, Table<Box<str>, TenantId>) {
        (self.table, self.by_name)
    }
}

impl Registry for Tenants<'_> {
    fn tenant(&mut self, name: &str) -> TenantId {
        self.find(name)
    }

    fn tier(&self, roles: Roles) -> Rate {
        self.settings.rates.tiers.of(roles)
    }

    fn bucket(&mut self, key: &str, rate: Rate) -> Arc<Bucket> {
        self.limit(key, rate)
    }

    fn usage(&mut self, key: &str) -> Arc<CallerUsage> {
        self.keyed.caller(key)
    }
}
