//! The four forms of a target, and hosts.

use super::*;

/// Form, path, query and authority.
type Parts<'a> = (Form, &'a str, Option<&'a str>, Option<&'a str>);

fn check(method: &str, raw: &str, expected: Result<Parts<'_>, HeadFault>) {
    let parsed = parse(Method::new(method), raw)
        .map(|(target, authority)| (target.form, target.path, target.query, authority));
    assert_eq!(parsed, expected, "{method} {raw}");
}

#[test]
fn forms() {
    use Form::*;
    let good = [
        ("GET", "/", Origin, "/", None, None),
        ("GET", "/a/b", Origin, "/a/b", None, None),
        ("GET", "/a?", Origin, "/a", Some(""), None),
        ("GET", "/a?b=c?d", Origin, "/a", Some("b=c?d"), None),
        ("GET", "//a", Origin, "//a", None, None),
        ("GET", "/?http://x/", Origin, "/", Some("http://x/"), None),
        ("GET", "/a/../%2e", Origin, "/a/../%2e", None, None),
        ("GET", "http://h", Absolute, "/", None, Some("h")),
        ("GET", "HTTP://h:1/", Absolute, "/", None, Some("h:1")),
        ("GET", "https://h?q", Absolute, "/", Some("q"), Some("h")),
        (
            "POST",
            "http://[::1]:8/a?q",
            Absolute,
            "/a",
            Some("q"),
            Some("[::1]:8"),
        ),
        ("OPTIONS", "*", Asterisk, "*", None, None),
        ("OPTIONS", "http://h", Asterisk, "*", None, Some("h")),
        ("OPTIONS", "http://h/", Absolute, "/", None, Some("h")),
        ("CONNECT", "h:443", Authority, "", None, Some("h:443")),
    ];
    for (method, raw, form, path, query, authority) in good {
        check(method, raw, Ok((form, path, query, authority)));
    }
    let bad = [
        ("GET", "", HeadFault::TargetInvalid),
        ("GET", "a", HeadFault::TargetInvalid),
        ("GET", "*", HeadFault::TargetInvalid),
        ("GET", "?a", HeadFault::TargetInvalid),
        ("GET", "h:80", HeadFault::TargetInvalid),
        ("GET", "/#", HeadFault::TargetInvalid),
        ("GET", "/\u{e4}", HeadFault::TargetInvalid),
        ("GET", "ftp://h/", HeadFault::TargetInvalid),
        ("GET", "http:/h/", HeadFault::TargetInvalid),
        ("GET", "http://", HeadFault::HostInvalid),
        ("GET", "http:///a", HeadFault::HostInvalid),
        ("GET", "http://u@h/", HeadFault::HostInvalid),
        ("GET", "http://h:x/", HeadFault::HostInvalid),
        ("OPTIONS", "**", HeadFault::TargetInvalid),
        ("CONNECT", "/", HeadFault::HostInvalid),
        ("CONNECT", "http://h/", HeadFault::HostInvalid),
    ];
    for (method, raw, fault) in bad {
        check(method, raw, Err(fault));
    }
}

#[test]
fn hosts() {
    let good = [
        "a",
        "A.b-c_d~e",
        "127.0.0.1",
        "a:",
        "a:1",
        "a:65535",
        "[::1]",
        "[::ffff:1.2.3.4]:80",
        "x%20y",
        "a!$&'()*+;=",
    ];
    for host in good {
        assert!(is_host(host.as_bytes()), "{host}");
    }
    let bad = [
        "",
        ":",
        ":80",
        "a:b",
        "a:1:2",
        "a:123456",
        "a:+1",
        "a: 1",
        "[]",
        "[::1",
        "::1]",
        "[::1]x",
        "[g::]",
        "[fe80::1%eth0]",
        "a,b",
        "a b",
        "a/b",
        "a?b",
        "a#b",
        "u@a",
        "a\\b",
        "%",
        "%2",
        "%zz",
        "\u{e4}",
        "a\0",
        "<a>",
        "\"a\"",
    ];
    for host in bad {
        assert!(!is_host(host.as_bytes()), "{host}");
    }
}
