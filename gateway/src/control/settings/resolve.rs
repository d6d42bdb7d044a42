//! From texts to [`Settings`]: values read, secrets fetched, and the rules between settings.

use std::net::{IpAddr, Ipv4Addr};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;

use super::kafka;
use super::layers::Layers;
use super::secret::secret;
use super::value::{self, one_of};
use super::{
    Bounds, Catalog, Ebpf, Environment, Identity, Kernel, Listening, Logs, Metering, Rates,
    Settings, Tiers, oidc,
};
use crate::auth::scope::Roles;
use crate::control::names;
use crate::control::problem::Problem;
use crate::control::spec::{RateSpec, Secret};
use crate::limit::Rate;
use crate::limits::{UPSTREAM_TOTAL_TIMEOUT_MS_MAX, WORKERS_MAX};
use crate::meter::cost::CostRates;
use crate::meter::spool::{Fsync, SPOOL_BYTES_MIN, SpoolConfig, SpoolFull};
use crate::telemetry::access::{AccessDestination, AccessMode};
use crate::telemetry::log::{LogFormat, parse_level};

/// Reads and checks every setting.
///
/// # Errors
/// All problems, those that [`Layers::new`] found included.
pub fn resolve(layers: &mut Layers) -> Result<Settings, Vec<Problem>> {
    let settings = read(layers);
    if let Some(settings) = &settings {
        check(settings, layers);
    }
    match settings {
        Some(settings) if layers.problems.is_empty() => Ok(settings),
        _ => Err(std::mem::take(&mut layers.problems)),
    }
}

/// Reads only where keys are kept and what they are hashed with: commands on keys need no more, and are not
/// kept from their work by a mistake elsewhere.
///
/// # Errors
/// What is wrong with those settings.
pub fn keys(layers: &mut Layers) -> Result<(Option<PathBuf>, Option<Secret>), Vec<Problem>> {
    layers.problems.clear();
    let file = layers.read_optional("keys", path);
    let hash_secret = secret(layers, "key_hash_secret", "key_hash_secret_file");
    match (file, hash_secret) {
        (Some(file), Some(hash_secret)) if layers.problems.is_empty() => Ok((file, hash_secret)),
        _ => Err(std::mem::take(&mut layers.problems)),
    }
}

fn read(layers: &mut Layers) -> Option<Settings> {
    layers.read("mode", mode)?;
    let gateway_id = layers
        .read_optional("gateway_id", gateway_id)?
        .unwrap_or_else(host_name);
    let environment = layers.read("environment", environment)?;
    let listening = listening(layers)?;
    Some(Settings {
        environment,
        gateway_id: gateway_id.clone(),
        catalog: catalog(layers)?,
        identity: identity(layers, environment, &listening)?,
        listening,
        rates: rates(layers)?,
        metering: metering(layers, &gateway_id)?,
        logs: logs(layers)?,
        kernel: Kernel {
            ebpf: layers.read("ebpf", |text| {
                one_of(
                    text,
                    &[
                        ("off", Ebpf::Off),
                        ("auto", Ebpf::Auto),
                        ("require", Ebpf::Require),
                    ],
                )
            })?,
            cgroup: layers.read_optional("cgroup", path)?,
        },
        bounds: bounds(layers)?,
    })
}

fn environment(text: &str) -> Result<Environment, String> {
    let known = [
        ("dev", Environment::Dev),
        ("staging", Environment::Staging),
        ("prod", Environment::Prod),
    ];
    one_of(text, &known)
}

fn listening(layers: &mut Layers) -> Option<Listening> {
    let has_keys = layers
        .sourced("keys")
        .is_some_and(|keys| !keys.text.trim().is_empty());
    let has_identity = has_keys || oidc::is_wanted(layers);
    let host_default = if has_identity {
        Ipv4Addr::UNSPECIFIED
    } else {
        Ipv4Addr::LOCALHOST
    };
    let metrics_port: u16 = layers.read("metrics_port", value::number)?;
    Some(Listening {
        host: layers
            .read_optional("host", value::address)?
            .unwrap_or(IpAddr::V4(host_default)),
        port: layers.read("port", value::number)?,
        metrics_port: (metrics_port != 0).then_some(metrics_port),
        workers: layers.read("workers", workers)?,
        allowed_hosts: layers.read("allowed_hosts", value::words)?,
        allowed_origins: layers.read("allowed_origins", value::words)?,
        grace_period_ms: layers.read("grace_period_ms", value::milliseconds)?,
    })
}

