//! Public OpenAPI documents that we did not write become tools that can be called: every document of
//! `tests/corpus/manifest.json`, from the npm packages that ship it, through import, compiled plan,
//! argument check and request encoder. No upstream is called here.
//!
//! `cargo xtask setup` puts them into `target/corpus`; `STOA_CORPUS` names another folder. Without
//! them the test says so and passes, except where `CI=true`.

#![allow(
    clippy::print_stdout,
    reason = "a test says what it skips and how long documents take"
)]

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use serde::Deserialize;
use serde_json::Value;
use stoa_gateway::adapter::rest::{self, CallContext};
use stoa_gateway::control::import::openapi::{Import, ImportOptions, import};
use stoa_gateway::control::spec::ToolSpec;
use stoa_gateway::control::url;
use stoa_gateway::guard::{self, schema::ArgumentSchema};
use stoa_gateway::json::raw::Raw;
use stoa_gateway::limits;
use stoa_gateway::snapshot::operation::RestOperation;
use stoa_gateway::snapshot::upstream::{Upstream, UpstreamId};

#[path = "support/sample.rs"]
mod sample;

/// Of a thousand samples, so many must be valid. Some public schemas contradict themselves (a default
/// that the pattern refuses, a minimum above the maximum), and no arguments fit those.
const SAMPLES_VALID_PER_MILLE: usize = 999;

#[derive(Debug, Deserialize)]
struct Entry {
    /// Name of an npm package, and the version that was looked at.
    package: String,
    version: String,
    /// Inside the package; without `.gz` on disk.
    path: String,
    /// Swagger or OpenAPI version that the document states.
    openapi: String,
    /// At least so many operations become tools.
    tools_min: usize,
}

fn manifest() -> Vec<Entry> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/manifest.json");
    let text = std::fs::read_to_string(&path).expect("the manifest is part of the repository");
    serde_json::from_str(&text).expect("the manifest is JSON")
}

fn corpus() -> PathBuf {
    match std::env::var_os("STOA_CORPUS") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/corpus"),
    }
}

/// Every document of the manifest that is on this machine.
fn documents() -> Option<Vec<(String, Entry, String)>> {
    let folder = corpus().join("node_modules");
    let mut found = Vec::new();
    let mut missing = Vec::new();
    for entry in manifest() {
        let path = entry.path.strip_suffix(".gz").unwrap_or(&entry.path);
        let path = folder.join(&entry.package).join(path);
        let name = format!("{}@{} {}", entry.package, entry.version, entry.path);
        match std::fs::read_to_string(&path) {
            Ok(text) => found.push((name, entry, text)),
            Err(error) => missing.push(format!("{}: {error}", path.display())),
        }
    }
    if missing.is_empty() {
        return Some(found);
    }
    let ci = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(!ci, "CI needs the corpus (cargo xtask setup): {missing:#?}");
    eprintln!(
        "skipped: no corpus here (cargo xtask setup brings it): {}",
        missing[0]
    );
    None
}

#[test]
fn public_documents_become_tools() {
    let Some(documents) = documents() else {
        return;
    };
    assert!(documents.len() >= 12, "the issue asks for at least ten");
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (mut made, mut valid) = (0, 0);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let (mut made, mut valid) = (0, 0);
                    while let Some((name, entry, text)) =
                        documents.get(next.fetch_add(1, Ordering::Relaxed))
                    {
                        let samples = check(name, entry, text);
                        made += samples.0;
                        valid += samples.1;
                    }
                    (made, valid)
                })
            })
            .collect();
        for worker in workers {
            let samples = worker.join().expect("every document passes");
            made += samples.0;
            valid += samples.1;
        }
    });
    eprintln!("{valid} of {made} samples are valid");
    assert!(valid * 1000 >= made * SAMPLES_VALID_PER_MILLE);
}

