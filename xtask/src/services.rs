//! `cargo xtask services`: the real Kafka, Keycloak, OPA and Redis on this machine, for tests and for trying things.
//!
//! A service is one row of [`SERVICES`] and one short file below this one: how it is had, how it is
//! started, and how it shows that it is ready. The rest is the same for all: [`install`] fills the
//! cache of all clones, [`daemon`] detaches and stops processes, [`ports`] tells who has a port,
//! [`start`] brings up, [`status`] shows. What a service stores and logs is below
//! `target/services/NAME`; everything listens on 127.0.0.1 only; nothing here is needed to run the
//! gateway.
//!
//! Measured on two cores that were busy with other work, 2026-11-21 (quiet ones need half):
//!
//! | | install | first start | start with kept state | stop | memory |
//! |---|---|---|---|---|---|
//! | Keycloak | 28 s | 14–31 s | 7–12 s | 1.3 s | 530 MiB |
//! | Kafka | 12 s | 4–9 s | 4–10 s, after a kill 6–7 s | 0.5 s | 370 MiB |
//! | OPA | 232 s | 0.1 s | 0.1 s | 0.1 s | 36 MiB |
//! | Redis | 8 s | 0.1 s | 0.1 s | 0.1 s | 12 MiB |

mod daemon;
mod install;
mod kafka;
mod keycloak;
mod lock;
mod opa;
mod ports;
mod redis;
mod service;
mod start;
mod status;

use crate::{process, workspace};
use anyhow::{Context, Result, bail};
use clap::builder::PossibleValuesParser;
use lock::Lock;
use service::Service;
use std::fs;
use std::process::Command;

/// Every service, in the order in which they are installed and started: the slowest first.
const SERVICES: &[&Service] = &[&keycloak::KEYCLOAK, &kafka::KAFKA, &opa::OPA, &redis::REDIS];

const EXAMPLES: &str = "\
Examples:
  cargo xtask services up               all of them; the first time takes some minutes
  cargo xtask services up kafka redis   two of them; what runs already is left alone
  cargo xtask services status           what runs, where, since when, with how much memory
  cargo xtask services logs keycloak -f follow a log
  cargo xtask services down             stop; topics, users and keys are there at the next `up`
  cargo xtask services wipe kafka       stop and forget: the next `up` begins empty

Where and as whom:
  kafka      127.0.0.1:19092 plain, 19093 TLS, 19094 SASL over TLS (SCRAM-SHA-512)
             user alice (alice-secret), who may do everything, and guest (guest-secret), who may do nothing; authority: target/services/kafka/tls/ca.crt
  keycloak   http://127.0.0.1:18080 (admin / admin-pw), health on 18081
             realms `stoa` and `globex`: deploy/services/keycloak/README.md
  opa        http://127.0.0.1:18181, without policies until somebody puts them there
  redis      127.0.0.1:16379

What is installed goes into the cache folder ($XDG_CACHE_HOME/stoa-gateway), once for all clones.
State, log and process id of each are in target/services/NAME. All listen on 127.0.0.1 only.";

/// What `services` takes.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Install what is missing, start, and wait until each really answers
    Up(Names),
    /// Stop; what they have stored stays
    Down(Names),
    /// Show state, process, memory and addresses
    Status(Names),
    /// Stop and drop what they have stored, logs included; what is installed stays
    Wipe(Names),
    /// Show the end of their logs
    Logs(Logs),
}

#[derive(clap::Args)]
struct Names {
    /// Which services; all if none is named
    #[arg(value_name = "NAME", value_parser = PossibleValuesParser::new(SERVICES.iter().map(|service| service.name)))]
    names: Vec<String>,
}

#[derive(clap::Args)]
struct Logs {
    #[command(flatten)]
    names: Names,
    /// Go on printing what is added, until Ctrl-C
    #[arg(short, long)]
    follow: bool,
    /// Lines of each log
    #[arg(short = 'n', long, default_value_t = 50)]
    lines: u32,
}

impl Names {
    fn as_texts(&self) -> Vec<&str> {
        self.names.iter().map(String::as_str).collect()
    }
}

/// Runs the command.
///
/// # Errors
/// As the functions below.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    match &arguments.action {
        Action::Up(names) => up(&names.as_texts()).map(|_| ()),
        Action::Down(names) => down(&names.as_texts()),
        Action::Status(names) => {
            status::print(&choose(&names.as_texts())?);
            Ok(())
        }
        Action::Wipe(names) => wipe(&names.as_texts()),
        Action::Logs(logs) => show_logs(logs),
    }
}

/// Installs, starts and waits; all services if none is named. Returns the names of those that were
/// not running before, so that a caller can stop what it started and no more.
///
/// # Errors
/// If a name is unknown, or a service cannot be installed, started, or is not ready in its time.
/// The other services are tried all the same; those that came up keep running.
pub(crate) fn up(names: &[&str]) -> Result<Vec<&'static str>> {
    let chosen = choose(names)?;
    let _lock = Lock::of_this_clone()?;
    start::all(&chosen)
}

/// Stops by process group, and waits; all services if none is named. One that does not run is no
/// error. What is stored stays.
///
/// # Errors
/// If a name is unknown or a service does not stop.
pub(crate) fn down(names: &[&str]) -> Result<()> {
    let chosen = choose(names)?;
    let _lock = Lock::of_this_clone()?;
    stop_all(&chosen)
}

fn wipe(names: &[&str]) -> Result<()> {
    let chosen = choose(names)?;
    let _lock = Lock::of_this_clone()?;
    stop_all(&chosen)?;
    for service in chosen {
        let folder = service.state();
        if folder.exists() {
            fs::remove_dir_all(&folder)
                .with_context(|| format!("cannot remove {}", folder.display()))?;
        }
        service.say("wiped", "the next start begins empty");
    }
    Ok(())
}

/// Stops in the reverse of the order of starting. Each is tried even if another one stays.
fn stop_all(chosen: &[&'static Service]) -> Result<()> {
    let mut failed = Vec::new();
    for service in chosen.iter().rev() {
        if let Err(error) = start::stop(service) {
            service.say("failed", &format!("{error:#}"));
            failed.push(service.name);
        }
    }
    if !failed.is_empty() {
        bail!("not stopped: {}; the reason is above", failed.join(", "));
    }
    Ok(())
}

fn show_logs(logs: &Logs) -> Result<()> {
    let chosen = choose(&logs.names.as_texts())?;
    let files: Vec<_> = chosen
        .iter()
        .map(|service| service.log())
        .filter(|file| file.is_file())
        .collect();
    if files.is_empty() {
        let names: Vec<&str> = chosen.iter().map(|service| service.name).collect();
        bail!(
            "no log in {}: never started in this clone, or wiped: {}",
            service::states().display(),
            names.join(", ")
        );
    }
    let mut tail = Command::new("tail");
    tail.args(["-n", &logs.lines.to_string()]);
    if logs.follow {
        // By name, because a start begins a new file.
        tail.arg("-F");
    }
    process::run(tail.args(files).current_dir(workspace::root()))
}

/// The rows of these names in the order of the table, each once; all if there are no names.
fn choose(names: &[&str]) -> Result<Vec<&'static Service>> {
    for name in names {
        if !SERVICES.iter().any(|service| service.name == *name) {
            let known: Vec<&str> = SERVICES.iter().map(|service| service.name).collect();
            bail!("no service `{name}`; there are: {}", known.join(", "));
        }
    }
    Ok(SERVICES
        .iter()
        .copied()
        .filter(|service| names.is_empty() || names.contains(&service.name))
        .collect())
}

#[cfg(test)]
mod tests;
