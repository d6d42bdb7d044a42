//! The real Keycloak of `cargo xtask services up keycloak`: tokens by client credentials, and the
//! administrator's API. Its realms are in `deploy/services/keycloak`.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};

use super::peer;
use super::wire::{Answer, Wire};

const PORT: u16 = 18_080;
/// Name of the key that tests rotate to.
const ROTATED: &str = "rotated-by-a-test";
/// Connecting to this machine takes no time where somebody listens.
const CONNECT_WITHIN: Duration = Duration::from_secs(1);

/// A Keycloak that answers.
pub(crate) struct Keycloak;

/// A key of a realm that goes when this is dropped, or before.
pub(crate) struct RealmKey<'k> {
    keycloak: &'k Keycloak,
    place: Option<String>,
}

impl Keycloak {
    /// `None`, with a line that says so, where none runs.
    pub(crate) fn find(test: &str) -> Option<Self> {
        if TcpStream::connect_timeout(&address(), CONNECT_WITHIN).is_ok() {
            return Some(Self);
        }
        peer::skip(
            test,
            "no Keycloak; `cargo xtask services up keycloak` starts it",
        );
        None
    }

    /// For the setting `keycloak_url`.
    pub(crate) fn url() -> String {
        format!("http://127.0.0.1:{PORT}")
    }

    /// The issuer of a realm.
    pub(crate) fn issuer(realm: &str) -> String {
        format!("{}/realms/{realm}", Self::url())
    }

    /// An access token of a client, with further parameters of the request.
    pub(crate) fn token(&self, realm: &str, client: &str, more: &str) -> String {
        let form = format!(
            "grant_type=client_credentials&client_id={client}&client_secret={client}-secret{more}"
        );
        self.token_by(realm, &form)
    }

    fn token_by(&self, realm: &str, form: &str) -> String {
        let path = format!("/realms/{realm}/protocol/openid-connect/token");
        let kind = "content-type: application/x-www-form-urlencoded\r\n";
        let answer = send("POST", &path, kind, form);
        assert_eq!(answer.status, 200, "{form}: {}", answer.text());
        answer.json()["access_token"]
            .as_str()
            .expect("a token")
            .to_owned()
    }

    /// Rotates: a new key signs from now on. What a run that was killed has left behind goes first.
    pub(crate) fn rotate(&self, realm: &str) -> RealmKey<'_> {
        let left = format!("/admin/realms/{realm}/components?name={ROTATED}");
        let left = self.administer("GET", &left, &Value::Null).json();
        for component in left.as_array().expect("a list") {
            let id = component["id"].as_str().expect("an id");
            let place = format!("/admin/realms/{realm}/components/{id}");
            self.administer("DELETE", &place, &Value::Null);
        }
        let config = json!({
            "priority": ["900"], "enabled": ["true"], "active": ["true"], "keySize": ["2048"], "algorithm": ["RS256"],
        });
        let component = json!({
            "name": ROTATED, "providerId": "rsa-generated", "providerType": "org.keycloak.keys.KeyProvider", "config": config,
        });
        let path = format!("/admin/realms/{realm}/components");
        let answer = self.administer("POST", &path, &component);
        assert_eq!(answer.status, 201, "{}", answer.text());
        let location = answer.header("location").expect("a place");
        let place = location.trim_start_matches(&Self::url()).to_owned();
        RealmKey {
            keycloak: self,
            place: Some(place),
        }
    }

    fn administer(&self, method: &str, path: &str, body: &Value) -> Answer {
        let form = "grant_type=password&client_id=admin-cli&username=admin&password=admin-pw";
        let token = self.token_by("master", form);
        let headers =
            format!("authorization: Bearer {token}\r\ncontent-type: application/json\r\n");
        send(method, path, &headers, &body.to_string())
    }
}

impl RealmKey<'_> {
    /// The realm drops it.
    pub(crate) fn drop_it(mut self) {
        self.remove();
    }

    fn remove(&mut self) {
        if let Some(place) = self.place.take() {
            let answer = self.keycloak.administer("DELETE", &place, &Value::Null);
            assert_eq!(answer.status, 204, "{}", answer.text());
        }
    }
}

impl Drop for RealmKey<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.remove();
        } else if let Some(place) = self.place.take() {
            // Whoever runs the tests next begins with the realm as it was.
            let _ = self.keycloak.administer("DELETE", &place, &Value::Null);
        }
    }
}

fn address() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, PORT))
}

fn send(method: &str, path: &str, headers: &str, body: &str) -> Answer {
    let mut wire = Wire::connect(address());
    let length = body.len();
    wire.send(format!(
        "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{PORT}\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}"
    ));
    wire.answer()
}
