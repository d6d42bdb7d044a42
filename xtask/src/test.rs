//! `cargo xtask test`: setup, build, every test, and one summary at the end.
//!
//! A test that cannot run on this machine writes a line `skipped: NAME: REASON` to standard
//! output; the summary counts those lines and repeats them. All suites run even when one fails.

use crate::{build, conformance, process, services, setup, workspace};
use anyhow::{Result, bail};
use std::process::Command;

/// Services that integration tests talk to.
const SERVICES: [&str; 2] = ["kafka", "keycloak"];

/// What `test` takes.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Take the machine as it is; tests whose tools are missing are skipped
    #[arg(long)]
    no_setup: bool,
}

/// What one suite came to.
struct Suite {
    name: &'static str,
    succeeded: bool,
    counts: Counts,
    seconds: f32,
}

/// Tests by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Counts {
    passed: u64,
    failed: u64,
    ignored: u64,
}

/// Runs the command.
///
/// # Errors
/// If anything does not build or a test fails.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let begun = process::now();
    if !arguments.no_setup {
        setup::run(&setup::Arguments::default())?;
    }
    println!("\n== build");
    build::build(false)?;
    let mut skipped = Vec::new();
    let mut suites = vec![suite("unit tests", &["--lib", "--bins"], &mut skipped)?];
    let started = start_services();
    let integration = suite("integration tests", &["--test", "*"], &mut skipped);
    // Whatever became of the tests, and only what was not running before.
    if !started.is_empty() {
        services::down(&started)?;
    }
    suites.push(integration?);
    suites.push(suite("documentation tests", &["--doc"], &mut skipped)?);
    suites.extend(kernel_as_root(&mut skipped)?);
    suites.extend(conformance_suites(&mut skipped));
    summary(&suites, &skipped, begun.elapsed().as_secs_f32())
}

/// Starts the services that tests talk to, and gives those that were not running. Where one cannot be had
/// its tests skip themselves with a reason, and fail in CI.
fn start_services() -> Vec<&'static str> {
    println!("\n== services");
    let mut started = Vec::new();
    for name in SERVICES {
        match services::up(&[name]) {
            Ok(names) => started.extend(names),
            Err(error) => println!("{name}: {error:#}"),
        }
    }
    started
}

/// Runs `cargo test` with `selection` and reads the counts from what it prints.
fn suite(name: &'static str, selection: &[&str], skipped: &mut Vec<String>) -> Result<Suite> {
    let mut command = Command::new("cargo");
    command
        .current_dir(workspace::root())
        .args(["test", "--no-fail-fast"])
        .args(selection);
    measure(name, &mut command, skipped)
}

fn measure(name: &'static str, command: &mut Command, skipped: &mut Vec<String>) -> Result<Suite> {
    println!("\n== {name}");
    let begun = process::now();
    let (succeeded, output) = process::tee(command)?;
    let (counts, lines) = read(&output);
    skipped.extend(lines);
    Ok(Suite {
        name,
        succeeded,
        counts,
        seconds: begun.elapsed().as_secs_f32(),
    })
}

/// The kernel tests need the right to load programs. A plain user who may use sudo without a
/// password gets them run; anybody else has had them skipped with the reason.
fn kernel_as_root(skipped: &mut Vec<String>) -> Result<Option<Suite>> {
    let is_root = process::capture(Command::new("id").arg("-u")).is_ok_and(|id| id == "0");
    let may_sudo = !is_root && process::capture(Command::new("sudo").args(["-n", "true"])).is_ok();
    if !may_sudo {
        return Ok(None);
    }
    skipped.retain(|line| !line.contains("kernel::"));
    let mut command = Command::new("cargo");
    command
        .current_dir(workspace::root())
        .env(runner_variable(), "sudo -E")
        .args(["test", "-p", "stoa-gateway", "--test", "kernel"]);
    measure("kernel tests as root", &mut command, skipped).map(Some)
}

