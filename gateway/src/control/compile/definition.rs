//! The text of a tool in a list, prepared once.

use serde_json::{Map, Value, json};

use crate::snapshot::tool::{Annotations, Definition};

/// Everything behind the name. Schemas keep their members' order, and say what their author said.
pub(super) fn definition(
    title: Option<&str>,
    description: &str,
    annotations: Annotations,
    input: &Value,
    output: Option<&Value>,
) -> Definition {
    let mut members = Map::new();
    if let Some(title) = title {
        members.insert("title".into(), title.into());
    }
    if !description.is_empty() {
        members.insert("description".into(), description.into());
    }
    members.insert("inputSchema".into(), input.clone());
    let with_annotations = |mut members: Map<String, Value>| {
        members.insert("annotations".into(), hints(title, annotations));
        text(&members)
    };
    let Some(output) = output else {
        return Definition { modern: with_annotations(members), legacy: None };
    };
    let without = members.clone();
    members.insert("outputSchema".into(), output.clone());
    // Before 2026-07-28 structuredContent is an object, and so must its schema be.
    let legacy = (output.get("type").and_then(Value::as_str) != Some("object")).then(|| with_annotations(without));
    Definition { modern: with_annotations(members), legacy }
}

fn hints(title: Option<&str>, annotations: Annotations) -> Value {
    let mut hints = json!({
        "readOnlyHint": annotations.read_only,
        "destructiveHint": annotations.destructive,
        "idempotentHint": annotations.idempotent,
        "openWorldHint": annotations.open_world,
    });
    if let (Some(title), Some(members)) = (title, hints.as_object_mut()) {
        members.shift_insert(0, "title".into(), title.into());
    }
    hints
}

/// An object's members without its braces.
fn text(members: &Map<String, Value>) -> Box<str> {
    let text = Value::Object(members.clone()).to_string();
    text[1..text.len() - 1].into()
}
