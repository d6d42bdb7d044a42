//! YAML as we read it everywhere: one set of limits, documents taken apart so that one broken
//! document costs no other, and errors as [`Problem`]s with line, column and hint.

use serde::Deserialize;
use serde_saphyr::{Error, Location};

use super::problem::{Problem, nearest};
use crate::limits::{DOCUMENT_BYTES_MAX, YAML_DEPTH_MAX};

/// One document of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Document<'a> {
    /// Its text, without the `---` line's marker.
    pub text: &'a str,
    /// Lines of the file before its text.
    pub lines_before: u64,
}

/// Takes a file apart at its `---` lines. Documents without content are left out.
///
/// YAML 1.2 section 9.1.2 forbids `---` at the start of a line in any content, so this needs no
/// parser and a document that is no YAML cannot hide the next one.
#[must_use]
pub fn documents(text: &str) -> Vec<Document<'_>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut found = Vec::new();
    let (mut start, mut lines_before) = (0, 0);
    let mut offset = 0;
    for (line_index, line) in (0_u64..).zip(text.split_inclusive('\n')) {
        let is_marker = |marker| {
            line.strip_prefix(marker).is_some_and(|rest: &str| {
                rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n'])
            })
        };
        if is_marker("---") {
            push(&mut found, &text[start..offset], lines_before);
            // Content may follow on the marker's own line; a blank keeps its columns right.
            (start, lines_before) = (offset, line_index);
        } else if is_marker("...") {
            push(&mut found, &text[start..offset], lines_before);
            (start, lines_before) = (offset + line.len(), line_index + 1);
        }
        offset += line.len();
    }
    push(&mut found, &text[start..], lines_before);
    found
}

fn push<'a>(found: &mut Vec<Document<'a>>, text: &'a str, lines_before: u64) {
    if !is_blank(text) {
        found.push(Document { text, lines_before });
    }
}

/// Whether a text holds nothing but white space, comments, directives and document markers.
#[must_use]
pub fn is_blank(text: &str) -> bool {
    text.lines().all(|line| {
        let line = line.strip_prefix("---").unwrap_or(line).trim();
        line.is_empty() || line.starts_with('#') || line.starts_with('%')
    })
}

/// Reads one document with our limits.
///
/// # Errors
/// What the parser or the type says; [`problem`] turns it into words.
pub fn from_str<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, Error> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_reader_input_bytes: Some(DOCUMENT_BYTES_MAX),
            max_total_scalar_bytes: DOCUMENT_BYTES_MAX,
            // A document of the largest size, if every node had two bytes.
            max_nodes: DOCUMENT_BYTES_MAX / 2,
            max_events: DOCUMENT_BYTES_MAX,
            max_depth: YAML_DEPTH_MAX,
            max_documents: 1,
        },
        // `no` is a country, not a falsehood: YAML 1.2.
        strict_booleans: true,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(without_snippet)
}

fn without_snippet(error: Error) -> Error {
    match error {
        Error::WithSnippet { error, .. } => *error,
        other => other,
    }
}

/// Line and column of a place; zeros where it is unknown.
#[must_use]
pub fn place(location: &Location) -> (u64, u64) {
    if *location == Location::UNKNOWN {
        (0, 0)
    } else {
        (location.line(), location.column())
    }
}

/// An error of the parser in words.
#[must_use]
pub fn problem(error: &Error, lines_before: u64) -> Problem {
    let (line, column) = error.location().as_ref().map_or((1, 1), place);
    let (message, hint) = words(error);
    Problem::new(message)
        .at((line.max(1) + lines_before, column.max(1)))
        .maybe_hint(hint)
}