/// Imports one document; how many samples were made of its tools, and how many are valid.
fn check(name: &str, entry: &Entry, text: &str) -> (usize, usize) {
    assert!(
        states_version(text, &entry.openapi),
        "{name} is no {} document",
        entry.openapi
    );
    let options = ImportOptions {
        document_url: Some("https://corpus.example.com/api/openapi.json".into()),
        ..ImportOptions::default()
    };
    #[allow(clippy::disallowed_methods, reason = "the time is what is reported")]
    let start = Instant::now();
    let found = import(text, &options).unwrap_or_else(|error| panic!("{name}: {error}"));
    eprintln!(
        "{:>9.3?}  {:5} tools  {:3} left out  {:6} KiB  {name}",
        start.elapsed(),
        found.tools.len(),
        found.left_out.len(),
        text.len() / 1024
    );
    assert!(
        found.tools.len() >= entry.tools_min,
        "{name}: {} tools",
        found.tools.len()
    );
    check_words(name, &found);
    let (mut made, mut valid) = (0, 0);
    for (index, tool) in found.tools.iter().enumerate() {
        let label = format!("{name}: {}", tool.name);
        assert_eq!(tool.input_schema["type"], "object", "{label}");
        let schema = ArgumentSchema::compile(&tool.input_schema)
            .unwrap_or_else(|fault| panic!("{label}: {fault}"));
        if let Some(schema) = &tool.output_schema {
            jsonschema::draft202012::new(schema).unwrap_or_else(|fault| panic!("{label}: {fault}"));
        }
        let operation = check_plan(&label, tool);
        // One of sixteen of the largest document: the others are made by the same generator.
        if found.tools.len() < 4_000 || index % 16 == 0 {
            made += 1;
            match call(tool, &schema, &operation) {
                Ok(()) => valid += 1,
                Err(fault) => eprintln!("{label}: no valid sample: {fault}"),
            }
        }
    }
    (made, valid)
}

/// Checks a sample of a tool's arguments and writes the request that they make.
fn call(tool: &ToolSpec, schema: &ArgumentSchema, operation: &RestOperation) -> Result<(), String> {
    let sample = sample::sample_arguments(&tool.input_schema).to_string();
    let raw = Raw::parse(&sample).map_err(|fault| format!("{fault:?}"))?;
    let arguments = guard::validate(schema, Some(raw)).map_err(|fault| fault.text().to_owned())?;
    let (origin, base) = url::split(&tool.endpoint).expect("checked with the plan");
    let upstream = Upstream {
        key: origin.to_string().into(),
        tls: origin.tls,
        host: origin.host.as_str().into(),
        port: origin.port,
        authority: origin.authority().into(),
        allow: Arc::default(),
        addresses: Arc::default(),
    };
    let mut out = Vec::new();
    let context = CallContext::default();
    rest::encode(operation, &upstream, &arguments, &context, &mut out)
        .map_err(|fault| format!("{} of {sample}", fault.text()))?;
    let line = format!("{} {base}/", tool.request.method);
    assert!(out.starts_with(line.as_bytes()), "{}: {line}", tool.name);
    Ok(())
}

/// Whether a document says that it is of a version, in JSON or YAML.
fn states_version(text: &str, version: &str) -> bool {
    let bare: String = text
        .chars()
        .filter(|one| !matches!(one, ' ' | '"' | '\''))
        .collect();
    ["openapi", "swagger"]
        .iter()
        .any(|field| bare.contains(&format!("{field}:{version}")))
}

fn check_words(name: &str, found: &Import) {
    let mut names = HashSet::new();
    for tool in &found.tools {
        let fits = (1..=limits::TOOL_NAME_CHARS_MAX).contains(&tool.name.len())
            && tool
                .name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        assert!(fits, "{name}: the name `{}`", tool.name);
        assert!(names.insert(&tool.name), "{name}: `{}` twice", tool.name);
        assert!(!tool.description.is_empty(), "{name}: {}", tool.name);
        assert!(
            tool.endpoint.starts_with("http"),
            "{name}: {}",
            tool.endpoint
        );
    }
    for one in &found.left_out {
        assert!(
            !one.reason.is_empty() && !one.operation.is_empty(),
            "{name}"
        );
    }
}

/// Compiles the plan; every argument that it names must be in the schema.
fn check_plan(label: &str, tool: &ToolSpec) -> RestOperation {
    let arguments = tool.input_schema["properties"].as_object();
    for parameter in &tool.request.parameters {
        let known = arguments.is_some_and(|all| all.contains_key(&parameter.argument));
        assert!(known, "{label}: `{}` is no argument", parameter.argument);
        let required = &tool.input_schema["required"];
        let listed = required
            .as_array()
            .is_some_and(|all| all.contains(&Value::from(parameter.argument.as_str())));
        assert_eq!(
            listed, parameter.required,
            "{label}: `{}`",
            parameter.argument
        );
    }
    let (_, base) = url::split(&tool.endpoint).unwrap_or_else(|fault| panic!("{label}: {fault}"));
    let mut plan = tool.request.clone();
    plan.path = format!("{base}{}", plan.path);
    RestOperation::compile(&plan, UpstreamId(0)).unwrap_or_else(|fault| panic!("{label}: {fault}"))
}
