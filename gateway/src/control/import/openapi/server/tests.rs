use super::*;

/// Base URL of an operation `o` of path item `i` in `document`.
fn check(document: &str, base_url: Option<&str>, document_url: Option<&str>, expected: &str) {
    let document = Document::parse(document).unwrap();
    let member = |name| document.get(name).and_then(Value::as_object).cloned();
    let found = Servers::new(&document, base_url, document_url)
        .map_err(|error| error.to_string())
        .and_then(|servers| {
            servers
                .endpoint(
                    &member("i").unwrap_or_default(),
                    &member("o").unwrap_or_default(),
                )
                .map_err(|reason| reason.to_string())
        });
    match found {
        Ok(url) => assert_eq!(url, expected),
        Err(why) => assert!(why.contains(expected), "{why} lacks {expected}"),
    }
}

#[test]
fn the_nearest_servers_win_and_base_url_wins_over_all() {
    let document = "openapi: 3.0.0\nservers: [{url: 'https://root/'}]\ni: {servers: [{url: 'https://item/v1'}]}\no: {servers: [{url: 'https://operation'}]}";
    check(document, None, None, "https://operation");
    check(
        document,
        Some("http://10.0.0.1:80/x/"),
        None,
        "http://10.0.0.1:80/x",
    );
    check(
        "openapi: 3.0.0\nservers: [{url: 'https://root/'}]\ni: {servers: [{url: 'https://item/v1'}]}",
        None,
        None,
        "https://item/v1",
    );
    check(
        "openapi: 3.0.0\nservers: [{url: 'https://root/'}]\ni: {servers: []}",
        None,
        None,
        "https://root",
    );
}

#[test]
fn variables_take_their_defaults() {
    for (server, expected) in [
        (
            "{url: 'https://{r}.x.io/{v}', variables: {r: {default: eu}, v: {default: 1.0}}}",
            "https://eu.x.io/1.0",
        ),
        (
            "{url: 'https://x.io:{p}', variables: {p: {enum: ['8443']}}}",
            "https://x.io:8443",
        ),
        (
            "{url: 'https://{r}.x.io', variables: {r: {}}}",
            "without a default; set `baseURL`",
        ),
        ("{url: 'https://{r}.x.io'}", "variable `r`"),
        ("{}", "no `url`"),
    ] {
        check(
            &format!("openapi: 3.1.0\nservers: [{server}]"),
            None,
            None,
            expected,
        );
    }
    // The first usable one of several.
    check(
        "openapi: 3.0.0\nservers: [{url: 'wss://a'}, {url: 'https://{x}'}, {url: 'https://b'}]",
        None,
        None,
        "https://b",
    );
}

#[test]
fn relative_urls_need_a_document_url() {
    let own = Some("https://x.io/docs/v2/openapi.json?a=b#c");
    for (url, expected) in [
        ("/", "https://x.io"),
        ("/api", "https://x.io/api"),
        ("api", "https://x.io/docs/v2/api"),
        ("./api/", "https://x.io/docs/v2/api"),
        ("../api", "https://x.io/docs/api"),
        ("../../../api", "https://x.io/api"),
        ("//y.io/api", "https://y.io/api"),
        ("HTTP://y.io", "http://y.io"),
        ("ftp://y.io", "neither http nor https"),
        ("https://user:pass@y.io", "contains credentials"),
        ("https://y.io/?a=b", "cannot have"),
        ("https:///path", "names no host"),
        ("localhost:8080", "no absolute URL"),
    ] {
        let document = format!("openapi: 3.0.0\nservers: [{{url: '{url}'}}]");
        check(&document, None, own, expected);
    }
    check("openapi: 3.0.0", None, own, "https://x.io");
    check("openapi: 3.0.0", None, None, "set `baseURL`");
    check(
        "openapi: 3.0.0\nservers: [{url: /v1}]",
        None,
        None,
        "set `baseURL`",
    );
    check(
        "openapi: 3.0.0\nservers: [{url: /v1}]",
        None,
        Some("file:///a.json"),
        "set `baseURL`",
    );
    check(
        "openapi: 3.0.0",
        Some("/v1"),
        None,
        "`baseURL`: `/v1` is no absolute URL",
    );
}

#[test]
fn swagger_spells_its_server_in_parts() {
    for (parts, expected) in [
        (
            "host: x.io\nbasePath: /v2\nschemes: [http, https]",
            "https://x.io/v2",
        ),
        (
            "host: x.io:81\nbasePath: v2\nschemes: [http]",
            "http://x.io:81/v2",
        ),
        ("host: x.io", "https://x.io"),
        (
            "host: x.io\nschemes: [https]\no: {schemes: [http]}",
            "http://x.io",
        ),
        ("host: x.io\nschemes: [ws]", "none is http or https"),
        ("basePath: /v2", "set `baseURL`"),
        ("schemes: [https]", "set `baseURL`"),
    ] {
        check(&format!("swagger: '2.0'\n{parts}"), None, None, expected);
    }
    let own = Some("http://y.io/swagger.json");
    check("swagger: '2.0'\nbasePath: /v2", None, own, "http://y.io/v2");
    check("swagger: '2.0'\nhost: x.io", None, own, "http://x.io");
}
