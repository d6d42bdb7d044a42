//! A catalog file as objects: each document on its own, so that a broken one costs no other.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_saphyr::Spanned;

use super::prepared::{Prepared, prepare};
use super::toolset::{self, ToolSet};
use crate::control::document::{
    API_VERSION, Head, KINDS, KINDS_ABSENT, Object as Written, ToolDocument, ToolSetDocument,
};
use crate::control::names::{self, PLATFORM, PLATFORM_PREFIX};
use crate::control::problem::{Problem, nearest};
use crate::control::{normalise, yaml};

/// Namespace of an object that names none, as in Kubernetes.
const NAMESPACE_DEFAULT: &str = "default";

/// Which object: unique in a catalog.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId {
    /// Kind: `Tool` before `ToolSet`, so that tools written one by one claim their names first.
    pub kind: Kind,
    /// Namespace as written.
    pub namespace: String,
    /// Name.
    pub name: String,
}

/// See [`ObjectId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// One tool.
    Tool,
    /// Tools of a document.
    ToolSet,
}

/// `Tool tenant-acme/get-order`.
impl fmt::Display for ObjectId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Tool => "Tool",
            Kind::ToolSet => "ToolSet",
        };
        write!(out, "{kind} {}/{}", self.namespace, self.name)
    }
}

/// One object that can be used.
#[derive(Debug)]
pub struct Object {
    /// Tenant of its namespace.
    pub tenant: String,
    /// Line and column in its file.
    pub place: (u64, u64),
    /// What it brings.
    pub body: Body,
}

/// What an object brings.
#[derive(Debug)]
pub enum Body {
    /// `enabled: false`.
    Disabled,
    /// Tools of a document.
    Set(Box<ToolSet>),
    /// One tool.
    Tool(Arc<Prepared>),
}

impl Object {
    /// Its tools, in the order in which they claim names.
    pub fn tools(&self) -> impl Iterator<Item = &Arc<Prepared>> {
        match &self.body {
            Body::Disabled => [].iter(),
            Body::Set(set) => set.tools.iter(),
            Body::Tool(tool) => std::slice::from_ref(tool).iter(),
        }
    }
}

/// A file, read.
#[derive(Debug, Default)]
pub struct ParsedFile {
    /// What can be used.
    pub objects: BTreeMap<ObjectId, Object>,
    /// What cannot, where it is known which object it is.
    pub failed: Vec<ObjectId>,
    /// Documents that its ToolSets lie in, whether or not they could be read.
    pub documents: Vec<PathBuf>,
    /// Whether there is something of which it is not known.
    pub has_unknown: bool,
    /// Why.
    pub problems: Vec<Problem>,
    /// What an operator should know, though nothing is wrong.
    pub notes: Vec<Problem>,
}

/// Reads the text of a file. `.json` files are YAML, too.
#[must_use]
pub fn parse(path: &Path, text: &str) -> ParsedFile {
    let mut file = ParsedFile::default();
    for document in yaml::documents(text) {
        if let Err(problems) = parse_document(path, document, &mut file) {
            file.problems.extend(problems);
        }
    }
    let lines_of_parts = |problem: &mut Problem| problem.file = Some(path.to_owned());
    file.problems
        .iter_mut()
        .chain(&mut file.notes)
        .for_each(lines_of_parts);
    file
}

fn parse_document(
    path: &Path,
    document: yaml::Document<'_>,
    file: &mut ParsedFile,
) -> Result<(), Vec<Problem>> {
    let lines_before = document.lines_before;
    let head: Spanned<Head> = yaml::from_str(document.text).map_err(|error| {
        file.has_unknown = true;
        vec![yaml::problem(&error, lines_before)]
    })?;
    if head.value.kind.is_none() && (head.value.openapi.is_some() || head.value.swagger.is_some()) {
        // The document of a ToolSet that lies beside it.
        return Ok(());
    }
    let moved = |mut problem: Problem| {
        problem.line += if problem.line > 0 { lines_before } else { 0 };
        problem
    };
    let (id, tenant) = identify(&head).map_err(|problem| {
        file.has_unknown = true;
        vec![moved(problem)]
    })?;
    let (line, column) = yaml::place(&head.referenced);
    let place = (line + lines_before, column);
    if file.objects.contains_key(&id) || file.failed.contains(&id) {
        return Err(vec![
            Problem::new("is declared twice in this file")
                .at(place)
                .of(id.to_string())
                .hint("rename or remove one of them"),
        ]);
    }
    match body(&id, &tenant, document.text, path, &mut file.documents) {
        Ok((body, notes)) => {
            let noted = notes.into_iter().map(|note| moved(note).of(id.to_string()));
            file.notes.extend(noted);
            file.objects.insert(
                id,
                Object {
                    tenant,
                    place,
                    body,
                },
            );
            Ok(())
        }
        Err(problems) => {
            let object = id.to_string();
            file.failed.push(id);
            let told = |problem: Problem| {
                let problem = if problem.line == 0 {
                    problem.at((line, column))
                } else {
                    problem
                };
                moved(problem).of(object.clone())
            };
            Err(problems.into_iter().map(told).collect())
        }
    }
}

