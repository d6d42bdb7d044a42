//! The official Python client's own OAuth code: it is given the gateway's URL and a person who logs in, and
//! finds everything else out.

use super::*;
use crate::support::peer::{self, Script};

/// The resource that the realm knows for tests (RFC 8707): the gateway must be there.
const PORT: u16 = 13_001;

#[test]
fn the_python_client_finds_its_way_to_a_token() {
    const NAME: &str = "oidc::python_sdk";
    let (Some(_), Some(python)) = (Keycloak::find(NAME), peer::python(NAME)) else {
        return;
    };
    let world = World::start(|setup| {
        // Without audiences of its own it has its resource, which is what the client asks a token for.
        let setup = setup.unset("oidc_audience").set("port", PORT);
        setup.set("keycloak_url", Keycloak::url())
    });
    let url = format!("http://127.0.0.1:{PORT}/mcp");
    let mut command = python.script("oauth.py");
    command
        .env("STOA_URL", url)
        .env("STOA_ISSUER", Keycloak::issuer("stoa"))
        .env("STOA_USER", "bob");
    let mut script = Script::start(command);
    let sent = script.step("sent");
    let parameters = sent["parameters"].as_array().expect("a list").clone();
    for name in ["resource", "code_challenge", "scope", "state"] {
        assert!(parameters.contains(&Value::from(name)), "{sent}");
    }
    let connected = script.step("connected");
    let scope = connected["scope"].as_str().unwrap_or_default();
    assert!(
        scope.contains("stoa:tools:read stoa:tools:execute"),
        "{connected}"
    );
    // Bob is a viewer: what he consented to is more than he may, and what he may is what he sees.
    let listed = script.step("listed");
    let tools = json!(["orders", "stoa_catalog", "stoa_usage"]);
    assert_eq!(listed["tools"], tools);
    assert_eq!(script.step("called")["is_error"], false);
    script.finish();
    assert_eq!(world.api.requests().len(), 1);
}
