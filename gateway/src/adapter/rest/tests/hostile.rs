//! Arguments that try to be more than values.

use super::*;

fn path_of(value: &str) -> Result<String, String> {
    let mut plan = plan("GET", "/v1/orders/{id}/lines");
    plan.parameters = vec![parameter("id", Location::Path)];
    try_send(&plan, &json!({"id": value}).to_string()).map(|sent| sent.target().to_owned())
}

#[test]
fn path_arguments_fill_one_segment() {
    let check = |value: &str, expected: &str| {
        assert_eq!(
            path_of(value).as_deref(),
            Ok(format!("/v1/orders/{expected}/lines").as_str()),
            "{value}"
        );
    };
    check("42", "42");
    check("a/b", "a%2Fb");
    check("a?b=c", "a%3Fb%3Dc");
    check("a#b", "a%23b");
    check("a;b=c", "a%3Bb%3Dc");
    check("a\\b", "a%5Cb");
    check("a b", "a%20b");
    check("...", "...");
    check("..a", "..a");
    check("a..", "a..");
    check("1.0", "1.0");
    check("100%", "100%25");
    check("%2f", "%252f");
    check("a\r\nHost: evil", "a%0D%0AHost%3A%20evil");
    check("feature/x.y", "feature%2Fx.y");
    check("ü", "%C3%BC");
    check("http://evil.example/", "http%3A%2F%2Fevil.example%2F");
}

#[test]
fn path_arguments_that_climb_are_refused() {
    let climbing = [
        "..",
        ".",
        "../admin",
        "a/../../b",
        "a/..",
        "./a",
        "..\\admin",
        "a\\..\\b",
        "%2e%2e",
        "%2E%2e",
        ".%2e",
        "%2e",
        "..%2fadmin",
        "%2e%2e%2fadmin",
        "..%5cadmin",
        "%252e%252e",
        "%252e%252e%252fadmin",
        "%25252e%25252e",
        "a/%2e%2e/b",
    ];
    for value in climbing {
        assert_eq!(
            path_of(value).unwrap_err(),
            "id: is part of the path and must not be or contain the segment \".\" or \"..\"",
            "{value}"
        );
    }
    for value in ["a\0b", "a%00b", "%2500"] {
        assert_eq!(
            path_of(value).unwrap_err(),
            "id: is part of the path and must not contain NUL",
            "{value}"
        );
    }
    assert_eq!(
        path_of("").unwrap_err(),
        "id: is part of the path and must not be empty"
    );
}

/// A bound that was passed is no reason to let a value through.
#[test]
fn one_past_the_rounds_of_decoding_is_refused() {
    let encoded = |text: &str, times: usize| {
        (1..times).fold(text.to_owned(), |text, _| text.replace('%', "%25"))
    };
    let most = limits::PATH_DECODING_ROUNDS_MAX - 1;
    assert!(path_of(&encoded("%41", most)).is_ok());
    for text in ["%41", "%2e%2e"] {
        assert_eq!(
            path_of(&encoded(text, most + 1)).unwrap_err(),
            "id: is part of the path and must not be percent-encoded 4 times over"
        );
    }
    let dots = path_of(&encoded("%2e%2e", most)).unwrap_err();
    assert!(dots.contains("the segment"), "{dots}");
    // A sign that encodes nothing is itself, as often as one looks.
    for text in ["100%", "%", "5%zz", "%%"] {
        assert!(path_of(text).is_ok(), "{text}");
    }
}

