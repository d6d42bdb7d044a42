//! The command line: what was asked for, not yet checked against anything.
//!
//! The flags of settings are made from [`super::settings::rows`], so each has the same name in all
//! three places; commands and their own flags are declared here. What a command does is elsewhere.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::auth::keys_command::KeyCommand;
use crate::meter::events_command::EventsOptions;

mod setting;

pub use setting::SettingFlags;

const EXAMPLES: &str = "\
Examples:
  Serve a directory of tools to agents on this machine:
    stoa-gateway --catalog ./catalog
  Serve a network, with API keys:
    stoa-gateway key create --tenant acme --name ci --role viewer --keys ./keys.yaml
    stoa-gateway --catalog ./catalog --keys ./keys.yaml --port 3001
  See what is in force, and where each value came from:
    stoa-gateway --config ./stoa.yaml --print-config
  Find every mistake before a restart:
    stoa-gateway check --config ./stoa.yaml

Every setting has three spellings: the flag --body-bytes-max is the variable
STOA_BODY_BYTES_MAX and the key body_bytes_max in the file of --config. A flag wins
over the environment, the environment over the file, the file over the default.
An unknown key, or an unknown variable that begins with STOA_, stops the start.";

const KEY_EXAMPLES: &str = "\
Examples:
  stoa-gateway key create --tenant acme --name ci --role viewer --expires 90d --keys ./keys.yaml
  stoa-gateway key list --config ./stoa.yaml

The keys file is found as serving finds it: --keys, then the variable STOA_KEYS, then `keys` in the
file of --config. The same holds for the hash secret: STOA_KEY_HASH_SECRET or
STOA_KEY_HASH_SECRET_FILE, then `key_hash_secret` or `key_hash_secret_file` in that file.";

/// MCP gateway: agents call REST APIs through one fast pipeline.
#[derive(Debug, Parser)]
#[command(name = "stoa-gateway", version, about, after_help = EXAMPLES, subcommand_negates_reqs = true)]
pub struct Arguments {
    /// Settings, for `serve` or before any other command.
    #[command(flatten)]
    pub settings: SettingFlags,
    /// What to do; serving where absent.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve (what happens without a command, too).
    Serve(SettingFlags),
    /// Validate configuration, catalog and keys without serving; exit 1 on any problem.
    #[command(
        after_help = "Each problem is a line `file:line:column: object: message (hint)` on standard output."
    )]
    Check(SettingFlags),
    /// Make, list, rotate and revoke API keys.
    #[command(
        subcommand,
        after_help = KEY_EXAMPLES
    )]
    Key(KeyCommand),
    /// Show the tools that a document would give.
    #[command(subcommand)]
    Import(ImportCommand),
    /// What this machine offers, one by one, with the reason where something is off.
    Doctor(SettingFlags),
    /// Print metering events as JSON lines, oldest first.
    #[command(
        after_help = "Example:\n  stoa-gateway events --spool ./stoa-spool --follow | jq .tool"
    )]
    Events(EventsOptions),
}

/// `stoa-gateway import ...`.
#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// Swagger 2.0, OpenAPI 3.0 or 3.1, as JSON or YAML.
    #[command(after_help = "\
Examples:
  stoa-gateway import openapi ./orders.yaml
  stoa-gateway import openapi https://api.example.com/openapi.json --namespace tenant-acme --emit yaml > catalog/orders.yaml

What was left out, and why, is told on standard error.")]
    Openapi(ImportOpenapi),
}

/// `stoa-gateway import openapi`.
#[derive(Debug, clap::Args)]
pub struct ImportOpenapi {
    /// File or URL of the document; `-` is standard input.
    #[arg(value_name = "FILE|URL")]
    pub document: String,
    /// Namespace of the tools.
    #[arg(long, default_value = "default")]
    pub namespace: String,
    /// What to print: a table of tools, or their YAML.
    #[arg(long, value_enum, default_value_t = Emit::Table)]
    pub emit: Emit,
    /// Base URL, where the document's servers are not the right ones.
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    /// Address ranges that a URL may resolve into beside public ones.
    #[arg(long, value_name = "CIDR", value_delimiter = ',', value_parser = super::spec::networks::parse, env = "STOA_UPSTREAM_ALLOW")]
    pub upstream_allow: Vec<ipnet::IpNet>,
    /// PEM file of certificate authorities for a URL. Default: those of the system.
    #[arg(long, value_name = "FILE", env = "STOA_UPSTREAM_CA_FILE")]
    pub upstream_ca_file: Option<PathBuf>,
}

/// What `import` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Emit {
    /// A line for each tool.
    Table,
    /// Tool objects that a catalog reads.
    Yaml,
}

impl Arguments {
    /// The settings that apply to the command: those before it, and over them those after it.
    #[must_use]
    pub fn setting_flags(&self) -> Given {
        let mut given = self.settings.given().clone();
        let after = match &self.command {
            None | Some(Command::Events(_) | Command::Import(_)) => None,
            Some(Command::Key(command)) => {
                let file = command.file();
                given.config = file.config.clone().or(given.config);
                let keys = file.keys.as_ref().map(|path| path.display().to_string());
                given
                    .values
                    .extend(keys.map(|path| ("keys".to_owned(), path)));
                None
            }
            Some(Command::Serve(flags) | Command::Check(flags) | Command::Doctor(flags)) => {
                Some(flags.given())
            }
        };
        if let Some(after) = after {
            given.values.extend(after.values.clone());
            given.config = after.config.clone().or(given.config);
            given.print_config |= after.print_config;
        }
        given
    }
}

/// Flags of settings as they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// By key of the setting.
    pub values: BTreeMap<String, String>,
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--print-config`.
    pub print_config: bool,
}

#[cfg(test)]
mod tests;
