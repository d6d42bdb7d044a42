//! Bringing services up and down: everything that is the same for all of them.
//!
//! Up is four steps, each for all services before the next one: install, look at the ports, start,
//! wait. Services so start beside each other, and the slowest decides how long it takes.

use super::daemon::{Daemon, Stopped};
use super::install;
use super::ports::{self, Holder};
use super::service::{Port, Service};
use crate::process;
use anyhow::{Context, Result, anyhow, bail};
use std::fs;
use std::time::{Duration, Instant};

/// Time after which a wait is told about again.
const TELL_EVERY: Duration = Duration::from_secs(5);
/// Time for the kernel to clear away a killed process with half a gigabyte of memory.
const RELEASED_WITHIN: Duration = Duration::from_secs(5);

/// A service that was started, or found running, and is not known to be ready.
struct Waiting {
    service: &'static Service,
    daemon: Daemon,
    begun: Instant,
    told: Instant,
    /// Whether it ran before.
    found: bool,
}

/// Brings all of `chosen` up. Returns the names of those that did not run before.
///
/// # Errors
/// If one of them is not up at the end; the reason was printed.
pub(super) fn all(chosen: &[&'static Service]) -> Result<Vec<&'static str>> {
    let mut failed = Vec::new();
    let mut waiting = Vec::new();
    for service in chosen {
        match installed_and_free(service) {
            Ok(found) => waiting.push((*service, found)),
            Err(error) => fail(service, &error, &mut failed),
        }
    }
    let mut started = Vec::new();
    for (service, found) in waiting {
        match begin(service, found) {
            Ok(one) => started.push(one),
            Err(error) => fail(service, &error, &mut failed),
        }
    }
    let fresh = wait(started, &mut failed);
    if !failed.is_empty() {
        bail!("not up: {}; the reason is above", failed.join(", "));
    }
    Ok(fresh)
}

fn fail(service: &Service, error: &anyhow::Error, failed: &mut Vec<&'static str>) {
    service.say("failed", &format!("{error:#}"));
    failed.push(service.name);
}

/// The daemon if it runs already; else it is installed and its ports are looked at.
fn installed_and_free(service: &Service) -> Result<Option<Daemon>> {
    if let Some(daemon) = Daemon::find(&service.state()) {
        return Ok(Some(daemon));
    }
    for port in service.ports {
        expect_free(service, port)?;
    }
    install::ensure(service)?;
    Ok(None)
}

/// Waits a moment for a killed process to let go of the port, and refuses if somebody keeps it.
fn expect_free(service: &Service, port: &Port) -> Result<()> {
    let number = port.number;
    let begun = process::now();
    while !ports::is_free(number).with_context(|| format!("port {number} cannot be used"))? {
        let holder = ports::holder(number);
        // A process that is ending still has the port and cannot be looked into any more.
        if holder == Holder::Unknown && begun.elapsed() < RELEASED_WITHIN {
            crate::run::pause();
            continue;
        }
        bail!(
            "port {number} ({}) is taken by {holder}; stop it first (if it is this service of another \
             clone, with `cargo xtask services down {}` there)",
            port.what,
            service.name
        );
    }
    Ok(())
}

fn begin(service: &'static Service, found: Option<Daemon>) -> Result<Waiting> {
    let was_found = found.is_some();
    let daemon = match found {
        Some(daemon) => daemon,
        None => launch(service)?,
    };
    let begun = process::now();
    Ok(Waiting {
        service,
        daemon,
        begun,
        told: begun,
        found: was_found,
    })
}

fn launch(service: &Service) -> Result<Daemon> {
    let state = service.state();
    fs::create_dir_all(&state).with_context(|| format!("cannot make {}", state.display()))?;
    let command = (service.prepare)(&service.place())?;
    let daemon = Daemon::start(&state, &command)?;
    service.say(
        "start",
        &format!("{}, process {}", service.version, daemon.pid()),
    );
    Ok(daemon)
}

/// Waits for all at once, telling each that is ready and, now and then, what the others lack.
/// Returns the names of those that are ready and were not running before.
fn wait(mut waiting: Vec<Waiting>, failed: &mut Vec<&'static str>) -> Vec<&'static str> {
    let mut fresh = Vec::new();
    while !waiting.is_empty() {
        waiting.retain_mut(|one| match look(one) {
            Ok(true) => {
                if !one.found {
                    fresh.push(one.service.name);
                }
                false
            }
            Ok(false) => true,
            Err(error) => {
                fail(one.service, &error, failed);
                false
            }
        });
        crate::run::pause();
    }
    fresh
}

/// Whether a service is ready; an error if it will not be.
fn look(one: &mut Waiting) -> Result<bool> {
    let waited = one.begun.elapsed();
    let seconds = waited.as_secs_f32();
    let service = one.service;
    // Asked before readiness: an answer must not come from somebody else on the port of a service
    // that has ended.
    if !one.daemon.is_alive() {
        if one.found {
            // It was just ending when it was found, so it is not what was asked for.
            *one = begin(service, installed_and_free(service)?)?;
            return Ok(false);
        }
        bail!(
            "ended after {seconds:.1} s (`cargo xtask services wipe {}` begins anew if it stumbles over \
             what it has stored); {}",
            service.name,
            end_of_log(service)
        );
    }
    let reason = match (service.ready)() {
        Ok(()) => {
            let how = if one.found {
                "was up already".to_owned()
            } else {
                format!("after {seconds:.1} s")
            };
            service.say("ready", &format!("{}  ({how})", service.addresses()));
            return Ok(true);
        }
        Err(reason) => reason,
    };
    if waited > service.start_within {
        // Half a service helps nobody, and the next `up` would find it running.
        let stopped = stop(service);
        let limit = service.start_within.as_secs();
        let error = anyhow!(
            "not ready after {limit} s: {reason:#}; {}",
            end_of_log(service)
        );
        return Err(stopped.err().unwrap_or(error));
    }
    if one.told.elapsed() > TELL_EVERY {
        one.told = process::now();
        service.say("wait", &format!("{seconds:.0} s: {reason:#}"));
    }
    Ok(false)
}

fn end_of_log(service: &Service) -> String {
    let log = service.log();
    format!(
        "the end of {}:\n{}",
        log.display(),
        process::last_lines(&log)
    )
}

/// Stops a service, if it runs, and says how that went.
///
/// # Errors
/// If a process does not end.
pub(super) fn stop(service: &Service) -> Result<()> {
    let Some(daemon) = Daemon::find(&service.state()) else {
        service.say("down", "did not run");
        return Ok(());
    };
    let begun = process::now();
    let mut told = begun;
    let outcome = daemon.stop(service.stop_within, || {
        if told.elapsed() > TELL_EVERY {
            told = process::now();
            let seconds = begun.elapsed().as_secs();
            service.say("stop", &format!("{seconds} s: still finishing"));
        }
    })?;
    let seconds = begun.elapsed().as_secs_f32();
    match outcome {
        Stopped::ByTerm => service.say("down", &format!("after {seconds:.1} s")),
        Stopped::ByKill => service.say(
            "down",
            &format!(
                "killed: it had not ended {} s after SIGTERM; it may have lost its last writes",
                service.stop_within.as_secs()
            ),
        ),
    }
    Ok(())
}
