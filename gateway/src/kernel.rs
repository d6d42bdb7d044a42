//! The kernel part: loads the programs of `gateway-ebpf`, attaches them, reads what they count.
//!
//! One program so far: connection accounting on the gateway's own cgroup. Whatever goes wrong
//! here, the gateway does the same work in user space; [`Kernel::start`] says once what is off and
//! why, and [`Kernel::features`] keeps saying it as a metric. Nothing is pinned: programs and
//! links live exactly as long as this process, so a kill leaves nothing behind.
//!
//! Uses nothing of the gateway but `gateway-common`. Reads no configuration, serves no metrics:
//! control asks for [`Kernel::counters`] when it is scraped.

#[cfg(not(feature = "ebpf"))]
mod absent;
mod cgroup;
mod counters;
pub mod doctor;
#[cfg(feature = "ebpf")]
mod load;
#[cfg(feature = "ebpf")]
mod log;
mod probe;

#[cfg(not(feature = "ebpf"))]
use absent as load;
pub use cgroup::Fault as CgroupFault;
pub use counters::{KernelCounter, Kind};
pub use load::Messages;

use std::path::PathBuf;

/// How much of the kernel part is wanted: the setting `--ebpf`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// Load nothing, and stay in the cgroup we were started in.
    Off,
    /// Use what this machine permits.
    #[default]
    Auto,
    /// Do not start without it.
    Require,
}

/// One thing that the kernel does for us, or does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feature {
    /// Label of the metric `stoa_kernel_feature`.
    pub name: &'static str,
    /// Whether it is attached.
    pub on: bool,
    /// Why not, or where it is attached: one line for a person.
    pub reason: String,
}

/// Why a kernel feature is off. The texts are read by operators: each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Unavailable {
    /// The operator said so.
    #[error("switched off by --ebpf=off")]
    SwitchedOff,
    /// The binary was built with `--no-default-features`.
    #[error("this binary was built without the feature `ebpf`")]
    WithoutFeature,
    /// No kernel object when the binary was built.
    #[error("this binary was built without the kernel object; `cargo xtask build` embeds it")]
    WithoutObject,
    /// No cgroup v2, or not one that we may use.
    #[error("no cgroup to attach to: {0}")]
    Cgroup(#[from] CgroupFault),
    /// The kernel refused the programs.
    #[error("the kernel refused the program: {reason}{hint}")]
    Load {
        /// What it said.
        reason: String,
        /// What may help, with a separator in front; empty if nothing is known.
        hint: String,
    },
    /// The kernel refused to attach.
    #[error("the kernel refused to attach the program to {}: {reason}{hint}", cgroup.display())]
    Attach {
        /// Where it was to be attached.
        cgroup: PathBuf,
        /// What it said.
        reason: String,
        /// As in [`Self::Load`].
        hint: String,
    },
}

/// The attached kernel part, or the reason why there is none. Dropping it detaches everything
/// and takes the process back to the cgroup it came from.
#[derive(Debug)]
pub struct Kernel {
    attached: Option<load::Attached>,
    reason: String,
}

impl Kernel {
    /// Loads and attaches, as far as `mode` and this machine permit, and logs one line about it.
    ///
    /// Call this before any listener is made: sockets belong to the cgroup in which they were
    /// made, and this call may move the process into a cgroup of its own.
    ///
    /// # Errors
    /// Only with [`Mode::Require`], with the reason.
    pub fn start(mode: Mode) -> Result<Self, Unavailable> {
        let outcome = match mode {
            Mode::Off => Err(Unavailable::SwitchedOff),
            Mode::Auto | Mode::Require => load::attach(),
        };
        match outcome {
            Ok(attached) => {
                let reason = attached.place();
                tracing::info!("kernel accounting is on: {reason}");
                Ok(Self {
                    attached: Some(attached),
                    reason,
                })
            }
            Err(refused) if mode == Mode::Require => Err(refused),
            Err(refused) => {
                let reason = refused.to_string();
                tracing::warn!("kernel accounting is off: {reason}");
                Ok(Self {
                    attached: None,
                    reason,
                })
            }
        }
    }

    /// Every feature that this version knows, on or off: the metric `stoa_kernel_feature`.
    pub fn features(&self) -> Vec<Feature> {
        vec![Feature {
            name: "accounting",
            on: self.attached.is_some(),
            reason: self.reason.clone(),
        }]
    }

    /// What the kernel has counted since the start, in a stable order; empty if it counts nothing.
    ///
    /// Costs a system call or two for each listener: for a scrape, not for a request.
    pub fn counters(&self) -> Vec<KernelCounter> {
        self.attached
            .as_ref()
            .map(load::Attached::counters)
            .unwrap_or_default()
    }

    /// The programs' messages; [`Messages::forward`] brings them into our log. Given once.
    pub fn messages(&mut self) -> Option<Messages> {
        self.attached.as_mut()?.messages()
    }

    /// The kernel's number of the attached program, for tools such as bpftool.
    pub fn program_id(&self) -> Option<u32> {
        self.attached.as_ref().and_then(load::Attached::program_id)
    }
}
