//! Hosts and origins by where the gateway listens.

use super::*;

/// Host, origin, answer; "-" stands for a header that is not sent.
fn check_all(allowed: &AllowedHosts, table: &[(&str, &str, Result<(), Refusal>)]) {
    for (host, origin, expected) in table {
        assert_eq!(
            check(header(host), header(origin), allowed),
            *expected,
            "{host} {origin}"
        );
    }
}

fn header(text: &str) -> Option<&[u8]> {
    (text != "-").then_some(text.as_bytes())
}

const BAD_HOST: Result<(), Refusal> = Err(Refusal::HostRefused);
const BAD_ORIGIN: Result<(), Refusal> = Err(Refusal::OriginRefused);

#[test]
fn bound_to_loopback_only_loopback_names_are_served() {
    let allowed = AllowedHosts::new(true, [], []).unwrap();
    check_all(
        &allowed,
        &[
            ("localhost", "-", Ok(())),
            ("localhost:3001", "-", Ok(())),
            ("LocalHost:3001", "-", Ok(())),
            ("localhost.", "-", Ok(())),
            ("127.0.0.1:3001", "-", Ok(())),
            ("[::1]:3001", "-", Ok(())),
            ("[::1]", "-", Ok(())),
            ("-", "-", Ok(())),
            ("localhost:3001", "http://localhost:6274", Ok(())),
            ("127.0.0.1:3001", "http://localhost:3001", Ok(())),
            ("localhost:3001", "https://[::1]:8443", Ok(())),
            ("localhost:3001", "HTTP://LOCALHOST", Ok(())),
            ("evil.example.com", "-", BAD_HOST),
            ("evil.example.com", "http://evil.example.com", BAD_HOST),
            ("evil.example.com:3001", "http://localhost", BAD_HOST),
            ("localhost.evil.example", "-", BAD_HOST),
            ("evillocalhost", "-", BAD_HOST),
            ("127.0.0.2", "-", BAD_HOST),
            ("0.0.0.0:3001", "-", BAD_HOST),
            ("[::2]", "-", BAD_HOST),
            ("::1", "-", BAD_HOST),
            ("", "-", BAD_HOST),
            (":3001", "-", BAD_HOST),
            (".", "-", BAD_HOST),
            ("localhost:", "-", BAD_HOST),
            ("localhost:http", "-", BAD_HOST),
            ("localhost:80:80", "-", BAD_HOST),
            ("localhost@evil.example", "-", BAD_HOST),
            ("evil.example@localhost", "-", BAD_HOST),
            ("localhost/", "-", BAD_HOST),
            ("local host", "-", BAD_HOST),
            ("localhost,evil.example", "-", BAD_HOST),
            ("[::1", "-", BAD_HOST),
            ("[::1]x", "-", BAD_HOST),
            ("[localhost]", "-", BAD_HOST),
            ("localhost:3001", "http://evil.example.com", BAD_ORIGIN),
            (
                "localhost:3001",
                "http://localhost.evil.example",
                BAD_ORIGIN,
            ),
            (
                "localhost:3001",
                "http://localhost@evil.example",
                BAD_ORIGIN,
            ),
            ("localhost:3001", "http://localhost/path", BAD_ORIGIN),
            (
                "localhost:3001",
                "http://localhost http://evil.example",
                BAD_ORIGIN,
            ),
            ("localhost:3001", "null", BAD_ORIGIN),
            ("localhost:3001", "", BAD_ORIGIN),
            ("localhost:3001", "localhost", BAD_ORIGIN),
            ("localhost:3001", "://localhost", BAD_ORIGIN),
            ("localhost:3001", "file://", BAD_ORIGIN),
            ("localhost:3001", "chrome-extension://localhost", BAD_ORIGIN),
        ],
    );
}

#[test]
fn bound_publicly_without_hosts_an_origin_must_be_the_host_it_calls() {
    let allowed =
        AllowedHosts::new(false, [], ["https://app.example:443", "vscode://ext"]).unwrap();
    check_all(
        &allowed,
        &[
            ("gateway.example", "-", Ok(())),
            ("10.0.0.7:3001", "-", Ok(())),
            ("gateway.example", "https://gateway.example", Ok(())),
            (
                "gateway.example:3001",
                "https://Gateway.Example:8443",
                Ok(()),
            ),
            ("gateway.example", "https://app.example", Ok(())),
            ("gateway.example", "HTTPS://APP.example:443", Ok(())),
            ("gateway.example", "vscode://ext", Ok(())),
            ("gateway.example", "http://localhost:6274", Ok(())),
            ("gateway.example", "http://app.example", BAD_ORIGIN),
            ("gateway.example", "https://app.example:444", BAD_ORIGIN),
            ("gateway.example", "https://evil.example", BAD_ORIGIN),
            ("gateway.example", "vscode://gateway.example", BAD_ORIGIN),
            ("gateway.example", "null", BAD_ORIGIN),
            ("-", "https://gateway.example", BAD_ORIGIN),
            ("gate way", "-", BAD_HOST),
        ],
    );
}

#[test]
fn configured_hosts_are_the_only_ones_beside_loopback() {
    for is_loopback in [true, false] {
        let allowed = AllowedHosts::new(is_loopback, ["Gateway.Example", "[fd00::1]"], []).unwrap();
        check_all(
            &allowed,
            &[
                ("gateway.example:3001", "-", Ok(())),
                ("[FD00::1]:3001", "-", Ok(())),
                ("localhost", "-", Ok(())),
                ("gateway.example", "https://gateway.example", Ok(())),
                ("localhost", "https://gateway.example", Ok(())),
                ("other.example", "-", BAD_HOST),
                ("other.example", "https://other.example", BAD_HOST),
                ("gateway.example", "https://other.example", BAD_ORIGIN),
            ],
        );
    }
}

#[test]
fn malformed_settings_are_named() {
    for host in [
        "",
        "a b",
        "gateway.example:443",
        "https://gateway.example",
        "::1",
        "*.example",
    ] {
        let error = AllowedHosts::new(false, [host], []).unwrap_err();
        assert!(error.contains(&format!("{host:?}")), "{error}");
    }
    for origin in [
        "",
        "null",
        "gateway.example",
        "https://",
        "https://a/b",
        "https://a:x",
        "*",
    ] {
        let error = AllowedHosts::new(false, [], [origin]).unwrap_err();
        assert!(error.contains(&format!("{origin:?}")), "{error}");
    }
}
