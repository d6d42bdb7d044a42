//! The cgroup that accounting is attached to: one that holds this process and nothing else.
//!
//! Programs attached to a cgroup see every socket made in it and below it. So the process's own
//! cgroup is used as it is if the process is alone in it (a container, a systemd service). If it
//! is the root of the hierarchy, or other processes are in it (a terminal), a child
//! `stoa-gateway-PID` is made and the process moves into it until the kernel part is dropped.
//! Moving changes no limit: a child without controllers is bound by its parents'. Where a child
//! cannot be made (a read-only mount in a container), a shared cgroup is used and said so; the
//! root never, because that would count every process of the machine.
//!
//! The mount is found by its type: beside v1 hierarchies it is often `/sys/fs/cgroup/unified`, and
//! in a container it may be anywhere.

mod parse;

use parse::Mount;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

const CHILD_PREFIX: &str = "stoa-gateway-";

/// Why there is no cgroup to use.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Only v1, or nothing mounted.
    #[error("no cgroup v2 is mounted")]
    NoMount,
    /// `/proc/self/cgroup` has no v2 line, or the place it names is not below the mount.
    #[error("this process's cgroup v2 ({0}) is not visible here")]
    NotVisible(String),
    /// The only choice would have been the root.
    #[error("the process is in the root cgroup, and a child cannot be made in {}: {source}", parent.display())]
    NoChild {
        /// Where the child was to be made.
        parent: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something could not be read or opened.
    #[error("{}: {source}", path.display())]
    Io {
        /// What.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Being in a cgroup of our own. Dropping it undoes what [`Membership::enter`] did.
#[derive(Debug)]
pub(super) struct Membership {
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
    pub(super) fn enter() -> Result<Self, Fault> {
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
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Opens the folder, which is how a cgroup is named to the kernel.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub(super) fn open(&self) -> Result<File, Fault> {
        File::open(&self.directory).map_err(|source| Fault::Io {
            path: self.directory.clone(),
            source,
        })
    }

    /// Where we are, in words.
    pub(super) fn describe(&self) -> String {
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

/// The folder of the process's cgroup. For tests and the doctor also without entering it.
///
/// # Errors
/// As [`Membership::enter`].
pub(super) fn own_directory() -> Result<PathBuf, Fault> {
    let mount = mount()?;
    let membership = read("/proc/self/cgroup")?;
    let path = parse::own_path(&membership)
        .ok_or_else(|| Fault::NotVisible("no v2 line in /proc/self/cgroup".to_owned()))?;
    let directory = mount
        .directory_of(path)
        .ok_or_else(|| Fault::NotVisible(path.to_owned()))?;
    if directory.join("cgroup.procs").exists() {
        Ok(directory)
    } else {
        Err(Fault::NotVisible(path.to_owned()))
    }
}

/// Where cgroup v2 is mounted.
///
/// # Errors
/// If it is nowhere.
pub(super) fn mount() -> Result<Mount, Fault> {
    parse::mount(&read("/proc/self/mountinfo")?).ok_or(Fault::NoMount)
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

fn read(path: &str) -> Result<String, Fault> {
    fs::read_to_string(path).map_err(|source| Fault::Io {
        path: path.into(),
        source,
    })
}
