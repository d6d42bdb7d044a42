//! Filling the cache: each service once for all clones, from where its kind of package is had.
//!
//! A service is made in a folder of another name, which is renamed when all is there: an
//! interrupted installation is never taken for a whole one. What the tools keep for themselves
//! (Maven's repository, Go's modules and objects) stays in that folder and is dropped at the end,
//! so that nothing is written outside the cache and nothing is kept twice.

use super::lock::Lock;
use super::service::{self, Service};
use crate::process;
use crate::setup::{self, Group};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The plugin that copies what a coordinate names; pinned, because the default changes with Maven.
const MAVEN_DEPENDENCY_PLUGIN: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1";
/// What the tools keep for themselves while they work, below the folder in the making.
const SCRATCH: &str = "scratch";

/// Installs what the service lacks; silent if nothing.
///
/// # Errors
/// If a program is missing and cannot be installed, or a download or build fails.
pub(super) fn ensure(service: &Service) -> Result<()> {
    bring(service.needs)?;
    let Some(artifact) = &service.artifact else {
        return Ok(());
    };
    let target = service.place().installed;
    if target.is_dir() {
        return Ok(());
    }
    let _lock = Lock::of_the_cache()?;
    if target.is_dir() {
        // Another clone has made it while we waited.
        return Ok(());
    }
    bring(artifact.needs)?;
    service.say(
        "install",
        &format!("{} ({})", service.version, artifact.cost),
    );
    let begun = process::now();
    let new = service::installations().join(format!("new-{}", artifact.folder));
    remove(&new)?;
    let scratch = scratch(&new);
    fs::create_dir_all(&scratch).with_context(|| format!("cannot make {}", scratch.display()))?;
    (artifact.make)(&new).context("cannot be installed")?;
    remove(&scratch)?;
    fs::rename(&new, &target).with_context(|| format!("cannot make {}", target.display()))?;
    service.say(
        "done",
        &format!(
            "{} ({:.1} s)",
            target.display(),
            begun.elapsed().as_secs_f32()
        ),
    );
    Ok(())
}

/// Programs of the system, which `cargo xtask setup` would bring too.
fn bring(groups: &[Group]) -> Result<()> {
    for group in groups {
        setup::ensure(*group)?;
        if !setup::is_there(*group) {
            bail!(
                "a program that it needs is missing and cannot be installed; the reason is above"
            );
        }
    }
    Ok(())
}

fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    Ok(())
}

/// What is dropped when `folder` is made.
pub(super) fn scratch(folder: &Path) -> PathBuf {
    folder.join(SCRATCH)
}

/// Maven with a goal of its dependency plugin, working and keeping its repository in the scratch
/// folder of `folder`.
///
/// # Errors
/// If there is no Maven.
pub(super) fn maven(folder: &Path, goal: &str) -> Result<Command> {
    let mut repository = std::ffi::OsString::from("-Dmaven.repo.local=");
    repository.push(scratch(folder).join("repository"));
    let mut command = Command::new(setup::place("mvn")?);
    command
        .current_dir(scratch(folder))
        .args(["--batch-mode", "--no-transfer-progress", "--quiet"])
        // A log is no terminal.
        .arg("-Dstyle.color=never")
        .arg(repository)
        .arg(format!("{MAVEN_DEPENDENCY_PLUGIN}:{goal}"));
    Ok(command)
}

/// Go building one program (`MODULE@VERSION`) into `folder`, statically and without symbols.
///
/// # Errors
/// If there is no Go.
pub(super) fn go(folder: &Path, program: &str) -> Result<Command> {
    let scratch = scratch(folder);
    let mut command = Command::new(setup::place("go")?);
    command
        .current_dir(folder)
        .env("GOBIN", folder)
        .env("GOMODCACHE", scratch.join("modules"))
        .env("GOCACHE", scratch.join("objects"))
        // Modules are written read-only otherwise, and could not be dropped.
        .env("GOFLAGS", "-modcacherw")
        // A Go older than the module asks for fetches the right one as a module.
        .env("GOTOOLCHAIN", "auto")
        .env("CGO_ENABLED", "0")
        .args(["install", "-trimpath", "-ldflags", "-s -w", program]);
    Ok(command)
}
