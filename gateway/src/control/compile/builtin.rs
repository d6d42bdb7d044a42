//! The gateway's own tools, in the platform's namespace.

use std::sync::Arc;

use serde_json::{Value, json};

use super::definition::definition;
use super::registry::Build;
use crate::control::names::PLATFORM;
use crate::guard::schema::ArgumentSchema;
use crate::limits::TOOLS_PER_PAGE_MAX;
use crate::snapshot::tenant::TenantId;
use crate::snapshot::tool::{Annotations, Backend, Tool};

/// `stoa_catalog` and `stoa_usage`.
pub(super) fn tools(build: &mut Build<'_>) -> Vec<Tool> {
    let catalog = json!({
        "type": "object",
        "properties": {
            "action": {"type": "string", "enum": ["list", "search", "get"], "default": "list",
                "description": "list: names and summaries; search: by words; get: one tool with its schema"},
            "query": {"type": "string", "maxLength": 500, "description": "For search: a few words of what you want to do"},
            "name": {"type": "string", "maxLength": 200, "description": "For get: the name of a tool"},
            "status": {"type": "string", "enum": ["active", "all"], "description": "For list: which tools"},
            "limit": {"type": "integer", "minimum": 1, "maximum": TOOLS_PER_PAGE_MAX, "description": "How many at most"}
        },
        "additionalProperties": false
    });
    let usage = json!({"type": "object", "properties": {}, "additionalProperties": false});
    [
        (
            "stoa_catalog",
            "Find a tool",
            "Finds tools by a few words, lists them, or shows one with its schema. With many tools, search here before listing all of them.",
            catalog,
            Backend::Catalog,
        ),
        (
            "stoa_usage",
            "What I have used",
            "Your own calls, errors and cost since this gateway started, and what is left of your limits.",
            usage,
            Backend::Usage,
        ),
    ]
    .into_iter()
    // A schema of ours that does not compile is caught by this module's test, not at a customer's.
    .filter_map(|(name, title, description, schema, backend)| tool(build, name, title, description, &schema, backend))
    .collect()
}

fn tool(build: &mut Build<'_>, name: &str, title: &str, description: &str, schema: &Value, backend: Backend) -> Option<Tool> {
    let annotations = Annotations { read_only: true, destructive: false, idempotent: true, open_world: false };
    let category: Arc<str> = "platform".into();
    Some(Tool {
        tenant: TenantId::PLATFORM,
        name: name.into(),
        full_name: name.into(),
        title: Some(title.into()),
        description: description.into(),
        tags: vec![Arc::clone(&category)],
        category,
        search_text: [name, title, description].join("\n").to_lowercase().into(),
        annotations,
        definition: definition(Some(title), description, annotations, schema, None),
        mirrored: Vec::new(),
        arguments: ArgumentSchema::compile(schema).ok()?,
        backend,
        timeout_ms: 0,
        bucket: None,
        // Answered here: what it costs is the time it takes.
        cost_multiplier: 0.0,
        usage: build.tool_usage(PLATFORM, name),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::keyed::Keyed;
    use crate::control::settings::Settings;

    #[test]
    fn both_are_there() {
        let (settings, mut keyed) = (Settings::for_tests(), Keyed::default());
        let names: Vec<_> = tools(&mut Build::new(&settings, &mut keyed, 0)).into_iter().map(|tool| tool.name).collect();
        assert_eq!(names, ["stoa_catalog".into(), Arc::<str>::from("stoa_usage")]);
    }
}
