//! A process that outlives xtask: detached, found again, measured and stopped.
//!
//! A daemon leads a session and a process group of its own, so that neither Ctrl-C nor a closed
//! terminal reaches it. Its process id stands in `pid` of its state folder, which is also its
//! working directory: a process of the same id that works elsewhere is not ours, so an old file
//! can never cost a stranger's process.

use crate::process;
use anyhow::{Context, Result, bail};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Notes the shell's own process id and then becomes the program, so that the id is the program's.
const DETACHED: &str = r#"echo $$ > "$0" && exec "$@""#;
/// Time for a shell to note its process id.
const NOTED_WITHIN: Duration = Duration::from_secs(10);
/// Time for the kernel to clear away what was killed.
const KILLED_WITHIN: Duration = Duration::from_secs(10);

/// A process group that works in a state folder.
#[derive(Debug)]
pub(super) struct Daemon {
    group: u32,
    folder: PathBuf,
}

/// How a stop went.
#[derive(Debug, PartialEq)]
pub(super) enum Stopped {
    ByTerm,
    ByKill,
}

impl Daemon {
    /// The daemon of a state folder, if one of its processes lives.
    pub(super) fn find(folder: &Path) -> Option<Self> {
        let text = fs::read_to_string(folder.join("pid")).ok()?;
        let daemon = Self {
            group: text.trim().parse().ok()?,
            // The kernel tells working directories without links.
            folder: folder.canonicalize().ok()?,
        };
        daemon.is_alive().then_some(daemon)
    }

    /// Starts `command` in `folder`, with its output in `folder/log`; the log before is kept as
    /// `log.old`.
    ///
    /// # Errors
    /// If the folder cannot be written or no process comes to be.
    pub(super) fn start(folder: &Path, command: &Command) -> Result<Self> {
        let folder = folder
            .canonicalize()
            .with_context(|| format!("cannot find {}", folder.display()))?;
        let (pid_file, log) = (folder.join("pid"), folder.join("log"));
        for old in [&pid_file, &folder.join("log.old")] {
            let _ = fs::remove_file(old);
        }
        let _ = fs::rename(&log, folder.join("log.old"));
        let output =
            File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let mut detached = Command::new("setsid");
        detached
            // Forked, so that it is no child of ours: nobody has to wait for it, and a program
            // that asks to end with the thread that started it is not ended with xtask.
            .args(["--fork", "sh", "-c", DETACHED])
            .arg(&pid_file)
            .arg(command.get_program())
            .args(command.get_args())
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => detached.env(name, value),
                None => detached.env_remove(name),
            };
        }
        let status = detached
            .status()
            .context("cannot start `setsid` (it is part of util-linux, which this system lacks)")?;
        if !status.success() {
            bail!("`setsid` failed ({status})");
        }
        let group = noted(&pid_file)?;
        Ok(Self { group, folder })
    }

    /// The process id of the leader, which is also the group's.
    pub(super) fn pid(&self) -> u32 {
        self.group
    }

    /// Whether any process of the group lives.
    pub(super) fn is_alive(&self) -> bool {
        !self.members().is_empty()
    }

    /// Memory in use by all its processes, in bytes.
    pub(super) fn memory_bytes(&self) -> u64 {
        self.members()
            .iter()
            .filter_map(|pid| fs::read_to_string(format!("/proc/{pid}/status")).ok())
            .filter_map(|text| resident_bytes(&text))
            .sum()
    }

    /// How long ago it was started.
    pub(super) fn age(&self) -> Option<Duration> {
        let noted = fs::metadata(self.folder.join("pid"))
            .ok()?
            .modified()
            .ok()?;
        noted.elapsed().ok()
    }

    /// SIGTERM to the group, and SIGKILL to what is left after `within`. `progress` is called
    /// while waiting.
    ///
    /// # Errors
    /// If a process survives even that.
    pub(super) fn stop(&self, within: Duration, mut progress: impl FnMut()) -> Result<Stopped> {
        let mut outcome = Stopped::ByTerm;
        self.signal("TERM");
        if !self.ends(within, &mut progress) {
            outcome = Stopped::ByKill;
            self.signal("KILL");
            if !self.ends(KILLED_WITHIN, &mut progress) {
                bail!(
                    "processes {:?} do not end, not even by SIGKILL",
                    self.members()
                );
            }
        }
        let _ = fs::remove_file(self.folder.join("pid"));
        Ok(outcome)
    }

    fn ends(&self, within: Duration, progress: &mut impl FnMut()) -> bool {
        let begun = process::now();
        while self.is_alive() {
            if begun.elapsed() > within {
                return false;
            }
            progress();
            crate::run::pause();
        }
        true
    }

    fn signal(&self, signal: &str) {
        // kill(1) rather than a crate for one system call. It fails if the group has just ended,
        // which is what was wanted; whether it has is looked at afterwards in any case.
        let _ = Command::new("kill")
            .args(["-s", signal, "--", &format!("-{}", self.group)])
            .stderr(Stdio::null())
            .status();
    }

    /// Living processes of the group that work in our folder.
    fn members(&self) -> Vec<u32> {
        processes()
            .filter(|pid| {
                fs::read_to_string(format!("/proc/{pid}/stat"))
                    .ok()
                    .and_then(|text| living_group(&text))
                    == Some(self.group)
            })
            .filter(|pid| {
                fs::read_link(format!("/proc/{pid}/cwd"))
                    .is_ok_and(|folder| folder.starts_with(&self.folder))
            })
            .collect()
    }
}

/// Ids of all processes that we can see.
pub(super) fn processes() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Waits until the shell has noted its process id.
fn noted(file: &Path) -> Result<u32> {
    let begun = process::now();
    while begun.elapsed() < NOTED_WITHIN {
        if let Some(pid) = fs::read_to_string(file)
            .ok()
            // A line that is not finished yet could be the beginning of an id.
            .and_then(|text| text.strip_suffix('\n')?.parse().ok())
        {
            return Ok(pid);
        }
        crate::run::pause();
    }
    bail!("no process id in {}; see the log beside it", file.display())
}

/// The process group in `/proc/PID/stat`, unless the process has ended and only waits for somebody
/// to ask for its exit code.
fn living_group(stat: &str) -> Option<u32> {
    // The program's name, in parentheses, may itself contain spaces and parentheses.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut columns = rest.split_whitespace();
    let state = columns.next()?;
    let group = columns.nth(1)?.parse().ok()?;
    (!matches!(state, "Z" | "X")).then_some(group)
}

/// `VmRSS` of `/proc/PID/status`, in bytes.
fn resident_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests;
