//! `cargo xtask conformance`: the official MCP conformance suite against the gateway.
//!
//! Leg `rest`: a REST API that gives the suite's tools, as far as a REST API can, behind a gateway that asks
//! for no key. Both requirement sets are run, each at its own wire. What fails and is known to is in
//! `gateway/tests/conformance/baseline-*.yaml`, with the reason; the suite fails on anything else, and on a
//! line that has become untrue.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::run::{Child, wait_until_ready};
use crate::setup::Group;
use crate::{build, process, setup, workspace};

/// The revisions whose requirement sets are run.
const REVISIONS: [&str; 2] = ["2025-11-25", "2026-07-28"];
/// What their runs are called in a summary.
const NAMES: [&str; 2] = ["conformance 2025-11-25", "conformance 2026-07-28"];
/// Where the catalog says that the API is.
const ADDRESS_IN_CATALOG: &str = "127.0.0.1:3900";
/// How long the gateway may take to be ready. It needs milliseconds; the rest is for a loaded machine.
const READY_WITHIN: Duration = Duration::from_secs(20);
/// What the gateway's settings have beside its folders: everyone may call, and as often as they like. The
/// suite comes from one address and is no load test.
const SETTINGS: &str = "host: 127.0.0.1\nmetrics_port: 0\nworkers: 2\nebpf: \"off\"\n\
     upstream_allow: [127.0.0.0/8]\nrole_tiers: {tenant-admin: \"6000000/min:100000\"}\n";

/// What `conformance` takes.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// What stands behind the gateway
    #[arg(long, value_enum, default_value_t = Leg::Rest)]
    leg: Leg,
    /// Only this scenario of the suite
    #[arg(long)]
    scenario: Option<String>,
    /// Only this revision's requirements
    #[arg(long, value_parser = REVISIONS)]
    revision: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Leg {
    /// A REST API
    Rest,
}

/// What a requirement set came to.
pub(crate) struct Outcome {
    /// The run's name in a summary.
    pub(crate) name: &'static str,
    /// Whether everything that failed is in the baseline, and all of the baseline failed.
    pub(crate) succeeded: bool,
    /// Checks that passed.
    pub(crate) passed: u64,
    /// Checks that failed, expected or not.
    pub(crate) failed: u64,
}

/// Runs the command.
///
/// # Errors
/// If something does not build or start, or the suite finds what the baseline does not have.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let Leg::Rest = arguments.leg;
    setup::ensure(Group::Clients)?;
    build::build(false)?;
    if let Some(scenario) = &arguments.scenario {
        return run_scenario(scenario, arguments.revision.as_deref());
    }
    let outcomes = requirements(arguments.revision.as_deref())?;
    println!("\nleg rest:");
    for outcome in &outcomes {
        let verdict = if outcome.succeeded { "ok" } else { "FAILED" };
        let Outcome {
            name,
            passed,
            failed,
            ..
        } = outcome;
        println!("  {verdict:<7} {name}: {passed} checks passed, {failed} failed");
    }
    if outcomes.iter().any(|outcome| !outcome.succeeded) {
        bail!(
            "the suite found what gateway/tests/conformance/baseline-*.yaml does not say; see above"
        );
    }
    Ok(())
}

/// Runs the requirement sets against what is built.
///
/// # Errors
/// If something does not start.
pub(crate) fn requirements(only: Option<&str>) -> Result<Vec<Outcome>> {
    let stage = Stage::start()?;
    let runs = REVISIONS.into_iter().zip(NAMES);
    let wanted = runs.filter(|(revision, _)| only.is_none_or(|only| only == *revision));
    wanted
        .map(|(revision, name)| stage.requirements(revision, name))
        .collect()
}

fn run_scenario(scenario: &str, revision: Option<&str>) -> Result<()> {
    let stage = Stage::start()?;
    let mut command = stage.suite()?;
    command.args(["--scenario", scenario, "--verbose"]);
    if let Some(revision) = revision {
        command.args(["--spec-version", revision]);
    }
    process::run(&mut command)
}

/// The gateway and the API behind it; both are stopped on drop, the gateway first.
struct Stage {
    folder: PathBuf,
    port: u16,
    _gateway: Child,
    _fixture: Child,
}

