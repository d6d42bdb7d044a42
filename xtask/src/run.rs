//! `cargo xtask run`: from nothing to the first answered call, with no service but ourselves.
//!
//! Builds a release, starts the demo API as a process of its own, makes two keys, starts the gateway, and
//! prints what to paste. Ctrl-C drains.

mod child;
mod quickstart;

use std::time::Duration;

use anyhow::{Context, Result, bail};

pub(crate) use child::{Child, get, pause, wait_until_ready};
use quickstart::Quickstart;

/// Options of `cargo xtask run`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Port of the gateway.
    #[arg(long, default_value_t = 3001)]
    port: u16,
    /// Port of the demo API.
    #[arg(long, default_value_t = 3002)]
    demo_port: u16,
    /// Everything after `--` goes to the gateway.
    #[arg(last = true)]
    flags: Vec<String>,
}

/// How long the gateway may take to be ready. It needs milliseconds; the rest is for a loaded machine.
const READY_WITHIN: Duration = Duration::from_secs(20);

/// Runs until the gateway ends.
///
/// # Errors
/// A build failed, a port is taken, or the gateway ended with an error.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    crate::build::build(true)?;
    let quickstart = Quickstart::prepare(arguments.port, arguments.demo_port)?;
    let mut demo = Child::start(quickstart.demo_api()).context("the demo API")?;
    quickstart.wait_for_demo(&mut demo)?;
    let mut gateway = Child::start(quickstart.gateway(&arguments.flags)).context("the gateway")?;
    quickstart.write_pid(gateway.id())?;
    wait_until_ready(&mut gateway, arguments.port, READY_WITHIN)?;
    quickstart.greet()?;
    // Ctrl-C reaches the whole foreground group: the gateway drains, and then we stop the demo API. A
    // SIGTERM to us alone ends us; the children ask the kernel to be told when their parent is gone.
    let status = gateway.wait()?;
    quickstart.remove_pid();
    demo.stop();
    if !status.success() {
        bail!("the gateway ended with {status}; its messages are above");
    }
    println!(
        "Drained. Usage records: target/release/stoa-gateway events --spool target/quickstart/spool"
    );
    Ok(())
}
