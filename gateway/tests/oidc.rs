//! Callers with access tokens: which are served and as whom, what becomes of them when keys rotate, and how
//! a client without one finds its way to one.
//!
//! Tokens are those of the real Keycloak (`cargo xtask services up keycloak`); without it these tests are
//! skipped with a printed reason, in CI they fail.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests have no data path to block, and read the clock for deadlines"
)]

#[path = "support/harness.rs"]
mod support;

#[path = "oidc/discovery.rs"]
mod discovery;
#[path = "oidc/python_sdk.rs"]
mod python_sdk;

use serde_json::{Value, json};

use support::tool::Tool;
use support::{Agent, Answer, Api, Gateway, Keycloak, Reply, Setup, until};

/// A gateway before an API, with a tool that reads and one that writes for acme, and one for globex.
struct World {
    gateway: Gateway,
    api: Api,
}

impl World {
    fn start(settings: impl FnOnce(Setup) -> Setup) -> Self {
        let api = Api::start(|_| Reply::json(200, &json!({"ok": true})));
        let tool = |name: &str, namespace: &str| {
            Tool::new(name, "GET", &format!("{}/{name}", api.url())).of(namespace)
        };
        let setup = Setup::new()
            .catalog(
                "orders.yaml",
                &tool("orders", "tenant-acme")
                    .line("annotations: {readOnly: true}")
                    .yaml(),
            )
            .catalog(
                "refund.yaml",
                &tool("refund", "tenant-acme")
                    .line("annotations: {readOnly: false}")
                    .yaml(),
            )
            .catalog(
                "payroll.yaml",
                &tool("payroll", "tenant-globex")
                    .line("annotations: {readOnly: true}")
                    .yaml(),
            )
            .set("oidc_audience", "[stoa-gateway]")
            // Some tests ask again and again until something has changed.
            .set("role_tiers", "{viewer: 1000000/min:100000}");
        let gateway = settings(setup).start();
        Self { gateway, api }
    }

    fn of_realm_stoa() -> Self {
        Self::start(|setup| setup.set("keycloak_url", Keycloak::url()))
    }

    /// HTTP status and JSON-RPC code of a call; 0 where it has a result.
    fn call(&self, token: &str, tool: &str) -> (u16, i64) {
        outcome(&Agent::new(&self.gateway, token).call(tool, json!({})))
    }
}

fn outcome(answer: &Answer) -> (u16, i64) {
    let code = answer.json()["error"]["code"].as_i64();
    (answer.status, code.unwrap_or_default())
}

const SERVED: (u16, i64) = (200, 0);
const UNKNOWN: (u16, i64) = (200, -32602);
const REFUSED: (u16, i64) = (401, 401);
const NO_SCOPE: (u16, i64) = (403, 403);

#[test]
fn tokens_of_the_realm_call_what_their_roles_and_tenants_may() {
    let Some(keycloak) = Keycloak::find("oidc::tokens_of_the_realm") else {
        return;
    };
    let world = World::of_realm_stoa();
    let no_tenant = NO_SCOPE;
    for (client, scope, tool, expected) in [
        ("acme-admin", "", "orders", SERVED),
        ("acme-admin", "", "refund", SERVED),
        ("acme-admin", "", "payroll", UNKNOWN),
        ("acme-devops", "", "refund", SERVED),
        ("acme-viewer", "", "orders", SERVED),
        ("acme-viewer", "", "refund", NO_SCOPE),
        // Whoever may ask for a scope is not thereby somebody who may have it; and less can be had.
        ("acme-viewer", "stoa:admin", "refund", NO_SCOPE),
        ("acme-admin", "stoa:tools:read", "refund", NO_SCOPE),
        ("acme-admin", "stoa:tools:execute", "refund", SERVED),
        ("acme-admin", "stoa:read", "orders", SERVED),
        ("acme-ps256", "", "orders", SERVED),
        ("acme-es256", "", "orders", SERVED),
        ("acme-eddsa", "", "orders", SERVED),
        ("globex-viewer", "", "payroll", SERVED),
        ("globex-viewer", "", "orders", UNKNOWN),
        ("platform-admin", "", "acme__refund", SERVED),
        ("platform-admin", "", "globex__payroll", SERVED),
        ("tenant-by-role", "", "orders", SERVED),
        ("no-tenant", "", "orders", no_tenant),
        ("tenant-called-admin", "", "orders", no_tenant),
        ("acme-elsewhere", "", "orders", REFUSED),
    ] {
        let more = format!("&scope={scope}");
        let token = keycloak.token("stoa", client, if scope.is_empty() { "" } else { &more });
        assert_eq!(
            world.call(&token, tool),
            expected,
            "{client} {scope} {tool}"
        );
    }
    let other = keycloak.token("globex", "globex-viewer", "");
    assert_eq!(world.call(&other, "payroll"), REFUSED, "another realm");
}

