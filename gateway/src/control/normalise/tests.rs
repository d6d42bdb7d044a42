use super::*;
use crate::control::spec::BodyPlan;

fn parse(yaml: &str) -> Result<ToolSpec, Vec<Problem>> {
    let document: Spanned<ToolDocument> =
        yaml::from_str(yaml).map_err(|error| vec![yaml::problem(&error, 0)])?;
    tool(document, "t", Path::new("/catalog"))
}

/// The request in one line: method, endpoint, path, parameters, body.
fn request_line(spec: &ToolSpec) -> String {
    let parameters: Vec<_> = spec
        .request
        .parameters
        .iter()
        .map(|parameter| {
            format!(
                "{}>{:?}:{}:{:?}{}{}",
                parameter.argument,
                parameter.location,
                parameter.name,
                parameter.style,
                if parameter.explode { "*" } else { "" },
                if parameter.required { "!" } else { "" }
            )
        })
        .collect();
    let body = match &spec.request.body {
        BodyPlan::None => "none".to_owned(),
        BodyPlan::Json(body) => format!("json {:?}", body.source),
        other => format!("{other:?}"),
    };
    format!(
        "{} {} {} [{}] {body}",
        spec.request.method,
        spec.endpoint,
        spec.request.path,
        parameters.join(" ")
    )
}

#[test]
fn every_argument_has_a_place() {
    for (yaml, expected) in [
        (
            "{endpoint: 'https://a'}",
            "POST https://a / [] json WholeArguments",
        ),
        (
            "{endpoint: 'https://a/x', method: put}",
            "PUT https://a /x [] json WholeArguments",
        ),
        (
            "{endpoint: 'http://a:80/o/{id}', method: GET, inputSchema: {properties: {id: {}, q: {type: string}}, required: [q]}}",
            "GET http://a /o/{id} [id>Path:id:Simple! q>Query:q:Form*!] none",
        ),
        (
            "{endpoint: 'http://a/o/{id}', method: PATCH, inputSchema: {properties: {id: {}, q: {}}}}",
            "PATCH http://a /o/{id} [id>Path:id:Simple!] json WholeArguments",
        ),
        (
            "{endpoint: 'http://a/o?fixed=1&x={q}&y', method: DELETE, inputSchema: {properties: {q: {}, list: {type: array}, object: {type: object}}}}",
            "DELETE http://a /o?fixed=1&y [q>Query:x:Form* list>Query:list:Form* object>Query:object:DeepObject*] none",
        ),
        (
            "{endpoint: 'http://a/v1/', method: GET, request: {path: '/o/{id}', parameters: [{argument: key, name: X-Key, in: header}]}, inputSchema: {properties: {id: {}, key: {}, more: {}}}}",
            "GET http://a/v1 /o/{id} [key>Header:X-Key:Simple id>Path:id:Simple! more>Query:more:Form*] none",
        ),
        (
            "{endpoint: 'http://a', request: {method: POST, path: /o, body: {kind: json, source: {argument: b}}}, inputSchema: {properties: {b: {}}}}",
            "POST http://a /o [] json Argument(\"b\")",
        ),
        (
            "{endpoint: 'http://a', request: {method: POST, path: /o, body: {kind: none}}, inputSchema: {properties: {b: {}}}}",
            "POST http://a /o [b>Query:b:Form*] none",
        ),
    ] {
        assert_eq!(request_line(&parse(yaml).unwrap()), expected, "{yaml}");
    }
}

#[test]
fn every_field_is_read() {
    let spec = parse(
        "displayName: D\ndescription: ' text '\nendpoint: https://a/x\nmethod: GET\ntags: [a, b]\ncategory: c\nversion: 1.20\n\
         timeout: 1m 30s\nauthentication: {type: bearer, secretFile: secrets/t}\nrateLimit: 100/min\n\
         annotations: {readOnly: true, destructiveHint: false, openWorld: true}\nupstreamAllow: [10.0.0.0/8]\ncostMultiplier: 2.5\n\
         deprecated: true\noutputSchema: {type: object}\ninputSchema: {required: [z, a], properties: {z: {}, a: {}}}\napiRef: {name: x}\n",
    )
    .unwrap();
    assert_eq!(spec.title.as_deref(), Some("D"));
    assert_eq!(spec.description, "text");
    assert_eq!(
        (
            spec.tags.len(),
            spec.category.as_deref(),
            spec.version.as_deref()
        ),
        (2, Some("c"), Some("1.20"))
    );
    assert_eq!(spec.timeout_ms, Some(90_000));
    assert_eq!(
        spec.credential,
        Credential::Bearer(SecretSource::File("/catalog/secrets/t".into()))
    );
    assert_eq!(spec.rate_limit.unwrap().requests_per_minute, 100);
    assert_eq!(
        (spec.annotations.read_only, spec.annotations.destructive),
        (Some(true), Some(false))
    );
    assert_eq!(
        (
            spec.upstream_allow.len(),
            spec.cost_multiplier,
            spec.deprecated
        ),
        (1, Some(2.5), true)
    );
    assert_eq!(
        spec.input_schema.to_string(),
        r#"{"type":"object","required":["z","a"],"properties":{"z":{},"a":{}}}"#,
        "members keep their order"
    );
}

