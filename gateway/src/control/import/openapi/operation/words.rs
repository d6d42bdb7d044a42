//! What of an operation is text or follows from its method: the path template, description, tags and
//! hints.

use serde_json::Value;

use super::super::{Reason, text};
use super::Operation;
use crate::control::spec::AnnotationsSpec;

/// Characters of a tool's description. Beyond it the words of a document are a manual, which every
/// list of tools would carry to every model.
const DESCRIPTION_CHARS_MAX: usize = 4096;

/// The path that is sent: a fragment, which some documents use to tell operations of one path apart,
/// never is.
pub(super) fn path_template(path: &str) -> Result<String, Reason> {
    let fault = |text: &str| Err(Reason::new(text));
    let sent = path.split('#').next().unwrap_or_default();
    let (template, query) = sent.split_once('?').unwrap_or((sent, ""));
    let unfit = |one: char| one.is_control() || one == ' ' || one == '\\';
    if sent.contains(unfit) {
        return fault("the path has characters that a URL cannot have");
    }
    if query.contains(['{', '}']) {
        return fault("the path has a placeholder after its `?`; it should be a query parameter");
    }
    if template.split('/').any(|one| one == "." || one == "..") {
        return fault("the path has a segment `.` or `..`, which clients resolve before sending");
    }
    let mut seen: Vec<&str> = Vec::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let name = after.split_once('}').map(|(name, _)| name);
        let Some(name) = name.filter(|name| !name.is_empty() && !name.contains('{')) else {
            return fault("the braces of the path do not match");
        };
        if before.contains('}') {
            return fault("the braces of the path do not match");
        }
        if seen.contains(&name) {
            return fault("the path has one placeholder twice");
        }
        seen.push(name);
        rest = &after[name.len() + 1..];
    }
    if rest.contains('}') {
        return fault("the braces of the path do not match");
    }
    Ok(sent.to_owned())
}

pub(super) fn description(operation: &Operation<'_>) -> String {
    let summary = operation.word("summary");
    let words = operation.word("description");
    let whole = match (summary, words) {
        (Some(summary), Some(words)) if words.starts_with(summary.trim_end_matches('.')) => {
            words.to_owned()
        }
        (Some(summary), Some(words)) => format!("{summary}\n\n{words}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => format!("{} {}", operation.method, operation.path),
    };
    let whole = match operation.object.get("deprecated") {
        Some(Value::Bool(true)) => format!("Deprecated. {whole}"),
        _ => whole,
    };
    text::cut(&whole, DESCRIPTION_CHARS_MAX)
}

pub(super) fn tags(own: Vec<String>, added: &[String]) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    for tag in own.into_iter().chain(added.iter().cloned()) {
        if !tag.is_empty() && !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags
}

/// What RFC 9110 section 9.2 says of each method. A POST may do anything, so nothing is claimed of it
/// beyond that it is not known to destroy.
pub(super) fn annotations(method: &str) -> AnnotationsSpec {
    let reads = matches!(method, "GET" | "HEAD");
    AnnotationsSpec {
        title: None,
        read_only: Some(reads),
        destructive: Some(method == "DELETE"),
        idempotent: Some(reads || matches!(method, "PUT" | "DELETE")),
        open_world: Some(true),
    }
}
