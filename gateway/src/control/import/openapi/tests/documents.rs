//! Whole documents: what becomes of an operation's words, what is left out, and what is printed.

use super::*;
use crate::control::import::run_import;
use crate::control::spec::AnnotationsSpec;
use crate::limits::TOOLS_MAX;

const SHOP: &str = r"
openapi: 3.0.3
info: {title: Shop, version: 1.20}
servers: [{url: 'https://shop.example.com/v1/'}]
security: [{key: []}]
paths:
  /orders/{id}:
    get:
      operationId: orders.get
      summary: Get an order
      description: Reads one order.
      tags: [orders]
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      responses: {200: {content: {application/json: {schema: {type: object}}}}}
    delete:
      summary: Remove
      deprecated: true
      tags: [orders, admin]
      responses: {204: {description: gone}}
    options: {}
    put: {x-stoa-hidden: true}
    patch: {requestBody: {$ref: 'other.yaml#/x'}}
  /hidden: {x-mcp-ignore: true, get: {}}
  /aliased: {$ref: '#/x-items/alias', summary: beside}
  /gone: {$ref: '#/gone'}
  x-note: {}
x-items:
  alias:
    parameters: [{name: q, in: query}]
    post: {operationId: aliased}
components:
  securitySchemes: {key: {type: apiKey, in: header, name: X-Shop-Key}}
";

#[test]
fn an_operation_keeps_its_words() {
    let options = ImportOptions {
        defaults: Defaults {
            tags: vec!["shop".into(), "orders".into()],
            timeout_ms: Some(5_000),
            rate_limit: Some(RateSpec {
                requests_per_minute: 60,
                burst: None,
            }),
            credential: serde_saphyr::from_str("{type: apiKey, secretEnv: SHOP_KEY}").unwrap(),
        },
        naming: Naming {
            prefix: "shop__".into(),
            ..Naming::default()
        },
        ..ImportOptions::default()
    };
    let found = import(SHOP, &options).unwrap();
    assert_eq!(
        (found.title.as_str(), found.version.as_str()),
        ("Shop", "1.2")
    );
    let names: Vec<&str> = found.tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "shop__orders_get",
            "shop__delete_orders_id",
            "shop__aliased"
        ]
    );
    let [get, delete, aliased] = &found.tools[..] else {
        panic!()
    };
    assert_eq!(get.title.as_deref(), Some("Get an order"));
    assert_eq!(get.description, "Get an order\n\nReads one order.");
    assert_eq!(get.tags, ["orders", "shop"]);
    assert_eq!(get.endpoint, "https://shop.example.com/v1");
    assert_eq!(get.request.path, "/orders/{id}");
    assert_eq!(
        (get.timeout_ms, get.rate_limit.is_some()),
        (Some(5_000), true)
    );
    assert!(
        matches!(&get.credential, Credential::ApiKeyHeader { name, .. } if name == "X-Shop-Key")
    );
    assert!(delete.deprecated && delete.description.starts_with("Deprecated. Remove"));
    assert_eq!(aliased.request.parameters.len(), 1);
    assert_eq!(aliased.description, "POST /aliased");

    let left: Vec<(&str, &str)> = found
        .left_out
        .iter()
        .map(|one| (one.operation.as_str(), one.reason.as_str()))
        .collect();
    for (operation, part) in [
        ("OPTIONS /orders/{id}", "calls nothing"),
        ("PUT /orders/{id}", "x-stoa-hidden"),
        ("PATCH /orders/{id}", "never fetched"),
        ("GET /hidden", "x-mcp-ignore"),
        ("/gone", "names nothing"),
    ] {
        let reason = left.iter().find(|one| one.0 == operation).map(|one| one.1);
        assert!(
            reason.unwrap_or_default().contains(part),
            "{operation}: {left:?}"
        );
    }
    assert_eq!(left.len(), 5);
}

