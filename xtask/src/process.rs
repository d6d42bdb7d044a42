//! Running other programs, with errors that say what was run and what to do.
//!
//! Three ways: [`run`] shows everything, [`quiet`] keeps the output in a log and shows that work
//! goes on, [`capture`] returns the output.

use anyhow::{Context, Result, bail};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Silence after which [`quiet`] says that it still works: long enough not to fill a log, short
/// enough that nobody reaches for Ctrl-C.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Lines of a failed program's log that are shown; the rest stands in the file.
const LOG_LINES_SHOWN: usize = 25;

/// The command as a person would type it.
pub(crate) fn describe(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| {
        let word = word.to_string_lossy();
        if word.contains(char::is_whitespace) || word.is_empty() {
            format!("'{word}'")
        } else {
            word.into_owned()
        }
    }));
    words.join(" ")
}

/// The present moment, for measuring how long steps take.
pub(crate) fn now() -> Instant {
    #[allow(
        clippy::disallowed_methods,
        reason = "xtask times its own steps; the rule is about the data path"
    )]
    Instant::now()
}

/// Runs with the terminal handed through, after printing the command.
///
/// # Errors
/// If the program is not there or its exit code is not 0.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let text = describe(command);
    println!("$ {text}");
    let status = command.status().with_context(|| not_started(&text))?;
    if !status.success() {
        bail!("`{text}` failed ({status})");
    }
    Ok(())
}

/// Runs and returns standard output, trimmed.
///
/// # Errors
/// If the program is not there or its exit code is not 0; the text holds its standard error.
pub(crate) fn capture(command: &mut Command) -> Result<String> {
    let text = describe(command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| not_started(&text))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`{text}` failed ({}): {}", output.status, said.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Runs with the output kept in `target/xtask/NAME.log`, saying every quarter minute that work
/// goes on. On failure the log's last lines are part of the error.
///
/// # Errors
/// If the program is not there, its exit code is not 0, or the log cannot be written.
pub(crate) fn quiet(name: &str, command: &mut Command) -> Result<()> {
    let text = describe(command);
    let folder = crate::workspace::target().join("xtask");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let log = folder.join(format!("{}.log", name.replace(['/', ' ', '@'], "-")));
    let mut file = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    writeln!(file, "$ {text}")?;
    let child = command
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .spawn()
        .with_context(|| not_started(&text))?;
    let status = wait_aloud(child)?;
    if !status.success() {
        bail!(
            "`{text}` failed ({status}); the end of {}:\n{}",
            log.display(),
            last_lines(&log)
        );
    }
    Ok(())
}

/// Waits for `child`, printing a line each [`HEARTBEAT`].
fn wait_aloud(mut child: Child) -> Result<std::process::ExitStatus> {
    let begun = now();
    let (send, receive) = channel();
    let waiter = std::thread::spawn(move || {
        let status = child.wait();
        // The receiver is gone only if this thread's caller panicked; nobody is left to tell.
        let _ = send.send(());
        status
    });
    while receive.recv_timeout(HEARTBEAT) == Err(RecvTimeoutError::Timeout) {
        println!(
            "             still working, {} s",
            begun.elapsed().as_secs()
        );
    }
    match waiter.join() {
        Ok(status) => Ok(status?),
        Err(_) => bail!("the thread that waited for a program panicked"),
    }
}

/// Runs with standard error handed through and standard output both shown and returned.
///
/// # Errors
/// If the program is not there. The exit code is returned, not judged.
pub(crate) fn tee(command: &mut Command) -> Result<(bool, String)> {
    let text = describe(command);
    println!("$ {text}");
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| not_started(&text))?;
    let mut kept = Vec::new();
    if let Some(mut pipe) = child.stdout.take() {
        let mut buffer = [0_u8; 8192];
        loop {
            let count = pipe.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            std::io::stdout().write_all(&buffer[..count])?;
            std::io::stdout().flush()?;
            kept.extend_from_slice(&buffer[..count]);
        }
    }
    let status = child.wait()?;
    Ok((
        status.success(),
        String::from_utf8_lossy(&kept).into_owned(),
    ))
}

/// The end of a log, as much as helps a person.
pub(crate) fn last_lines(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..].join("\n")
}

fn not_started(text: &str) -> String {
    format!("cannot start `{text}` (is it installed? `cargo xtask setup --check` tells)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_described_as_typed() {
        let mut command = Command::new("cargo");
        command.args(["test", "--test", "a b", ""]);
        assert_eq!(describe(&command), "cargo test --test 'a b' ''");
    }

    #[test]
    fn a_failure_says_what_was_run_and_what_it_said() {
        let error = capture(Command::new("sh").args(["-c", "echo reason >&2; exit 3"]))
            .expect_err("exit code 3 is a failure");
        let text = format!("{error:#}");
        assert!(text.contains("sh -c"), "{text}");
        assert!(text.contains("reason"), "{text}");
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = capture(&mut Command::new("no-such-program-here")).expect_err("missing");
        assert!(format!("{error:#}").contains("no-such-program-here"));
    }

    #[test]
    fn tee_returns_output_and_outcome() {
        let (ok, text) = tee(Command::new("sh").args(["-c", "echo a; exit 1"])).expect("sh runs");
        assert!(!ok);
        assert_eq!(text, "a\n");
    }
}