fn catalog(layers: &mut Layers) -> Option<Catalog> {
    Some(Catalog {
        directory: layers.read_optional("catalog", path)?,
        upstream_allow: layers.read("upstream_allow", value::ranges)?,
        upstream_ca_file: layers.read_optional("upstream_ca_file", path)?,
        upstream_timeout_ms: layers.read("upstream_timeout_ms", |text| {
            let ms = value::milliseconds(text)?;
            if ms > UPSTREAM_TOTAL_TIMEOUT_MS_MAX {
                return Err(format!(
                    "must be at most {UPSTREAM_TOTAL_TIMEOUT_MS_MAX} ms"
                ));
            }
            Ok(ms)
        })?,
    })
}

fn identity(
    layers: &mut Layers,
    environment: Environment,
    listening: &Listening,
) -> Option<Identity> {
    Some(Identity {
        oidc: oidc::read(layers, environment, listening)?,
        keys_file: layers.read_optional("keys", path)?,
        key_hash_secret: secret(layers, "key_hash_secret", "key_hash_secret_file")?,
        session_key: secret(layers, "session_key", "session_key_file")?,
        anonymous_tenant: layers.read("anonymous_tenant", tenant)?,
    })
}

fn rates(layers: &mut Layers) -> Option<Rates> {
    let cost_base = layers.read("cost_base", value::amount)?;
    let cost_per_100ms = layers.read("cost_per_100ms", value::amount)?;
    Some(Rates {
        tiers: layers.read("role_tiers", tiers)?,
        tenant: layers.read_optional("tenant_limit", |text| {
            RateSpec::parse(text).map(RateSpec::rate)
        })?,
        tenants: layers.read("tenant_limits", |text| {
            let pairs = value::rates(text)?;
            pairs
                .into_iter()
                .map(|(name, rate)| Ok((tenant(&name)?, rate.rate())))
                .collect()
        })?,
        // `amount` has the same bounds, so this never fails.
        cost: CostRates::from_units(cost_base, cost_per_100ms).ok()?,
        cost_destructive_multiplier: layers.read("cost_destructive_multiplier", value::amount)?,
    })
}

fn metering(layers: &mut Layers, gateway_id: &str) -> Option<Metering> {
    let mut spool = SpoolConfig::new(layers.read("spool", path)?, gateway_id)
        .with_bytes_max(layers.read("spool_bytes_max", spool_bytes)?);
    spool.fsync = layers.read("spool_fsync", |text| match text.trim() {
        "every_batch" => Ok(Fsync::EveryBatch),
        "never" => Ok(Fsync::Never),
        other => value::milliseconds(other)
            .map(Fsync::IntervalMs)
            .map_err(|_| format!("`{text}` is none of never, every_batch and a time like `1s`")),
    })?;
    spool.full = layers.read("spool_full", |text| {
        let known = [
            ("drop_oldest", SpoolFull::DropOldest),
            ("drop_new", SpoolFull::DropNew),
            ("refuse", SpoolFull::Refuse),
        ];
        one_of(text, &known)
    })?;
    Some(Metering {
        enabled: layers.read("metering_enabled", value::switch)?,
        spool,
        kafka: kafka::read(layers)?,
    })
}

fn spool_bytes(text: &str) -> Result<u64, String> {
    let bytes = value::bytes(text)?;
    if bytes < SPOOL_BYTES_MIN {
        return Err(format!("must be at least {SPOOL_BYTES_MIN} bytes"));
    }
    Ok(bytes)
}

fn logs(layers: &mut Layers) -> Option<Logs> {
    let written = layers.is_written("log_level");
    let level = layers.read("log_level", |text| {
        parse_level(text)
            .map(|_| text.to_owned())
            .map_err(|error| error.to_string())
    })?;
    let debug = layers.read("debug", value::switch)?;
    let sample = layers.read("access_log_sample", value::positive::<u32>)?;
    let sampled = AccessMode::Sampled(NonZeroU32::new(sample)?);
    let access_file = layers.read_optional("access_log_file", path)?;
    Some(Logs {
        level: if debug && !written {
            "debug".to_owned()
        } else {
            level
        },
        format: layers.read("log_format", |text| {
            one_of(
                text,
                &[("json", LogFormat::Json), ("text", LogFormat::Text)],
            )
        })?,
        access: layers.read("access_log", |text| {
            let known = [
                ("off", AccessMode::Off),
                ("sampled", sampled),
                ("full", AccessMode::Full),
            ];
            one_of(text, &known)
        })?,
        access_destination: access_file
            .map_or(AccessDestination::StandardOutput, AccessDestination::File),
    })
}

fn bounds(layers: &mut Layers) -> Option<Bounds> {
    Some(Bounds {
        body_bytes_max: layers.read("body_bytes_max", |text| {
            usize::try_from(value::bytes(text)?).map_err(|_| format!("`{text}` is too much"))
        })?,
        head_timeout_ms: layers.read("head_timeout_ms", value::milliseconds)?,
        body_timeout_ms: layers.read("body_timeout_ms", value::milliseconds)?,
        idle_timeout_ms: layers.read("idle_timeout_ms", value::milliseconds)?,
        write_timeout_ms: layers.read("write_timeout_ms", value::milliseconds)?,
        connections_max: layers.read("connections_max", value::positive)?,
        connections_per_address_max: layers.read("connections_per_address_max", value::positive)?,
        requests_per_connection_max: layers.read("requests_per_connection_max", value::positive)?,
    })
}

