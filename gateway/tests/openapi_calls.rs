//! Tools of public OpenAPI documents are called through the real gateway, and an API that holds every request
//! against the document takes each of them.
//!
//! The documents are those of `tests/corpus/manifest.json`, their servers moved to the checker with their
//! paths kept; the API is `tests/corpus/checker.py`, whose opinion is that of openapi-core and bravado-core.
//! What they refuse for a reason that is not ours stands in `openapi_calls/exceptions.rs`. More is asked than that a request is valid, as one that lost its
//! optional parameters is valid, too: every argument must be found again among the values that those libraries
//! read from the request. `cargo xtask setup` brings documents and libraries; without them the test is skipped
//! with a printed reason, in CI it fails.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests have no data path to block, and read the clock to tell how long a document takes"
)]

#[path = "openapi_calls/arrived.rs"]
mod arrived;
#[path = "openapi_calls/exceptions.rs"]
mod exceptions;
#[path = "support/sample.rs"]
mod sample;
#[path = "support/harness.rs"]
mod support;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};

use exceptions::EXCEPTIONS;
use support::peer::{self, Runtime, Script};
use support::{Agent, Setup, Wire};

const TEST: &str = "public_documents_are_called";
/// Tools called of one document: spread evenly over it, the same ones each time.
const CALLS_PER_DOCUMENT_MAX: usize = 150;
/// Bytes of the largest document called. Beyond it is one, of 30 MB, whose import alone takes a debug build
/// nearly as long as all others together; `openapi_corpus` imports it.
const DOCUMENT_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// How long a checker may take for a document on a loaded machine: the largest takes two seconds.
const DOCUMENT_WITHIN: Duration = Duration::from_secs(60);
/// What the checker is made of.
const LIBRARIES: [&str; 3] = ["openapi-core", "bravado-core", "qs-codec"];

#[derive(Debug, Deserialize)]
struct Entry {
    package: String,
    path: String,
    openapi: String,
}

/// A document of the manifest, on this machine.
struct Document {
    name: String,
    version: String,
    path: PathBuf,
}

#[test]
fn public_documents_are_called() {
    let Some(python) = peer::python_with(TEST, &LIBRARIES) else {
        return;
    };
    let Some(documents) = documents() else {
        return;
    };
    let next = AtomicUsize::new(0);
    let used: Vec<AtomicBool> = EXCEPTIONS.iter().map(|_| AtomicBool::new(false)).collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut faults: Vec<String> = std::thread::scope(|scope| {
        let work = || {
            let mut checkers = HashMap::new();
            let mut faults = Vec::new();
            while let Some(document) = documents.get(next.fetch_add(1, Ordering::Relaxed)) {
                let library = match document.version.as_str() {
                    "2.0" => "swagger2",
                    _ => "openapi3",
                };
                let checker = checkers.entry(library);
                let checker = checker.or_insert_with(|| Checker::start(&python, library));
                faults.extend(call(document, checker, &used));
            }
            faults
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let join = |worker: std::thread::ScopedJoinHandle<'_, Vec<String>>| {
            worker.join().expect("every document can be called")
        };
        workers.into_iter().flat_map(join).collect()
    });
    let needless = EXCEPTIONS
        .iter()
        .zip(&used)
        .filter(|(_, used)| !used.load(Ordering::Relaxed));
    faults.extend(needless.map(|(one, _)| format!("not needed any more: {one}")));
    assert!(
        faults.is_empty(),
        "{} faults:\n{}",
        faults.len(),
        faults.join("\n")
    );
}

/// The manifest's documents, the largest first so that no thread ends late; each version at least once.
fn documents() -> Option<Vec<Document>> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let manifest = std::fs::read_to_string(tests.join("corpus/manifest.json")).expect("a manifest");
    let manifest: Vec<Entry> = serde_json::from_str(&manifest).expect("the manifest is JSON");
    let folder = match std::env::var_os("STOA_CORPUS") {
        Some(folder) => PathBuf::from(folder),
        None => tests.join("../../target/corpus"),
    };
    let mut found = Vec::new();
    for entry in manifest {
        let inside = entry.path.strip_suffix(".gz").unwrap_or(&entry.path);
        let path = folder
            .join("node_modules")
            .join(&entry.package)
            .join(inside);
        let Ok(metadata) = path.metadata() else {
            let reason = format!(
                "{} is missing; `cargo xtask setup` brings it",
                path.display()
            );
            peer::skip(TEST, &reason);
            return None;
        };
        if metadata.len() <= DOCUMENT_BYTES_MAX {
            let document = Document {
                name: format!("{}/{inside}", entry.package),
                version: entry.openapi,
                path,
            };
            found.push((metadata.len(), document));
        }
    }
    found.sort_by_key(|(bytes, _)| std::cmp::Reverse(*bytes));
    let found: Vec<Document> = found.into_iter().map(|(_, document)| document).collect();
    for version in ["2.0", "3.0", "3.1"] {
        let count = found.iter().filter(|one| one.version == version).count();
        assert!(count >= 3, "{count} documents of {version}");
    }
    Some(found)
}

