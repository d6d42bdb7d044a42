//! Mistakes that other gateways made and ours must not: each by its number and name, with the tests that
//! would notice it. That those tests exist is checked here; those that no other crate has are here too.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests have no data path to block, and read the clock for deadlines"
)]

#[path = "support/harness.rs"]
mod support;

#[path = "pitfalls/correctness.rs"]
mod correctness;
#[path = "pitfalls/list.rs"]
mod list;
#[path = "pitfalls/security.rs"]
mod security;
#[path = "pitfalls/speed.rs"]
mod speed;

use serde_json::json;

use support::tool::{self, Tool};
use support::{Api, Gateway, Reply, Setup};

/// An API that tells what it was asked.
fn mirror() -> Api {
    Api::start(|request| {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        Reply::json(200, &json!({"target": request.target, "body": body}))
    })
}

/// A gateway with one key of tenant acme before `tools`.
fn gateway(setup: Setup, tools: &[Tool]) -> (Gateway, String) {
    let mut setup = setup.catalog("tools.yaml", &tool::file(tools));
    let key = setup.key("acme", "agent");
    (setup.start(), key)
}

/// Tools of tenant acme that read from an API, by name.
fn reading(api: &Api, names: &[&str]) -> Vec<Tool> {
    names
        .iter()
        .map(|name| Tool::new(name, "GET", &format!("{}/{name}", api.url())))
        .collect()
}
