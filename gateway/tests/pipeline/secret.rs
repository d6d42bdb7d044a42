//! Secrets: used where they belong, and nowhere to be read: not in logs, errors, events, metrics, nor what
//! the gateway tells of its settings.

use std::time::Duration;

use serde_json::json;

use crate::support::tool::{self, Tool};
use crate::support::{Agent, Api, Ending, Gateway, Reply, Setup};

const FROM_FILE: &str = "file-s3cret-4711";
const FROM_ENVIRONMENT: &str = "environment-s3cret-4712";
const HASH: &str = "hash-s3cret-4713-which-is-long-enough-for-a-key";
const SESSION: &str = "session-s3cret-4714-which-is-long-enough-for-a-key";

struct World {
    gateway: Gateway,
    api: Api,
    key: String,
}

fn world() -> World {
    // Answers with what it was given, in clear: an API that leaks.
    let api = Api::start(|request| match request.path() {
        "/broken" => Reply::none(Ending::Nothing),
        "/refusing" => Reply::json(500, &json!({"error": "internal"})),
        _ => Reply::json(200, &json!({"ok": true})).after(Duration::from_millis(1)),
    });
    let at = |path: &str| format!("{}{path}", api.url());
    let catalog = tool::file(&[
        Tool::new("by_bearer", "GET", &at("/bearer"))
            .line("authentication: {type: bearer, secretFile: token}"),
        Tool::new("by_basic", "GET", &at("/basic"))
            .line("authentication: {type: basic, username: shop, secretFile: token}"),
        Tool::new("by_header", "GET", &at("/header"))
            .line("authentication: {type: apiKey, headerName: X-Api-Key, secretEnv: API_SECRET}"),
        Tool::new("by_query", "GET", &at("/query"))
            .line("authentication: {type: apiKey, queryName: key, secretEnv: API_SECRET}"),
        Tool::new("broken", "GET", &at("/broken"))
            .line("authentication: {type: apiKey, queryName: key, secretEnv: API_SECRET}"),
        Tool::new("refusing", "GET", &at("/refusing"))
            .line("authentication: {type: bearer, secretFile: token}"),
        Tool::new("unreachable", "GET", "http://127.0.0.1:1/x")
            .line("authentication: {type: apiKey, queryName: key, secretEnv: API_SECRET}"),
    ]);
    let mut setup = Setup::new()
        .set("log_level", "trace")
        .set("access_log", "full")
        .environment("API_SECRET", FROM_ENVIRONMENT)
        .environment("STOA_SESSION_KEY", SESSION)
        .catalog("token", FROM_FILE)
        .catalog("tools.yaml", &catalog);
    let key = setup.key("acme", "agent");
    World {
        gateway: setup.start(),
        api,
        key,
    }
}

#[test]
fn each_way_of_authentication_reaches_the_api() {
    let world = world();
    let agent = Agent::new(&world.gateway, &world.key);
    for name in ["by_bearer", "by_basic", "by_header", "by_query"] {
        let result = agent.result(name, json!({}));
        assert_eq!(result["isError"], false, "{name}: {result}");
    }
    let header =
        |path: &str, name: &str| world.api.request_to(path).header(name).map(str::to_owned);
    assert_eq!(
        header("/bearer", "authorization"),
        Some(format!("Bearer {FROM_FILE}"))
    );
    // printf 'shop:file-s3cret-4711' | base64
    assert_eq!(
        header("/basic", "authorization").as_deref(),
        Some("Basic c2hvcDpmaWxlLXMzY3JldC00NzEx")
    );
    assert_eq!(
        header("/header", "x-api-key").as_deref(),
        Some(FROM_ENVIRONMENT)
    );
    let target = world.api.request_to("/query").target;
    assert_eq!(target, format!("/query?key={FROM_ENVIRONMENT}"));
}

#[test]
fn secrets_are_told_nowhere() {
    let world = world();
    let agent = Agent::new(&world.gateway, &world.key);
    let mut told = String::new();
    for name in [
        "by_bearer",
        "by_basic",
        "by_header",
        "by_query",
        "broken",
        "refusing",
        "unreachable",
    ] {
        told += &agent.call(name, json!({})).text();
        told += &agent.invoke(name, json!({})).text();
        told += &agent.get(&format!("/mcp/v1/tools/{name}")).text();
    }
    told += &agent.mcp("tools/list", json!({})).text();
    told += &agent.call("stoa_usage", json!({})).text();
    for path in ["/", "/ready", "/metrics", "/health"] {
        told += &world.gateway.get(path).text();
    }
    // A key that is nearly right must not be repeated either.
    let wrong = format!("{}x", world.key);
    told += &Agent::new(&world.gateway, &wrong)
        .call("by_bearer", json!({}))
        .text();
    world
        .gateway
        .event("the events", |event| event["tool"] == "unreachable");
    for event in world.gateway.events() {
        told += &event.to_string();
    }
    told += &world.gateway.log();
    assert!(told.contains("by_bearer"), "something was told");
    let key = world.key.rsplit_once('_').expect("a key has parts").1;
    for secret in [
        FROM_FILE,
        FROM_ENVIRONMENT,
        SESSION,
        key,
        "c2hvcDpmaWxlLXMzY3JldC00NzEx",
    ] {
        let at = told.find(secret);
        let around = at.map(|at| &told[at.saturating_sub(200)..at]);
        assert!(at.is_none(), "{secret} is told after {around:?}");
    }
    // Nor does a caller learn where the API is.
    let answers: String = ["broken", "refusing", "unreachable"]
        .map(|name| agent.call(name, json!({})).text() + &agent.invoke(name, json!({})).text())
        .concat();
    let port = world.api.address().port().to_string();
    assert!(
        !answers.contains(&port) && !answers.contains("127.0.0.1"),
        "{answers}"
    );
}

#[test]
fn what_is_stored_of_a_key_is_no_key() {
    let world = world();
    let stored = std::fs::read_to_string(world.gateway.keys()).expect("the keys file");
    let secret = world.key.rsplit_once('_').expect("a key has parts").1;
    assert!(!stored.contains(secret));
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(world.gateway.keys())
            .expect("the keys file")
            .permissions(),
    );
    assert_eq!(mode & 0o077, 0, "only its owner reads it: {mode:o}");
}

#[test]
fn settings_are_shown_without_secrets() {
    let gateway = Setup::new().start();
    let mut command = crate::support::gateway::program();
    command
        .args(["--print-config", "--config"])
        .arg(gateway.folder().join("config.yaml"))
        .env("STOA_KEY_HASH_SECRET", HASH)
        .env("STOA_SESSION_KEY", SESSION);
    let output = command.output().expect("the gateway's program");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("key_hash_secret: \"***\"") && said.contains("STOA_SESSION_KEY"),
        "{said}"
    );
    assert!(!said.contains("s3cret"), "{said}");
    assert!(
        said.contains("config.yaml"),
        "each value with where it came from: {said}"
    );
}

#[test]
fn a_setting_that_is_unknown_stops_the_start() {
    for (name, value, hint) in [
        ("STOA_BODY_BYTE_MAX", "5", "STOA_BODY_BYTES_MAX"),
        ("STOA_MTLS_REQUIRED", "true", "STOA_"),
    ] {
        let output = Setup::new().environment(name, value).start_refused();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && said.contains(name) && said.contains(hint),
            "{said}"
        );
    }
    let output = Setup::new().set("body_byte_max", 5).start_refused();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && said.contains("body_bytes_max"),
        "{said}"
    );
}
