//! How deep a JSON text is nested, without recursion and before any parser sees it.
//!
//! serde_json bounds what it deserialises, but skips over raw and ignored values of any depth, and the
//! parsers that read those later have bounds of their own or none. One check here covers all.

use memchr::memchr2;

/// Whether brackets are open beyond `depth_max` somewhere in `json`. Of a text that is not JSON it
/// says something; the parser will refuse that text anyway.
pub(super) fn exceeds(json: &[u8], depth_max: usize) -> bool {
    // Counting brackets vectorises and settles nearly every body: nesting cannot exceed their number.
    if opening_brackets(json) <= depth_max {
        return false;
    }
    let mut depth = 0_usize;
    let mut rest = json;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'{' | b'[' => {
                depth += 1;
                if depth > depth_max {
                    return true;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => rest = after_string(after),
            _ => {}
        }
    }
    false
}

fn opening_brackets(json: &[u8]) -> usize {
    // '{' is '[' with the bit 0x20 set, and no other byte becomes '{' by setting it.
    json.iter().filter(|&&byte| byte | 0x20 == b'{').count()
}

/// What follows a string whose opening quote was just passed; nothing where it does not end.
fn after_string(mut rest: &[u8]) -> &[u8] {
    while let Some(at) = memchr2(b'"', b'\\', rest) {
        if rest[at] == b'"' {
            return &rest[at + 1..];
        }
        // A backslash and the byte it escapes; the byte may be missing at the end of a broken text.
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    &[]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn depth_of(value: &Value) -> usize {
        let below = match value {
            Value::Array(items) => items.iter().map(depth_of).max(),
            Value::Object(members) => members.values().map(depth_of).max(),
            _ => return 0,
        };
        1 + below.unwrap_or_default()
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let text = "[\\[\\]{}\"\\\\a]{0,6}";
        text.prop_map(Value::from)
            .prop_recursive(6, 32, 4, move |inner| {
                prop_oneof![
                    prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                    prop::collection::vec((text, inner), 0..4)
                        .prop_map(|members| Value::Object(members.into_iter().collect())),
                ]
            })
    }

    proptest! {
        #[test]
        fn depth_is_that_of_the_document(value in any_value(), depth_max in 0_usize..8) {
            let json = value.to_string();
            prop_assert_eq!(exceeds(json.as_bytes(), depth_max), depth_of(&value) > depth_max, "{}", json);
        }
    }

    #[test]
    fn depth_is_counted_outside_strings_only() {
        for (json, depth_max, expected) in [
            ("", 0, false),
            ("1", 0, false),
            ("[]", 0, true),
            ("[]", 1, false),
            ("[[]]", 1, true),
            ("[{}]", 1, true),
            ("[[],[],{}]", 2, false),
            (r#"["[[[[[["]"#, 1, false),
            (r#"["\"[[[[[["]"#, 1, false),
            (r#"["\\",[[]]]"#, 2, true),
            (r#"["\\",[[]]]"#, 3, false),
            (r#"{"a\"{{{":{"b":[1]}}"#, 2, true),
            (r#"{"a\"{{{":{"b":[1]}}"#, 3, false),
            (r#"[[["unended"#, 2, true),
            (r#"[["unended\"#, 1, true),
            (r#"["unended\"#, 0, true),
            ("]]]][[", 1, true),
        ] {
            assert_eq!(exceeds(json.as_bytes(), depth_max), expected, "{json}");
        }
    }
}
