use serde_json::json;

use super::*;

fn everything() -> ToolSpec {
    ToolSpec {
        name: "get_order".into(),
        title: Some("Get an order".into()),
        description: "Reads one.".into(),
        tags: vec!["orders".into()],
        category: Some("shop".into()),
        version: Some("1.2".into()),
        endpoint: "https://api.example.com/v1".into(),
        request: RequestPlan {
            method: "POST".into(),
            path: "/orders/{id}".into(),
            parameters: vec![ParameterPlan {
                argument: "id".into(),
                name: "id".into(),
                location: Location::Path,
                style: Style::Simple,
                explode: false,
                allow_reserved: false,
                required: true,
                json_content: false,
            }],
            body: BodyPlan::Json(JsonBody {
                source: BodySource::Argument("body".into()),
                content_type: "application/json".into(),
            }),
            fixed_headers: vec![("Accept".into(), "application/json".into())],
            credential: Credential::None,
        },
        input_schema: json!({"type": "object", "properties": {"z": {}, "id": {}, "a": {}}}),
        output_schema: Some(json!({"type": "object"})),
        annotations: AnnotationsSpec {
            read_only: Some(true),
            ..AnnotationsSpec::default()
        },
        timeout_ms: Some(1_500),
        rate_limit: Some(RateSpec {
            requests_per_minute: 100,
            burst: Some(5),
        }),
        credential: Credential::ApiKeyQuery {
            name: "key".into(),
            secret: SecretSource::Environment("ORDERS_KEY".into()),
        },
        upstream_allow: vec!["10.0.0.0/8".parse().unwrap()],
        cost_multiplier: Some(3.0),
        deprecated: true,
    }
}

#[test]
fn a_tool_survives_yaml_and_json() {
    let spec = everything();
    let yaml = serde_saphyr::to_string(&spec).unwrap();
    assert_eq!(
        serde_saphyr::from_str::<ToolSpec>(&yaml).unwrap(),
        spec,
        "{yaml}"
    );
    let text = serde_json::to_string(&spec).unwrap();
    assert_eq!(serde_json::from_str::<ToolSpec>(&text).unwrap(), spec);
    let order: Vec<_> = spec.input_schema["properties"]
        .as_object()
        .unwrap()
        .keys()
        .collect();
    assert_eq!(order, ["z", "id", "a"]);
}

#[test]
fn every_body_survives_yaml() {
    let encoding = PropertyEncoding {
        property: "p".into(),
        style: Style::Form,
        explode: true,
        allow_reserved: true,
        content_type: Some("image/png".into()),
        file: true,
    };
    for body in [
        BodyPlan::None,
        BodyPlan::Json(JsonBody {
            source: BodySource::WholeArguments,
            content_type: "application/merge-patch+json".into(),
        }),
        BodyPlan::Form(FormBody {
            source: BodySource::WholeArguments,
            encodings: vec![encoding.clone()],
        }),
        BodyPlan::Multipart(MultipartBody {
            source: BodySource::Argument("form".into()),
            encodings: vec![encoding],
        }),
        BodyPlan::Text(TextBody {
            argument: "text".into(),
            content_type: "text/plain".into(),
        }),
        BodyPlan::Binary(BinaryBody {
            argument: "bytes".into(),
            content_type: "application/pdf".into(),
        }),
    ] {
        let yaml = serde_saphyr::to_string(&body).unwrap();
        assert_eq!(
            serde_saphyr::from_str::<BodyPlan>(&yaml).unwrap(),
            body,
            "{yaml}"
        );
    }
}