/// Pitfalls 1 to 3: one way of verification for all doors, no tenant from a header, no token passed on.
#[test]
fn a_token_is_the_same_on_every_door_and_goes_no_further() {
    let Some(keycloak) = Keycloak::find("oidc::every_door") else {
        return;
    };
    let world = World::of_realm_stoa();
    let token = keycloak.token("stoa", "acme-admin", "");
    let agent = Agent::new(&world.gateway, &token)
        .with("X-Tenant-ID", "globex")
        .with("X-Request-Id", "door-1");
    assert_eq!(agent.invoke("orders", json!({})).status, 200);
    assert_eq!(outcome(&agent.call("payroll", json!({}))), UNKNOWN);
    let event = world.gateway.event("the event of the call", |event| {
        event["tool"] == "orders" && event["status"] == "success"
    });
    assert_eq!(
        (&event["tenant"], &event["consumer"]),
        (&json!("acme"), &json!("acme-admin"))
    );
    assert!(
        event["user_id"]
            .as_str()
            .is_some_and(|user| user.len() == 36),
        "{event}"
    );
    for request in world.api.requests() {
        let has_token = request
            .headers
            .iter()
            .any(|(_, value)| value.contains(&token));
        assert!(!has_token, "{request:?}");
    }
    assert!(!world.gateway.log().contains(&token));
    // A token and a byte: on both doors.
    let forged = Agent::new(&world.gateway, &format!("{token}x"));
    assert_eq!(outcome(&forged.call("orders", json!({}))), REFUSED);
    assert_eq!(
        forged.invoke("orders", json!({})).json()["error"]["code"],
        "INVALID_TOKEN"
    );
}

#[test]
fn a_token_ends_when_it_says() {
    let Some(keycloak) = Keycloak::find("oidc::a_token_ends") else {
        return;
    };
    let world = World::of_realm_stoa();
    // It lives five seconds, the second in which it was made included.
    let token = keycloak.token("stoa", "acme-brief", "");
    let agent = Agent::new(&world.gateway, &token);
    assert_eq!(agent.invoke("orders", json!({})).status, 200);
    let ended = until("the end of a token that was served", || {
        let answer = agent.get("/mcp/v1/tools");
        (answer.status != 200).then_some(answer)
    });
    assert_eq!(ended.status, 401, "{}", ended.text());
    assert_eq!(ended.json()["error"]["code"], "TOKEN_EXPIRED");
    let challenge = ended.header("www-authenticate").expect("a challenge");
    assert!(
        challenge.contains(r#"error="invalid_token""#),
        "{challenge}"
    );
}

/// One test for the realm globex, because it changes the realm's keys.
#[test]
fn a_realm_of_one_tenant_speaks_for_it_alone_and_its_keys_are_followed() {
    let Some(keycloak) = Keycloak::find("oidc::a_realm_of_one_tenant") else {
        return;
    };
    let issuers = format!("{{globex: '{}'}}", Keycloak::issuer("globex"));
    let world = World::start(|setup| {
        let setup = setup.set("keycloak_url", Keycloak::url());
        // Dropped keys are noticed at the next look.
        setup
            .set("oidc_tenant_issuers", issuers)
            .set("oidc_refresh_ms", 2_000)
    });
    let token = |client: &str| keycloak.token("globex", client, "");
    let before = token("globex-viewer");
    assert_eq!(world.call(&before, "payroll"), SERVED);
    assert_eq!(world.call(&before, "orders"), UNKNOWN);
    for client in ["globex-claims-acme", "globex-claims-platform"] {
        assert_eq!(world.call(&token(client), "payroll"), NO_SCOPE, "{client}");
    }
    let stoa = keycloak.token("stoa", "acme-viewer", "");
    assert_eq!(world.call(&stoa, "orders"), SERVED, "several issuers");
    let key = keycloak.rotate("globex");
    let after = token("globex-viewer");
    assert_ne!(
        key_id(&before),
        key_id(&after),
        "the realm signs with the new key"
    );
    until("the new key to be known", || {
        (world.call(&after, "payroll") == SERVED).then_some(())
    });
    assert_eq!(
        world.call(&before, "payroll"),
        SERVED,
        "the old key is still there"
    );
    key.drop_it();
    until("the tokens of the dropped key to die", || {
        (world.call(&after, "payroll") == REFUSED).then_some(())
    });
    assert_eq!(world.call(&before, "payroll"), SERVED);
}

/// The first part of a token: it names the key.
fn key_id(token: &str) -> &str {
    token.split('.').next().expect("a header")
}
