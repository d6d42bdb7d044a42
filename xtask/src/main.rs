//! The project's only script: `cargo xtask COMMAND`, one file a command.
//!
//! This file names the commands and calls them; it does nothing itself. What several commands
//! need lives in [`workspace`] (where things are) and [`process`] (running programs).

#![allow(
    clippy::print_stdout,
    reason = "a command line tool talks to a person on standard output"
)]

mod bench;
mod build;
mod conformance;
mod ebpf;
mod lint;
mod process;
mod run;
mod services;
mod setup;
mod test;
mod tidy;
mod workspace;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Builds, checks and tests STOA Gateway.
///
/// New here? `cargo xtask setup` brings what this machine lacks, `cargo xtask test` shows that
/// everything works.
#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    version,
    max_term_width = 100
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install what this machine lacks for building and testing; safe to run again
    Setup(setup::Arguments),
    /// Build the kernel object, then the workspace
    Build(build::Arguments),
    /// Build a release and start the quickstart: gateway, demo API, two keys, and what to paste
    Run(run::Arguments),
    /// Measure the gateway beside nginx; exits 1 where a bar is missed
    Bench(bench::Arguments),
    /// Run the official MCP conformance suite against the gateway
    Conformance(conformance::Arguments),
    /// Build the kernel object alone, into target/ebpf/gateway-ebpf.o
    Ebpf,
    /// Install, start and stop the real Kafka, Keycloak, OPA and Redis for tests
    Services(services::Arguments),
    /// Set up, build, and run every test: unit, documentation, integration
    Test(test::Arguments),
    /// Check format, clippy, documentation links, tidy and dependencies
    Lint,
    /// Check what clippy cannot: layers, sizes, file headers, the runtime's place, machine paths
    Tidy,
}

/// Ends quietly where the reader of our output has gone (`| head`): printing then panics, which still stops
/// the programs that a command has started, but nobody is left to be told.
fn be_quiet_about_closed_pipes() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let text = panic.payload_as_str().unwrap_or_default();
        if !(text.starts_with("failed printing to") && text.contains("Broken pipe")) {
            usual(panic);
        }
    }));
}

fn main() -> ExitCode {
    be_quiet_about_closed_pipes();
    let outcome = match Arguments::parse().command {
        Command::Setup(arguments) => setup::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Build(arguments) => build::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Conformance(arguments) => conformance::run(&arguments),
        Command::Ebpf => ebpf::run(),
        Command::Services(arguments) => services::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Lint => lint::run(),
        Command::Tidy => tidy::run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}
