//! Parameters: where they go, how they are written, what they are called.

use super::*;

fn plans(tool: &ToolSpec) -> Vec<(&str, &str, Location, Style, bool)> {
    tool.request
        .parameters
        .iter()
        .map(|one: &ParameterPlan| {
            (
                one.argument.as_str(),
                one.name.as_str(),
                one.location,
                one.style,
                one.explode,
            )
        })
        .collect()
}

#[test]
fn styles_have_the_defaults_of_their_place() {
    use Location::{Cookie, Header, Path, Query};
    use Style::{DeepObject, Form, Label, Matrix, PipeDelimited, Simple, SpaceDelimited};
    for version in ["3.0.3", "3.1.0"] {
        for (parameter, location, style, explode) in [
            ("in: path", Path, Simple, false),
            ("in: path, explode: true", Path, Simple, true),
            ("in: path, style: label", Path, Label, false),
            ("in: path, style: matrix, explode: true", Path, Matrix, true),
            ("in: path, style: form", Path, Simple, false),
            ("in: query", Query, Form, true),
            ("in: query, explode: false", Query, Form, false),
            ("in: query, style: deepObject", Query, DeepObject, true),
            (
                "in: query, style: spaceDelimited",
                Query,
                SpaceDelimited,
                false,
            ),
            (
                "in: query, style: pipeDelimited, explode: false",
                Query,
                PipeDelimited,
                false,
            ),
            ("in: query, style: matrix", Query, Form, true),
            ("in: header", Header, Simple, false),
            ("in: header, explode: true", Header, Simple, true),
            ("in: cookie", Cookie, Form, true),
        ] {
            let path = if location == Path { "/a/{p}" } else { "/a" };
            let parameters = format!(
                "parameters: [{{name: p, {parameter}, schema: {{type: array, items: {{}}}}}}]"
            );
            let tool = only(&operation(version, "get", path, &parameters));
            assert_eq!(
                plans(&tool),
                [("p", "p", location, style, explode)],
                "{parameter}"
            );
            let required = &tool.request.parameters[0].required;
            assert_eq!(*required, location == Path, "{parameter}");
        }
    }
}

#[test]
fn swagger_collection_formats_have_a_style_or_become_a_text() {
    use Location::{Header, Path, Query};
    use Style::{Form, PipeDelimited, Simple, SpaceDelimited};
    for (parameter, location, style, explode, kind) in [
        ("in: query", Query, Form, false, "array"),
        (
            "in: query, collectionFormat: csv",
            Query,
            Form,
            false,
            "array",
        ),
        (
            "in: query, collectionFormat: multi",
            Query,
            Form,
            true,
            "array",
        ),
        (
            "in: query, collectionFormat: pipes",
            Query,
            PipeDelimited,
            false,
            "array",
        ),
        (
            "in: query, collectionFormat: ssv",
            Query,
            SpaceDelimited,
            false,
            "array",
        ),
        (
            "in: query, collectionFormat: tsv",
            Query,
            Form,
            false,
            "string",
        ),
        (
            "in: header, collectionFormat: csv",
            Header,
            Simple,
            false,
            "array",
        ),
        (
            "in: header, collectionFormat: pipes",
            Header,
            Simple,
            false,
            "string",
        ),
        ("in: path, required: true", Path, Simple, false, "array"),
        (
            "in: path, required: true, collectionFormat: ssv",
            Path,
            Simple,
            false,
            "string",
        ),
    ] {
        let path = if location == Path { "/a/{p}" } else { "/a" };
        let parameters = format!(
            "parameters: [{{name: p, {parameter}, type: array, items: {{type: integer}}}}]"
        );
        let tool = only(&operation("2.0", "get", path, &parameters));
        assert_eq!(
            plans(&tool),
            [("p", "p", location, style, explode)],
            "{parameter}"
        );
        let schema = &tool.input_schema["properties"]["p"];
        assert_eq!(schema["type"], kind, "{parameter}");
        if kind == "string" {
            let words = schema["description"].as_str().unwrap();
            assert!(words.contains("separated by"), "{words}");
        } else {
            assert_eq!(schema["items"], json!({"type": "integer"}));
        }
    }
}

