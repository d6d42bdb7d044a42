//! `cargo xtask tidy`: what clippy cannot check. Each violation is `file:line: reason`.
//!
//! One file a check: [`layers`] (who may use whom), [`sizes`], [`headers`], [`runtime`] (only
//! `worker/io.rs` names it), [`limits`] (each bound has a test), [`paths`] (nothing of one person's
//! machine). The checks are plain functions from a [`Source`] to violations, so that each is tested on a few lines of text.

mod headers;
mod layers;
mod limits;
mod paths;
mod runtime;
mod sizes;
mod source;
#[cfg(test)]
mod tests;

use crate::{process, workspace};
use anyhow::{Context, Result, bail};
use source::Source;
use std::fmt;
use std::fs;
use std::process::Command;

/// One thing to mend.
#[derive(Clone, Debug, PartialEq)]
struct Violation {
    path: String,
    /// Counted from 1.
    line: usize,
    reason: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}", self.path, self.line, self.reason)
    }
}

/// Runs the command on every file that git knows or would know.
///
/// # Errors
/// If anything is to be mended, or git cannot list the files.
pub(crate) fn run() -> Result<()> {
    let paths = files()?;
    let mut found = Vec::new();
    let mut limits = limits::Limits::default();
    let mut rust = 0;
    for path in &paths {
        let Ok(text) = fs::read_to_string(workspace::root().join(path)) else {
            // Not text, or removed but still in the index: nothing to read.
            continue;
        };
        found.extend(paths::check(path, &text));
        if path.ends_with(".rs") {
            rust += 1;
            let source = Source::new(path, &text);
            found.extend(headers::check(&source));
            found.extend(layers::check(&source));
            found.extend(runtime::check(&source));
            found.extend(sizes::check(&source));
            limits.read(&source);
        }
    }
    found.extend(limits.check());
    if rust == 0 {
        bail!("tidy found no Rust file to check; is this a git clone?");
    }
    for violation in &found {
        println!("{violation}");
    }
    if found.is_empty() {
        println!(
            "tidy: {} files, {rust} of them Rust, nothing to mend",
            paths.len()
        );
        return Ok(());
    }
    bail!("{} to mend, listed above", found.len())
}

fn files() -> Result<Vec<String>> {
    let listed = process::capture(Command::new("git").current_dir(workspace::root()).args([
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
    ]))
    .context("tidy asks git which files are ours")?;
    let mut paths: Vec<String> = listed.lines().map(str::to_owned).collect();
    paths.sort();
    paths.dedup();
    Ok(paths)
}