fn words(error: &Error) -> (String, Option<String>) {
    match error {
        Error::SerdeUnknownField {
            field, expected, ..
        } => {
            let hint = nearest(field, expected.iter().copied())
                .or_else(|| Some(format!("known here: {}", expected.join(", "))));
            (format!("unknown field `{field}`"), hint)
        }
        Error::SerdeUnknownVariant {
            variant, expected, ..
        } => (
            format!("`{variant}` is not known here"),
            Some(format!("one of: {}", expected.join(", "))),
        ),
        Error::SerdeMissingField { field, .. } => (
            format!("`{field}` is missing"),
            Some(format!("add `{field}: ...`")),
        ),
        Error::DuplicateMappingKey { key: Some(key), .. } => (
            format!("`{key}` is given twice"),
            Some("keep one of them".to_owned()),
        ),
        Error::AliasError { error, .. } => words(error),
        Error::Unexpected {
            expected: "mapping start",
            ..
        } => ("expected `key: value` pairs here".to_owned(), None),
        Error::Unexpected {
            expected: "sequence start",
            ..
        } => (
            "expected a list here".to_owned(),
            Some("write `[a, b]`, or one `- a` a line".to_owned()),
        ),
        other => (plain(other), None),
    }
}

/// The parser's own words, without the place that it appends.
fn plain(error: &Error) -> String {
    let text = error.to_string();
    let text = text.lines().next().unwrap_or_default();
    match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_taken_apart() {
        let check = |text: &str, expected: &[(&str, u64)]| {
            let found: Vec<_> = documents(text)
                .iter()
                .map(|document| (document.text, document.lines_before))
                .collect();
            assert_eq!(found, expected, "{text:?}");
        };
        check("", &[]);
        check("# only a comment\n---\n---\n", &[]);
        check("a: 1\n", &[("a: 1\n", 0)]);
        check("\u{feff}a: 1", &[("a: 1", 0)]);
        check("a: 1\n---\nb: 2\n", &[("a: 1\n", 0), ("---\nb: 2\n", 1)]);
        check("%YAML 1.2\n---\nb: 2\n", &[("---\nb: 2\n", 1)]);
        check(
            "---\na: |\n  --- no marker\n----\n--- {b: 2}\n",
            &[
                ("---\na: |\n  --- no marker\n----\n", 0),
                ("--- {b: 2}\n", 4),
            ],
        );
        check(
            "a: 1\r\n---\r\nb: 2\r\n...\r\nc: 3",
            &[("a: 1\r\n", 0), ("---\r\nb: 2\r\n", 1), ("c: 3", 4)],
        );
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    struct Thing {
        #[allow(dead_code, reason = "only whether it can be read is asked")]
        time_out: u32,
    }

    #[test]
    fn errors_have_places_and_hints() {
        let check = |text: &str, lines_before, expected: &str| {
            let error = from_str::<Thing>(text).unwrap_err();
            let problem = problem(&error, lines_before);
            assert_eq!(
                format!(
                    "{}:{} {} {:?}",
                    problem.line, problem.column, problem.message, problem.hint
                ),
                expected
            );
        };
        check(
            "timeOut: 1\ntimout: 2\n",
            10,
            "12:1 unknown field `timout` Some(\"did you mean `timeOut`?\")",
        );
        check(
            "zebra: 1\n",
            0,
            "1:1 unknown field `zebra` Some(\"known here: timeOut\")",
        );
        check(
            "---\n{}\n",
            3,
            "5:1 `timeOut` is missing Some(\"add `timeOut: ...`\")",
        );
        check(
            "timeOut: 1\ntimeOut: 2\n",
            0,
            "2:1 `timeOut` is given twice Some(\"keep one of them\")",
        );
        check("timeOut: soon\n", 0, "1:10 invalid u32 None");
    }

    #[test]
    fn a_bomb_is_refused() {
        let mut text = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for (name, last) in ('b'..='p').zip('a'..) {
            text.push_str(&format!(
                "{name}: &{name} [*{last}, *{last}, *{last}, *{last}, *{last}]\n"
            ));
        }
        from_str::<serde_json::Value>(&text).unwrap_err();
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth| {
            let maps = "{a: ".repeat(depth) + "1" + &"}".repeat(depth);
            let lists = "[".repeat(depth) + &"]".repeat(depth);
            [maps, lists].map(|text| from_str::<serde_json::Value>(&text).is_ok())
        };
        assert_eq!(nested(YAML_DEPTH_MAX), [true, true]);
        assert_eq!(nested(YAML_DEPTH_MAX + 1), [false, false]);
        assert_eq!(nested(10_000), [false, false]);
    }
}
