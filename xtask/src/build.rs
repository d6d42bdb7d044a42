//! `cargo xtask build`: the kernel object, then the workspace.
//!
//! Without a kernel toolchain the gateway is built without the kernel part; that is said, and is
//! no error.

use crate::{ebpf, process, workspace};
use anyhow::Result;
use std::process::Command;

/// What `build` takes.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Build as it is shipped and measured
    #[arg(long)]
    release: bool,
}

/// Runs the command.
///
/// # Errors
/// If a part does not compile. A missing kernel toolchain is no error.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    build(arguments.release)?;
    let profile = if arguments.release {
        "release"
    } else {
        "debug"
    };
    let binary = workspace::target().join(profile).join("stoa-gateway");
    println!("built {}", binary.display());
    Ok(())
}

/// Builds the object where that is possible, then the workspace.
///
/// # Errors
/// As [`run`].
pub(crate) fn build(release: bool) -> Result<()> {
    match ebpf::build()? {
        ebpf::Outcome::Built => {}
        ebpf::Outcome::Impossible(reason) => {
            println!("no kernel part: {reason}");
            println!(
                "    the gateway does its accounting in user space only; `cargo xtask setup` brings what is missing"
            );
        }
    }
    let mut command = Command::new("cargo");
    command.current_dir(workspace::root()).arg("build");
    if release {
        command.arg("--release");
    }
    process::run(&mut command)
}
