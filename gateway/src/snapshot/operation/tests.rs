use super::*;
use crate::control::spec::{
    BodyPlan, BodySource, Credential, JsonBody, Location, ParameterPlan, RequestPlan, Secret,
    Style as PlanStyle,
};

fn plan(method: &str, path: &str, parameters: &[(&str, Location)]) -> RequestPlan {
    RequestPlan {
        method: method.to_owned(),
        path: path.to_owned(),
        parameters: parameters
            .iter()
            .map(|&(name, location)| ParameterPlan {
                argument: format!("{name}_{location:?}"),
                name: name.to_owned(),
                location,
                style: PlanStyle::Simple,
                explode: false,
                allow_reserved: false,
                required: false,
                json_content: false,
            })
            .collect(),
        body: BodyPlan::None,
        fixed_headers: Vec::new(),
        credential: Credential::None,
    }
}

fn compile(plan: &RequestPlan) -> Result<RestOperation, String> {
    RestOperation::compile(plan, UpstreamId(3))
}

fn json_body(argument: &str) -> BodyPlan {
    BodyPlan::Json(JsonBody {
        source: BodySource::Argument(argument.to_owned()),
        content_type: "application/json".to_owned(),
    })
}

#[test]
fn plans_that_cannot_work_say_why() {
    use Location::{Cookie, Header, Path, Query};
    let check = |plan: RequestPlan, expected: &str| {
        let error = compile(&plan).unwrap_err();
        assert!(error.contains(expected), "{error}");
    };
    check(
        plan("GET", "/a/{id}", &[]),
        "names \"id\", which is no path parameter",
    );
    check(
        plan("GET", "/a/{id}", &[("id", Query)]),
        "names \"id\", which is no path parameter",
    );
    check(
        plan("GET", "/a/{id}/{id}", &[("id", Path)]),
        "names \"id\" twice",
    );
    check(
        plan("GET", "/a", &[("id", Path)]),
        "no place for the path parameter \"id\"",
    );
    check(plan("GET", "/a/{id", &[("id", Path)]), "{ without a }");
    check(plan("GET", "/a/id}", &[]), "} without a {");
    check(plan("GET", "/a/{id}}", &[("id", Path)]), "} without a {");
    check(
        plan("GET", "/a?b={id}", &[("id", Path)]),
        "placeholder in the query",
    );
    check(plan("GET", "/a#b", &[]), "fragment");
    check(plan("GET", "/a\r\nb", &[]), "control character");
    check(plan("GET", "/a/../b", &[]), "segment");
    check(plan("get", "/a", &[]), "method \"get\"");
    check(plan("CONNECT", "/a", &[]), "method \"CONNECT\"");
    check(plan("TRACE", "/a", &[]), "method \"TRACE\"");
    check(
        plan("GET", "/a", &[("q", Query), ("q", Query)]),
        "used by two parameters",
    );
    check(
        plan("GET", "/a", &[("a", Cookie), ("b;c", Cookie)]),
        "not allowed",
    );
    check(plan("GET", "/a", &[("", Query)]), "not allowed");
    for name in [
        "Host",
        "content-length",
        "Transfer-Encoding",
        "Connection",
        "TE",
        "Upgrade",
        "Keep-Alive",
        "Trailer",
        "Proxy-Authorization",
        "Expect",
    ] {
        check(
            plan("GET", "/a", &[(name, Header)]),
            "only the gateway sets it",
        );
        let mut fixed = plan("GET", "/a", &[]);
        fixed.fixed_headers.push((name.to_owned(), "x".to_owned()));
        check(fixed, "only the gateway sets it");
    }
    for name in [
        "Authorization",
        "Cookie",
        "Content-Type",
        "Content-Encoding",
    ] {
        check(plan("GET", "/a", &[(name, Header)]), "no argument may set");
    }
    for name in ["", "a b", "a:b", "a\r\nb", "ä"] {
        check(plan("GET", "/a", &[(name, Header)]), "no header name");
    }
    let mut body = plan("GET", "/a", &[]);
    body.body = json_body("b");
    check(body, "GET has no body");
    let mut twice = plan("POST", "/a", &[("b", Query)]);
    twice.body = json_body("b_Query");
    check(twice, "by a parameter and by the body");
    let mut fixed = plan("GET", "/a", &[("X-A", Header)]);
    fixed.fixed_headers.push(("x-a".to_owned(), "1".to_owned()));
    check(fixed, "both fixed and an argument");
    let mut fixed = plan("GET", "/a", &[]);
    fixed
        .fixed_headers
        .push(("x-a".to_owned(), "1\r\nx-b: 2".to_owned()));
    check(fixed, "not printable ASCII");
}

