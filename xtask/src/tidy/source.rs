//! A Rust file prepared for the checks: comments, texts and tests blanked out, offsets kept.
//!
//! This is no parser. It knows what is code and what is not, and which brace closes which; the
//! checks need no more, and rustfmt's layout makes the rest certain.

/// A file with four views of equal length, so that an offset means the same place in each.
pub(super) struct Source {
    /// Path from the workspace's root, with `/`.
    pub(super) path: String,
    /// As written.
    pub(super) text: String,
    /// Comments and the contents of string and character literals are blanks, and so is every
    /// item under `#[cfg(test)]`.
    pub(super) code: String,
    /// The rest of what is neither comment nor literal: the items under `#[cfg(test)]`.
    pub(super) tests: String,
}

impl Source {
    pub(super) fn new(path: &str, text: &str) -> Self {
        let mut code = blank_literals(text.as_bytes());
        let mut tests = code.clone();
        blank_tests(&mut code);
        for (test, code) in tests.iter_mut().zip(&code) {
            if *code != b' ' && *code != b'\n' {
                *test = b' ';
            }
        }
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            // Whole literals and comments were blanked byte for byte, so what is left is UTF-8.
            code: String::from_utf8_lossy(&code).into_owned(),
            tests: String::from_utf8_lossy(&tests).into_owned(),
        }
    }

    /// The line of an offset, counted from 1.
    pub(super) fn line(&self, offset: usize) -> usize {
        1 + newlines(&self.text.as_bytes()[..offset.min(self.text.len())])
    }

    /// Whether the whole file is test code: black-box tests, benches, `tests.rs` beside a module.
    pub(super) fn is_test(&self) -> bool {
        self.path
            .split('/')
            .any(|part| matches!(part, "tests" | "tests.rs" | "benches" | "examples"))
    }
}

/// Lines that end in `bytes`.
pub(super) fn newlines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

/// The offset just past the bracket that closes the one at `open`, or the end of the text.
pub(super) fn past_closing(code: &[u8], open: usize) -> usize {
    let mut depth = 0_usize;
    for (offset, byte) in code.iter().enumerate().skip(open) {
        match byte {
            b'{' | b'(' | b'[' => depth += 1,
            b'}' | b')' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return offset + 1;
                }
            }
            _ => {}
        }
    }
    code.len()
}

/// Whether `byte` can be part of a name.
pub(super) fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Offsets where `word` stands as a whole word.
pub(super) fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let bytes = code.as_bytes();
    code.match_indices(word)
        .map(|(offset, _)| offset)
        .filter(move |offset| {
            let before = offset.checked_sub(1).map(|index| bytes[index]);
            let after = bytes.get(offset + word.len()).copied();
            !before.is_some_and(is_name) && !after.is_some_and(is_name)
        })
}

fn blank_literals(text: &[u8]) -> Vec<u8> {
    let mut out = text.to_vec();
    let mut at = 0;
    while at < text.len() {
        let end = match text[at] {
            b'/' if text.get(at + 1) == Some(&b'/') => line_end(text, at),
            b'/' if text.get(at + 1) == Some(&b'*') => comment_end(text, at),
            b'"' => string_end(text, at),
            b'r' | b'b' | b'c' if !(at > 0 && is_name(text[at - 1])) => prefixed_end(text, at),
            b'\'' => character_end(text, at),
            _ => at + 1,
        };
        if end > at + 1 {
            blank(&mut out[at..end]);
        }
        at = end.max(at + 1);
    }
    out
}

fn blank(bytes: &mut [u8]) {
    for byte in bytes {
        if *byte != b'\n' {
            *byte = b' ';
        }
    }
}

fn line_end(text: &[u8], at: usize) -> usize {
    text[at..]
        .iter()
        .position(|byte| *byte == b'\n')
        .map_or(text.len(), |length| at + length)
}

fn comment_end(text: &[u8], at: usize) -> usize {
    let mut depth = 0_usize;
    let mut here = at;
    while here + 1 < text.len() {
        match &text[here..here + 2] {
            b"/*" => {
                depth += 1;
                here += 2;
            }
            b"*/" => {
                depth -= 1;
                here += 2;
                if depth == 0 {
                    return here;
                }
            }
            _ => here += 1,
        }
    }
    text.len()
}

fn string_end(text: &[u8], at: usize) -> usize {
    let mut here = at + 1;
    while here < text.len() {
        match text[here] {
            b'\\' => here += 2,
            b'"' => return here + 1,
            _ => here += 1,
        }
    }
    text.len()
}

/// The end of `r"..."`, `r#"..."#`, `b"..."`, `b'x'`, `c"..."`, `br"..."`; just past one byte if
/// the letter is the beginning of a name.
fn prefixed_end(text: &[u8], at: usize) -> usize {
    let mut here = at;
    while here < text.len() && here < at + 2 && matches!(text[here], b'r' | b'b' | b'c') {
        here += 1;
    }
    let raw = text[at..here].contains(&b'r');
    let hashes = text[here..]
        .iter()
        .take_while(|byte| **byte == b'#')
        .count();
    match text.get(here + hashes) {
        Some(b'"') if raw => {
            let mut closing = vec![b'"'];
            closing.resize(1 + hashes, b'#');
            let begin = here + hashes + 1;
            text[begin..]
                .windows(closing.len())
                .position(|window| window == closing)
                .map_or(text.len(), |length| begin + length + closing.len())
        }
        Some(b'"') if hashes == 0 => string_end(text, here),
        Some(b'\'') if hashes == 0 && text[at] == b'b' => character_end(text, here),
        _ => at + 1,
    }
}

/// The end of a character literal; just past the quote if it begins a lifetime.
fn character_end(text: &[u8], at: usize) -> usize {
    if text.get(at + 1) == Some(&b'\\') {
        let escaped = at + 3;
        return text[escaped.min(text.len())..]
            .iter()
            .position(|byte| *byte == b'\'')
            .map_or(text.len(), |length| escaped + length + 1);
    }
    // One character of one to four bytes, then a quote: a literal. Else a lifetime.
    let width = match text.get(at + 1) {
        Some(0xf0..) => 4,
        Some(0xe0..) => 3,
        Some(0xc0..) => 2,
        _ => 1,
    };
    if text.get(at + 1 + width) == Some(&b'\'') {
        at + width + 2
    } else {
        at + 1
    }
}

/// Blanks each item that stands under `#[cfg(test)]` (or `cfg(all(test, ...))`).
fn blank_tests(code: &mut [u8]) {
    let text = String::from_utf8_lossy(code).into_owned();
    for marker in ["#[cfg(test)]", "#[cfg(all(test"] {
        for (begin, _) in text.match_indices(marker) {
            let mut here = past_closing(code, begin + 1);
            while let Some(byte) = code.get(here) {
                match byte {
                    b';' => {
                        here += 1;
                        break;
                    }
                    b'{' => {
                        here = past_closing(code, here);
                        break;
                    }
                    b'(' | b'[' => here = past_closing(code, here),
                    _ => here += 1,
                }
            }
            blank(&mut code[begin..here]);
        }
    }
}
