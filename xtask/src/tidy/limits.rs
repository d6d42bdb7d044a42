//! Every constant of `gateway/src/limits.rs` is named by a test, so that no bound is added without one. That
//! the test goes one past it is for a reviewer to see.

use super::source::{is_name, words};
use super::{Source, Violation};

const PLACE: &str = "gateway/src/limits.rs";

/// Collects what the files say; the verdict needs all of them.
#[derive(Default)]
pub(super) struct Limits {
    /// Name and line of each constant.
    declared: Vec<(String, usize)>,
    /// Test code of the gateway.
    tests: Vec<String>,
}

impl Limits {
    pub(super) fn read(&mut self, source: &Source) {
        if source.path == PLACE {
            self.declared = words(&source.code, "const")
                .map(|offset| {
                    let rest = source.code[offset + "const".len()..].trim_start();
                    let name =
                        rest.split(|letter: char| !letter.is_ascii() || !is_name(letter as u8));
                    (name.take(1).collect(), source.line(offset))
                })
                .collect();
        } else if source.path.starts_with("gateway/") {
            let tests = if source.is_test() {
                &source.code
            } else {
                &source.tests
            };
            self.tests.push(tests.clone());
        }
    }

    pub(super) fn check(&self) -> Vec<Violation> {
        let is_named = |name: &str| {
            self.tests
                .iter()
                .any(|text| words(text, name).next().is_some())
        };
        self.declared
            .iter()
            .filter(|(name, _)| !is_named(name))
            .map(|(name, line)| Violation {
                path: PLACE.to_owned(),
                line: *line,
                reason: format!("no test names `{name}`; one must go one past it"),
            })
            .collect()
    }
}