#[test]
fn methods_are_idempotent_as_rfc_9110_has_them() {
    for (method, idempotent) in [
        ("GET", true),
        ("HEAD", true),
        ("PUT", true),
        ("DELETE", true),
        ("OPTIONS", true),
        ("POST", false),
        ("PATCH", false),
    ] {
        let operation = compile(&plan(method, "/a", &[])).unwrap();
        assert_eq!(operation.idempotent, idempotent, "{method}");
        assert_eq!(operation.head_only, method == "HEAD");
        assert_eq!(operation.upstream, UpstreamId(3));
    }
}

#[test]
fn literals_are_encoded_once() {
    let operation = compile(&plan("GET", "/a b/%20/ü/{x}/<c>", &[("x", Location::Path)])).unwrap();
    assert_eq!(&*operation.prefix, "GET /a%20b/%20/%C3%BC/");
    assert_eq!(&*operation.path[0].after, "/%3Cc%3E");
    assert_eq!(&*compile(&plan("GET", "", &[])).unwrap().prefix, "GET /");
    assert_eq!(&*compile(&plan("GET", "a", &[])).unwrap().prefix, "GET /a");
}

#[test]
fn credentials_go_where_they_belong_and_nowhere_else() {
    let secret = || Secret::new("s3cr3t+&value");
    let check = |credential: Credential<Secret>, query: &str, head: &str, cookies: &str| {
        let mut plan = plan("GET", "/a?x=1", &[]);
        plan.credential = credential;
        let operation = compile(&plan).unwrap();
        assert_eq!(String::from_utf8_lossy(&operation.fixed_query.0), query);
        assert!(String::from_utf8_lossy(&operation.fixed_head.0).contains(head));
        assert_eq!(String::from_utf8_lossy(&operation.fixed_cookies.0), cookies);
        let shown = format!("{operation:?}");
        for hidden in ["s3cr3t", "czNjcjN0", "dXNlcjpzM2NyM3Q"] {
            assert!(!shown.contains(hidden), "{shown}");
        }
    };
    check(Credential::None, "x=1", "", "");
    check(
        Credential::Bearer(secret()),
        "x=1",
        "authorization: Bearer s3cr3t+&value\r\n",
        "",
    );
    check(
        Credential::Basic {
            username: Some("user".to_owned()),
            secret: secret(),
        },
        "x=1",
        "authorization: Basic dXNlcjpzM2NyM3QrJnZhbHVl\r\n",
        "",
    );
    check(
        Credential::Basic {
            username: None,
            secret: Secret::new("user:s3cr3t"),
        },
        "x=1",
        "authorization: Basic dXNlcjpzM2NyM3Q=\r\n",
        "",
    );
    check(
        Credential::ApiKeyHeader {
            name: "X-Key".to_owned(),
            secret: secret(),
        },
        "x=1",
        "X-Key: s3cr3t+&value\r\n",
        "",
    );
    check(
        Credential::ApiKeyQuery {
            name: "api key".to_owned(),
            secret: secret(),
        },
        "x=1&api%20key=s3cr3t%2B%26value",
        "",
        "",
    );
    check(
        Credential::ApiKeyCookie {
            name: "sid".to_owned(),
            secret: secret(),
        },
        "x=1",
        "",
        "sid=s3cr3t+&value",
    );
}

#[test]
fn bad_secrets_are_refused_without_being_shown() {
    let bad = || Secret::new("s3cr3t\r\nx: y");
    for credential in [
        Credential::Bearer(bad()),
        Credential::ApiKeyHeader {
            name: "X-Key".to_owned(),
            secret: bad(),
        },
        Credential::ApiKeyCookie {
            name: "sid".to_owned(),
            secret: bad(),
        },
    ] {
        let mut plan = plan("GET", "/a", &[]);
        plan.credential = credential;
        let error = compile(&plan).unwrap_err();
        assert!(!error.contains("s3cr3t"), "{error}");
    }
}

#[test]
fn a_header_of_the_operation_replaces_the_gateways() {
    let mut fixed = plan("GET", "/a", &[("X-Request-ID", Location::Header)]);
    fixed.fixed_headers = vec![
        ("Accept".to_owned(), "text/csv".to_owned()),
        ("User-Agent".to_owned(), "mine".to_owned()),
        ("Traceparent".to_owned(), "00".to_owned()),
    ];
    let operation = compile(&fixed).unwrap();
    let head = String::from_utf8_lossy(&operation.fixed_head.0).into_owned();
    assert_eq!(
        head,
        "accept-encoding: identity\r\nAccept: text/csv\r\nUser-Agent: mine\r\nTraceparent: 00\r\n"
    );
    assert!(!operation.sends_request_id && !operation.sends_traceparent);
}
