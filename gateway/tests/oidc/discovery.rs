//! The way to a token: what mcp-protocol's revisions ask of a resource server, and what went wrong at others.

use std::sync::OnceLock;

use super::*;

/// A public key of RFC 7517 appendix A.1, whose private half nobody here has.
const KEYS: &str = r#"{"keys":[{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","use":"sig","kid":"1"}]}"#;

/// An issuer that nobody gets a token from: for those who have none yet.
fn issuer() -> Api {
    static URL: OnceLock<String> = OnceLock::new();
    let api = Api::start(|request| match request.path() {
        "/.well-known/openid-configuration" => {
            let url = URL.get().cloned().unwrap_or_default();
            let keys = format!("{url}/keys");
            Reply::json(
                200,
                &json!({"issuer": url, "jwks_uri": keys, "code_challenge_methods_supported": ["S256"]}),
            )
        }
        "/keys" => Reply::of(200, "application/json", KEYS),
        _ => Reply::json(404, &json!({})),
    });
    URL.set(api.url()).expect("one issuer in this process");
    api
}

/// The value of a parameter of a challenge.
fn parameter<'c>(challenge: &'c str, name: &str) -> &'c str {
    let (_, rest) = challenge
        .split_once(&format!(" {name}=\""))
        .unwrap_or_default();
    rest.split('"').next().unwrap_or_default()
}

fn path_of<'u>(url: &'u str, gateway: &Gateway) -> &'u str {
    url.strip_prefix(&format!("http://{}", gateway.host()))
        .expect("a URL of this gateway")
}

#[test]
fn a_client_without_a_token_is_led_to_one() {
    let issuer = issuer();
    let mut reader = String::new();
    let world = World::start(|mut setup| {
        reader = setup.key_with("acme", "reader", &["--role", "viewer"]);
        setup.set("oidc_issuer", issuer.url())
    });
    let gateway = &world.gateway;
    challenges_name_the_way(gateway);
    documents_say_what_clients_compare(gateway, &issuer);
    // 403: all scopes of the operation at once, and the way to them.
    let refused = Agent::new(gateway, &reader).call("refund", json!({}));
    let challenge = refused
        .header("www-authenticate")
        .expect("a challenge")
        .to_owned();
    assert_eq!(refused.status, 403);
    assert_eq!(parameter(&challenge, "error"), "insufficient_scope");
    assert_eq!(
        parameter(&challenge, "scope"),
        "stoa:tools:read stoa:tools:execute"
    );
    assert!(
        parameter(&challenge, "resource_metadata").ends_with("/mcp"),
        "{challenge}"
    );
}

/// On every door, with every wrong credential, on the bare path and below it: 401 with the way, in JSON;
/// never a redirect, HTML, or a 200 with an error inside.
fn challenges_name_the_way(gateway: &Gateway) {
    let nobody = Agent::anonymous(gateway);
    let forged = Agent::new(gateway, "eyJhbGciOiJub25lIn0.e30.");
    let initialize = json!({
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
    })
    .to_string();
    for (agent, error) in [(&nobody, ""), (&forged, "invalid_token")] {
        for answer in [
            agent.mcp("tools/list", json!({})),
            agent.call("orders", json!({})),
            agent.send("POST", "/mcp", "", &initialize),
            agent.send("POST", "/mcp/", "", &initialize),
            agent.send("GET", "/mcp", "mcp-session-id: x\r\n", ""),
            agent.send("DELETE", "/mcp", "mcp-session-id: x\r\n", ""),
            agent.get("/mcp/v1/tools"),
            agent.invoke("orders", json!({})),
        ] {
            assert_eq!(answer.status, 401, "{}", answer.text());
            assert_eq!(answer.header("content-type"), Some("application/json"));
            let challenge = answer.header("www-authenticate").expect("a challenge");
            assert!(challenge.starts_with("Bearer "), "{challenge}");
            assert_eq!(parameter(challenge, "error"), error, "{challenge}");
            assert_eq!(
                parameter(challenge, "scope"),
                "stoa:tools:read stoa:tools:execute"
            );
            let place = parameter(challenge, "resource_metadata");
            assert_eq!(gateway.get(path_of(place, gateway)).status, 200, "{place}");
        }
    }
    // A token in the query is no credential.
    let answer = nobody.send("POST", "/mcp?access_token=x", "", &initialize);
    assert_eq!(answer.status, 401);
}

