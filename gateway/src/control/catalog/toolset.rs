//! A ToolSet: where its document comes from, what is made of it, and how that went.
//!
//! A document that lies in the object or in a file is imported when the object is read. One behind a
//! URL arrives later; until then, and whenever it cannot be had, the tools of the last good one stay.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use serde_saphyr::Spanned;

use super::object::claims_platform;
use super::prepared::{Prepared, prepare};
use crate::control::document::{OpenApiSpec, ToolSetDocument};
use crate::control::import::openapi::{self, Defaults, ImportOptions, Naming, Selector};
use crate::control::problem::{Problem, nearest};
use crate::control::spec::{ToolSpec, duration_ms};
use crate::control::{normalise, url, yaml};
use crate::file::read_text_at_most;
use crate::limits::DOCUMENT_BYTES_MAX;

/// The shortest time between two downloads: a document is megabytes, and its server not ours.
const REFRESH_MS_MIN: u64 = 1_000;
/// Time between two downloads where the object names none.
const REFRESH_MS_DEFAULT: u64 = 300_000;

/// A set of tools.
#[derive(Debug)]
pub struct ToolSet {
    /// Where the document comes from.
    pub source: Source,
    /// How it is imported.
    options: ImportOptions,
    /// Names that are wanted, with their places; all where empty.
    wanted: Vec<(String, (u64, u64))>,
    /// See [`crate::control::spec::ToolSpec::upstream_allow`].
    pub upstream_allow: Vec<ipnet::IpNet>,
    /// What relative paths of secrets are relative to.
    directory: PathBuf,
    tenant: String,
    /// Line and column of the document's place in the catalog file.
    pub place: (u64, u64),
    /// What came of the last good document.
    pub tools: Vec<Arc<Prepared>>,
    /// Hash of that document; `None` before the first.
    pub spec_hash: Option<String>,
}

/// Where a document comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file, read with the object.
    File,
    /// The object itself.
    Inline,
    /// A download.
    Url {
        /// From where.
        url: String,
        /// Milliseconds between two.
        refresh_ms: u64,
    },
}

/// Reads a ToolSet, and imports its document where that is at hand.
///
/// # Errors
/// Every problem with its place within the object; then nothing of it is used. Files that it names are
/// added to `documents` even then.
pub fn read(
    written: Spanned<ToolSetDocument>,
    tenant: &str,
    directory: &Path,
    documents: &mut Vec<PathBuf>,
) -> Result<(ToolSet, Vec<Problem>), Vec<Problem>> {
    let start = yaml::place(&written.referenced);
    let written = written.value;
    if let Some(upstream) = &written.upstream {
        return Err(vec![
            at(
                upstream,
                "this version does not have `upstream`, tools of another MCP server",
            )
            .hint("use `openAPISpec`, or leave the object out"),
        ]);
    }
    let Some(spec) = &written.open_api_spec else {
        return Err(vec![
            Problem::new("`openAPISpec` is missing")
                .at(start)
                .hint("add `openAPISpec: {url: https://...}`"),
        ]);
    };
    let mut problems = Vec::new();
    let options = options(&written, directory).unwrap_or_else(|found| {
        problems.extend(found);
        ImportOptions::default()
    });
    let (source, text) = match document(
        &spec.value,
        yaml::place(&spec.referenced),
        directory,
        documents,
    ) {
        Ok(found) => found,
        Err(problem) => {
            problems.push(problem);
            return Err(problems);
        }
    };
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut set = ToolSet {
        source,
        options,
        wanted: written
            .tools
            .iter()
            .map(|name| (name.value.clone(), yaml::place(&name.referenced)))
            .collect(),
        upstream_allow: written.upstream_allow,
        directory: directory.to_owned(),
        tenant: tenant.to_owned(),
        place: yaml::place(&spec.referenced),
        tools: Vec::new(),
        spec_hash: None,
    };
    let notes = match text {
        Some(text) => set.import(&text, None)?,
        None => Vec::new(),
    };
    Ok((set, notes))
}

