//! Every file says at its top what it is.

use super::{Source, Violation};

pub(super) fn check(source: &Source) -> Option<Violation> {
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
