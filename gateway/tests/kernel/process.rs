//! One test, one process; and what tests ask the kernel about.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use stoa_gateway::kernel::{CgroupFault, Kernel, Mode, Unavailable};

/// Names the test that a process was started for.
const SELECTED: &str = "STOA_KERNEL_TEST";
/// How long a test waits for what the kernel does in its own time.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs `body` in a process of its own. An error from `body` is a reason to skip.
pub(crate) fn alone(name: &str, body: impl FnOnce() -> Result<(), String>) {
    alone_with(name, body, read_all);
}

/// As [`alone`], with `beside` running in this process meanwhile; it returns what the other one
/// wrote, and so does this function, unless it is the other one.
pub(crate) fn alone_with(
    name: &str,
    body: impl FnOnce() -> Result<(), String>,
    beside: impl FnOnce(&mut Child) -> String,
) -> Option<String> {
    if std::env::var(SELECTED).is_ok_and(|selected| selected == name) {
        if let Err(reason) = body() {
            skip(name, &reason);
        }
        return None;
    }
    let mut process = Command::new(std::env::current_exe().expect("this program has a path"))
        .args(["--exact", name, "--nocapture"])
        .env(SELECTED, name)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("this program starts again");
    let seen = beside(&mut process);
    let rest = process.wait_with_output().expect("it was started here");
    for line in seen.lines() {
        if let Some((_, reason)) = line.split_once("skipped: ") {
            note(&format!("skipped: {reason}"));
        }
    }
    use std::os::unix::process::ExitStatusExt;
    let was_killed = rest.status.signal() == Some(9);
    assert!(
        rest.status.success() || was_killed,
        "{name} in its own process: {}\n{seen}\n{}",
        rest.status,
        String::from_utf8_lossy(&rest.stderr)
    );
    Some(seen)
}

/// Everything that the other process writes to standard output.
pub(crate) fn read_all(process: &mut Child) -> String {
    let mut seen = String::new();
    let mut pipe = process.stdout.take().expect("piped");
    pipe.read_to_string(&mut seen).expect("text");
    seen
}

/// Reads the other process's standard output up to a line with `marker`. Returns all that was
/// read, and what stands behind the marker; none if the output ended first.
pub(crate) fn read_until(process: &mut Child, marker: &str) -> (String, Option<String>) {
    let mut seen = String::new();
    let pipe = process.stdout.as_mut().expect("piped");
    let mut byte = [0];
    // Byte by byte, so that what follows the line is left in the pipe for who reads next.
    while pipe.read(&mut byte).is_ok_and(|count| count == 1) {
        seen.push(char::from(byte[0]));
        if byte[0] == b'\n' {
            let line = seen.trim_end().lines().next_back().unwrap_or_default();
            if let Some((_, found)) = line.split_once(marker) {
                let found = found.to_owned();
                return (seen, Some(found));
            }
        }
    }
    (seen, None)
}

/// Whether this process runs as root.
pub(crate) fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|data| data.uid() == 0)
}

/// Starts the kernel part, or says why this machine cannot. Where it could, a failure is a failure.
pub(crate) fn start() -> Result<Kernel, String> {
    // A map of the plainest kind: whoever may not make this may do nothing with programs.
    if let Err(error) = aya::sys::is_map_supported(aya::maps::MapType::Hash) {
        return Err(format!("bpf(2) is not permitted here: {error}"));
    }
    match Kernel::start(Mode::Require) {
        Ok(kernel) => Ok(kernel),
        Err(
            refused @ (Unavailable::WithoutObject
            | Unavailable::WithoutFeature
            | Unavailable::Cgroup(CgroupFault::NoMount)),
        ) => Err(refused.to_string()),
        Err(refused) => panic!("this machine can, and yet: {refused}"),
    }
}

/// Whether the kernel holds the program with this number.
pub(crate) fn program_is_loaded(id: u32) -> bool {
    aya::programs::loaded_programs()
        .filter_map(Result::ok)
        .any(|program| program.id() == id)
}

/// Waits for what the kernel finishes on its own, and fails if it does not.
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    #[allow(clippy::disallowed_methods, reason = "a test waits for the kernel")]
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::yield_now();
    }
}

/// Says why `name` was not run, past the test runner's capture, for the summary of `cargo xtask test`.
pub(crate) fn skip(name: &str, reason: &str) {
    note(&format!("skipped: kernel::{name}: {reason}"));
}

/// Writes a line to standard output itself.
pub(crate) fn note(line: &str) {
    let mut out = std::io::stdout().lock();
    // Nobody is hurt if nobody reads it.
    let _ = writeln!(out, "\n{line}");
    let _ = out.flush();
}
