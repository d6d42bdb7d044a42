//! Nothing in the project names one person's machine.

use super::Violation;

/// Folders under which a person's own files lie. Put together so that this file passes.
const PRIVATE: [&str; 4] = [
    concat!("/", "home/"),
    concat!("/", "root/"),
    concat!("/", "Users/"),
    concat!("/", "work/"),
];
/// Written by cargo, not by us.
const GENERATED: [&str; 1] = ["Cargo.lock"];

pub(super) fn check(path: &str, text: &str) -> Vec<Violation> {
    if GENERATED.contains(&path) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for folder in PRIVATE {
            if line
                .match_indices(folder)
                .any(|(offset, _)| begins_path(line, offset))
            {
                found.push(Violation {
                    path: path.to_owned(),
                    line: index + 1,
                    reason: format!("names a folder of one machine (`{folder}`)"),
                });
            }
        }
    }
    found
}

/// Whether a path begins at `offset`, rather than going on: `https://example.com/work/1` and
/// `{base}/home/` are names within something else.
fn begins_path(line: &str, offset: usize) -> bool {
    line[..offset]
        .chars()
        .next_back()
        .is_none_or(|before| !(before.is_alphanumeric() || "._-}/>~$".contains(before)))
}
