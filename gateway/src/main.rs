//! `stoa-gateway`: reads the command line and does what it says.
//!
//! Serving is [`stoa_gateway::control::serve`]; every other command is one function of the part that it
//! concerns.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use clap::Parser;

use stoa_gateway::auth::keys_command;
use stoa_gateway::auth::keys_file::HashSecret;
use stoa_gateway::control::config::File;
use stoa_gateway::control::flags::{Arguments, Command, Given};
use stoa_gateway::control::problem::Problem;
use stoa_gateway::control::settings::{self, Layers, Settings, print};
use stoa_gateway::control::{catalog, import, serve};
use stoa_gateway::kernel::doctor;
use stoa_gateway::meter::events_command;

/// Arenas per thread suit a thread per core: no allocation of one worker ever waits for another.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    #[allow(
        clippy::disallowed_methods,
        reason = "the one start of the process's clock"
    )]
    let started = Instant::now();
    let arguments = Arguments::parse();
    run(arguments, started).unwrap_or_else(|error| fail(&error))
}

/// Says why a command failed. One whose reader has gone (`| head`) has nobody to say it to.
fn fail(error: &anyhow::Error) -> ExitCode {
    let mut causes = error.chain().filter_map(|cause| cause.downcast_ref());
    if causes.any(|cause: &io::Error| cause.kind() == io::ErrorKind::BrokenPipe) {
        return ExitCode::SUCCESS;
    }
    tell(format_args!("stoa-gateway: {error:#}"));
    ExitCode::FAILURE
}

/// A line on standard error, which may be closed: `eprintln!` would panic.
fn tell(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

fn run(arguments: Arguments, started: Instant) -> Result<ExitCode> {
    let given = arguments.setting_flags();
    match &arguments.command {
        Some(Command::Key(command)) => return key(command, &given),
        Some(Command::Import(command)) => {
            return import::command(command).map(|()| ExitCode::SUCCESS);
        }
        Some(Command::Events(options)) => return events(options),
        None | Some(Command::Serve(_) | Command::Check(_) | Command::Doctor(_)) => {}
    }
    let layers = match read_layers(&given) {
        Ok(layers) => layers,
        Err(problems) => return Ok(complain(&problems)),
    };
    let mut layers = layers;
    let settings = match settings::resolve(&mut layers) {
        Ok(settings) => settings,
        Err(problems) => return Ok(complain(&problems)),
    };
    if given.print_config {
        writeln!(io::stdout(), "{}", print::print(&layers, &settings))?;
        return Ok(ExitCode::SUCCESS);
    }
    match &arguments.command {
        Some(Command::Check(_)) => Ok(check(&settings, &mut io::stdout().lock())?),
        Some(Command::Doctor(_)) => {
            let works = doctor(&settings)?;
            Ok(if works {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            })
        }
        _ => serve::serve(settings, started).map(|()| ExitCode::SUCCESS),
    }
}

/// Puts flags, environment and file over each other.
fn read_layers(given: &Given) -> Result<Layers, Vec<Problem>> {
    let file = match &given.config {
        None => None,
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| {
                vec![Problem::new(format!("cannot read the configuration: {error}")).in_file(path)]
            })?;
            Some(File::parse(path, &text)?)
        }
    };
    let environment: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    Ok(Layers::new(&given.values, &environment, file.as_ref()))
}

/// Prints problems where a person looks for them, and fails.
fn complain(problems: &[Problem]) -> ExitCode {
    for problem in problems {
        tell(problem);
    }
    ExitCode::FAILURE
}

fn check(settings: &Settings, out: &mut impl Write) -> io::Result<ExitCode> {
    let outcome = catalog::check(settings);
    for problem in &outcome.problems {
        writeln!(out, "{problem}")?;
    }
    for note in &outcome.notes {
        tell(format_args!("note: {note}"));
    }
    if outcome.problems.is_empty() {
        writeln!(
            out,
            "fine: {} tools of {} tenants, {} keys",
            outcome.tools, outcome.tenants, outcome.keys
        )?;
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::FAILURE)
}

/// Prints what this machine offers; false where the gateway would not work like this.
fn doctor(settings: &Settings) -> io::Result<bool> {
    let host = settings.listening.host;
    let ports = std::iter::once(settings.listening.port).chain(settings.listening.metrics_port);
    let listeners: Vec<SocketAddr> = ports.map(|port| SocketAddr::new(host, port)).collect();
    let inputs = doctor::Inputs {
        listeners: &listeners,
        spool: settings
            .metering
            .enabled
            .then_some(settings.metering.spool.directory.as_path()),
        catalog: settings.catalog.directory.as_deref(),
        keys: settings.identity.keys_file.as_deref(),
    };
    let mut rows = doctor::examine(&inputs);
    rows.extend(kafka(settings));
    doctor::report(&rows, &mut io::stdout().lock())
}

/// Asks a broker for the topic, where one is set.
#[cfg(feature = "kafka")]
fn kafka(settings: &Settings) -> Option<doctor::Row> {
    use doctor::{Row, State};
    use stoa_gateway::meter::kafka::{Found, look};
    let config = settings.metering.kafka.as_ref()?;
    let what = format!("kafka {}", config.bootstrap_servers);
    let waits = "events wait in the spool until it is there";
    Some(match look(config) {
        Ok(Found::Topic(partitions)) => Row::ok(
            what,
            format!("topic {} with {partitions} partitions", config.topic),
        ),
        Ok(Found::NoTopic(reason)) => Row::new(
            what,
            State::Off,
            format!("topic {}: {reason}", config.topic),
            "the gateway makes it where the broker permits; else make it, or permit its user to write there",
        ),
        Ok(Found::Nobody(reason)) => Row::new(what, State::Off, reason, waits),
        Err(error) => Row::new(what, State::Bad, error.to_string(), "see kafka_* in --help"),
    })
}

/// This build has no Kafka, and settings that ask for it were refused.
#[cfg(not(feature = "kafka"))]
fn kafka(_: &Settings) -> Option<doctor::Row> {
    None
}

fn key(command: &keys_command::KeyCommand, given: &Given) -> Result<ExitCode> {
    let found = read_layers(given).and_then(|mut layers| settings::keys(&mut layers));
    let (path, secret) = match found {
        Ok(found) => found,
        Err(problems) => return Ok(complain(&problems)),
    };
    let path = path.context(
        "no keys file is named: add --keys FILE, set STOA_KEYS, or name the gateway's settings with --config FILE",
    )?;
    let secret = secret
        .map(|secret| HashSecret::new(secret.expose().as_bytes()))
        .transpose()?;
    keys_command::run(
        command,
        &path,
        secret.as_ref(),
        unix_ms(),
        &mut io::stdout().lock(),
        &mut io::stderr().lock(),
    )?;
    Ok(ExitCode::SUCCESS)
}

fn events(options: &events_command::EventsOptions) -> Result<ExitCode> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let summary = events_command::run(options, &mut out, &AtomicBool::new(false))
        .with_context(|| format!("cannot read the spool {}", options.spool.display()))?;
    out.flush().or_else(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Ok(()),
        _ => Err(error),
    })?;
    if summary.damaged > 0 || summary.unknown > 0 {
        tell(format_args!(
            "stepped over {} damaged runs and {} records of a newer gateway",
            summary.damaged, summary.unknown
        ));
    }
    Ok(ExitCode::SUCCESS)
}

#[allow(clippy::disallowed_methods, reason = "a command, not the data path")]
fn unix_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