#[test]
fn rates_are_read_in_both_forms() {
    let rate = |requests_per_minute, burst| {
        Some(RateSpec {
            requests_per_minute,
            burst,
        })
    };
    for (text, expected) in [
        ("\"100/min\"", rate(100, None)),
        ("100/minute", rate(100, None)),
        ("5/s", rate(300, None)),
        ("90/h", rate(2, None)),
        ("100/min:20", rate(100, Some(20))),
        ("100", rate(100, None)),
        ("{requestsPerMinute: 60, burst: 10}", rate(60, Some(10))),
        ("{requestsPerMinute: 60}", rate(60, None)),
        ("{requestsPerMinute: 0}", None),
        ("{requestsPerMinute: 6, burst: 0}", None),
        ("{burst: 6}", None),
        ("{requestsPerMinute: 6, bursts: 1}", None),
        ("0/min", None),
        ("100/day", None),
        ("-1/min", None),
        ("99999999/s", None),
        ("fast", None),
    ] {
        assert_eq!(
            serde_saphyr::from_str::<RateSpec>(text).ok(),
            expected,
            "{text}"
        );
    }
}

#[test]
fn a_burst_is_a_tenth_unless_it_is_named() {
    for (text, expected) in [("100/min", 10), ("100/min:3", 3), ("1/min:1", 1)] {
        assert_eq!(
            RateSpec::parse(text).unwrap().rate().burst,
            expected,
            "{text}"
        );
    }
}

#[test]
fn credentials_are_read_or_refused_with_a_reason() {
    for (yaml, expected) in [
        ("{type: none}", Ok("None")),
        ("{}", Ok("None")),
        (
            "{type: bearer, secretFile: /run/t}",
            Ok("Bearer(File(\"/run/t\"))"),
        ),
        (
            "{type: bearer, secretEnv: T}",
            Ok("Bearer(Environment(\"T\"))"),
        ),
        (
            "{type: basic, username: u, secretEnv: T}",
            Ok("Basic { username: Some(\"u\"), secret: Environment(\"T\") }"),
        ),
        (
            "{type: apiKey, secretEnv: T}",
            Ok("ApiKeyHeader { name: \"X-API-Key\", secret: Environment(\"T\") }"),
        ),
        (
            "{type: apiKey, headerName: X-K, secretEnv: T}",
            Ok("ApiKeyHeader { name: \"X-K\", secret: Environment(\"T\") }"),
        ),
        (
            "{type: apiKey, queryName: k, secretEnv: T}",
            Ok("ApiKeyQuery { name: \"k\", secret: Environment(\"T\") }"),
        ),
        (
            "{type: apiKey, cookieName: k, secretEnv: T}",
            Ok("ApiKeyCookie { name: \"k\", secret: Environment(\"T\") }"),
        ),
        ("{type: bearer}", Err("no secret is named")),
        ("{secretEnv: T}", Err("`type` is missing")),
        (
            "{type: bearer, secretRef: s}",
            Err("names a Secret of a cluster"),
        ),
        (
            "{type: bearer, secretRef: {name: s, key: k}}",
            Err("names a Secret of a cluster"),
        ),
        (
            "{type: bearer, secretEnv: T, secretFile: f}",
            Err("not several"),
        ),
        (
            "{type: apiKey, headerName: a, queryName: b, secretEnv: T}",
            Err("not several"),
        ),
        (
            "{type: bearer, headerName: a, secretEnv: T}",
            Err("belong to `type: apiKey`"),
        ),
        (
            "{type: bearer, username: a, secretEnv: T}",
            Err("belongs to `type: basic`"),
        ),
        ("{type: oauth2, secretEnv: T}", Err("not in this version")),
        ("{type: bearer, token: abc}", Err("token")),
    ] {
        match (serde_saphyr::from_str::<Credential>(yaml), expected) {
            (Ok(found), Ok(text)) => assert_eq!(format!("{found:?}"), text, "{yaml}"),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{yaml}: {error}"),
            (found, _) => panic!("{yaml}: {found:?}"),
        }
    }
}

#[test]
fn a_secret_is_never_shown() {
    let credential = Credential::Bearer(Secret::new("hunter2"));
    assert!(!format!("{credential:?}").contains("hunter2"));
    let plan = RequestPlan {
        credential,
        ..everything().request
    };
    assert!(!format!("{plan:?}").contains("hunter2"));
    assert!(!serde_json::to_string(&plan).unwrap().contains("hunter2"));
}
