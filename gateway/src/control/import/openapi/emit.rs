//! Tools as YAML that the catalog reads back: one object of kind `Tool` for each.

use std::collections::HashSet;
use std::io;

use serde::Serialize;

use crate::control::spec::ToolSpec;

/// Characters of an object's name: a DNS label, so that a cluster takes the same file.
const OBJECT_NAME_CHARS_MAX: usize = 63;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Object<'t> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata<'t>,
    spec: &'t ToolSpec,
}

#[derive(Serialize)]
struct Metadata<'t> {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'t str>,
}

/// Writes one document for each tool.
///
/// # Errors
/// What `out` answers.
pub fn write_yaml(
    tools: &[ToolSpec],
    namespace: Option<&str>,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let mut taken = HashSet::new();
    for tool in tools {
        let object = Object {
            api_version: "gostoa.dev/v1alpha1",
            kind: "Tool",
            metadata: Metadata {
                name: object_name(&tool.name, &mut taken),
                namespace,
            },
            spec: tool,
        };
        let text = serde_saphyr::to_string(&object).map_err(io::Error::other)?;
        writeln!(out, "---\n{}", text.trim_end())?;
    }
    Ok(())
}

/// The tool's name as a DNS label (RFC 1123), distinct within one run: the tool keeps its own name in
/// `spec.name`.
fn object_name(name: &str, taken: &mut HashSet<String>) -> String {
    let label: String = name
        .chars()
        .map(|one| match one.to_ascii_lowercase() {
            one if one.is_ascii_alphanumeric() => one,
            _ => '-',
        })
        .take(OBJECT_NAME_CHARS_MAX)
        .collect();
    let label = match label.trim_matches('-') {
        "" => "tool",
        label => label,
    };
    let mut candidate = label.to_owned();
    if taken.contains(&candidate) {
        let digest = format!("-{:08x}", crc32fast::hash(name.as_bytes()));
        let kept = label.len().min(OBJECT_NAME_CHARS_MAX - digest.len());
        candidate = format!("{}{digest}", &label[..kept]);
    }
    taken.insert(candidate.clone());
    candidate
}
