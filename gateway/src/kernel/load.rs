//! Loading the kernel object and attaching its programs.
//!
//! The program is linked to the cgroup by a `bpf_link` that is not pinned: the kernel takes it
//! away with this process, however that ends.

use super::cgroup::Membership;
use super::counters::{self, KernelCounter};
pub use super::log::Messages;
use super::{Unavailable, log, probe};
use aya::maps::{HashMap, MapData};
use aya::programs::{CgroupAttachMode, SockOps};
use aya::{Ebpf, EbpfLoader};
use aya_log::EbpfLogger;
use gateway_common::{Counters, ListenerKey};
use std::error::Error;

#[cfg(kernel_object)]
static OBJECT: &[u8] = aya::include_bytes_aligned!(env!("EBPF_OBJECT_EMBEDDED"));
/// Built without the kernel object.
#[cfg(not(kernel_object))]
static OBJECT: &[u8] = &[];

/// What is attached. Fields are dropped in this order: first the programs go, then we leave the
/// cgroup that they were attached to.
pub(super) struct Attached {
    accounts: HashMap<MapData, ListenerKey, Counters>,
    messages: Option<Messages>,
    program_id: Option<u32>,
    /// Holds the program and its link.
    _programs: Ebpf,
    membership: Membership,
}

impl std::fmt::Debug for Attached {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Attached")
            .field("program_id", &self.program_id)
            .field("membership", &self.membership)
            .finish_non_exhaustive()
    }
}

/// Loads the object, finds or makes a cgroup of our own, and attaches accounting to it.
///
/// # Errors
/// The first thing that is missing or refused, with what may help. Nothing is left behind.
pub(super) fn attach() -> Result<Attached, Unavailable> {
    if OBJECT.is_empty() {
        return Err(Unavailable::WithoutObject);
    }
    let level = log::level();
    let mut programs = EbpfLoader::new()
        .override_global(aya_log::LEVEL, &level, false)
        .load(OBJECT)
        .map_err(|error| refused(&error))?;
    let accounts = programs
        .take_map("ACCOUNTS")
        .ok_or_else(|| mismatch("it has no map ACCOUNTS"))?;
    // Checks that key and value have the sizes we were compiled with.
    let accounts = HashMap::try_from(accounts).map_err(|error| refused(&error))?;
    let messages = EbpfLogger::init_with_logger(&mut programs, log::Bridge)
        .map(Messages::new)
        .map_err(|error| refused(&error))?;
    let program: &mut SockOps = programs
        .program_mut("account")
        .ok_or_else(|| mismatch("it has no program `account`"))?
        .try_into()
        .map_err(|error: aya::programs::ProgramError| refused(&error))?;
    program.load().map_err(|error| refused(&error))?;
    let program_id = program.info().ok().map(|info| info.id());
    let membership = Membership::enter()?;
    // `Single` is right although others may be attached: with a bpf_link programs are always
    // several, and asking for that with AllowMultiple is refused (EINVAL).
    program
        .attach(membership.open()?, CgroupAttachMode::Single)
        .map_err(|error| Unavailable::Attach {
            cgroup: membership.directory().to_owned(),
            reason: whole_reason(&error),
            hint: hint(),
        })?;
    Ok(Attached {
        accounts,
        messages: Some(messages),
        program_id,
        _programs: programs,
        membership,
    })
}

impl Attached {
    /// Where accounting is attached, in words.
    pub(super) fn place(&self) -> String {
        self.membership.describe()
    }

    /// Reads all counters. An entry that cannot be read is left out: the next scrape has it.
    pub(super) fn counters(&self) -> Vec<KernelCounter> {
        counters::metrics(self.accounts.iter().filter_map(Result::ok).collect())
    }

    pub(super) fn messages(&mut self) -> Option<Messages> {
        self.messages.take()
    }

    pub(super) fn program_id(&self) -> Option<u32> {
        self.program_id
    }
}

fn refused(error: &dyn Error) -> Unavailable {
    Unavailable::Load {
        reason: whole_reason(error),
        hint: hint(),
    }
}

fn mismatch(what: &str) -> Unavailable {
    Unavailable::Load {
        reason: format!("the embedded object does not fit this binary: {what}"),
        hint: String::new(),
    }
}

/// An error and its causes in one line. aya's outer errors say which call failed, the inner ones
/// why; the verifier's log can have thousands of lines, of which the last says what it was.
fn whole_reason(error: &dyn Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        let lines: Vec<&str> = text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .collect();
        let line = match lines.as_slice() {
            [] => String::new(),
            [only] => (*only).to_owned(),
            [first, .., last] => format!("{first} ... {last}"),
        };
        if !line.is_empty() && !parts.iter().any(|part| part.contains(&line)) {
            parts.push(line);
        }
        next = error.source();
    }
    parts.join(": ")
}

/// The capabilities that are missing, if any: by far the most common reason.
fn hint() -> String {
    let missing = probe::missing_capabilities();
    if missing.is_empty() {
        String::new()
    } else {
        format!("; this process lacks {}", missing.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn a_reason_is_one_line_with_all_causes() {
        let inner = std::io::Error::other("first\nmiddle\n\nlast\n");
        assert_eq!(whole_reason(&Outer(inner)), "outer: first ... last");
    }
}
