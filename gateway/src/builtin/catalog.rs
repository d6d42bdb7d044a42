//! `stoa_catalog`: an agent with a thousand tools finds its own by a few words.

use serde_json::{Value, json};

use crate::adapter::result::ToolResult;
use crate::auth::Principal;
use crate::limits::TOOLS_PER_PAGE_DEFAULT;
use crate::policy;
use crate::route;
use crate::snapshot::Snapshot;
use crate::snapshot::tool::Tool;

/// Points of a word found in a tool's name; elsewhere it is worth one.
const NAME_POINTS: usize = 4;
/// Characters of a description in a list; `get` shows all of it.
const SUMMARY_CHARS_MAX: usize = 160;

/// Answers a call. The arguments fit the tool's schema, but a schema cannot say that `get` needs a name.
#[must_use]
pub fn call(snapshot: &Snapshot, principal: &Principal, arguments: &str) -> ToolResult {
    // Validated before, so this cannot fail; rare enough that reading it twice is no cost.
    let arguments: Value = serde_json::from_str(arguments).unwrap_or_default();
    let action = arguments
        .get("action")
        .and_then(Value::as_str)
        .unwrap_or("list");
    let limit = arguments
        .get("limit")
        .and_then(Value::as_u64)
        .and_then(|limit| usize::try_from(limit).ok())
        .unwrap_or(TOOLS_PER_PAGE_DEFAULT);
    let visible = || {
        route::candidates(snapshot, principal)
            .filter(|tool| policy::visible(principal, snapshot, tool))
    };
    match action {
        "get" => get(
            snapshot,
            principal,
            arguments.get("name").and_then(Value::as_str),
        ),
        "search" => match arguments.get("query").and_then(Value::as_str) {
            Some(query) if !query.trim().is_empty() => {
                listed(principal, search(visible(), principal, query), limit)
            }
            _ => ToolResult::text(
                "action search needs \"query\": a few words of what you want to do",
                true,
            ),
        },
        // A tool that is in the catalog is active; the documents' other states are never listed.
        _ => match arguments.get("status").and_then(Value::as_str) {
            None | Some("active" | "all") => listed(principal, visible().collect(), limit),
            Some(_) => listed(principal, Vec::new(), limit),
        },
    }
}

fn get(snapshot: &Snapshot, principal: &Principal, name: Option<&str>) -> ToolResult {
    let Some(name) = name else {
        return ToolResult::text(
            "action get needs \"name\": the name of a tool, as list or search show it",
            true,
        );
    };
    let found = route::resolve(snapshot, principal, name)
        .filter(|tool| policy::visible(principal, snapshot, tool));
    let Some(tool) = found else {
        return ToolResult::text(
            &format!(
                "there is no tool named {:.64}; search for it by a few words",
                name
            ),
            true,
        );
    };
    let mut text = Vec::new();
    crate::facade::write::tool(&mut text, route::shown_name(principal, tool), tool);
    ToolResult::json(text)
}

/// Tools by how many of the words they hold, those in the name first; ties stay in the catalog's order.
fn search<'s>(
    tools: impl Iterator<Item = &'s Tool>,
    principal: &Principal,
    query: &str,
) -> Vec<&'s Tool> {
    let query = query.to_lowercase();
    let words: Vec<&str> = query
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let mut scored: Vec<(usize, &Tool)> = tools
        .filter_map(|tool| {
            let name = route::shown_name(principal, tool).to_lowercase();
            let points: usize = words
                .iter()
                .map(|word| {
                    if name.contains(word) {
                        NAME_POINTS
                    } else {
                        usize::from(tool.search_text.contains(word))
                    }
                })
                .sum();
            (points > 0).then_some((points, tool))
        })
        .collect();
    scored.sort_by_key(|(points, _)| std::cmp::Reverse(*points));
    scored.into_iter().map(|(_, tool)| tool).collect()
}

fn listed(principal: &Principal, tools: Vec<&Tool>, limit: usize) -> ToolResult {
    let entries: Vec<Value> = tools
        .iter()
        .take(limit)
        .map(|tool| {
            json!({
                "name": route::shown_name(principal, tool),
                "description": summary(&tool.description),
                "category": &*tool.category,
                "readOnly": tool.annotations.read_only,
                "destructive": tool.annotations.destructive,
            })
        })
        .collect();
    ToolResult::json(
        json!({"tools": entries, "total": tools.len()})
            .to_string()
            .into_bytes(),
    )
}

fn summary(description: &str) -> String {
    let line = description.lines().next().unwrap_or_default();
    if line.chars().count() <= SUMMARY_CHARS_MAX {
        return line.to_owned();
    }
    line.chars()
        .take(SUMMARY_CHARS_MAX - 1)
        .chain(['…'])
        .collect()
}