#[test]
fn methods_make_the_hints() {
    let hints = |read_only, destructive, idempotent| AnnotationsSpec {
        title: None,
        read_only: Some(read_only),
        destructive: Some(destructive),
        idempotent: Some(idempotent),
        open_world: Some(true),
    };
    for (method, expected) in [
        ("get", hints(true, false, true)),
        ("head", hints(true, false, true)),
        ("put", hints(false, false, true)),
        ("delete", hints(false, true, true)),
        ("post", hints(false, false, false)),
        ("patch", hints(false, false, false)),
    ] {
        let tool = only(&operation("3.1.0", method, "/a", "summary: s"));
        assert_eq!(tool.annotations, expected, "{method}");
        assert_eq!(tool.request.method, method.to_ascii_uppercase());
    }
}

#[test]
fn long_words_are_cut() {
    let words = "ä".repeat(5000);
    let tool = only(&operation(
        "3.0.3",
        "get",
        "/a",
        &format!("summary: {words}\ndescription: {words}b"),
    ));
    assert_eq!(tool.description.chars().count(), 4096);
    assert_eq!(tool.title.unwrap().chars().count(), 120);
}

#[test]
fn a_document_without_a_server_names_the_setting() {
    let relative = "openapi: 3.0.0\nservers: [{url: /v1}]\npaths: {/a: {get: {}}}";
    let error = import(relative, &ImportOptions::default()).unwrap_err();
    assert!(
        matches!(&error, ImportError::NoServer(why) if why.contains("`baseURL`")),
        "{error}"
    );
    // One operation with a server of its own is enough to go on.
    let mixed =
        "openapi: 3.0.0\npaths: {/a: {get: {}}, /b: {get: {}, servers: [{url: 'https://b'}]}}";
    let found = import(mixed, &ImportOptions::default()).unwrap();
    assert_eq!(found.tools[0].endpoint, "https://b");
    assert!(found.left_out[0].reason.contains("`baseURL`"));
    let bad = ImportOptions {
        base_url: Some("shop".into()),
        ..ImportOptions::default()
    };
    assert!(matches!(
        import(relative, &bad),
        Err(ImportError::BaseUrl(_))
    ));
}

#[test]
fn documents_without_operations_are_no_error() {
    for document in [
        "openapi: 3.1.0\nwebhooks: {a: {post: {}}}",
        "swagger: '2.0'\npaths: {}",
        "openapi: 3.0.0\npaths: []",
    ] {
        let found = import(document, &ImportOptions::default()).unwrap();
        assert!(
            found.tools.is_empty() && found.left_out.is_empty(),
            "{document}"
        );
    }
    let found = run("openapi: 3.0.0\npaths: {/a: text, /b: {get: text}, /c: {get: {}}}");
    assert_eq!((found.tools.len(), found.left_out.len()), (1, 1));
}

