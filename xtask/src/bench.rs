//! `cargo xtask bench`: what the gateway costs, beside nginx, each figure beside its bar.
//!
//! Paired and interleaved: both proxies run in every round, the order turns with each, and only ratios of
//! CPU per request are judged. CPU comes from `/proc/PID/stat`, so a busy machine changes it little; a run
//! with errors does not count. Exits 1 where a bar is missed.

mod catalog;
mod load;
mod report;
mod servers;
mod usage;

use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::{process, workspace};
use report::{Bar, Report, Spread};
use servers::{Gateway, Nginx, Upstream};

/// Options of `cargo xtask bench`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Rounds of each measurement.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of load for each proxy in each round.
    #[arg(long, default_value_t = 4)]
    seconds: u64,
    /// Write the table into bench/README.md.
    #[arg(long)]
    write: bool,
}

/// Connections of the three load rows.
const CONNECTIONS: [usize; 3] = [1, 32, 256];
/// A full call may cost so many times what nginx spends on copying the bytes.
const RATIO_MAX: f64 = 1.15;
/// Resident memory with 1,000 tools and 100 tenants.
const RESIDENT_MB_MAX: f64 = 25.0;
/// How much dearer a call may be with 10,000 tools than with 10.
const TOOLS_RATIO_MAX: f64 = 1.10;
/// From process start to ready with 1,000 tools.
const READY_MS_MAX: f64 = 300.0;
/// Starts that are timed.
const STARTS: usize = 9;

/// Runs all measurements.
///
/// # Errors
/// A tool is missing, a run had errors, or a bar was missed.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    for tool in ["wrk", "nginx"] {
        if workspace::find_program(tool).is_none() {
            bail!("{tool} is not installed; `cargo xtask setup` brings it");
        }
    }
    crate::build::build(true)?;
    let mut report = Report::default();
    full_calls(arguments, &mut report).context("full calls beside nginx")?;
    tool_counts(arguments, &mut report).context("cost by number of tools")?;
    memory(&mut report).context("memory")?;
    starts(&mut report).context("time to ready")?;
    let table = report.table(arguments.rounds, arguments.seconds);
    println!("\n{table}");
    if arguments.write {
        report::write_readme(&table)?;
    }
    report.verdict()
}

/// CPU per full call (key, three limits, decision, metering, metrics on) against nginx copying bytes.
fn full_calls(arguments: &Arguments, report: &mut Report) -> Result<()> {
    let upstream = Upstream::start()?;
    let nginx = Nginx::start(upstream.port())?;
    let gateway = Gateway::start(&catalog::one_api(upstream.port(), 10, 1), 1)?;
    for connections in CONNECTIONS {
        let mut ratios = Vec::new();
        let (mut own, mut peer) = (Vec::new(), Vec::new());
        for round in 0..arguments.rounds {
            progress(&format!(
                "{connections} connections, round {} of {}",
                round + 1,
                arguments.rounds
            ));
            let duration = Duration::from_secs(arguments.seconds);
            let (gateway_us, nginx_us) = if round % 2 == 0 {
                let first = gateway.cpu_per_call(connections, duration)?;
                (first, nginx.cpu_per_call(&gateway, connections, duration)?)
            } else {
                let first = nginx.cpu_per_call(&gateway, connections, duration)?;
                (gateway.cpu_per_call(connections, duration)?, first)
            };
            ratios.push(gateway_us / nginx_us);
            own.push(gateway_us);
            peer.push(nginx_us);
        }
        let (own, peer) = (Spread::of(&own), Spread::of(&peer));
        report.add(Bar {
            name: format!(
                "full `tools/call` to REST, {connections} connections, CPU against nginx copying"
            ),
            measured: Spread::of(&ratios),
            unit: "×",
            max: RATIO_MAX,
            detail: format!("{own} µs against {peer} µs"),
        });
    }
    Ok(())
}

/// The same call with 10 and with 10,000 tools in the catalog.
fn tool_counts(arguments: &Arguments, report: &mut Report) -> Result<()> {
    let upstream = Upstream::start()?;
    let few = Gateway::start(&catalog::one_api(upstream.port(), 10, 1), 1)?;
    let many = Gateway::start(&catalog::one_api(upstream.port(), 10_000, 1), 1)?;
    let mut ratios = Vec::new();
    for round in 0..arguments.rounds {
        progress(&format!(
            "10 and 10,000 tools, round {} of {}",
            round + 1,
            arguments.rounds
        ));
        let duration = Duration::from_secs(arguments.seconds);
        let (with_many, with_few) = if round % 2 == 0 {
            let first = many.cpu_per_call(32, duration)?;
            (first, few.cpu_per_call(32, duration)?)
        } else {
            let first = few.cpu_per_call(32, duration)?;
            (many.cpu_per_call(32, duration)?, first)
        };
        ratios.push(with_many / with_few);
    }
    report.add(Bar {
        name: "cost of a call with 10,000 tools against 10, 32 connections".to_owned(),
        measured: Spread::of(&ratios),
        unit: "×",
        max: TOOLS_RATIO_MAX,
        detail: String::new(),
    });
    Ok(())
}

/// Resident memory after load, with 1,000 tools in 100 tenants.
fn memory(report: &mut Report) -> Result<()> {
    progress("memory with 1,000 tools and 100 tenants");
    let upstream = Upstream::start()?;
    let gateway = Gateway::start(&catalog::one_api(upstream.port(), 10, 100), 2)?;
    gateway.cpu_per_call(32, Duration::from_secs(2))?;
    report.add(Bar {
        name: "resident memory, 1,000 tools, 100 tenants, two workers, after load".to_owned(),
        measured: Spread::of(&[usage::resident_mb(gateway.id())?]),
        unit: "MB",
        max: RESIDENT_MB_MAX,
        detail: String::new(),
    });
    Ok(())
}

/// From process start to the first 200 of `/ready`, with 1,000 tools from files.
fn starts(report: &mut Report) -> Result<()> {
    let upstream = Upstream::start()?;
    let files = catalog::one_api(upstream.port(), 1_000, 1);
    let mut times = Vec::new();
    for start in 0..STARTS {
        progress(&format!("start {} of {STARTS}", start + 1));
        let gateway = Gateway::start(&files, 2)?;
        times.push(gateway.ready_after.as_secs_f64() * 1e3);
    }
    report.add(Bar {
        name: "process start to ready, 1,000 tools from files".to_owned(),
        measured: Spread::of(&times),
        unit: "ms",
        max: READY_MS_MAX,
        detail: String::new(),
    });
    Ok(())
}

fn progress(what: &str) {
    println!("  {what}");
}

/// A folder of its own for one server's files.
fn scratch(name: &str) -> Result<std::path::PathBuf> {
    let folder = workspace::target().join("bench").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

/// A loopback port that is free now.
fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?
        .local_addr()?
        .port())
}

/// The moment, for wall-clock rows.
fn now() -> std::time::Instant {
    process::now()
}
