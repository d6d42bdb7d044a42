//! Limits: each is exact across workers, and its refusal says when to come again, on both transports.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::json;

use crate::support::{Agent, Answer, Gateway, Session, Setup};
use crate::{mirror, tool};

fn expect_refused(answer: &Answer, scope: &str) {
    assert_eq!(answer.status, 429, "{}", answer.text());
    let number = |name: &str| -> u64 {
        let value = answer
            .header(name)
            .unwrap_or_else(|| panic!("{name} is missing: {answer:?}"));
        value.parse().unwrap_or_else(|_| panic!("{name}: {value}"))
    };
    assert!((1..=60).contains(&number("retry-after")));
    assert_eq!(number("ratelimit-remaining"), 0);
    assert!(number("ratelimit-reset") >= 1);
    let policy = answer.header("ratelimit-policy").expect("a policy");
    assert!(
        policy.starts_with(&format!("\"{scope}\";q={};", number("ratelimit-limit"))),
        "{policy}"
    );
}

/// Calls until the first refusal; gives how many succeeded, and the refusal.
fn exhaust(agent: &Agent<'_>, most: u32) -> (u32, Answer) {
    for taken in 0..=most {
        let answer = agent.call("orders", json!({}));
        if answer.status != 200 {
            return (taken, answer);
        }
    }
    panic!("more than {most} calls were admitted");
}

#[test]
fn the_viewer_s_tier_on_both_transports() {
    let api = mirror();
    let orders = tool("tenant-acme", "orders", &api).line("annotations: {readOnly: true}");
    let mut setup = Setup::new().catalog("tools.yaml", &orders.yaml());
    let viewer = setup.key_with("acme", "viewer", &["--role", "viewer"]);
    let gateway = setup.start();
    let agent = Agent::new(&gateway, &viewer);
    let first = agent.invoke("orders", json!({}));
    assert_eq!(
        first.header("ratelimit-limit"),
        Some("60"),
        "the answer tells the limit: {first:?}"
    );
    assert_eq!(first.header("ratelimit-remaining"), Some("9"));
    let (taken, refused) = exhaust(&agent, 12);
    // A slot comes back each second: a slow machine may be given one or two more.
    assert!((9..=11).contains(&taken), "{taken}");
    expect_refused(&refused, "tier");
    let error = &refused.json()["error"];
    assert_eq!(error["code"], 429);
    assert!(
        error["data"]["retryAfterSeconds"].as_u64() >= Some(1),
        "{error}"
    );
    let by_rest = agent.invoke("orders", json!({}));
    expect_refused(&by_rest, "tier");
    let error = &by_rest.json()["error"];
    assert_eq!(error["code"], "RATE_LIMITED");
    assert!(
        error["suggestion"]
            .as_str()
            .is_some_and(|text| text.contains("Retry-After")),
        "{error}"
    );
    // Everything counts: lists, and the protocol itself.
    assert_eq!(agent.get("/mcp/v1/tools").status, 429);
    assert_eq!(agent.mcp("tools/list", json!({})).status, 429);
    let calls = api.requests().len();
    assert_eq!(
        calls,
        taken as usize + 1,
        "what is refused does not reach the API"
    );
}

/// The limit of an answer that was served, without the two numbers that move: whose, and how many.
fn told(answer: &Answer) -> (String, String) {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let header = |name: &str| {
        let value = answer.header(name);
        value.unwrap_or_else(|| panic!("{name} is missing: {answer:?}"))
    };
    let (limit, left) = (header("ratelimit-limit"), header("ratelimit-remaining"));
    assert_eq!(
        header("ratelimit-policy"),
        format!("\"tier\";q={limit};w=60")
    );
    let reset = header("ratelimit-reset");
    assert_eq!(header("ratelimit"), format!("\"tier\";r={left};t={reset}"));
    (limit.to_owned(), left.to_owned())
}

#[test]
fn what_is_left_is_told_on_both_doors() {
    let api = mirror();
    let mut setup = Setup::new().catalog("tools.yaml", &tool("tenant-acme", "orders", &api).yaml());
    // One a minute: none comes back while this runs.
    let key = setup.key_with("acme", "agent", &["--rate", "1/min", "--burst", "50"]);
    let gateway = setup.start();
    let agent = Agent::new(&gateway, &key);
    let by_rest = told(&agent.invoke("orders", json!({})));
    assert_eq!(by_rest, ("1".to_owned(), "49".to_owned()));
    let modern = told(&agent.call("orders", json!({})));
    assert_eq!(modern, ("1".to_owned(), "48".to_owned()));
    let session = Session::open(&agent, "2025-03-26");
    let call = json!({"name": "orders", "arguments": {}});
    let legacy = told(&session.request("tools/call", call.clone()));
    // Opening the session took one.
    assert_eq!(legacy, ("1".to_owned(), "46".to_owned()));
    let item =
        |id: u32| json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": call});
    let batch = told(&session.post(&json!([item(1), item(2)])));
    assert_eq!(batch.1, "44", "what is left after the last of a batch");
}