/// Serves one document's tools and calls them; what was wrong, and exceptions that no longer are.
fn call(document: &Document, checker: &Checker, used: &[AtomicBool]) -> Vec<String> {
    let begun = Instant::now();
    let extension = document
        .path
        .extension()
        .expect("json or yaml")
        .to_string_lossy();
    let file = format!("document.{extension}");
    let mut setup = Setup::new();
    let copy = setup.folder().join(&file);
    checker.ask(
        "PUT",
        "/-/document",
        &json!({"from": document.path, "to": copy}),
    );
    setup = setup.catalog("tools.yaml", &tool_set(&file));
    let key = setup.key("acme", "agent");
    let gateway = setup.start();
    let ready = begun.elapsed();

    let tools = list(&Agent::new(&gateway, &key));
    let stride = tools.len().div_ceil(CALLS_PER_DOCUMENT_MAX).max(1);
    let (mut faults, mut excepted) = (Vec::new(), 0);
    let mut calls = Vec::new();
    for (index, tool) in tools.iter().step_by(stride).enumerate() {
        let name = tool["name"].as_str().expect("a name");
        let arguments = sample::sample_arguments(&tool["inputSchema"]);
        let agent = Agent::new(&gateway, &key).with("x-request-id", &index.to_string());
        let answer = agent.call(name, arguments.clone());
        calls.push((name, arguments, answer));
    }
    let seen = checker.ask("GET", "/-/seen", &Value::Null);
    for (index, (name, arguments, answer)) in calls.iter().enumerate() {
        let verdict = &seen[index.to_string()];
        let label = format!("{} {name}", document.name);
        let mut wrong = judge(arguments, verdict);
        if verdict.is_null() {
            wrong.push(format!("did not reach the API: {}", answer.text()));
        } else if wrong.is_empty()
            && !arrived::names(name, verdict["operation"].as_str().expect("a name"))
        {
            wrong.push(format!("reached {}", verdict["operation"]));
        } else if wrong.is_empty() && answer.json()["result"]["isError"] == true {
            wrong.push(format!("is refused: {}", answer.text()));
        }
        for fault in wrong {
            match exceptions::position(&document.name, name, &fault) {
                Some(position) => {
                    excepted += 1;
                    used[position].store(true, Ordering::Relaxed);
                }
                None => faults.push(format!(
                    "{label}: {fault}\n  of {arguments}\n  read {verdict}"
                )),
            }
        }
    }
    eprintln!(
        "{ready:>8.1?} {:>8.1?}  {:4} of {:4} tools  {:3} faults  {excepted:3} excepted  {}",
        begun.elapsed(),
        calls.len(),
        tools.len(),
        faults.len(),
        document.name
    );
    faults
}

/// What is wrong with one call.
fn judge(arguments: &Value, verdict: &Value) -> Vec<String> {
    let told = verdict["faults"].as_array().into_iter().flatten();
    let mut wrong: Vec<String> = told.filter_map(Value::as_str).map(str::to_owned).collect();
    if wrong.is_empty() && !verdict.is_null() {
        let lost = arrived::lost(arguments, &verdict["values"]);
        wrong.extend(lost.iter().map(|name| format!("`{name}` did not arrive")));
    }
    wrong
}

fn tool_set(file: &str) -> String {
    format!(
        "apiVersion: gostoa.dev/v1alpha1\nkind: ToolSet\nmetadata: {{name: corpus, namespace: tenant-acme}}\n\
         spec: {{openAPISpec: {{file: ../{file}}}}}\n"
    )
}

/// All tools of the document, by pages.
fn list(agent: &Agent<'_>) -> Vec<Value> {
    let mut found = Vec::new();
    let mut parameters = json!({});
    loop {
        let answer = agent.mcp("tools/list", parameters);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let page = &answer.json()["result"];
        let tools = page["tools"].as_array().expect("a list").iter();
        let own = |tool: &&Value| {
            !tool["name"]
                .as_str()
                .is_some_and(|name| name.starts_with("stoa_"))
        };
        found.extend(tools.filter(own).cloned());
        match &page["nextCursor"] {
            Value::Null => return found,
            cursor => parameters = json!({"cursor": cursor}),
        }
    }
}

/// The running checker.
struct Checker {
    _script: Script,
    port: u16,
}

impl Checker {
    fn start(python: &Runtime, library: &str) -> Self {
        let mut command = python.command();
        command
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/checker.py"))
            .arg(library)
            // Beside its sources nothing is written.
            .env("PYTHONDONTWRITEBYTECODE", "1");
        let mut script = Script::start(command);
        let port = script.step("listening")["port"].as_u64().expect("a port");
        Self {
            _script: script,
            port: u16::try_from(port).expect("a port"),
        }
    }

    /// Asks it something besides the calls.
    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = body.to_string();
        let mut wire = Wire::connect(([127, 0, 0, 1], self.port).into());
        let time = Some(DOCUMENT_WITHIN);
        wire.stream().set_read_timeout(time).expect("a timeout");
        wire.send(format!(
            "{method} {path} HTTP/1.1\r\nhost: checker\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ));
        let answer = wire.answer();
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }
}
