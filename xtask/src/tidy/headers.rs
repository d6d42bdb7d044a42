//! Every file says at its top what it is. Only a module's own `tests.rs` need not: it is what its
//! name says.

use super::{Source, Violation};

pub(super) fn check(source: &Source) -> Option<Violation> {
    if source.path.ends_with("/tests.rs") {
        return None;
    }
    let first = source.text.lines().next().unwrap_or_default();
    let says = first
        .strip_prefix("//!")
        .is_some_and(|rest| !rest.trim().is_empty());
    (!says).then(|| Violation {
        path: source.path.clone(),
        line: 1,
        reason: "the first line is not `//! ` and what this file is (and what it is not)"
            .to_owned(),
    })
}
