//! DNS rebinding: a web page that makes a browser call a gateway on loopback is refused by its `Origin`, and
//! by the `Host` that it was rebound from.

use serde_json::json;

use crate::support::{Agent, Setup};
use crate::{mirror, tool};

#[test]
fn foreign_hosts_and_origins_are_refused() {
    let api = mirror();
    let orders = tool("tenant-default", "orders", &api);
    let gateway = Setup::new().catalog("tools.yaml", &orders.yaml()).start();
    let agent = Agent::anonymous(&gateway);
    let port = gateway.address().port();
    let call = agent.call_request("orders", json!({}));
    let invoke = agent.request(
        "POST",
        "/mcp/v1/tools/orders/invoke",
        "",
        r#"{"arguments":{}}"#,
    );
    let list = agent.request("GET", "/mcp/v1/tools", "", "");
    let own = format!("host: {}\r\n", gateway.host());
    let cases: Vec<(String, u16)> = vec![
        (own.clone(), 200),
        (format!("host: localhost:{port}\r\n"), 200),
        (format!("{own}origin: http://localhost:{port}\r\n"), 200),
        (format!("{own}origin: http://127.0.0.1:{port}\r\n"), 200),
        ("host: evil.example\r\n".to_owned(), 421),
        (format!("host: evil.example:{port}\r\n"), 421),
        (format!("host: localhost.evil.example:{port}\r\n"), 421),
        (format!("host: 127.0.0.1.evil.example:{port}\r\n"), 421),
        (format!("{own}origin: http://evil.example\r\n"), 403),
        (
            format!("{own}origin: https://localhost.evil.example\r\n"),
            403,
        ),
        (format!("{own}origin: null\r\n"), 403),
        (
            format!("{own}origin: http://127.0.0.1.evil.example:{port}\r\n"),
            403,
        ),
    ];
    for (headers, status) in cases {
        for request in [&call, &invoke, &list] {
            let mut wire = gateway.connect();
            wire.send(request.replacen(&own, &headers, 1));
            let answer = wire.answer();
            assert_eq!(answer.status, status, "{headers:?}: {}", answer.text());
        }
    }
    let reached = api.requests().len();
    assert_eq!(reached, 2 * 4, "what is refused does not reach the API");
}

#[test]
fn an_operator_adds_hosts_and_origins() {
    let api = mirror();
    let orders = tool("tenant-default", "orders", &api);
    let gateway = Setup::new()
        .set("allowed_hosts", "[gateway.example]")
        .set("allowed_origins", "[\"https://app.example\"]")
        .catalog("tools.yaml", &orders.yaml())
        .start();
    let agent = Agent::anonymous(&gateway);
    let own = format!("host: {}\r\n", gateway.host());
    let list = agent.request("GET", "/mcp/v1/tools", "", "");
    for (headers, status) in [
        ("host: gateway.example\r\n", 200),
        ("host: GATEWAY.example\r\n", 200),
        (
            "host: gateway.example\r\norigin: https://app.example\r\n",
            200,
        ),
        (
            "host: gateway.example\r\norigin: http://app.example\r\n",
            403,
        ),
        (
            "host: gateway.example\r\norigin: https://app.example.evil\r\n",
            403,
        ),
        ("host: other.example\r\n", 421),
    ] {
        let mut wire = gateway.connect();
        wire.send(list.replacen(&own, headers, 1));
        assert_eq!(wire.answer().status, status, "{headers:?}");
    }
}
