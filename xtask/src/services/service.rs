//! What is known of a service: the columns of the table, and where its files are.
//!
//! Adding a service is one file with one [`Service`] in it and a row in the table of `services.rs`.

use crate::setup::Group;
use crate::workspace;
use anyhow::Result;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// One service.
pub(super) struct Service {
    /// What a person types, and the folder below `target/services`.
    pub(super) name: &'static str,
    pub(super) version: &'static str,
    /// Programs of the system that it runs on.
    pub(super) needs: &'static [Group],
    /// What is put into the cache; `None` where a package of the system is all.
    pub(super) artifact: Option<Artifact>,
    /// Ports on 127.0.0.1, the one that people use first.
    pub(super) ports: &'static [Port],
    /// Writes configuration below the state folder and names the program to start there.
    pub(super) prepare: fn(&Place) -> Result<Command>,
    /// Asks the service itself; the error says what is missing until it is ready.
    pub(super) ready: fn() -> Result<()>,
    /// Time from start to ready on a machine that is busy with other things.
    pub(super) start_within: Duration,
    /// Time from SIGTERM to the end of its last process.
    pub(super) stop_within: Duration,
}

/// A folder in the cache of all clones, made once.
pub(super) struct Artifact {
    /// The folder's name: service, version, and a number that goes up when the recipe changes.
    pub(super) folder: &'static str,
    /// Programs of the system that it is made with.
    pub(super) needs: &'static [Group],
    /// What it costs, for the person who waits.
    pub(super) cost: &'static str,
    /// Fills an empty folder, which gets its name only when this succeeds.
    pub(super) make: fn(&Path) -> Result<()>,
}

/// A port on 127.0.0.1.
pub(super) struct Port {
    pub(super) number: u16,
    pub(super) what: &'static str,
}

/// Where the files of one service are.
pub(super) struct Place {
    /// Configuration, data, log, process id: below `target`.
    pub(super) state: PathBuf,
    /// What is installed; the same for all clones, so nothing is written there.
    pub(super) installed: PathBuf,
}

impl Service {
    /// `target/services/NAME`.
    pub(super) fn state(&self) -> PathBuf {
        states().join(self.name)
    }

    /// What the service writes to standard output and error since its last start.
    pub(super) fn log(&self) -> PathBuf {
        self.state().join("log")
    }

    pub(super) fn place(&self) -> Place {
        let folder = self.artifact.as_ref().map_or("", |made| made.folder);
        Place {
            state: self.state(),
            installed: installations().join(folder),
        }
    }

    /// Addresses in words: `127.0.0.1:19092 plain, 19093 TLS`.
    pub(super) fn addresses(&self) -> String {
        let ports: Vec<String> = self
            .ports
            .iter()
            .map(|port| format!("{} {}", port.number, port.what))
            .collect();
        format!("127.0.0.1:{}", ports.join(", "))
    }

    /// A line of progress: what happens, to whom, in words.
    pub(super) fn say(&self, what: &str, words: &str) {
        println!("  {what:<8} {:<9} {words}", self.name);
    }
}

/// The state of all services of this clone.
pub(super) fn states() -> PathBuf {
    workspace::target().join("services")
}

/// What is installed for all clones.
pub(super) fn installations() -> PathBuf {
    workspace::cache().join("services")
}