/// What no single value can tell.
fn check(settings: &Settings, layers: &mut Layers) {
    let is_prod = settings.environment == Environment::Prod;
    let insecure = layers
        .read("insecure_anonymous", value::switch)
        .unwrap_or(false);
    let debug = layers.read("debug", value::switch).unwrap_or(false);
    let mut found = Vec::new();
    let mut refuse = |problem: Problem| found.push(problem);
    // An issuer that is named and cannot be read was told.
    let is_anonymous = settings.is_anonymous() && !oidc::is_wanted(layers);
    if is_anonymous && !settings.listening.host.is_loopback() && !insecure {
        refuse(
            layers
                .problem(
                    "host",
                    format!(
                        "without --keys or an issuer of tokens everyone who reaches {} may call",
                        settings.listening.host
                    ),
                )
                .hint("add --keys FILE or --keycloak-url URL, listen on 127.0.0.1, or say --insecure-anonymous"),
        );
    }
    if is_prod && is_anonymous {
        refuse(
            layers
                .problem("keys", "prod refuses to serve without identity")
                .hint("add --keys FILE or --keycloak-url URL"),
        );
    }
    if is_prod && insecure {
        refuse(layers.problem("insecure_anonymous", "refused in prod"));
    }
    if is_prod && debug {
        refuse(layers.problem("debug", "refused in prod"));
    }
    if is_prod
        && settings
            .listening
            .allowed_origins
            .iter()
            .any(|origin| origin == "*")
    {
        refuse(
            layers
                .problem(
                    "allowed_origins",
                    "prod refuses `*`: any web page could call",
                )
                .hint("name the origins"),
        );
    }
    let Listening {
        port, metrics_port, ..
    } = settings.listening;
    if port != 0 && metrics_port == Some(port) {
        refuse(layers.problem(
            "metrics_port",
            format!("is the port of the endpoint too ({port})"),
        ));
    }
    found.extend(kafka::check(settings, layers));
    layers.problems.extend(found);
}

fn mode(text: &str) -> Result<(), String> {
    match text.trim() {
        "edge-mcp" => Ok(()),
        "proxy" | "shadow" | "sidecar" => Err(format!(
            "this version does not have the mode `{}`, only edge-mcp",
            text.trim()
        )),
        other => Err(format!("`{other}` is no mode; this version has edge-mcp")),
    }
}

fn workers(text: &str) -> Result<NonZeroUsize, String> {
    let count: usize = value::number(text)?;
    if count > WORKERS_MAX {
        return Err(format!("must be at most {WORKERS_MAX}"));
    }
    Ok(NonZeroUsize::new(count)
        .unwrap_or_else(|| std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)))
}

pub(super) fn path(text: &str) -> Result<PathBuf, String> {
    if text.trim().is_empty() {
        Err("needs a path".into())
    } else {
        Ok(PathBuf::from(text))
    }
}

fn gateway_id(text: &str) -> Result<String, String> {
    let fits = text.len() <= 128 && text.bytes().all(|byte| byte.is_ascii_graphic());
    if fits {
        Ok(text.to_owned())
    } else {
        Err("must be at most 128 visible ASCII characters".into())
    }
}

fn host_name() -> String {
    let read = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    gateway_id(read.trim())
        .ok()
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "stoa-gateway".to_owned())
}

fn tenant(text: &str) -> Result<String, String> {
    names::tenant_of_namespace(text.trim()).map(str::to_owned)
}

fn tiers(text: &str) -> Result<Tiers, String> {
    // The documents' values, which stand where an operator names only some roles.
    let mut tiers = Tiers {
        cpi_admin: Rate::of_tier(Roles::CPI_ADMIN),
        tenant_admin: Rate::of_tier(Roles::TENANT_ADMIN),
        devops: Rate::of_tier(Roles::DEVOPS),
        viewer: Rate::of_tier(Roles::VIEWER),
        none: Rate::of_tier(Roles::NONE),
    };
    for (role, rate) in value::rates(text)? {
        let tier = match role.as_str() {
            "cpi-admin" => &mut tiers.cpi_admin,
            "tenant-admin" => &mut tiers.tenant_admin,
            "devops" => &mut tiers.devops,
            "viewer" => &mut tiers.viewer,
            "none" => &mut tiers.none,
            _ => {
                return Err(format!(
                    "`{role}` is none of cpi-admin, tenant-admin, devops, viewer, none"
                ));
            }
        };
        *tier = rate.rate();
    }
    Ok(tiers)
}