/// What `import --emit yaml` prints is read back as the same tool.
#[test]
fn a_specification_survives_the_way_through_a_document() {
    let spec = parse(
        "endpoint: https://a/v1\nauthentication: {type: apiKey, queryName: k, secretEnv: K}\nrateLimit: {requestsPerMinute: 6, burst: 2}\n\
         request: {method: POST, path: '/o/{id}', fixedHeaders: [[Accept, text/plain]], body: {kind: none}}\n\
         inputSchema: {type: object, properties: {id: {}, q: {}}}\n",
    )
    .unwrap();
    let again = parse(&serde_saphyr::to_string(&spec).unwrap()).unwrap();
    assert_eq!(again, spec);
}

#[test]
fn every_mistake_is_told_with_its_place() {
    for (yaml, expected) in [
        (
            "method: GET\n",
            "1:1: `endpoint` is missing (add `endpoint: https://...`)",
        ),
        (
            "apiRef: {name: x}\n",
            "1:9: `apiRef` names an API of a control plane",
        ),
        ("endpoint: example.com\n", "1:11: the URL has no scheme"),
        (
            "endpoint: http://a\nmethod: FETCH\n",
            "2:9: `FETCH` is no method of a tool (one of: DELETE, GET",
        ),
        (
            "endpoint: http://a\nmethod: GET\nrequest: {method: PUT}\n",
            "2:9: `method` is `GET` here and `PUT` in `request`",
        ),
        (
            "endpoint: http://a?x=1\nrequest: {path: /b}\n",
            "1:11: the endpoint has a query",
        ),
        (
            "endpoint: http://a\ntimeout: soon\n",
            "2:10: `soon` is no duration",
        ),
        (
            "endpoint: http://a\ntimeout: 300001ms\n",
            "2:10: `300001ms` is not within 1ms and 300000ms",
        ),
        (
            "endpoint: http://a\ninputSchema: [a]\n",
            "2:14: `inputSchema` is not a mapping",
        ),
        (
            "endpoint: http://a\ninputSchema: {type: string}\n",
            "2:14: `inputSchema` has `type: \"string\"`",
        ),
        (
            "endpoint: http://a\noutputSchema: 1\n",
            "2:15: `outputSchema` is not a mapping",
        ),
        (
            "endpoint: http://a\nauth: bearer\n",
            "2:7: `auth: bearer` does not say where the token is",
        ),
        (
            "endpoint: http://a\nauth: service_account\n",
            "2:7: `auth: service_account` needs a cluster",
        ),
        (
            "endpoint: http://a\nauth: none\nauthentication: {type: bearer, secretEnv: T}\n",
            "2:7: `auth` and `authentication` say different things",
        ),
        (
            "endpoint: http://a\nauth: basic\n",
            "2:7: `basic` is not known here (one of: bearer, none, service_account)",
        ),
        (
            "endpoint: http://a\nauthentication: {type: oauth2, secretEnv: T}\n",
            "2:17: `oauth2` is not in this version",
        ),
        (
            "endpoint: http://a\nauthentication: {type: bearer, secretRef: {name: x}}\n",
            "2:17: `secretRef` names a Secret of a cluster",
        ),
        (
            "endpoint: http://a\ncostMultiplier: -1\n",
            "2:17: `-1` is no multiplier",
        ),
        (
            "endpoint: http://a\nrateLimit: often\n",
            "2:12: `often` is no rate",
        ),
        (
            "endpoint: http://a\nrateLimit: {perMinute: 1}\n",
            "unknown field `perMinute`",
        ),
        (
            "endpoint: http://a\nupstreamAllow: [10.0.0.0/99]\n",
            "`10.0.0.0/99` is no address range",
        ),
        (
            "endpoint: http://a\ntimout: 1s\n",
            "2:1: unknown field `timout` (did you mean `timeout`?)",
        ),
        (
            "endpoint: http://a\nannotations: {readonly: true}\n",
            "2:15: unknown field `readonly` (did you mean `readOnly`?)",
        ),
        (
            "endpoint: http://a\nenabled: perhaps\n",
            "2:10: invalid boolean",
        ),
        (
            "endpoint: http://a\nrequest: {path: /b, body: {kind: text, argument: t, contentType: text/plain}}\ninputSchema: {properties: {t: {}, u: {}}}\n",
            "2:10: the argument `u` has no place in the request",
        ),
    ] {
        let problems = parse(yaml).unwrap_err();
        assert_eq!(problems.len(), 1, "{yaml}: {problems:?}");
        let problem = &problems[0];
        let found = format!("{}:{}: {problem}", problem.line, problem.column);
        assert!(found.contains(expected), "{found}\nlacks {expected}");
    }
    let several =
        parse("endpoint: ftp://a\ntimeout: x\ninputSchema: 1\ncostMultiplier: -1\n").unwrap_err();
    assert_eq!(several.len(), 4, "all are told at once: {several:?}");
}
