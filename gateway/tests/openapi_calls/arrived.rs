//! Whether the arguments of a call are among the values that others read from its request.

use serde_json::Value;

/// Names of arguments that are not among the values: by place (`path`, `query`, `header`, `cookie`, `body`)
/// and name.
pub(crate) fn lost(arguments: &Value, values: &Value) -> Vec<String> {
    let arguments = arguments.as_object().expect("arguments are an object");
    let found = |name: &str, value: &Value| {
        let body = &values["body"];
        let places = ["path", "query", "header", "cookie", "body"];
        let members = places.iter().filter_map(|place| values[place].as_object());
        let named = members
            .flatten()
            .any(|(known, read)| fits(name, known) && same(value, read));
        named || (name.starts_with("body") && same(value, body)) || is_nothing(value)
    };
    let lost = arguments.iter().filter(|(name, value)| !found(name, value));
    lost.map(|(name, _)| name.clone()).collect()
}

/// An argument has its parameter's name, less what model APIs take in no name, and the place after it where
/// two parameters share one.
fn fits(argument: &str, parameter: &str) -> bool {
    plain(argument).starts_with(&plain(parameter))
}

/// Whether a tool has an operation's name: the same, or a part of it and a hash where it is too long or taken.
pub(crate) fn names(tool: &str, operation: &str) -> bool {
    let is_hash = |end: &str| end.len() == 8 && end.bytes().all(|byte| byte.is_ascii_hexdigit());
    match tool.rsplit_once('_') {
        Some((stem, end)) if is_hash(end) => plain(operation).starts_with(&plain(stem)),
        _ => plain(tool) == plain(operation),
    }
}

fn plain(name: &str) -> String {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|letter| letter.to_ascii_lowercase()).collect()
}

/// Whether `read` has all that was sent. Readers add defaults, and give as text what no schema types.
fn same(sent: &Value, read: &Value) -> bool {
    match (sent, read) {
        (Value::Object(sent), Value::Object(read)) => sent.iter().all(|(name, value)| {
            is_nothing(value) || read.get(name).is_some_and(|read| same(value, read))
        }),
        (Value::Array(sent), Value::Array(read)) => {
            sent.len() == read.len() && sent.iter().zip(read).all(|(sent, read)| same(sent, read))
        }
        // Bytes: the argument is their base64 where the document says so, else their text.
        (sent, Value::Object(bytes)) if bytes.contains_key("base64") => {
            same(sent, &bytes["base64"]) || same(sent, &bytes["text"])
        }
        (Value::Number(sent), Value::Number(read)) => sent.as_f64() == read.as_f64(),
        (Value::Number(_) | Value::Bool(_), Value::String(read)) => {
            serde_json::from_str(read).is_ok_and(|read: Value| same(sent, &read))
        }
        (sent, read) => sent == read,
    }
}

/// What has no place in a query or form: containers without any value (RFC 6570's *undefined*).
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.values().all(is_nothing),
        Value::Array(elements) => elements.iter().all(is_nothing),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_lost_is_named() {
        let values = json!({"path": {"id": "7"}, "query": {"filter[a]": ["x"]}, "body": {"name": "n", "added": 1}});
        let check = |arguments: Value, expected: &[&str]| {
            assert_eq!(lost(&arguments, &values), expected, "{arguments}");
        };
        check(json!({"id": 7, "filter_a": ["x"], "name": "n"}), &[]);
        check(
            json!({"id_path": "7", "body": {"name": "n"}, "none": {}}),
            &[],
        );
        check(
            json!({"id": 8, "filter_a": ["x", "y"], "other": 1}),
            &["id", "filter_a", "other"],
        );
        check(json!({"body": {"name": "m"}}), &["body"]);
    }

    #[test]
    fn names_are_compared_whole() {
        assert!(names("get_shared-items", "get_shared_items"));
        assert!(names("get_shared_it_0123abcd", "get_shared_items"));
        assert!(!names("get_shared_items_web", "get_shared_items"));
        assert!(!names("get_shared", "get_shared_items"));
    }
}
