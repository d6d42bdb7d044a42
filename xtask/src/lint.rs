//! `cargo xtask lint`: format, clippy, documentation links, tidy, dependencies.
//!
//! Every check runs even when an earlier one failed, so that one run shows all there is to mend.

use crate::setup::Group;
use crate::{ebpf, process, setup, tidy, workspace};
use anyhow::{Result, bail};
use std::process::Command;

/// A check's name and what it does.
type Check = (&'static str, fn() -> Result<()>);

/// Runs the command.
///
/// # Errors
/// If a check fails, or a tool is missing and cannot be installed.
pub(crate) fn run() -> Result<()> {
    setup::ensure(Group::Lint)?;
    let checks: [Check; 6] = [
        ("format", format),
        ("clippy", clippy),
        ("clippy of the kernel programs", clippy_kernel),
        ("documentation", documentation),
        ("tidy", tidy::run),
        ("dependencies", dependencies),
    ];
    let mut failed = Vec::new();
    for (name, check) in checks {
        println!("\n== {name}");
        let begun = process::now();
        match check() {
            Ok(()) => println!("{name}: ok ({:.1} s)", begun.elapsed().as_secs_f32()),
            Err(error) => {
                println!("{name}: {error:#}");
                failed.push(name);
            }
        }
    }
    if failed.is_empty() {
        println!("\nlint: everything is in order");
        return Ok(());
    }
    bail!("not in order: {}; the reasons are above", failed.join(", "))
}

fn format() -> Result<()> {
    process::run(cargo().args(["fmt", "--all", "--check"]))
}

fn clippy() -> Result<()> {
    let strict = ["--", "-D", "warnings"];
    process::run(
        cargo()
            .args(["clippy", "--all-targets", "--quiet"])
            .args(strict),
    )?;
    // Features only add; the gateway without the kernel part must stay whole.
    process::run(
        cargo()
            .args([
                "clippy",
                "-p",
                "stoa-gateway",
                "--no-default-features",
                "--quiet",
            ])
            .args(strict),
    )
}

fn clippy_kernel() -> Result<()> {
    match ebpf::clippy() {
        Some(mut command) => process::run(&mut command),
        None => {
            println!("skipped: no kernel toolchain here (`cargo xtask setup` brings it)");
            Ok(())
        }
    }
}

fn documentation() -> Result<()> {
    process::run(cargo().env("RUSTDOCFLAGS", "-D warnings").args([
        "doc",
        "--no-deps",
        "--document-private-items",
        "--quiet",
    ]))
}

/// cargo-deny. Its list of known vulnerabilities is a public git repository, which not every
/// machine can reach: then, and only then, that one check is left out, aloud.
fn dependencies() -> Result<()> {
    let mut offline = deny();
    process::run(offline.args(["check", "bans", "licenses", "sources"]))?;
    if let Err(error) = process::capture(deny().args(["fetch", "db"])) {
        println!("skipped: advisories: the advisory database cannot be reached");
        println!(
            "    {}",
            format!("{error:#}")
                .lines()
                .next()
                .unwrap_or("no reason given")
        );
        return Ok(());
    }
    process::run(deny().args(["check", "--disable-fetch", "advisories"]))
}

fn deny() -> Command {
    let mut command =
        Command::new(workspace::find_program("cargo-deny").unwrap_or_else(|| "cargo-deny".into()));
    command
        .current_dir(workspace::root())
        // git must not wait for somebody to type a password.
        .env("GIT_TERMINAL_PROMPT", "0");
    command
}

fn cargo() -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(workspace::root());
    command
}