#[test]
fn json_and_yaml_give_the_same() {
    let root = document::Document::parse(SHOP).unwrap();
    let json = serde_json::to_string_pretty(root.root()).unwrap();
    let (yaml, json) = (
        import(SHOP, &ImportOptions::default()).unwrap(),
        import(&json, &ImportOptions::default()).unwrap(),
    );
    assert_eq!(yaml.tools, json.tools);
    assert_eq!(yaml.left_out, json.left_out);
    assert_ne!(yaml.spec_hash, json.spec_hash);
    assert_eq!(
        spec_hash(""),
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
}

#[test]
fn a_document_as_deep_as_allowed_is_no_stack_overflow() {
    let levels = (crate::limits::JSON_DEPTH_MAX - 10) / 2;
    let schema = format!("{}{}", "{items: ".repeat(levels), "}".repeat(levels));
    for body in [
        format!("requestBody: {{content: {{application/json: {{schema: {schema}}}}}}}"),
        format!("responses: {{200: {{content: {{application/json: {{schema: {schema}}}}}}}}}"),
    ] {
        only(&operation("3.0.3", "post", "/a", &body));
    }
}

#[test]
fn the_command_prints_tools_and_reasons() {
    let printed = |emit_yaml: bool| {
        let options = ImportOptions {
            namespace: Some("tenant-acme".into()),
            ..ImportOptions::default()
        };
        let (mut out, mut err) = (Vec::new(), Vec::new());
        assert!(run_import(SHOP, &options, emit_yaml, &mut out, &mut err).unwrap());
        (
            String::from_utf8(out).unwrap(),
            String::from_utf8(err).unwrap(),
        )
    };
    let (table, report) = printed(false);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines[0], "TOOL              METHOD  PATH          TITLE");
    assert_eq!(
        lines[1],
        "orders_get        GET     /orders/{id}  Get an order"
    );
    assert_eq!(lines.len(), 4);
    assert!(
        report.contains("left out: PATCH /orders/{id}: "),
        "{report}"
    );
    assert!(
        report.contains(" and 2 more: needs an API key in the header `X-Shop-Key`"),
        "{report}"
    );
    assert!(
        report.ends_with("Shop 1.2: 3 tools, 5 operations left out\n"),
        "{report}"
    );

    let (yaml, _) = printed(true);
    let documents: Vec<Value> = serde_saphyr::from_multiple(&yaml).unwrap();
    let tools = import(SHOP, &ImportOptions::default()).unwrap().tools;
    assert_eq!(documents.len(), tools.len());
    for (document, tool) in documents.iter().zip(&tools) {
        assert_eq!(document["apiVersion"], "gostoa.dev/v1alpha1");
        assert_eq!(document["kind"], "Tool");
        assert_eq!(document["metadata"]["namespace"], "tenant-acme");
        let spec: ToolSpec = serde_json::from_value(document["spec"].clone()).unwrap();
        assert_eq!(&spec, tool, "the catalog reads back what was printed");
    }
    assert_eq!(documents[0]["metadata"]["name"], "orders-get");

    let (mut out, mut err) = (Vec::new(), Vec::new());
    assert!(
        !run_import(
            "nonsense",
            &ImportOptions::default(),
            false,
            &mut out,
            &mut err
        )
        .unwrap()
    );
    assert!(out.is_empty());
    assert!(String::from_utf8(err).unwrap().starts_with("error: "));
}

#[test]
fn object_names_are_labels_and_distinct() {
    let document = "openapi: 3.0.0\nservers: [{url: 'https://x'}]\npaths: {/a: {get: {operationId: Get_A}, put: {operationId: get_a}, post: {operationId: '_'}}}";
    let tools = import(document, &ImportOptions::default()).unwrap().tools;
    let mut out = Vec::new();
    emit::write_yaml(&tools, None, &mut out).unwrap();
    let documents: Vec<Value> =
        serde_saphyr::from_multiple(&String::from_utf8(out).unwrap()).unwrap();
    let names: Vec<&str> = documents
        .iter()
        .map(|one| one["metadata"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(names[0], "get-a");
    assert!(
        names
            .iter()
            .all(|name| name.starts_with(char::is_alphanumeric) && name.len() <= 63)
    );
    let distinct: std::collections::HashSet<_> = names.iter().collect();
    assert_eq!(distinct.len(), names.len(), "{names:?}");
    assert!(documents[0]["metadata"].get("namespace").is_none());
}

#[test]
fn one_past_the_operations_of_a_document_is_refused() {
    const METHODS: [&str; 8] = [
        "get", "post", "put", "patch", "delete", "head", "options", "trace",
    ];
    let import_of = |operations: usize| {
        let mut items = Vec::new();
        for first in (0..operations).step_by(METHODS.len()) {
            let methods: Vec<_> = METHODS
                .iter()
                .take(operations - first)
                .map(|method| format!("\"{method}\":{{}}"))
                .collect();
            // Counted, and left aside before it costs anything.
            items.push(format!(
                "\"/{first}\":{{\"x-mcp-ignore\":true,{}}}",
                methods.join(",")
            ));
        }
        let document = format!(
            "{{\"openapi\":\"3.0.0\",\"paths\":{{{}}}}}",
            items.join(",")
        );
        import(&document, &ImportOptions::default())
    };
    assert!(import_of(TOOLS_MAX).is_ok());
    let refused = import_of(TOOLS_MAX + 1);
    assert!(
        matches!(refused, Err(ImportError::TooMany { .. })),
        "{refused:?}"
    );
}