/// Which object it is, and whose.
fn identify(head: &Spanned<Head>) -> Result<(ObjectId, String), Problem> {
    let start = yaml::place(&head.referenced);
    let at = |text: &Spanned<String>, message: String| {
        Problem::new(message).at(yaml::place(&text.referenced))
    };
    let missing = |field: &str, example: &str| {
        Problem::new(format!("`{field}` is missing"))
            .at(start)
            .hint(format!("add `{field}: {example}`"))
    };
    let head = &head.value;
    let version = head
        .api_version
        .as_ref()
        .ok_or_else(|| missing("apiVersion", API_VERSION))?;
    if version.value != API_VERSION {
        return Err(
            at(version, format!("`{}` is not known here", version.value))
                .hint(format!("write `{API_VERSION}`")),
        );
    }
    let kind = head.kind.as_ref().ok_or_else(|| missing("kind", "Tool"))?;
    let known = match kind.value.as_str() {
        "Tool" => Kind::Tool,
        "ToolSet" => Kind::ToolSet,
        absent if KINDS_ABSENT.contains(&absent) => {
            return Err(at(
                kind,
                format!("this version does not have the kind `{absent}`"),
            )
            .hint("remove it; until then what it asks for is not in force"));
        }
        other => {
            let hint =
                nearest(other, KINDS).unwrap_or_else(|| format!("one of: {}", KINDS.join(", ")));
            return Err(at(kind, format!("`{other}` is no kind")).hint(hint));
        }
    };
    let name = head
        .metadata
        .name
        .as_ref()
        .ok_or_else(|| missing("metadata.name", "get-order"))?;
    if name.value.is_empty() || name.value.len() > 253 {
        return Err(at(name, "a name has 1 to 253 characters".into()));
    }
    let (namespace, tenant) = match &head.metadata.namespace {
        None => (NAMESPACE_DEFAULT, NAMESPACE_DEFAULT),
        Some(namespace) => {
            let tenant = names::tenant_of_namespace(&namespace.value)
                .map_err(|message| at(namespace, message))?;
            (namespace.value.as_str(), tenant)
        }
    };
    let id = ObjectId {
        kind: known,
        namespace: namespace.to_owned(),
        name: name.value.clone(),
    };
    Ok((id, tenant.to_owned()))
}

fn body(
    id: &ObjectId,
    tenant: &str,
    text: &str,
    path: &Path,
    documents: &mut Vec<PathBuf>,
) -> Result<(Body, Vec<Problem>), Vec<Problem>> {
    let directory = path.parent().unwrap_or_else(|| Path::new("."));
    let read = |error: serde_saphyr::Error| vec![yaml::problem(&error, 0)];
    match id.kind {
        Kind::Tool => {
            let written: Written<ToolDocument> = yaml::from_str(text).map_err(read)?;
            tool(written.spec, id, tenant, directory)
        }
        Kind::ToolSet => {
            let written: Written<ToolSetDocument> = yaml::from_str(text).map_err(read)?;
            if !written.spec.value.enabled {
                return Ok((Body::Disabled, Vec::new()));
            }
            let (set, notes) = toolset::read(written.spec, tenant, directory, documents)?;
            Ok((Body::Set(Box::new(set)), notes))
        }
    }
}

fn tool(
    spec: Spanned<ToolDocument>,
    id: &ObjectId,
    tenant: &str,
    directory: &Path,
) -> Result<(Body, Vec<Problem>), Vec<Problem>> {
    let start = yaml::place(&spec.referenced);
    let (wanted, place) = match &spec.value.name {
        Some(name) => (name.value.clone(), yaml::place(&name.referenced)),
        None => (id.name.clone(), start),
    };
    let enabled = spec.value.enabled;
    let (name, differs) = names::tool_name(&wanted);
    if let Some(reason) = claims_platform(&name, tenant) {
        return Err(vec![reason.at(place)]);
    }
    let specification = normalise::tool(spec, &name, directory)?;
    let prepared =
        prepare(specification).map_err(|message| vec![Problem::new(message).at(start)])?;
    let note = differs.then(|| {
        Problem::new(format!(
            "agents see this tool as `{name}`: names have up to 64 of A-Z, a-z, 0-9, _ and -"
        ))
        .at(place)
    });
    let body = if enabled {
        Body::Tool(Arc::new(prepared))
    } else {
        Body::Disabled
    };
    Ok((body, note.into_iter().collect()))
}

/// Why a name cannot be had, where it belongs to the platform.
#[must_use]
pub fn claims_platform(name: &str, tenant: &str) -> Option<Problem> {
    (name.starts_with(PLATFORM_PREFIX) && tenant != PLATFORM).then(|| {
        Problem::new(format!(
            "the name `{name}` begins with `{PLATFORM_PREFIX}`, which belongs to the platform"
        ))
        .hint(format!(
            "choose another `spec.name`, or put the object into the namespace `{PLATFORM}`"
        ))
    })
}

#[cfg(test)]
mod tests;