fn documents_say_what_clients_compare(gateway: &Gateway, issuer: &Api) {
    for path in [
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/oauth-protected-resource/mcp/",
        "/.well-known/oauth-protected-resource",
    ] {
        let answer = gateway.get(path);
        assert_eq!(answer.status, 200, "{path}");
        let document = answer.json();
        assert_eq!(
            document["resource"],
            gateway.url(),
            "to the letter what the client was given"
        );
        assert_eq!(document["authorization_servers"], json!([issuer.url()]));
        assert_eq!(document["bearer_methods_supported"], json!(["header"]));
        let scopes = document["scopes_supported"]
            .as_array()
            .expect("scopes")
            .clone();
        assert!(
            !scopes.contains(&Value::from("offline_access")),
            "{scopes:?}"
        );
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    }
    let mut wire = gateway.connect();
    wire.send(
        "GET /.well-known/oauth-protected-resource/mcp HTTP/1.1\r\nhost: LOCALHOST:1\r\n\r\n",
    );
    assert_eq!(
        wire.answer().json()["resource"],
        "http://localhost:1/mcp",
        "lower case"
    );
    // A browser asks before it asks.
    let preflight = Agent::anonymous(gateway).send(
        "OPTIONS",
        "/.well-known/oauth-protected-resource/mcp",
        "",
        "",
    );
    assert_eq!(preflight.status, 204);
    assert_eq!(
        preflight.header("access-control-allow-headers"),
        Some("mcp-protocol-version")
    );
    let metadata = gateway.get("/.well-known/oauth-authorization-server");
    assert_eq!(
        metadata.json()["issuer"],
        issuer.url(),
        "for clients of 2025-03-26"
    );
    assert_eq!(
        gateway
            .get("/.well-known/oauth-protected-resource/other")
            .status,
        404
    );
}

#[test]
fn a_public_url_is_what_everybody_is_told() {
    let api = Api::start(|_| Reply::json(200, &json!({})));
    let setup = Setup::new()
        .set("oidc_issuer", api.url())
        .set("public_url", "https://gateway.example.com/");
    // Its issuer is none, so the gateway serves, and says that it is not ready.
    let gateway = setup.listen();
    let answer = gateway.get("/.well-known/oauth-protected-resource");
    assert_eq!(answer.json()["resource"], "https://gateway.example.com/mcp");
    let refused = Agent::anonymous(&gateway).mcp("tools/list", json!({}));
    let challenge = refused.header("www-authenticate").expect("a challenge");
    assert_eq!(
        parameter(challenge, "resource_metadata"),
        "https://gateway.example.com/.well-known/oauth-protected-resource/mcp"
    );
    let ready = until("the issuer to have been tried", || {
        let ready = gateway.get("/ready");
        ready
            .text()
            .contains("its metadata cannot be read")
            .then_some(ready)
    });
    assert_eq!(ready.status, 503);
    assert!(
        ready.text().contains(&format!("OIDC issuer {}", api.url())),
        "{}",
        ready.text()
    );
}

#[test]
fn without_an_issuer_there_is_no_way_to_a_token() {
    let mut setup = Setup::new();
    setup.key("acme", "agent");
    let gateway = setup.start();
    for path in [
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/oauth-authorization-server",
    ] {
        assert_eq!(gateway.get(path).status, 404, "{path}");
    }
    let refused = Agent::anonymous(&gateway).mcp("tools/list", json!({}));
    let challenge = refused.header("www-authenticate").expect("a challenge");
    assert_eq!(challenge, r#"Bearer realm="stoa""#);
}
