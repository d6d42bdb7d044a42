//! Only `worker/io.rs` names the runtime, so that it can be changed in one file.

use super::source::words;
use super::{Source, Violation};

/// The runtime's crates as they stand in code. Calling the system's `io_uring` interface itself,
/// as the kernel probe does, is something else and has other names.
const NAMES: [&str; 2] = ["monoio", "io_uring"];
const PLACES: [&str; 2] = ["gateway/src/worker/io.rs", "gateway/src/worker/io/"];

pub(super) fn check(source: &Source) -> Vec<Violation> {
    let is_ours = source.path.starts_with("gateway/src/");
    if !is_ours || PLACES.iter().any(|place| source.path.starts_with(place)) {
        return Vec::new();
    }
    NAMES
        .iter()
        .flat_map(|name| words(&source.code, name).map(move |offset| (offset, name)))
        .map(|(offset, name)| Violation {
            path: source.path.clone(),
            line: source.line(offset),
            reason: format!("names `{name}`; only worker/io.rs knows the runtime"),
        })
        .collect()
}
