//! Mistakes that lose, delay or change what was meant.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::gateway::program;
use crate::support::tool::{self, Tool};
use crate::support::{Agent, Api, Ending, Reply, Session, Setup, within};
use crate::{gateway, mirror, reading};

/// As `limits.rs` states it.
const TOOLS_PER_PAGE_MAX: usize = 1_000;

#[test]
fn pitfall_16_bodies_of_any_size_arrive_whole() {
    let api = Api::start(|request| Reply::json(200, &json!({"bytes": request.body.len()})));
    let store = Tool::new("store", "POST", &format!("{}/store", api.url()));
    let setup = Setup::new().set("access_log", "full");
    let (gateway, key) = gateway(setup, &[store]);
    let agent = Agent::new(&gateway, &key);
    for bytes in [
        0, 1, 4_095, 8_192, 16_385, 65_536, 131_073, 1_048_577, 3_000_000,
    ] {
        let arguments = json!({"text": "x".repeat(bytes)});
        let sent = agent.result("store", arguments.clone());
        assert_eq!(sent["isError"], false, "{bytes}");
        assert_eq!(
            agent.invoke("store", arguments.clone()).status,
            200,
            "{bytes}"
        );
        let requests = api.requests();
        for request in &requests[requests.len() - 2..] {
            assert!(
                request.json() == arguments,
                "{bytes}: {} arrived",
                request.body.len()
            );
        }
    }
}

/// All pages of `tools/list`, by name.
fn pages(agent: &Agent<'_>) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut parameters = json!({});
    loop {
        let answer = agent.mcp("tools/list", parameters).json();
        let result = &answer["result"];
        let tools = result["tools"].as_array().expect("a list");
        let name = |tool: &Value| tool["name"].as_str().expect("a name").to_owned();
        pages.push(tools.iter().map(name).collect());
        match result["nextCursor"].as_str() {
            Some(cursor) => parameters = json!({"cursor": cursor}),
            None => return pages,
        }
    }
}

#[test]
fn pitfall_20_one_past_a_page_is_on_the_next_one() {
    let api = mirror();
    let mut setup = Setup::new();
    let key = setup.key("acme", "agent");
    let gateway = setup.start();
    let agent = Agent::new(&gateway, &key);
    let own = pages(&agent)[0].len();
    let names: Vec<String> = (own..=TOOLS_PER_PAGE_MAX)
        .map(|number| format!("tool_{number:04}"))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (last, others) = names.split_last().expect("many");
    gateway.write_catalog("many.yaml", &tool::file(&reading(&api, others)));
    let whole = within(Duration::from_secs(20), "the first page to be full", || {
        let pages = pages(&agent);
        (pages[0].len() == TOOLS_PER_PAGE_MAX).then_some(pages)
    });
    assert_eq!(whole.len(), 1, "what fits is one page");
    gateway.write_catalog("last.yaml", &tool::file(&reading(&api, &[last])));
    let two = within(Duration::from_secs(20), "a second page", || {
        let pages = pages(&agent);
        (pages.len() > 1).then_some(pages)
    });
    let lengths: Vec<usize> = two.iter().map(Vec::len).collect();
    assert_eq!(lengths, [TOOLS_PER_PAGE_MAX, 1]);
    let mut all = two.concat();
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), count, "none is on both");
    assert!(
        names
            .iter()
            .all(|name| all.iter().any(|listed| listed == name))
    );
}

#[test]
fn pitfall_20_lists_have_one_order_on_every_worker() {
    let api = mirror();
    // Files in an order that is not that of the names, and names that hash anyhow.
    let mut setup = Setup::new().set("workers", 4);
    let names: Vec<String> = (0..60)
        .map(|number| format!("t{}", number * 7_919 % 1_000))
        .collect();
    for (file, chunk) in names.chunks(10).enumerate() {
        let chunk: Vec<&str> = chunk.iter().map(String::as_str).collect();
        setup = setup.catalog(
            &format!("{}.yaml", 9 - file),
            &tool::file(&reading(&api, &chunk)),
        );
    }
    let key = setup.key("acme", "agent");
    let mut gateway = setup.start();
    let expected = Agent::new(&gateway, &key).tools();
    let mut sorted = expected.clone();
    sorted.retain(|name| !name.starts_with("stoa_"));
    assert!(sorted.is_sorted() && sorted.len() == 60, "{sorted:?}");
    for _ in 0..2 {
        // A connection of its own each time, so that every worker is asked.
        for _ in 0..12 {
            let agent = Agent::new(&gateway, &key);
            assert_eq!(agent.tools(), expected);
        }
        gateway = gateway.restart();
    }
}