impl Stage {
    fn start() -> Result<Self> {
        let folder = workspace::target().join("conformance");
        let _ = fs::remove_dir_all(&folder);
        let catalog = folder.join("catalog");
        fs::create_dir_all(&catalog)
            .with_context(|| format!("cannot make {}", catalog.display()))?;
        let (port, fixture_port) = (free_port()?, free_port()?);
        let address = format!("127.0.0.1:{fixture_port}");
        let from = home().join("catalog/suite.yaml");
        let text =
            fs::read_to_string(&from).with_context(|| format!("cannot read {}", from.display()))?;
        fs::write(
            catalog.join("suite.yaml"),
            text.replace(ADDRESS_IN_CATALOG, &address),
        )?;
        let config = folder.join("config.yaml");
        let spool = folder.join("spool");
        let folders = format!(
            "port: {port}\ncatalog: {}\nspool: {}\n",
            catalog.display(),
            spool.display()
        );
        fs::write(&config, folders + SETTINGS)?;

        let programs = workspace::target().join("debug");
        let mut fixture = Command::new(programs.join("conformance-fixture"));
        fixture.arg(&address).arg(&catalog);
        let fixture = Child::start(fixture)?;
        let mut gateway = Command::new(programs.join("stoa-gateway"));
        let log = fs::File::create(folder.join("gateway.log"))?;
        gateway
            .arg("--config")
            .arg(&config)
            .stdout(log.try_clone()?)
            .stderr(log);
        let mut gateway = Child::start(gateway)?;
        wait_until_ready(&mut gateway, port, READY_WITHIN)
            .with_context(|| format!("the log is in {}", folder.join("gateway.log").display()))?;
        Ok(Self {
            folder,
            port,
            _gateway: gateway,
            _fixture: fixture,
        })
    }

    /// Runs one revision's requirement set with its baseline.
    fn requirements(&self, revision: &str, name: &'static str) -> Result<Outcome> {
        let baseline = home().join(format!("baseline-{revision}.yaml"));
        let mut command = self.suite()?;
        command.args(["--requirements", revision, "--output-dir"]);
        command
            .arg(self.folder.join(revision))
            .arg("--expected-failures")
            .arg(baseline);
        let (succeeded, output) = process::tee(&mut command)?;
        let Some((passed, failed)) = total(&output) else {
            bail!("the suite ended without a total for {revision}");
        };
        Ok(Outcome {
            name,
            succeeded,
            passed,
            failed,
        })
    }

    fn suite(&self) -> Result<Command> {
        let (node, suite) = available()?;
        let mut command = Command::new(node);
        command.arg(suite).args(["server", "--url"]);
        // The suite's own rule: its rebinding scenario takes only localhost and 127.0.0.1.
        command.arg(format!("http://127.0.0.1:{}/mcp", self.port));
        Ok(command)
    }
}

/// Node.js and the suite's program.
///
/// # Errors
/// If one is not installed.
pub(crate) fn available() -> Result<(PathBuf, PathBuf)> {
    let tools = workspace::target().join("tools");
    let node = tools.join("node");
    let suite = tools.join("node_modules/@modelcontextprotocol/conformance/dist/index.js");
    for file in [&node, &suite] {
        if !file.is_file() {
            bail!(
                "{} is missing; `cargo xtask setup` installs it",
                file.display()
            );
        }
    }
    Ok((node, suite))
}

/// Where the catalog and the baselines are.
fn home() -> PathBuf {
    workspace::root().join("gateway/tests/conformance")
}

fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?
        .local_addr()?
        .port())
}

/// The suite's last line of counts: `Total: 84 passed, 0 failed`.
fn total(output: &str) -> Option<(u64, u64)> {
    let line = output
        .lines()
        .rev()
        .find_map(|line| line.trim().strip_prefix("Total: "))?;
    let (passed, failed) = line.split_once(" passed, ")?;
    let failed = failed.split(' ').next()?;
    Some((passed.parse().ok()?, failed.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_read_from_what_the_suite_prints() {
        let check = |output: &str, expected| assert_eq!(total(output), expected, "{output}");
        check("x\nTotal: 84 passed, 3 failed\n", Some((84, 3)));
        check(
            "Total: 1 passed, 2 failed\n...\nTotal: 5 passed, 0 failed (of 5)\n",
            Some((5, 0)),
        );
        check("Total: many passed, 0 failed", None);
        check("", None);
    }

    #[test]
    fn every_revision_has_a_baseline() {
        for revision in REVISIONS {
            let file = home().join(format!("baseline-{revision}.yaml"));
            assert!(NAMES.iter().any(|name| name.ends_with(revision)));
            assert!(file.is_file(), "{}", file.display());
        }
    }
}
