//! The promises of the one pipeline, from outside: who may see and call what, how often, what is recorded,
//! and what becomes of a call to an API that behaves badly. Each holds on MCP and on REST.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests have no data path to block, and read the clock for deadlines"
)]

#[path = "support/harness.rs"]
mod support;

#[path = "pipeline/identity.rs"]
mod identity;
#[path = "pipeline/limit.rs"]
mod limit;
#[path = "pipeline/metering.rs"]
mod metering;
#[path = "pipeline/origin.rs"]
mod origin;
#[path = "pipeline/reload.rs"]
mod reload;
#[path = "pipeline/secret.rs"]
mod secret;
#[path = "pipeline/upstream.rs"]
mod upstream;
#[path = "pipeline/visibility.rs"]
mod visibility;

use serde_json::json;

use support::tool::Tool;
use support::{Answer, Api, Reply};

/// An API that tells what it was asked.
fn mirror() -> Api {
    Api::start(|request| {
        Reply::json(
            200,
            &json!({"method": request.method, "target": request.target}),
        )
    })
}

/// A tool of a namespace that calls an API with GET.
fn tool(namespace: &str, name: &str, api: &Api) -> Tool {
    Tool::new(name, "GET", &format!("{}/{name}", api.url())).of(namespace)
}

/// What differs between two answers to different questions: ids of requests, names asked for, the clock.
fn anonymised(answer: &Answer, name: &str) -> (u16, Vec<(String, String)>, String) {
    let id = answer.header("x-request-id").unwrap_or_default().to_owned();
    let neutral = |text: &str| {
        let text = if id.is_empty() {
            text.to_owned()
        } else {
            text.replace(&id, "ID")
        };
        text.replace(name, "NAME")
    };
    let skipped = ["date", "x-request-id", "content-length"];
    let headers = answer
        .headers
        .iter()
        .filter(|(header, _)| !skipped.contains(&header.as_str()));
    // What is left of a limit goes down by one with each question.
    let counts = |header: &str| header.starts_with("ratelimit");
    let headers = headers.filter(|(header, _)| !counts(header));
    let headers = headers
        .map(|(header, value)| (header.clone(), neutral(value)))
        .collect();
    (answer.status, headers, neutral(&answer.text()))
}