#[test]
fn pitfall_22_a_silent_api_delays_nobody_else() {
    let silent = Api::start(|_| Reply::none(Ending::Silence));
    let api = mirror();
    let tools = [reading(&silent, &["silent"]), reading(&api, &["orders"])].concat();
    let (gateway, key) = gateway(Setup::new().set("workers", 1), &tools);
    let agent = Agent::new(&gateway, &key);
    let waiting: Vec<_> = (0..20)
        .map(|_| {
            let mut wire = gateway.connect();
            wire.send(agent.call_request("silent", json!({})));
            wire
        })
        .collect();
    silent.request_to("/silent");
    let begun = Instant::now();
    assert_eq!(agent.tools().len(), 4);
    assert_eq!(agent.get("/mcp/v1/tools").status, 200);
    assert_eq!(agent.get("/mcp/v1/tools/silent").status, 200);
    assert_eq!(agent.result("stoa_catalog", json!({}))["isError"], false);
    assert_eq!(agent.result("orders", json!({}))["isError"], false);
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    drop(waiting);
}

#[test]
fn pitfall_23_statuses_mean_what_they_say() {
    let api = mirror();
    let (gateway, key) = gateway(Setup::new(), &reading(&api, &["orders"]));
    let agent = Agent::new(&gateway, &key);
    for garbage in ["{", "", "nonsense", "[1,", "\"text\"", "7", "[]"] {
        let answer = agent.send("POST", "/mcp", "", garbage);
        assert_eq!(answer.status, 400, "{garbage:?}: {}", answer.text());
        assert!(answer.json()["error"]["code"].is_number(), "{garbage:?}");
    }
    let session = Session::open(&agent, "2025-06-18");
    for notification in [
        "notifications/initialized",
        "notifications/cancelled",
        "notifications/unheard-of",
    ] {
        let message = json!({"jsonrpc": "2.0", "method": notification, "params": {"requestId": 9}});
        let answer = session.post(&message);
        assert_eq!(
            (answer.status, answer.body.len()),
            (202, 0),
            "{notification}"
        );
    }
    assert_eq!(session.delete().status / 100, 2);
    assert_eq!(
        session.request("ping", json!({})).status,
        404,
        "it has ended"
    );
    let initialize = |version: &str| {
        let parameters = json!({"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
        let message =
            json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": parameters});
        agent.send("POST", "/mcp", "", &message.to_string()).json()["result"]["protocolVersion"]
            .clone()
    };
    for known in ["2025-03-26", "2025-06-18", "2025-11-25"] {
        assert_eq!(initialize(known), known);
    }
    assert_eq!(
        initialize("1999-01-01"),
        "2025-11-25",
        "the latest of that era"
    );
}

#[test]
fn pitfall_27_help_starts_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for arguments in [
        &["--help"][..],
        &["--port", "1", "--help"],
        &["key", "--help"],
        &["check", "--help"],
    ] {
        let output = program()
            .args(arguments)
            .current_dir(folder.path())
            .output()
            .expect("the gateway's program");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && said.contains("Usage"),
            "{arguments:?}: {said}"
        );
    }
    let left = std::fs::read_dir(folder.path())
        .expect("the folder")
        .count();
    assert_eq!(left, 0, "nothing is made");
}

#[test]
fn pitfall_27_only_the_host_that_was_set_is_listened_on() {
    let gateway = Setup::new().start();
    let port = gateway.address().port();
    assert!(TcpStream::connect(("127.0.0.1", port)).is_ok());
    // All of 127.0.0.0/8 is this machine; only a listener on every address takes these.
    for other in ["127.0.0.2", "127.1.2.3"] {
        assert!(TcpStream::connect((other, port)).is_err(), "{other}");
    }
}
