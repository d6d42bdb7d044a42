//! Settings in force: flag before environment before file before default, each value with where it
//! came from.
//!
//! [`rows`] says which settings exist. Nothing is ignored: an unknown name, a value that cannot be
//! read and a setting that this version does not have each stop the start, and all are reported at
//! once. Files that settings name are read only for secrets; the catalog and the keys are not opened.

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use ipnet::IpNet;

use super::spec::Secret;
use crate::auth::scope::Roles;
use crate::limit::Rate;
use crate::meter::cost::CostRates;
use crate::meter::kafka::KafkaConfig;
use crate::meter::spool::SpoolConfig;
use crate::telemetry::access::{AccessDestination, AccessMode};
use crate::telemetry::log::LogFormat;

mod kafka;
pub mod layers;
pub mod oidc;
pub mod print;
pub mod resolve;
pub mod rows;
pub mod secret;
pub mod value;

pub use layers::{Layers, Source};
pub use resolve::{keys, resolve};

/// Everything, resolved and checked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where this gateway stands.
    pub environment: Environment,
    /// Name in events.
    pub gateway_id: String,
    /// Sockets and threads.
    pub listening: Listening,
    /// What is served and how it is reached.
    pub catalog: Catalog,
    /// Who may call.
    pub identity: Identity,
    /// How often, and what it costs.
    pub rates: Rates,
    /// Events.
    pub metering: Metering,
    /// The log.
    pub logs: Logs,
    /// Kernel programs.
    pub kernel: Kernel,
    /// Bounds that an operator may move.
    pub bounds: Bounds,
}

/// Where a gateway stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// On somebody's machine.
    Dev,
    /// Serving people: insecure settings are refused.
    Prod,
    /// Before production.
    Staging,
}

impl Environment {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Prod => "prod",
            Self::Staging => "staging",
        }
    }
}

/// Sockets and threads.
#[derive(Clone, Debug)]
pub struct Listening {
    /// Address of both listeners.
    pub host: IpAddr,
    /// Port of the endpoint.
    pub port: u16,
    /// Port of the metrics alone; `None` is off.
    pub metrics_port: Option<u16>,
    /// Worker threads.
    pub workers: NonZeroUsize,
    /// Values of `Host` that are served; empty is the rule by address (see `--help`).
    pub allowed_hosts: Vec<String>,
    /// Values of `Origin` that are served beside our own; `*` is any.
    pub allowed_origins: Vec<String>,
    /// Milliseconds between SIGTERM and exit.
    pub grace_period_ms: u64,
}

/// What is served and how it is reached.
#[derive(Clone, Debug)]
pub struct Catalog {
    /// Directory of YAML; `None` serves the built-in tools alone.
    pub directory: Option<PathBuf>,
    /// Non-public ranges that upstreams may live in.
    pub upstream_allow: Vec<IpNet>,
    /// Certificate authorities for upstreams; `None` is the system's.
    pub upstream_ca_file: Option<PathBuf>,
    /// Milliseconds of an upstream call where a tool names none.
    pub upstream_timeout_ms: u64,
}

/// Who may call.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The keys file; without it and without an issuer of tokens access is anonymous.
    pub keys_file: Option<PathBuf>,
    /// What keys are hashed with, where the keys file does not hold its own.
    pub key_hash_secret: Option<Secret>,
    /// What sessions and cursors are sealed with; `None` makes one at start.
    pub session_key: Option<Secret>,
    /// Access tokens; `None` where no issuer is configured.
    pub oidc: Option<oidc::Oidc>,
    /// Tenant of anonymous callers, without the `tenant-` prefix.
    pub anonymous_tenant: String,
}

/// How often, and what it costs.
#[derive(Clone, Debug)]
pub struct Rates {
    /// By role.
    pub tiers: Tiers,
    /// A whole tenant, where [`Self::tenants`] names none.
    pub tenant: Option<Rate>,
    /// By tenant name, without the `tenant-` prefix.
    pub tenants: Vec<(String, Rate)>,
    /// Units for a call and for its time.
    pub cost: CostRates,
    /// Multiplier of the base for destructive tools that name none.
    pub cost_destructive_multiplier: f64,
}

/// Calls of one caller, by its best role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiers {
    /// `cpi-admin`.
    pub cpi_admin: Rate,
    /// `tenant-admin`.
    pub tenant_admin: Rate,
    /// `devops`.
    pub devops: Rate,
    /// `viewer`.
    pub viewer: Rate,
    /// No role.
    pub none: Rate,
}

/// Events.
#[derive(Clone, Debug)]
pub struct Metering {
    /// Whether events are written at all.
    pub enabled: bool,
    /// Where and how they are kept.
    pub spool: SpoolConfig,
    /// Where they are sent from there; `None` is nowhere.
    pub kafka: Option<KafkaConfig>,
}

/// The log.
#[derive(Clone, Debug)]
pub struct Logs {
    /// A level, or a filter by module.
    pub level: String,
    /// Form of a line.
    pub format: LogFormat,
    /// Whether calls are logged one by one.
    pub access: AccessMode,
    /// Where those lines go.
    pub access_destination: AccessDestination,
}

/// Kernel programs.
#[derive(Clone, Debug)]
pub struct Kernel {
    /// Whether they are used.
    pub ebpf: Ebpf,
    /// cgroup to attach to; `None` is the gateway's own.
    pub cgroup: Option<PathBuf>,
}

/// Whether kernel programs are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ebpf {
    /// Where the machine permits.
    Auto,
    /// Never.
    Off,
    /// Or the gateway does not start.
    Require,
}

/// Bounds that an operator may move: units are in the names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is described once, in `rows`")]
pub struct Bounds {
    pub body_bytes_max: usize,
    pub head_timeout_ms: u64,
    pub body_timeout_ms: u64,
    pub idle_timeout_ms: u64,
    pub write_timeout_ms: u64,
    pub connections_max: u32,
    pub connections_per_address_max: u32,
    pub requests_per_connection_max: u32,
}

impl Tiers {
    /// The tier of a caller: that of its highest role.
    #[must_use]
    pub fn of(&self, roles: Roles) -> Rate {
        let by_rank = [
            (Roles::CPI_ADMIN, self.cpi_admin),
            (Roles::TENANT_ADMIN, self.tenant_admin),
            (Roles::DEVOPS, self.devops),
            (Roles::VIEWER, self.viewer),
        ];
        let found = by_rank.into_iter().find(|(role, _)| roles.contains(*role));
        found.map_or(self.none, |(_, rate)| rate)
    }
}

impl Settings {
    /// Whether nobody has to say who they are.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        self.identity.keys_file.is_none() && self.identity.oidc.is_none()
    }

    /// The limit of a tenant, where it has one.
    #[must_use]
    pub fn tenant_rate(&self, tenant: &str) -> Option<Rate> {
        let named = self.rates.tenants.iter().find(|(name, _)| name == tenant);
        named.map(|(_, rate)| *rate).or(self.rates.tenant)
    }
}

#[cfg(test)]
mod tests;