fn at<T>(value: &Spanned<T>, message: impl Into<String>) -> Problem {
    Problem::new(message).at(yaml::place(&value.referenced))
}

fn options(written: &ToolSetDocument, directory: &Path) -> Result<ImportOptions, Vec<Problem>> {
    let mut problems = Vec::new();
    if let Some(base) = &written.base_url
        && let Err(message) = url::split(&base.value)
    {
        problems.push(at(base, message));
    }
    let defaults = &written.tool_defaults;
    let timeout_ms = normalise::timeout(defaults.timeout.as_ref()).unwrap_or_else(|problem| {
        problems.push(problem);
        None
    });
    if let Some(authentication) = &defaults.authentication
        && let Err(problem) = normalise::authentication(authentication, directory)
    {
        problems.push(problem);
    }
    let prefix = match &written.prefix {
        Some(prefix)
            if !written.naming.prefix.is_empty() && written.naming.prefix != prefix.value =>
        {
            problems.push(
                at(prefix, "`prefix` and `naming.prefix` say different things")
                    .hint("remove `prefix`, the older one"),
            );
            String::new()
        }
        Some(prefix) => prefix.value.clone(),
        None => written.naming.prefix.clone(),
    };
    if !problems.is_empty() {
        return Err(problems);
    }
    let selector = written.selector.clone();
    Ok(ImportOptions {
        base_url: written.base_url.as_ref().map(|base| base.value.clone()),
        document_url: None,
        selector: Selector {
            tags: selector.tags,
            exclude_tags: selector.exclude_tags,
            methods: selector.methods,
            path_prefix: selector.path_prefix,
            operation_ids: selector.operation_ids,
        },
        naming: Naming {
            prefix,
            suffix: written.naming.suffix.clone(),
            use_operation_id: written.naming.use_operation_id,
        },
        defaults: Defaults {
            tags: defaults.tags.clone(),
            timeout_ms,
            rate_limit: defaults.rate_limit,
            credential: defaults
                .authentication
                .as_ref()
                .map(|written| written.value.clone())
                .unwrap_or_default(),
        },
        namespace: None,
    })
}

/// The source, and the text where it is at hand.
fn document(
    spec: &OpenApiSpec,
    place: (u64, u64),
    directory: &Path,
    documents: &mut Vec<PathBuf>,
) -> Result<(Source, Option<String>), Problem> {
    for (reference, kind) in [
        (&spec.config_map_ref, "ConfigMap"),
        (&spec.secret_ref, "Secret"),
    ] {
        if let Some(reference) = reference {
            return Err(at(
                reference,
                format!("names a {kind} of a cluster, and a catalog directory has none"),
            )
            .hint("put the document beside this file and write `file: ./openapi.json`"));
        }
    }
    let named = [
        spec.url.is_some(),
        spec.file.is_some(),
        spec.inline.is_some(),
    ];
    if named.iter().filter(|is| **is).count() != 1 {
        return Err(Problem::new("needs exactly one of `url`, `file` and `inline`").at(place));
    }
    let refresh_ms = refresh(spec.refresh_interval.as_ref())?;
    if let Some(inline) = &spec.inline {
        let text = match &inline.value {
            Value::String(text) => text.clone(),
            Value::Object(_) => inline.value.to_string(),
            _ => return Err(at(inline, "`inline` is neither text nor a mapping")),
        };
        return Ok((Source::Inline, Some(text)));
    }
    if let Some(file) = &spec.file {
        return from_file(
            directory.join(&file.value),
            yaml::place(&file.referenced),
            documents,
        );
    }
    let Some(written) = &spec.url else {
        return Err(Problem::new("needs exactly one of `url`, `file` and `inline`").at(place));
    };
    if written.value.contains("://") {
        url::split(&written.value).map_err(|message| at(written, message))?;
        return Ok((
            Source::Url {
                url: written.value.clone(),
                refresh_ms,
            },
            None,
        ));
    }
    from_file(
        directory.join(&written.value),
        yaml::place(&written.referenced),
        documents,
    )
}

