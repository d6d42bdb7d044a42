use super::*;

/// On a stack like that of an import: a test's own is too small for what is as deep as allowed.
fn version(document: &str) -> Result<Version, ImportError> {
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .stack_size(super::super::STACK_BYTES)
            .spawn_scoped(scope, || Document::parse(document).map(|one| one.version()))
            .unwrap()
            .join()
            .unwrap()
    })
}

#[test]
fn versions_are_told_apart_in_both_syntaxes() {
    for (document, expected) in [
        (r#"{"swagger":"2.0"}"#, Version::Swagger20),
        ("swagger: 2.0", Version::Swagger20),
        ("swagger: '2.0'", Version::Swagger20),
        ("\u{feff}\n openapi: 3.0.3", Version::OpenApi30),
        (" \n{\"openapi\":\"3.0.0\"}", Version::OpenApi30),
        (
            r#"{"openapi":"3.0.0","maximum":18446744073709551616}"#,
            Version::OpenApi30,
        ),
        ("openapi: 3.1", Version::OpenApi31),
        ("openapi: 3.1.1", Version::OpenApi31),
        ("openapi: 3.2.0", Version::OpenApi31),
    ] {
        assert_eq!(version(document).ok(), Some(expected), "{document}");
    }
}

#[test]
fn what_is_no_document_says_why() {
    for (document, part) in [
        ("", "no object"),
        ("[]", "no object"),
        ("hello", "no object"),
        ("{", "no JSON"),
        (r#"{"openapi":"3.0.0","paths":{"#, "line 1"),
        ("a: b: c", "no YAML"),
        ("a: 1\na: 2", "no YAML"),
        ("a: b", "no OpenAPI document"),
        ("openapi: 4.0.0", "not supported"),
        ("swagger: 1.2", "not supported"),
    ] {
        let error = version(document).unwrap_err().to_string();
        assert!(error.contains(part), "{document}: {error}");
    }
}

#[test]
fn yaml_oddities_mean_what_people_meant() {
    let yaml = "openapi: 3.0.0\ninfo: {title: on, version: 1.10}\nx:\n  200: ok\n  on: no\n  y: [no, yes, off, 2020-01-01, 0x10, true, ~]\n";
    let document = Document::parse(yaml).unwrap();
    assert_eq!(document.title(), "on");
    let x = document.get("x").unwrap();
    assert_eq!(x["200"], "ok");
    assert_eq!(x["on"], "no");
    assert_eq!(
        x["y"],
        serde_json::json!(["no", "yes", "off", "2020-01-01", 16, true, null])
    );
}

#[test]
fn bombs_are_refused() {
    let mut laughs = String::from("openapi: 3.0.0\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..10 {
        let previous = level - 1;
        let list = vec![format!("*a{previous}"); 10].join(", ");
        laughs.push_str(&format!("a{level}: &a{level} [{list}]\n"));
    }
    assert!(matches!(version(&laughs), Err(ImportError::Syntax(_))));

    let deep = |depth: usize| {
        format!(
            "{{\"openapi\":\"3.0.0\",\"a\":{}{}}}",
            "[".repeat(depth - 1),
            "]".repeat(depth - 1)
        )
    };
    assert!(version(&deep(limits::JSON_DEPTH_MAX)).is_ok());
    assert!(matches!(
        version(&deep(limits::JSON_DEPTH_MAX + 1)),
        Err(ImportError::TooDeep { .. })
    ));
    let brackets_in_text = format!(
        "{{\"openapi\":\"3.0.0\",\"a\":\"\\\"{}\"}}",
        "[".repeat(500)
    );
    assert!(version(&brackets_in_text).is_ok());
    let deep_yaml = format!("openapi: 3.0.0\na: {}{}", "[".repeat(200), "]".repeat(200));
    assert!(matches!(version(&deep_yaml), Err(ImportError::Syntax(_))));

    let large = " ".repeat(limits::DOCUMENT_BYTES_MAX + 1);
    assert!(matches!(version(&large), Err(ImportError::TooLarge { .. })));
}

#[test]
fn a_yaml_document_costs_what_it_may_and_no_more() {
    let usual = YamlBounds::default();
    assert_eq!(
        (
            usual.nodes_max,
            usual.aliases_max,
            usual.replayed_events_max
        ),
        (
            limits::DOCUMENT_YAML_NODES_MAX,
            limits::DOCUMENT_YAML_ALIASES_MAX,
            limits::DOCUMENT_YAML_REPLAYED_EVENTS_MAX
        )
    );
    let check = |text: &str, least: &dyn Fn(usize) -> YamlBounds, needed: usize| {
        assert!(from_yaml(text, least(needed)).is_ok(), "{text}: {needed}");
        let refused = from_yaml(text, least(needed - 1));
        assert!(
            matches!(refused, Err(ImportError::Syntax(_))),
            "{text}: {}",
            needed - 1
        );
    };
    // The map, and three times a name and a number.
    let nodes = |nodes_max| YamlBounds { nodes_max, ..usual };
    check("{a: 1, b: 2, c: 3}", &nodes, 7);
    let aliases = |aliases_max| YamlBounds {
        aliases_max,
        ..usual
    };
    check("{a: &a x, b: [*a, *a, *a]}", &aliases, 3);
    // A list of two, replayed twice: its beginning, its end and what is between.
    let replayed = |replayed_events_max| YamlBounds {
        replayed_events_max,
        ..usual
    };
    check("{a: &a [x, y], b: [*a, *a]}", &replayed, 8);
}
