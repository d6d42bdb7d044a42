//! Where this process stands in cgroup v2.
//!
//! The mount is found by its type: beside v1 hierarchies it is often `/sys/fs/cgroup/unified`, and
//! in a container it may be anywhere. [`parse`] reads what the kernel says; `membership` makes
//! sure that the cgroup holds nobody but us.

#[cfg(feature = "ebpf")]
mod membership;
mod parse;

#[cfg(feature = "ebpf")]
pub(super) use membership::Membership;
use parse::Mount;
use std::fs;
use std::io;
use std::path::PathBuf;

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

/// The folder of the process's cgroup.
///
/// # Errors
/// If there is no cgroup v2, or the process's place in it is not visible here.
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

fn read(path: &str) -> Result<String, Fault> {
    fs::read_to_string(path).map_err(|source| Fault::Io {
        path: path.into(),
        source,
    })
}