fn from_file(
    path: PathBuf,
    place: (u64, u64),
    documents: &mut Vec<PathBuf>,
) -> Result<(Source, Option<String>), Problem> {
    documents.push(path.clone());
    let fail = |reason: String| {
        Problem::new(format!("cannot read {}: {reason}", path.display())).at(place)
    };
    let text =
        read_text_at_most(&path, DOCUMENT_BYTES_MAX).map_err(|error| fail(error.to_string()))?;
    Ok((Source::File, Some(text)))
}

fn refresh(written: Option<&Spanned<String>>) -> Result<u64, Problem> {
    let Some(written) = written else {
        return Ok(REFRESH_MS_DEFAULT);
    };
    let ms = duration_ms::parse(&written.value).map_err(|message| at(written, message))?;
    if ms < REFRESH_MS_MIN {
        return Err(at(written, format!("must be at least {REFRESH_MS_MIN}ms")));
    }
    Ok(ms)
}

impl ToolSet {
    /// Makes tools of a document, and puts them in the place of those before. What an operator should
    /// know of single operations comes back.
    ///
    /// # Errors
    /// What is wrong with the document as a whole; then the tools stay as they were.
    pub fn import(
        &mut self,
        text: &str,
        document_url: Option<&str>,
    ) -> Result<Vec<Problem>, Vec<Problem>> {
        let options = ImportOptions {
            document_url: document_url.map(str::to_owned),
            ..self.options.clone()
        };
        let import = openapi::import(text, &options)
            .map_err(|error| vec![Problem::new(error.to_string()).at(self.place)])?;
        let told = |operation: &str, what: &str, reason: &str| {
            Problem::new(format!("{what}{operation}: {reason}")).at(self.place)
        };
        let mut notes: Vec<Problem> = import
            .left_out
            .iter()
            .map(|out| told(&out.operation, "left out: ", &out.reason))
            .collect();
        notes.extend(
            import
                .notes
                .iter()
                .map(|note| told(&note.operation, "", &note.text)),
        );
        self.check_wanted(&import.tools)?;
        let mut tools = Vec::new();
        for spec in import.tools {
            if !self.wanted.is_empty() && !self.wanted.iter().any(|(name, _)| *name == spec.name) {
                continue;
            }
            let name = spec.name.clone();
            match self.prepare(spec) {
                Ok(tool) => tools.push(Arc::new(tool)),
                Err(reason) => notes.push(told(&name, "left out: ", &reason)),
            }
        }
        self.tools = tools;
        self.spec_hash = Some(import.spec_hash);
        Ok(notes)
    }

    fn check_wanted(&self, found: &[ToolSpec]) -> Result<(), Vec<Problem>> {
        let missing = self
            .wanted
            .iter()
            .filter(|(name, _)| !found.iter().any(|tool| tool.name == *name));
        let problems: Vec<Problem> = missing
            .map(|(name, place)| {
                Problem::new(format!("the document gives no tool `{name}`"))
                    .at(*place)
                    .maybe_hint(nearest(name, found.iter().map(|tool| tool.name.as_str())))
            })
            .collect();
        if problems.is_empty() {
            Ok(())
        } else {
            Err(problems)
        }
    }

    fn prepare(&self, mut spec: ToolSpec) -> Result<Prepared, String> {
        if let Some(problem) = claims_platform(&spec.name, &self.tenant) {
            return Err(problem.message);
        }
        spec.credential = normalise::with_directory(&spec.credential, &self.directory);
        spec.upstream_allow.extend(&self.upstream_allow);
        prepare(spec)
    }

    /// Takes over what the same object had before, for a document that is still to arrive.
    pub fn inherit(&mut self, before: &Self) {
        if matches!(self.source, Source::Url { .. }) {
            self.tools.clone_from(&before.tools);
        }
    }
}
