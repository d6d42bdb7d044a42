//! Files that can be read in one sitting, functions that can be seen at once. Tests excluded.

use super::source::{newlines, past_closing, words};
use super::{Source, Violation};

/// Lines of a file; 400 is what we write to, this is where it stops.
const FILE_LINES_MAX: usize = 600;
/// Lines of a function; 70 is what we write to.
const FUNCTION_LINES_MAX: usize = 100;

pub(super) fn check(source: &Source) -> Vec<Violation> {
    if source.is_test() {
        return Vec::new();
    }
    let mut found = Vec::new();
    let lines = product_lines(source);
    if lines > FILE_LINES_MAX {
        found.push(Violation {
            path: source.path.clone(),
            line: 1,
            reason: format!(
                "{lines} lines without tests, at most {FILE_LINES_MAX}; split by concept"
            ),
        });
    }
    for begin in words(&source.code, "fn") {
        let Some(end) = body_end(source.code.as_bytes(), begin) else {
            continue;
        };
        let lines = 1 + newlines(&source.code.as_bytes()[begin..end]);
        if lines > FUNCTION_LINES_MAX {
            let name: String = source.code[begin + 2..]
                .trim_start()
                .chars()
                .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
                .collect();
            found.push(Violation {
                path: source.path.clone(),
                line: source.line(begin),
                reason: format!("`{name}` has {lines} lines, at most {FUNCTION_LINES_MAX}"),
            });
        }
    }
    found
}

/// Lines of the file less those of its tests. A test's lines are those that hold something in the
/// text and nothing in the code, but are no comment; so they are counted from the first test on.
fn product_lines(source: &Source) -> usize {
    let tests: usize = source
        .text
        .match_indices("\n#[cfg(test)]")
        .map(|(offset, _)| {
            let begin = offset + 1;
            let length = source.code.as_bytes()[begin..]
                .iter()
                .position(|byte| !byte.is_ascii_whitespace())
                .unwrap_or(source.code.len() - begin);
            newlines(&source.code.as_bytes()[begin..begin + length])
        })
        .sum();
    source.text.lines().count().saturating_sub(tests)
}

/// The end of the body of the function whose `fn` stands at `begin`; none for a declaration
/// without a body or a function type.
fn body_end(code: &[u8], begin: usize) -> Option<usize> {
    let mut here = begin;
    loop {
        match code.get(here)? {
            b'{' => return Some(past_closing(code, here)),
            b'(' | b'[' => here = past_closing(code, here),
            b';' | b'}' | b')' | b']' | b',' | b'=' => return None,
            _ => here += 1,
        }
    }
}
