//! Open Policy Agent as a server, empty until somebody puts policies there.
//!
//! Built from its module, because no package registry has the program. Its version names
//! WebAssembly as unavailable, which only matters to policies compiled to it. It keeps nothing: a
//! stop forgets all policies.

use super::install;
use super::service::{Artifact, Place, Port, Service};
use crate::setup::Group;
use crate::{process, run};
use anyhow::{Result, bail};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

pub(super) const OPA: Service = Service {
    name: "opa",
    version: "1.22.0",
    needs: &[],
    artifact: Some(Artifact {
        folder: "opa-1.22.0-1",
        needs: &[Group::Go],
        cost: "compiled with Go, about 2 minutes",
        make: install,
    }),
    ports: &[Port {
        number: PORT,
        what: "HTTP",
    }],
    prepare,
    ready,
    start_within: Duration::from_secs(60),
    stop_within: Duration::from_secs(20),
};

const PORT: u16 = 18_181;
const MODULE: &str = "github.com/open-policy-agent/opa@v1.22.0";

fn install(folder: &Path) -> Result<()> {
    process::quiet("opa-install", &mut install::go(folder, MODULE)?)
}

fn prepare(place: &Place) -> Result<Command> {
    let mut command = Command::new(place.installed.join("opa"));
    command
        .args(["run", "--server", "--addr"])
        .arg(format!("127.0.0.1:{PORT}"))
        .args(["--log-level", "error", "--skip-version-check"]);
    Ok(command)
}

fn ready() -> Result<()> {
    match run::get(PORT, "/health") {
        Some(answer) if answer.starts_with("HTTP/1.1 200") => Ok(()),
        Some(answer) => bail!("/health: {}", answer.lines().next().unwrap_or("nothing")),
        None => bail!("no answer on port {PORT} yet"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_module_is_the_version_of_the_table() {
        assert!(MODULE.ends_with(&format!("@v{}", OPA.version)));
    }
}