#[test]
fn path_arguments_that_climb_together_are_refused() {
    let mut plan = plan("GET", "/v1/{a}{b}/x");
    plan.parameters = vec![
        parameter("a", Location::Path),
        parameter("b", Location::Path),
    ];
    // Alone each is refused already; as an explode of a label or beside a literal dot it is not.
    assert!(try_send(&plan, r#"{"a":"x","b":"y"}"#).is_ok());
    let mut plan = super::plan("GET", "/v1/.{a}/x");
    plan.parameters = vec![ParameterPlan {
        style: Style::Label,
        ..parameter("a", Location::Path)
    }];
    assert_eq!(
        try_send(&plan, r#"{"a":"y"}"#).unwrap().target(),
        "/v1/..y/x"
    );
    plan.path = "/v1/{a}./x".to_owned();
    plan.parameters[0].style = Style::Simple;
    assert_eq!(
        try_send(&plan, r#"{"a":"y"}"#).unwrap().target(),
        "/v1/y./x"
    );
    plan.parameters[0] = ParameterPlan {
        style: Style::Label,
        explode: true,
        ..parameter("a", Location::Path)
    };
    plan.path = "/v1/{a}/x".to_owned();
    // `.` and then nothing but dots: a label of an empty member name is a dot segment.
    for value in [r#"["."]"#, r#"["..",".."]"#, r#"[""]"#] {
        assert!(
            try_send(&plan, &format!(r#"{{"a":{value}}}"#)).is_err(),
            "{value}"
        );
    }
}

#[test]
fn elements_in_the_path_are_looked_at_each() {
    let mut plan = plan("GET", "/v1/{ids}");
    plan.parameters = vec![parameter("ids", Location::Path)];
    assert_eq!(
        try_send(&plan, r#"{"ids":["a/b","c,d"]}"#)
            .unwrap()
            .target(),
        "/v1/a%2Fb,c%2Cd"
    );
    for value in [
        r#"["a",".."]"#,
        r#"["a","../b"]"#,
        r#"{"..":1}"#,
        r#"{"a":{"b":"../c"}}"#,
        r#"["a",""]"#,
    ] {
        assert!(
            try_send(&plan, &format!(r#"{{"ids":{value}}}"#)).is_err(),
            "{value}"
        );
    }
}

#[test]
fn header_arguments_cannot_end_their_line() {
    let mut plan = plan("GET", "/x");
    plan.parameters = vec![parameter("X-Note", Location::Header)];
    let check = |value: &str, expected: Result<&str, &str>| {
        let sent = try_send(&plan, &json!({"X-Note": value}).to_string());
        match expected {
            Ok(expected) => assert_eq!(sent.unwrap().header("x-note"), Some(expected), "{value:?}"),
            Err(reason) => assert_eq!(
                sent.unwrap_err(),
                format!("X-Note: is sent as a header and must {reason}"),
                "{value:?}"
            ),
        }
    };
    check(
        "plain words, with; signs=\"x\"",
        Ok("plain words, with; signs=\"x\""),
    );
    check("tab\tinside", Ok("tab\tinside"));
    check("100%", Ok("100%"));
    check(
        "a\r\nx-evil: 1",
        Err("be visible ASCII, without line breaks"),
    );
    check("a\nb", Err("be visible ASCII, without line breaks"));
    check("a\rb", Err("be visible ASCII, without line breaks"));
    check("a\0b", Err("be visible ASCII, without NUL"));
    check(
        "a\u{7f}b",
        Err("be visible ASCII, without control characters"),
    );
    check(
        "a\u{1b}b",
        Err("be visible ASCII, without control characters"),
    );
    check("naïve", Err("be visible ASCII, without other characters"));
    check(
        "\u{2028}",
        Err("be visible ASCII, without other characters"),
    );
    check(" a", Err("not begin or end with a space"));
    check("a\t", Err("not begin or end with a space"));
    let nested = try_send(&plan, r#"{"X-Note":["a","b\r\nx: y"]}"#);
    assert!(nested.unwrap_err().contains("line breaks"));
}

#[test]
fn cookie_arguments_stay_one_cookie() {
    let mut plan = plan("GET", "/x");
    plan.parameters = vec![
        parameter("sid", Location::Cookie),
        parameter("theme", Location::Cookie),
    ];
    let check = |value: &str, expected: &str| {
        let sent = try_send(&plan, &json!({"sid": value, "theme": "dark"}).to_string()).unwrap();
        assert_eq!(sent.header("cookie"), Some(expected), "{value:?}");
    };
    check("abc", "sid=abc; theme=dark");
    check("a; admin=1", "sid=a%3B%20admin=1; theme=dark");
    check("a,b\"c\\d%", "sid=a%2Cb%22c%5Cd%25; theme=dark");
    check("é", "sid=%C3%A9; theme=dark");
    for value in ["a\r\nb", "a\0", "\u{7f}", "a\tb"] {
        let error = try_send(&plan, &json!({"sid": value}).to_string()).unwrap_err();
        assert_eq!(
            error,
            "sid: is sent as a cookie and must not contain control characters"
        );
        assert!(try_send(&plan, &json!({"sid": ["a", value]}).to_string()).is_err());
        assert!(try_send(&plan, &json!({"sid": {value: 1}}).to_string()).is_err());
    }
}

#[test]
fn own_headers_take_nothing_but_visible_ascii() {
    let operation = RestOperation::compile(&plan("GET", "/x"), UpstreamId(0)).unwrap();
    let context = CallContext {
        request_id: "a\r\nx: y",
        traceparent: Some(b"00\r\n"),
    };
    let sent = try_send_with(&operation, "{}", &context).unwrap();
    assert_eq!(sent.header("x-request-id"), None);
    assert_eq!(sent.header("traceparent"), None);
}

#[test]
fn arguments_without_a_place_are_told_not_dropped() {
    let mut plan = plan("GET", "/x/{id}");
    plan.parameters = vec![
        parameter("id", Location::Path),
        parameter("page", Location::Query),
    ];
    assert_eq!(
        try_send(&plan, r#"{"id":"1","pgae":2}"#).unwrap_err(),
        r#"unknown property "pgae": this tool takes id, page"#
    );
    assert_eq!(
        try_send(&plan, r#"{"page":2}"#).unwrap_err(),
        r#"missing required property "id""#
    );
    plan.parameters[1].required = true;
    assert_eq!(
        try_send(&plan, r#"{"id":"1"}"#).unwrap_err(),
        r#"missing required property "page""#
    );
    assert_eq!(
        try_send(&super::plan("GET", "/x"), r#"{"a":1}"#).unwrap_err(),
        r#"unknown property "a": this tool takes no arguments at all"#
    );
}
