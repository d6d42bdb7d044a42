//! The flags of `stoa-gateway key`. What a flag alone can get wrong is refused here, with a reason; what
//! depends on the file is refused when it is changed.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use crate::auth::compile::check_name;
use crate::auth::scope::{Roles, Scopes};
use crate::limit::Rate;

/// The shortest and the longest that an old key may live beside its successor.
const OVERLAP_S: std::ops::RangeInclusive<u64> = 3_600..=168 * 3_600;

/// Makes and manages API keys.
#[derive(Clone, Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a key and print it, this once
    Create(Create),
    /// Show the keys, without any secret
    List(List),
    /// Make a successor to a key; both are valid until the overlap ends
    Rotate(Rotate),
    /// Remove a key; a running gateway refuses it within a second
    Revoke(Revoke),
}

/// `key create`.
#[derive(Clone, Debug, Args)]
pub struct Create {
    /// Tenant of the key: `acme` and `tenant-acme` are the same
    #[arg(long)]
    pub tenant: String,
    /// Who the key is for; unique within the tenant
    #[arg(long, value_parser = parse_name)]
    pub name: String,
    /// Role: cpi-admin, tenant-admin, devops or viewer [may be repeated]
    #[arg(long = "role", value_name = "ROLE", value_parser = parse_role)]
    pub roles: Vec<String>,
    /// Scope, e.g. stoa:tools:read [may be repeated; without role and scope: what an agent needs]
    #[arg(long = "scope", value_name = "SCOPE", value_parser = parse_scope)]
    pub scopes: Vec<String>,
    /// Life of the key, e.g. 90d [without: until it is revoked]
    #[arg(long, value_name = "DURATION", value_parser = parse_life)]
    pub expires: Option<Duration>,
    /// Limit of this key in place of its role's, e.g. 100/min
    #[arg(long)]
    pub rate: Option<Rate>,
    /// Requests that may come at once [a tenth of a minute's]
    #[arg(long, requires = "rate", value_parser = clap::value_parser!(u32).range(1..))]
    pub burst: Option<u32>,
    /// Name of the client in events and limits [the key's name]
    #[arg(long, value_parser = parse_name)]
    pub consumer: Option<String>,
    /// Limit of all keys of this consumer together, e.g. 1000/min
    #[arg(long, value_name = "RATE")]
    pub consumer_rate: Option<Rate>,
    /// Let the key's user name another consumer in X-Consumer-ID
    #[arg(long)]
    pub may_name_consumer: bool,
    /// Exactly these tools [may be repeated]
    #[arg(long = "tool-allow", value_name = "TOOL")]
    pub tools_allowed: Vec<String>,
    /// Never these tools [may be repeated]
    #[arg(long = "tool-refuse", value_name = "TOOL")]
    pub tools_refused: Vec<String>,
    /// Where keys are kept.
    #[command(flatten)]
    pub file: FileArgument,
}

/// `key list`.
#[derive(Clone, Debug, Args)]
pub struct List {
    /// Only this tenant's
    #[arg(long)]
    pub tenant: Option<String>,
    /// Where keys are kept.
    #[command(flatten)]
    pub file: FileArgument,
}

/// `key rotate`.
#[derive(Clone, Debug, Args)]
pub struct Rotate {
    /// Which key.
    #[command(flatten)]
    pub which: Which,
    /// How long the old key stays valid: 1h to 168h
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = parse_overlap)]
    pub overlap: Duration,
    /// Life of the new key [as long as the old one's]
    #[arg(long, value_name = "DURATION", value_parser = parse_life)]
    pub expires: Option<Duration>,
    /// Where keys are kept.
    #[command(flatten)]
    pub file: FileArgument,
}

/// `key revoke`.
#[derive(Clone, Debug, Args)]
pub struct Revoke {
    /// Which key; by name: with all that are being rotated out.
    #[command(flatten)]
    pub which: Which,
    /// Where keys are kept.
    #[command(flatten)]
    pub file: FileArgument,
}

/// Names a key.
#[derive(Clone, Debug, Args)]
pub struct Which {
    /// Name of the key
    #[arg(long, required_unless_present = "id", conflicts_with = "id")]
    pub name: Option<String>,
    /// Id of the key: the part between stoa_sk_ and the last _
    #[arg(long)]
    pub id: Option<String>,
    /// Tenant, where several have a key of this name
    #[arg(long)]
    pub tenant: Option<String>,
}

/// Names the keys file, or the settings that name it.
#[derive(Clone, Debug, Args)]
pub struct FileArgument {
    /// The keys file; create makes it [env: STOA_KEYS; in the file of --config: keys]
    #[arg(long, value_name = "FILE")]
    pub keys: Option<PathBuf>,
    /// The gateway's YAML file of settings, which names the keys file [env: STOA_CONFIG]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

impl KeyCommand {
    /// Where the command says that keys are kept.
    #[must_use]
    pub fn file(&self) -> &FileArgument {
        match self {
            Self::Create(create) => &create.file,
            Self::List(list) => &list.file,
            Self::Rotate(rotate) => &rotate.file,
            Self::Revoke(revoke) => &revoke.file,
        }
    }
}

fn parse_name(text: &str) -> Result<String, String> {
    check_name(text).map(|()| text.to_owned())
}

fn parse_role(text: &str) -> Result<String, String> {
    Roles::parse(text)
        .map(|_| text.to_owned())
        .map_err(|error| error.to_string())
}

fn parse_scope(text: &str) -> Result<String, String> {
    Scopes::parse(text)
        .map(|_| text.to_owned())
        .map_err(|error| error.to_string())
}

/// A key that lives no time at all is a typing error.
fn parse_life(text: &str) -> Result<Duration, String> {
    let life = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if life.as_secs() > 0 {
        Ok(life)
    } else {
        Err("a key lives for at least 1s".to_owned())
    }
}

fn parse_overlap(text: &str) -> Result<Duration, String> {
    let overlap = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if OVERLAP_S.contains(&overlap.as_secs()) && overlap <= Duration::from_secs(*OVERLAP_S.end()) {
        Ok(overlap)
    } else {
        Err("an overlap is from 1h to 168h".to_owned())
    }
}
