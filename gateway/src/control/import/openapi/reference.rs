//! `$ref`: JSON pointers within the document, and nothing beyond it.
//!
//! A reference to another document is refused with a reason and never fetched: a document is an
//! operator's input, what it points at is anybody's (SSRF).

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::HashMap;

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::{Reason, text};
use crate::limits::REFERENCE_HOPS_MAX;

/// Characters of a reference in a reason.
const SHOWN_CHARS_MAX: usize = 120;

/// Looks up references in one document.
#[derive(Debug)]
pub(super) struct Resolver<'d> {
    root: &'d Value,
    document_url: Option<&'d str>,
    anchors: OnceCell<HashMap<&'d str, String>>,
}

/// What a reference names.
#[derive(Clone, Debug)]
pub(super) struct Target<'d> {
    /// The place in the document, the same text for every way to write it.
    pub(super) pointer: String,
    /// What is there.
    pub(super) value: &'d Value,
}

impl<'d> Resolver<'d> {
    /// A resolver for the document at `root`, which may name itself by `document_url`.
    pub(super) fn new(root: &'d Value, document_url: Option<&'d str>) -> Self {
        Self {
            root,
            document_url,
            anchors: OnceCell::new(),
        }
    }

    /// What `reference` names.
    pub(super) fn lookup(&self, reference: &str) -> Result<Target<'d>, Reason> {
        let fragment = self.fragment(reference)?;
        if !fragment.is_empty() && !fragment.starts_with('/') {
            return self.anchor(fragment, reference);
        }
        // A name with a literal per cent sign is rare but legal in hand-written documents, so the
        // text as it stands goes first.
        for pointer in [Cow::Borrowed(fragment), decode(fragment)] {
            if let Some(value) = self.root.pointer(&pointer) {
                return Ok(Target {
                    pointer: pointer.into_owned(),
                    value,
                });
            }
        }
        Err(Reason::new(format!(
            "`$ref` `{}` names nothing in the document",
            text::cut(reference, SHOWN_CHARS_MAX)
        )))
    }

    /// The value itself, or what it refers to, through any number of references up to a bound. Not
    /// for schemas, whose references may be cyclic on purpose.
    pub(super) fn follow(&self, value: &'d Value) -> Result<&'d Value, Reason> {
        let mut value = value;
        for _ in 0..=REFERENCE_HOPS_MAX {
            let Some(reference) = reference_of(value) else {
                return Ok(value);
            };
            value = self.lookup(reference)?.value;
        }
        Err(Reason::new(format!(
            "`$ref` `{}` leads in a circle",
            text::cut(reference_of(value).unwrap_or_default(), SHOWN_CHARS_MAX)
        )))
    }

    /// The part after `#` of a reference into this document.
    fn fragment<'r>(&self, reference: &'r str) -> Result<&'r str, Reason> {
        let (document, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let own = document.is_empty() || self.document_url.is_some_and(|url| url == document);
        if own {
            return Ok(fragment);
        }
        Err(Reason::new(format!(
            "`$ref` `{}` names another document, which is never fetched; bundle the document into one file",
            text::cut(reference, SHOWN_CHARS_MAX)
        )))
    }

    fn anchor(&self, name: &str, reference: &str) -> Result<Target<'d>, Reason> {
        let anchors = self.anchors.get_or_init(|| {
            let mut anchors = HashMap::new();
            collect_anchors(self.root, &mut String::new(), &mut anchors);
            anchors
        });
        let found = anchors
            .get(name)
            .and_then(|pointer| Some((pointer, self.root.pointer(pointer)?)));
        match found {
            Some((pointer, value)) => Ok(Target {
                pointer: pointer.clone(),
                value,
            }),
            None => Err(Reason::new(format!(
                "`$ref` `{}` names no anchor of the document",
                text::cut(reference, SHOWN_CHARS_MAX)
            ))),
        }
    }
}

/// The `$ref` of an object that has one.
pub(super) fn reference_of(value: &Value) -> Option<&str> {
    value.as_object()?.get("$ref")?.as_str()
}

fn decode(fragment: &str) -> Cow<'_, str> {
    percent_decode_str(fragment).decode_utf8_lossy()
}

fn collect_anchors<'d>(
    value: &'d Value,
    pointer: &mut String,
    anchors: &mut HashMap<&'d str, String>,
) {
    let length = pointer.len();
    match value {
        Value::Object(members) => {
            for keyword in ["$anchor", "$dynamicAnchor"] {
                if let Some(name) = members.get(keyword).and_then(Value::as_str) {
                    anchors.entry(name).or_insert_with(|| pointer.clone());
                }
            }
            for (name, member) in members {
                pointer.push('/');
                pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
                collect_anchors(member, pointer, anchors);
                pointer.truncate(length);
            }
        }
        Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                pointer.push_str(&format!("/{index}"));
                collect_anchors(element, pointer, anchors);
                pointer.truncate(length);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_are_found_however_they_are_written() {
        let root = json!({
            "paths": {"/pets/{id}": {"get": 1}, "a~b": 2, "50%": 3},
            "list": [{"x": 4}],
            "defs": {"n": {"$anchor": "node", "v": 5}},
        });
        let resolver = Resolver::new(&root, Some("https://example.com/api.json"));
        for (reference, expected) in [
            ("#/paths/~1pets~1{id}/get", json!(1)),
            ("#/paths/~1pets~1%7Bid%7D/get", json!(1)),
            ("#/paths/a~0b", json!(2)),
            ("#/paths/50%", json!(3)),
            ("#/paths/50%25", json!(3)),
            ("#/list/0/x", json!(4)),
            ("https://example.com/api.json#/list/0/x", json!(4)),
            ("#node", json!({"$anchor": "node", "v": 5})),
            ("#", root.clone()),
        ] {
            let target = resolver.lookup(reference).unwrap();
            assert_eq!(target.value, &expected, "{reference}");
            assert_eq!(root.pointer(&target.pointer), Some(&expected));
        }
    }

    #[test]
    fn what_cannot_be_found_says_why() {
        let root = json!({"a": {"$ref": "#/b"}, "b": {"$ref": "#/a"}});
        let resolver = Resolver::new(&root, None);
        for (reference, part) in [
            ("#/nothing", "names nothing"),
            ("#nothing", "no anchor"),
            ("other.yaml#/a", "never fetched"),
            ("other.yaml", "never fetched"),
            ("https://example.com/api.json#/a", "never fetched"),
            ("http://169.254.169.254/latest", "never fetched"),
            ("file:///etc/passwd", "never fetched"),
        ] {
            let reason = resolver.lookup(reference).unwrap_err().to_string();
            assert!(reason.contains(part), "{reference}: {reason}");
        }
        let reason = resolver.follow(&root["a"]).unwrap_err().to_string();
        assert!(reason.contains("circle"), "{reason}");
    }

    #[test]
    fn one_past_the_hops_is_a_circle() {
        let chain = |hops: usize| {
            let mut root = serde_json::Map::new();
            for hop in 0..hops {
                root.insert(
                    format!("r{hop}"),
                    json!({"$ref": format!("#/r{}", hop + 1)}),
                );
            }
            root.insert(format!("r{hops}"), json!("the end"));
            let root = Value::Object(root);
            let resolver = Resolver::new(&root, None);
            resolver
                .follow(&root["r0"])
                .map(|found| *found == "the end")
                .ok()
        };
        assert_eq!(chain(0), Some(true));
        assert_eq!(chain(REFERENCE_HOPS_MAX), Some(true));
        assert_eq!(chain(REFERENCE_HOPS_MAX + 1), None);
    }
}