/// The official suite, against what the integration tests have built.
fn conformance_suites(skipped: &mut Vec<String>) -> Vec<Suite> {
    println!("\n== conformance");
    // In CI a skip is a failure, as for every test with a foreign client: nobody would read the line.
    let may_skip = std::env::var_os("CI").is_none_or(|value| value != "true");
    if let Err(reason) = conformance::available()
        && may_skip
    {
        println!("skipped: conformance: {reason:#}");
        skipped.push(format!("conformance: {reason:#}"));
        return Vec::new();
    }
    let begun = process::now();
    let seconds = || begun.elapsed().as_secs_f32();
    match conformance::requirements(None) {
        Ok(outcomes) => outcomes
            .iter()
            .map(|outcome| Suite {
                name: outcome.name,
                succeeded: outcome.succeeded,
                counts: Counts {
                    passed: outcome.passed,
                    // What is in the baseline, with its reason, is no failure of ours.
                    failed: if outcome.succeeded { 0 } else { outcome.failed },
                    ignored: 0,
                },
                seconds: seconds(),
            })
            .collect(),
        Err(error) => {
            println!("conformance: {error:#}");
            vec![Suite {
                name: "conformance",
                succeeded: false,
                counts: Counts::default(),
                seconds: seconds(),
            }]
        }
    }
}

/// Cargo's variable for the program that runs this platform's tests.
fn runner_variable() -> String {
    let libc = if cfg!(target_env = "musl") {
        "MUSL"
    } else {
        "GNU"
    };
    let architecture = std::env::consts::ARCH.to_uppercase();
    format!("CARGO_TARGET_{architecture}_UNKNOWN_LINUX_{libc}_RUNNER")
}

/// Counts from libtest's closing lines, and the lines of tests that skipped themselves.
fn read(output: &str) -> (Counts, Vec<String>) {
    let mut counts = Counts::default();
    let mut skipped = Vec::new();
    for line in output.lines() {
        // A skip line is written past libtest's capture, so it may share a line with its `test x ... `.
        if let Some((_, reason)) = line.split_once("skipped: ") {
            skipped.push(reason.to_owned());
        }
        let Some(rest) = line.strip_prefix("test result: ") else {
            continue;
        };
        for part in rest.split(['.', ';']) {
            let Some((number, what)) = part.trim().split_once(' ') else {
                continue;
            };
            let number: u64 = number.parse().unwrap_or(0);
            match what {
                "passed" => counts.passed += number,
                "failed" => counts.failed += number,
                "ignored" => counts.ignored += number,
                _ => {}
            }
        }
    }
    (counts, skipped)
}

fn summary(suites: &[Suite], skipped: &[String], seconds: f32) -> Result<()> {
    println!("\n== summary");
    let mut total = Counts::default();
    for suite in suites {
        let Counts {
            passed,
            failed,
            ignored,
        } = suite.counts;
        total.passed += passed;
        total.failed += failed;
        total.ignored += ignored;
        let verdict = if suite.succeeded { "ok" } else { "FAILED" };
        println!(
            "  {verdict:<7} {:<22} {passed:>5} passed {failed:>3} failed  {:.1} s",
            suite.name, suite.seconds
        );
    }
    for reason in skipped {
        println!("  skipped {reason}");
    }
    // A skipped test returns early and libtest counts it as passed; here it counts once.
    let skips = skipped.len() as u64;
    println!("  everything took {seconds:.0} s");
    println!(
        "tests: {} passed, {} failed, {} skipped",
        total.passed.saturating_sub(skips),
        total.failed,
        skips + total.ignored
    );
    let broken: Vec<&str> = suites
        .iter()
        .filter(|suite| !suite.succeeded)
        .map(|suite| suite.name)
        .collect();
    if !broken.is_empty() {
        bail!("failed: {}", broken.join(", "));
    }
    if total.passed == 0 {
        bail!("no test ran");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_added_over_binaries() {
        let output = "test a ... ok\n\
            test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.1s\n\
            test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out\n";
        let (counts, skipped) = read(output);
        let expected = Counts {
            passed: 14,
            failed: 1,
            ignored: 1,
        };
        assert_eq!(counts, expected);
        assert!(skipped.is_empty());
    }

    #[test]
    fn skips_are_kept_with_their_reason() {
        let (_, skipped) = read("test a ... skipped: kernel::counts: not root\nok\n");
        assert_eq!(skipped, ["kernel::counts: not root"]);
    }

    #[test]
    fn a_failed_suite_fails_the_run() {
        let suite = |succeeded| Suite {
            name: "unit tests",
            succeeded,
            counts: Counts {
                passed: 3,
                failed: 0,
                ignored: 0,
            },
            seconds: 0.1,
        };
        assert!(summary(&[suite(true)], &[], 0.1).is_ok());
        assert!(summary(&[suite(true), suite(false)], &[], 0.1).is_err());
        assert!(
            summary(&[], &[], 0.1).is_err(),
            "no test at all is a failure"
        );
    }
}
