use super::*;

fn landing() -> Landing<'static> {
    Landing {
        status: "ready",
        tools: 1_042,
        catalog_problems: 0,
        version: "0.1.0",
        uptime_s: 93_784,
        host: Some(b"gateway.example:3001"),
        address: "127.0.0.1:3001",
        is_secure: false,
        needs_key: true,
    }
}

fn text(landing: &Landing<'_>) -> String {
    String::from_utf8(render(landing, Form::Html)).unwrap()
}

#[test]
fn the_page_says_how_it_is_and_how_to_connect() {
    let page = text(&landing());
    for expected in [
        "<title>STOA Gateway · ready</title>",
        "class=\"ready\"",
        "<dd>1\u{202f}042</dd>",
        "<dd>1 d 2 h</dd>",
        "<dd>0.1.0</dd>",
        "claude mcp add --transport http stoa http://gateway.example:3001/mcp \\\n  --header \"Authorization: Bearer $STOA_KEY\"",
        "curl http://gateway.example:3001/mcp/v1/tools",
        "new URL(\"http://gateway.example:3001/mcp\")",
        "url = \"http://gateway.example:3001/mcp\"\nkey = ",
    ] {
        assert!(page.contains(expected), "{expected} in {page}");
    }
    assert!(
        !page.contains("{{") && !page.contains("}}}"),
        "every place is filled"
    );
    assert!(page.len() < 16 * 1024, "{} bytes", page.len());
}

#[test]
fn without_keys_nothing_asks_for_one() {
    let page = text(&Landing {
        needs_key: false,
        is_secure: true,
        ..landing()
    });
    assert!(!page.contains("STOA_KEY") && !page.contains("Authorization"));
    assert!(page.contains("url = \"https://gateway.example:3001/mcp\"\n\nasync def main"));
}

#[test]
fn troubles_are_told() {
    for (status, shown) in [("draining", "draining"), ("not_ready", "not ready")] {
        let page = text(&Landing {
            status,
            ..landing()
        });
        assert!(page.contains(&format!(
            "class=\"{status}\"><span class=\"dot\"></span>{shown}</dd>"
        )));
    }
    assert!(text(&landing()).contains("<p class=\"notice\"></p>"));
    assert!(
        text(&Landing {
            catalog_problems: 1,
            ..landing()
        })
        .contains("One object of the catalog is")
    );
    assert!(
        text(&Landing {
            catalog_problems: 3,
            ..landing()
        })
        .contains("3 objects of the catalog are")
    );
}

#[test]
fn nothing_comes_from_outside_and_nothing_runs() {
    let page = text(&landing());
    for forbidden in [
        "<script",
        "javascript:",
        " style=\"",
        " onclick",
        "@import",
        "url(",
    ] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    for link in page
        .split("href=\"")
        .skip(1)
        .chain(page.split("src=\"").skip(1))
    {
        assert!(link.starts_with('/') || link.starts_with("data:"), "{link}");
    }
}

#[test]
fn the_policy_allows_exactly_the_pages_style() {
    let page = text(&landing());
    let style = page
        .split("<style>")
        .nth(1)
        .unwrap()
        .split("</style>")
        .next()
        .unwrap();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, style.as_bytes());
    let digest = base64::engine::general_purpose::STANDARD.encode(digest);
    let policy = content_security_policy();
    assert!(
        policy.contains(&format!("style-src 'sha256-{digest}'")),
        "{policy}"
    );
    assert!(policy.starts_with("default-src 'none';"));
    assert!(!policy.contains("unsafe") && policy.is_ascii());
}

#[test]
fn a_host_is_shown_only_where_it_is_one() {
    let long = [b'a'; HOST_CHARS_MAX + 1];
    let cases: [(Option<&[u8]>, &str); 9] = [
        (Some(b"gateway.example"), "http://gateway.example/mcp"),
        (Some(b"[::1]:3001"), "http://[::1]:3001/mcp"),
        (Some(b"a.b_c-d:80"), "http://a.b_c-d:80/mcp"),
        (
            Some(b"<script>alert(1)</script>"),
            "http://127.0.0.1:3001/mcp",
        ),
        (Some(b"x; rm -rf $HOME"), "http://127.0.0.1:3001/mcp"),
        (Some(b"--config=evil"), "http://127.0.0.1:3001/mcp"),
        (Some(b""), "http://127.0.0.1:3001/mcp"),
        (Some(&long), "http://127.0.0.1:3001/mcp"),
        (None, "http://127.0.0.1:3001/mcp"),
    ];
    for (host, expected) in cases {
        let page = text(&Landing { host, ..landing() });
        assert!(
            page.contains(&format!("<code>{expected}</code>")),
            "{host:?}"
        );
        assert!(!page.contains("<script") && !page.contains("rm -rf"));
    }
    let page = text(&Landing {
        version: "<b>\"'&",
        ..landing()
    });
    assert!(page.contains("<dd>&lt;b&gt;&quot;&#39;&amp;</dd>"));
}

#[test]
fn json_for_who_prefers_it() {
    let cases = [
        (None, Form::Html),
        (Some("*/*"), Form::Html),
        (
            Some("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
            Form::Html,
        ),
        (Some("application/json"), Form::Json),
        (Some("application/*"), Form::Json),
        (Some("Application/JSON; charset=utf-8, */*"), Form::Json),
        (Some("text/html;q=0.5, application/json;q=0.6"), Form::Json),
        (Some("text/html, application/json;q=0.9"), Form::Html),
        (Some("text/html, application/json"), Form::Html),
        (Some("application/json;q=high"), Form::Html),
        (Some("application/json;q=0"), Form::Html),
    ];
    for (accept, expected) in cases {
        assert_eq!(
            Form::preferred(accept.map(str::as_bytes)),
            expected,
            "{accept:?}"
        );
    }
    assert_eq!(Form::preferred(Some(b"\xff\xfe")), Form::Html);
    let body: serde_json::Value = serde_json::from_slice(&render(&landing(), Form::Json)).unwrap();
    assert_eq!(
        (body["status"].as_str(), body["tools"].as_u64()),
        (Some("ready"), Some(1_042))
    );
    assert_eq!(body["mcp"], "http://gateway.example:3001/mcp");
}

#[test]
fn spans_have_two_parts() {
    let cases = [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min 0 s"),
        (3_600, "1 h 0 min"),
        (7_325, "2 h 2 min"),
        (86_400, "1 d 0 h"),
        (1_000_000, "11 d 13 h"),
    ];
    for (seconds, expected) in cases {
        assert_eq!(span(seconds), expected);
    }
    assert_eq!(
        (grouped(0), grouped(999)),
        ("0".to_owned(), "999".to_owned())
    );
    assert_eq!(grouped(1_234_567), "1\u{202f}234\u{202f}567");
}