#[test]
fn the_schema_of_a_parameter_is_that_of_its_argument() {
    for (version, parameter, expected) in [
        (
            "3.0.3",
            "schema: {type: integer, maximum: 3}, description: d, deprecated: true",
            json!({"type": "integer", "maximum": 3, "description": "d", "deprecated": true}),
        ),
        (
            "3.0.3",
            "schema: {type: string, description: inner}",
            json!({"type": "string", "description": "inner"}),
        ),
        (
            "3.0.3",
            "description: d",
            json!({"type": "string", "description": "d"}),
        ),
        ("3.1.0", "schema: true", json!({})),
        (
            "3.1.0",
            "schema: {type: string}, x-mcp-header: Region",
            json!({"type": "string", "x-mcp-header": "Region"}),
        ),
        (
            "2.0",
            "type: integer, maximum: 3, description: d, default: 1",
            json!({"type": "integer", "maximum": 3, "description": "d", "default": 1}),
        ),
        (
            "2.0",
            "type: string, enum: [a, b]",
            json!({"type": "string", "enum": ["a", "b"]}),
        ),
        (
            "3.0.3",
            "content: {application/json: {schema: {type: object, properties: {a: {}}}}}",
            json!({"type": "object", "properties": {"a": {}}}),
        ),
        (
            "3.0.3",
            "content: {text/csv: {schema: {type: array}}}",
            json!({"type": "string"}),
        ),
    ] {
        let parameters = format!("parameters: [{{name: p, in: query, {parameter}}}]");
        let tool = only(&operation(version, "get", "/a", &parameters));
        assert_eq!(
            tool.input_schema["properties"]["p"], expected,
            "{parameter}"
        );
        let json_content = parameter.contains("application/json");
        assert_eq!(tool.request.parameters[0].json_content, json_content);
    }
    let tool = only(&operation(
        "3.0.3",
        "get",
        "/a",
        "parameters: [{name: p, in: query, required: true, allowReserved: true}]",
    ));
    assert_eq!(
        tool.input_schema,
        json!({"type": "object", "properties": {"p": {"type": "string"}}, "required": ["p"], "additionalProperties": false})
    );
    assert!(tool.request.parameters[0].allow_reserved);
}

#[test]
fn levels_are_merged_and_the_nearer_one_wins() {
    let document = r"
openapi: 3.1.0
paths:
  /a/{id}:
    parameters:
      - {name: id, in: path, required: true, schema: {type: string}}
      - {name: q, in: query, schema: {type: string}}
      - {name: X-Trace, in: header, schema: {type: string}}
      - {$ref: '#/components/parameters/Page', description: nearer}
    get:
      parameters:
        - {name: q, in: query, required: true, schema: {type: integer}}
        - {name: x-trace, in: header, schema: {type: boolean}}
        - {name: q, in: cookie, schema: {type: boolean}}
components:
  parameters:
    Page: {$ref: '#/components/parameters/Number'}
    Number: {name: page, in: query, description: further, schema: {$ref: '#/components/schemas/N'}}
  schemas:
    N: {type: integer}
";
    let tool = only(document);
    assert_eq!(
        tool.input_schema["properties"],
        json!({
            "id": {"type": "string"},
            "q": {"type": "integer"},
            "page": {"type": "integer", "description": "nearer"},
            "x-trace": {"type": "boolean"},
            "q_cookie": {"type": "boolean", "description": "Sent as the cookie `q`."},
        })
    );
    assert_eq!(tool.input_schema["required"], json!(["id", "q"]));
    assert_eq!(tool.name, "get_a_id");
}

#[test]
fn names_that_models_refuse_are_changed_and_told() {
    let tool = only(&operation(
        "3.0.3",
        "get",
        "/a/{id}",
        "parameters: [{name: id, in: query}, {name: id, in: header}, {name: id, in: path, required: true}, {name: 'filter[status]', in: query}, {name: $top, in: query}, {name: '$', in: query}, {name: id_query, in: query}]",
    ));
    let names: Vec<(&str, &str)> = plans(&tool).iter().map(|one| (one.0, one.1)).collect();
    assert_eq!(
        names,
        [
            ("id", "id"),
            ("id_query", "id"),
            ("filter_status", "filter[status]"),
            ("top", "$top"),
            ("parameter", "$"),
            ("id_query_query", "id_query"),
            ("id_header", "id"),
        ]
    );
    assert_eq!(
        tool.input_schema["properties"]["filter_status"]["description"],
        "Sent as the query parameter `filter[status]`."
    );
    let long = "x".repeat(80);
    let tool = only(&operation(
        "3.0.3",
        "get",
        "/a",
        &format!("parameters: [{{name: {long}, in: query}}, {{name: {long}y, in: query}}]"),
    ));
    let lengths: Vec<usize> = tool
        .request
        .parameters
        .iter()
        .map(|one| one.argument.len())
        .collect();
    assert_eq!(lengths, [64, 64]);
}

