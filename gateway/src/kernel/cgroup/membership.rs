//! The cgroup that accounting is attached to: one that holds this process and nothing else.
//!
//! Programs attached to a cgroup see every socket made in it and below it. So the process's own
//! cgroup is used as it is if the process is alone in it (a container, a systemd service). If it
//! is the root of the hierarchy, or other processes are in it (a terminal), a child
//! `stoa-gateway-PID` is made and the process moves into it until the kernel part is dropped.
//! Moving changes no limit: a child without controllers is bound by its parents'. Where a child
//! cannot be made (a read-only mount in a container), a shared cgroup is used and said so; the
//! root never, because that would count every process of the machine.

use super::{Fault, own_directory};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

const CHILD_PREFIX: &str = "stoa-gateway-";

/// Being in a cgroup of our own. Dropping it undoes what [`Membership::enter`] did.
#[derive(Debug)]
pub(in crate::kernel) struct Membership {
    directory: PathBuf,
    /// The cgroup to go back to, if `directory` is a child that we made.
    parent: Option<PathBuf>,
    /// Other processes whose connections are counted with ours.
    shared_with: usize,
}

impl Membership {
    /// Finds the process's cgroup, and moves the process into a child of it where that is needed.
    ///
    /// # Errors
    /// If there is no cgroup v2, or the only one that could be used is the root.
    pub(in crate::kernel) fn enter() -> Result<Self, Fault> {
        let directory = own_directory()?;
        let others = other_members(&directory)?;
        let is_root = !directory.join("cgroup.type").exists();
        if !is_root && others == 0 {
            return Ok(Self {
                directory,
                parent: None,
                shared_with: 0,
            });
        }
        remove_stale(&directory);
        match make_child(&directory) {
            Ok(child) => Ok(Self {
                directory: child,
                parent: Some(directory),
                shared_with: 0,
            }),
            Err(source) if is_root => Err(Fault::NoChild {
                parent: directory,
                source,
            }),
            Err(_) => Ok(Self {
                directory,
                parent: None,
                shared_with: others,
            }),
        }
    }

    /// The cgroup's folder.
    pub(in crate::kernel) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Opens the folder, which is how a cgroup is named to the kernel.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub(in crate::kernel) fn open(&self) -> Result<File, Fault> {
        File::open(&self.directory).map_err(|source| Fault::Io {
            path: self.directory.clone(),
            source,
        })
    }

    /// Where we are, in words.
    pub(in crate::kernel) fn describe(&self) -> String {
        let place = self.directory.display();
        match (&self.parent, self.shared_with) {
            (Some(_), _) => format!("in {place}, made for this process"),
            (None, 0) => format!("in {place}"),
            (None, others) => format!(
                "in {place}, where connections of {others} other process(es) are counted too"
            ),
        }
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        let Some(parent) = &self.parent else {
            return;
        };
        // Best effort at the end of a process; the next start removes what stays behind.
        let outcome = join(parent).and_then(|()| fs::remove_dir(&self.directory));
        if let Err(error) = outcome {
            tracing::debug!("cgroup {} stays: {error}", self.directory.display());
        }
    }
}

/// Processes other than this one in the cgroup and below it. One that we cannot name (it is
/// outside of our PID namespace and reads as 0) counts too.
fn other_members(directory: &Path) -> Result<usize, Fault> {
    let own = std::process::id();
    let path = directory.join("cgroup.procs");
    let text = fs::read_to_string(&path).map_err(|source| Fault::Io { path, source })?;
    let here = text.lines().filter(|line| line.parse() != Ok(own)).count();
    let below = fs::read_dir(directory)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter(|entry| {
            fs::read_to_string(entry.path().join("cgroup.events"))
                .is_ok_and(|events| events.lines().any(|line| line == "populated 1"))
        })
        .count();
    Ok(here + below)
}

fn make_child(parent: &Path) -> io::Result<PathBuf> {
    let child = parent.join(format!("{CHILD_PREFIX}{}", std::process::id()));
    match fs::create_dir(&child) {
        // Left by a process that had our number before us.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        other => other?,
    }
    if let Err(error) = join(&child) {
        let _ = fs::remove_dir(&child);
        return Err(error);
    }
    Ok(child)
}

/// Moves the whole process, all threads of it.
fn join(directory: &Path) -> io::Result<()> {
    fs::write(directory.join("cgroup.procs"), "0")
}

/// Removes what killed gateways left. Only an empty cgroup can be removed, so nothing can be hurt.
fn remove_stale(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let process = name
            .to_str()
            .and_then(|name| name.strip_prefix(CHILD_PREFIX))
            .and_then(|number| number.parse::<u32>().ok());
        let is_gone = process.is_some_and(|number| !Path::new(&format!("/proc/{number}")).exists());
        if is_gone && fs::remove_dir(entry.path()).is_ok() {
            tracing::debug!("removed the empty cgroup {}", entry.path().display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder that looks like a cgroup with these members.
    fn folder(members: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("cgroup.procs"), members).expect("writable");
        folder
    }

    #[test]
    fn everyone_but_us_is_another() {
        let own = std::process::id();
        let check = |members: String, expected: usize| {
            let found = other_members(folder(&members).path()).expect("readable");
            assert_eq!(found, expected, "{members:?}");
        };
        check(String::new(), 0);
        check(format!("{own}\n"), 0);
        check(format!("1\n{own}\n4000000\n"), 2);
        // Processes outside of our PID namespace read as 0.
        check(format!("0\n0\n{own}\n"), 2);
    }

    #[test]
    fn processes_below_are_others_too() {
        let parent = folder("");
        for (name, events) in [
            ("busy", "populated 1\nfrozen 0\n"),
            ("idle", "populated 0\n"),
        ] {
            let child = parent.path().join(name);
            fs::create_dir(&child).expect("writable");
            fs::write(child.join("cgroup.events"), events).expect("writable");
        }
        assert_eq!(other_members(parent.path()).expect("readable"), 1);
    }

    #[test]
    fn only_what_dead_gateways_left_is_removed() {
        let parent = folder("");
        let own = format!("{CHILD_PREFIX}{}", std::process::id());
        // Above the highest process id that Linux gives.
        let dead = format!("{CHILD_PREFIX}4194305");
        for name in [own.as_str(), dead.as_str(), "stoa-gateway-x", "user.slice"] {
            fs::create_dir(parent.path().join(name)).expect("writable");
        }
        remove_stale(parent.path());
        let exists = |name: &str| parent.path().join(name).exists();
        assert!(!exists(&dead));
        assert!(exists(&own) && exists("stoa-gateway-x") && exists("user.slice"));
    }
}
