//! Small work on texts that several files here share.

/// At most `chars_max` characters, the last one an ellipsis where something was cut.
pub(super) fn cut(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        None => text.to_owned(),
        Some(_) => {
            let kept: String = text.chars().take(chars_max.saturating_sub(1)).collect();
            format!("{}…", kept.trim_end())
        }
    }
}

/// Everything outside `[A-Za-z0-9_-]` (and `.` where `dot` says so) becomes one underscore a run;
/// none is left at the ends.
pub(super) fn sanitise(text: &str, dot: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut gap = false;
    for character in text.chars() {
        let kept = character.is_ascii_alphanumeric()
            || matches!(character, '_' | '-')
            || (dot && character == '.');
        if kept {
            if gap && !out.is_empty() && !out.ends_with('_') {
                out.push('_');
            }
            gap = false;
            out.push(character);
        } else {
            gap = true;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_at_characters() {
        for (text, chars_max, expected) in [
            ("abc", 3, "abc"),
            ("abcd", 3, "ab…"),
            ("äöüß", 4, "äöüß"),
            ("äöüßa", 4, "äöü…"),
            ("a bcd", 3, "a…"),
        ] {
            assert_eq!(cut(text, chars_max), expected);
        }
    }

    #[test]
    fn names_lose_what_is_not_allowed() {
        for (text, expected) in [
            ("getPet", "getPet"),
            ("pets/{petId}", "pets_petId"),
            ("a  b..c", "a_b_c"),
            ("__x__", "__x__"),
            ("_/x", "_x"),
            ("äö", ""),
            ("$filter", "filter"),
        ] {
            assert_eq!(sanitise(text, false), expected, "{text}");
        }
        assert_eq!(sanitise("a.b[c]", true), "a.b_c");
    }
}