#[test]
fn what_a_caller_may_not_set_is_no_argument() {
    for name in [
        "Accept",
        "content-type",
        "Authorization",
        "Host",
        "Content-Length",
        "Transfer-Encoding",
        "Connection",
        "Cookie",
    ] {
        for version in ["2.0", "3.0.3"] {
            let parameters =
                format!("parameters: [{{name: {name}, in: header, required: true, type: string}}]");
            let tool = only(&operation(version, "get", "/a", &parameters));
            assert_eq!(tool.request.parameters, [], "{name}");
        }
    }
    // The credential's own place, too.
    let document = operation(
        "3.0.3",
        "get",
        "/a",
        "parameters: [{name: x-api-key, in: header}, {name: X-API-Key, in: query}]",
    );
    let options = ImportOptions {
        base_url: Some("https://x.io".into()),
        defaults: Defaults {
            credential: serde_saphyr::from_str("{type: apiKey, secretEnv: K}").unwrap(),
            ..Defaults::default()
        },
        ..ImportOptions::default()
    };
    let found = import(&document, &options).unwrap();
    let places: Vec<Location> = found.tools[0]
        .request
        .parameters
        .iter()
        .map(|one| one.location)
        .collect();
    assert_eq!(places, [Location::Query]);
    assert!(matches!(
        found.tools[0].credential,
        Credential::ApiKeyHeader { .. }
    ));
}

#[test]
fn parameters_that_cannot_be_mapped_cost_the_operation_only_where_required() {
    for (version, parameters, part) in [
        ("3.0.3", "[{in: query}]", "no name"),
        ("3.0.3", "[{name: p}]", "does not say where"),
        (
            "3.0.3",
            "[{name: p, in: body, required: true}]",
            "parameter `p`: `in: body` is not known",
        ),
        (
            "3.2.0",
            "[{name: p, in: querystring, required: true}]",
            "`in: querystring` is not known",
        ),
        (
            "3.0.3",
            "[{name: 'a b', in: header, required: true}]",
            "cannot be that of a header",
        ),
        (
            "3.0.3",
            "[{name: p, in: query, required: true, content: {image/png: {}}}]",
            "neither JSON nor text",
        ),
        (
            "3.0.3",
            "[{name: p, in: query, required: true, content: {}}]",
            "is empty",
        ),
        (
            "2.0",
            "[{name: p, in: cookie, required: true}]",
            "no cookie parameters",
        ),
        ("3.0.3", "[{$ref: '#/gone'}]", "names nothing"),
        (
            "3.0.3",
            "[{$ref: 'http://10.0.0.1/p.json'}]",
            "never fetched",
        ),
        ("3.0.3", "[text]", "no object"),
        (
            "3.0.3",
            "[{name: p, in: query, schema: {$ref: '#/gone'}}]",
            "names nothing",
        ),
    ] {
        let reason = refused(&operation(
            version,
            "get",
            "/a",
            &format!("parameters: {parameters}"),
        ));
        assert!(reason.contains(part), "{parameters}: {reason}");
    }
    let import = run(&operation(
        "3.0.3",
        "get",
        "/a",
        "parameters: [{name: p, in: body}, {name: q, in: query}]",
    ));
    assert_eq!(import.tools[0].request.parameters.len(), 1);
    assert!(
        import.notes[0]
            .text
            .contains("optional parameter `p` is left out")
    );
}

#[test]
fn path_parameters_follow_the_template() {
    let import = run(&operation(
        "3.0.3",
        "get",
        "/a/{b}/{c}",
        "parameters: [{name: c, in: path, required: true, schema: {type: integer}}, {name: d, in: path, required: true}]",
    ));
    let tool = &import.tools[0];
    assert_eq!(
        tool.input_schema["properties"],
        json!({"c": {"type": "integer"}, "b": {"type": "string"}})
    );
    assert_eq!(tool.input_schema["required"], json!(["c", "b"]));
    let notes: Vec<&str> = import.notes.iter().map(|note| note.text.as_str()).collect();
    assert!(
        notes[0].contains("no `{d}`") && notes[1].contains("no parameter `b`"),
        "{notes:?}"
    );

    for (path, expected) in [
        ("/a?fixed=1", Ok("/a?fixed=1")),
        ("/a#Action=x", Ok("/a")),
        ("/a/{id}:cancel", Ok("/a/{id}:cancel")),
        ("/a b", Err("characters")),
        ("/a/{id", Err("braces")),
        ("/a/{}", Err("braces")),
        ("/a}/{b", Err("braces")),
        ("/a/{b{c}}", Err("braces")),
        ("/a/{b}/{b}", Err("twice")),
        ("/a?b={c}", Err("query parameter")),
        ("/a/../b", Err("`..`")),
        ("a", Err("begin with `/`")),
    ] {
        let document = operation("3.0.3", "get", path, "{}").replace("      {}\n", "");
        match expected {
            Ok(sent) => assert_eq!(only(&document).request.path, sent),
            Err(part) => {
                let reason = refused(&document);
                assert!(reason.contains(part), "{path}: {reason}");
            }
        }
    }
}