#[test]
fn a_tenant_s_limit_is_shared_by_its_keys() {
    let api = mirror();
    let mut setup = Setup::new()
        .set("tenant_limits", "{acme: \"6/min:5\"}")
        .catalog(
            "tools.yaml",
            &crate::support::tool::file(&[
                tool("tenant-acme", "orders", &api),
                tool("tenant-globex", "orders", &api),
            ]),
        );
    let keys = [setup.key("acme", "one"), setup.key("acme", "two")];
    let other = setup.key("globex", "one");
    let gateway = setup.start();
    let agents = keys.each_ref().map(|key| Agent::new(&gateway, key));
    for turn in 0..5 {
        assert_eq!(
            agents[turn % 2].call("orders", json!({})).status,
            200,
            "{turn}"
        );
    }
    for agent in &agents {
        expect_refused(&agent.call("orders", json!({})), "tenant");
    }
    let other = Agent::new(&gateway, &other);
    assert_eq!(
        other.call("orders", json!({})).status,
        200,
        "another tenant has its own"
    );
}

#[test]
fn a_consumer_s_limit_is_shared_by_its_keys() {
    let api = mirror();
    let mut setup = Setup::new().catalog("tools.yaml", &tool("tenant-acme", "orders", &api).yaml());
    let flags = [
        "--rate",
        "100000/min",
        "--consumer",
        "shop",
        "--consumer-rate",
        "6/min",
    ];
    let keys = [
        setup.key_with("acme", "one", &flags),
        setup.key_with("acme", "two", &flags),
    ];
    let gateway = setup.start();
    let agents = keys.each_ref().map(|key| Agent::new(&gateway, key));
    assert_eq!(agents[0].call("orders", json!({})).status, 200);
    expect_refused(&agents[1].call("orders", json!({})), "consumer");
}

#[test]
fn a_tool_s_limit_is_shared_by_its_callers_and_is_its_own() {
    let api = mirror();
    let limited =
        tool("tenant-acme", "orders", &api).line("rateLimit: {requestsPerMinute: 6, burst: 2}");
    let catalog = crate::support::tool::file(&[limited, tool("tenant-acme", "refunds", &api)]);
    let mut setup = Setup::new().catalog("tools.yaml", &catalog);
    let keys = [setup.key("acme", "one"), setup.key("acme", "two")];
    let gateway = setup.start();
    let agents = keys.each_ref().map(|key| Agent::new(&gateway, key));
    assert_eq!(agents[0].call("orders", json!({})).status, 200);
    assert_eq!(agents[1].call("orders", json!({})).status, 200);
    expect_refused(&agents[0].call("orders", json!({})), "tool");
    assert_eq!(
        agents[0].call("refunds", json!({})).status,
        200,
        "other tools go on"
    );
    assert_eq!(agents[0].tools().len(), 4, "and so do lists");
}

#[test]
fn who_may_not_know_of_a_tool_does_not_use_up_its_limit() {
    let api = mirror();
    let limited =
        tool("tenant-acme", "orders", &api).line("rateLimit: {requestsPerMinute: 6, burst: 1}");
    let mut setup = Setup::new().catalog("tools.yaml", &limited.yaml());
    let (own, other) = (setup.key("acme", "agent"), setup.key("globex", "agent"));
    let gateway = setup.start();
    let stranger = Agent::new(&gateway, &other);
    for _ in 0..20 {
        assert_eq!(
            stranger.call("acme:orders", json!({})).json()["error"]["code"],
            -32602
        );
    }
    assert_eq!(
        Agent::new(&gateway, &own).call("orders", json!({})).status,
        200
    );
}

/// The bucket is shared by the workers: many connections together get exactly the burst.
#[test]
fn a_rate_holds_across_workers() {
    const BURST: u32 = 200;
    let api = mirror();
    let mut setup = Setup::new().catalog("tools.yaml", &tool("tenant-acme", "orders", &api).yaml());
    let key = setup.key_with("acme", "agent", &["--rate", "1/min", "--burst", "200"]);
    let gateway = setup.start();
    let admitted = AtomicU32::new(0);
    let caller = |gateway: &Gateway| {
        // A connection of its own each time, so that both workers are asked.
        for _ in 0..75 {
            let answer = Agent::new(gateway, &key).call("orders", json!({}));
            match answer.status {
                200 => admitted.fetch_add(1, Ordering::Relaxed),
                429 => 0,
                other => panic!("{other}: {}", answer.text()),
            };
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| caller(&gateway));
        }
    });
    assert_eq!(admitted.load(Ordering::Relaxed), BURST);
}
