//! Bodies: which content type, spread over the arguments or one argument, and how members are
//! written.

use super::*;
use crate::control::spec::{JsonBody, PropertyEncoding};

fn body_of(version: &str, body: &str) -> ToolSpec {
    only(&operation(version, "post", "/a", body))
}

fn json_body(schema: &str, required: bool) -> ToolSpec {
    body_of(
        "3.0.3",
        &format!(
            "requestBody: {{required: {required}, description: The body., content: {{application/json: {{schema: {schema}}}}}}}"
        ),
    )
}

#[test]
fn object_bodies_are_spread_where_that_is_unambiguous() {
    for (schema, required, spread) in [
        (
            "{type: object, required: [a], properties: {a: {type: string}, b: {}}}",
            true,
            true,
        ),
        (
            "{properties: {a: {}}, title: T, example: {a: 1}}",
            true,
            true,
        ),
        ("{properties: {a: {}}}", false, true),
        (
            "{allOf: [{properties: {a: {}}}, {properties: {b: {}}}]}",
            true,
            true,
        ),
        (
            "{properties: {a: {}}, additionalProperties: {type: string}}",
            true,
            true,
        ),
        // Leaving all members out would not be the same as leaving the body out.
        ("{required: [a], properties: {a: {}}}", false, false),
        // Something beside the members matters.
        ("{properties: {a: {}}, minProperties: 1}", true, false),
        (
            "{properties: {a: {}}, anyOf: [{required: [a]}]}",
            true,
            false,
        ),
        (
            "{oneOf: [{properties: {a: {}}}, {properties: {b: {}}}]}",
            true,
            false,
        ),
        (
            "{type: object, nullable: true, properties: {a: {}}}",
            true,
            false,
        ),
        ("{required: [z], properties: {a: {}}}", true, false),
        // Nothing to spread.
        ("{type: object}", true, false),
        ("{type: object, additionalProperties: true}", true, false),
        ("{type: array, items: {}}", true, false),
        ("{type: string}", true, false),
        ("{}", true, false),
        // A name that models do not take.
        ("{properties: {'@type': {}}}", true, false),
        ("{properties: {'': {}}}", true, false),
    ] {
        let tool = json_body(schema, required);
        let source = match spread {
            true => BodySource::WholeArguments,
            false => BodySource::Argument("body".into()),
        };
        let plan = BodyPlan::Json(JsonBody {
            source,
            content_type: "application/json".into(),
        });
        assert_eq!(tool.request.body, plan, "{schema}");
        let properties = tool.input_schema["properties"].as_object().unwrap();
        assert_eq!(properties.contains_key("body"), !spread, "{schema}");
        if !spread {
            assert_eq!(properties["body"]["description"], "The body.");
            let names = tool.input_schema.get("required");
            assert_eq!(names.is_some(), required, "{schema}");
        }
    }
    assert_eq!(
        json_body("{type: object, required: [a], properties: {a: {type: string}, b: {}}, additionalProperties: {type: string}}", true).input_schema,
        json!({
            "type": "object",
            "properties": {"a": {"type": "string"}, "b": {}},
            "required": ["a"],
            "additionalProperties": {"type": "string"},
        })
    );
}

#[test]
fn a_clash_keeps_the_body_together() {
    let tool = only(&operation(
        "3.1.0",
        "put",
        "/a/{id}",
        "parameters: [{name: id, in: path, required: true}, {name: body, in: query}]\nrequestBody: {required: true, content: {application/json: {schema: {properties: {id: {}}}}}}",
    ));
    let names: Vec<&String> = tool.input_schema["properties"]
        .as_object()
        .unwrap()
        .keys()
        .collect();
    assert_eq!(names, ["id", "body", "body_content"]);
    assert_eq!(
        tool.request.body,
        BodyPlan::Json(JsonBody {
            source: BodySource::Argument("body_content".into()),
            content_type: "application/json".into(),
        })
    );
    assert_eq!(tool.input_schema["required"], json!(["id", "body_content"]));
}

#[test]
fn recursive_bodies_bring_their_definitions() {
    let document = r"
openapi: 3.0.3
paths:
  /a:
    post:
      requestBody: {$ref: '#/components/requestBodies/Node'}
components:
  requestBodies:
    Node: {required: true, content: {application/json: {schema: {$ref: '#/components/schemas/Node'}}}}
  schemas:
    Node: {type: object, properties: {next: {$ref: '#/components/schemas/Node'}, n: {type: integer}}}
";
    let tool = only(document);
    assert_eq!(
        tool.input_schema["properties"]["next"],
        json!({"$ref": "#/$defs/Node"})
    );
    let validator = jsonschema::draft202012::new(&tool.input_schema).unwrap();
    assert!(validator.is_valid(&json!({"n": 1, "next": {"next": {"n": 2}}})));
    assert!(!validator.is_valid(&json!({"next": {"next": {"n": "2"}}})));
}

#[test]
fn the_content_type_that_models_write_best_is_taken() {
    for (types, expected) in [
        ("application/xml, application/json", "application/json"),
        (
            "application/vnd.x+json, application/json; charset=utf-8",
            "application/json; charset=utf-8",
        ),
        (
            "application/octet-stream, application/merge-patch+json",
            "application/merge-patch+json",
        ),
        ("'*/*', text/plain", "application/json"),
        (
            "multipart/form-data, application/x-www-form-urlencoded",
            "form",
        ),
        (
            "application/pdf, multipart/form-data, text/plain",
            "multipart",
        ),
        ("application/pdf, text/csv", "text/csv"),
        ("application/xml", "application/xml"),
        ("image/*", "application/octet-stream"),
        ("image/png", "image/png"),
        ("multipart/mixed, application/pdf", "application/pdf"),
    ] {
        let content: Vec<String> = types
            .split(", ")
            .map(|one| format!("{one}: {{schema: {{properties: {{a: {{}}}}}}}}"))
            .collect();
        let body = format!(
            "requestBody: {{required: true, content: {{{}}}}}",
            content.join(", ")
        );
        let tool = body_of("3.0.3", &body);
        let found = match &tool.request.body {
            BodyPlan::Json(body) => &body.content_type,
            BodyPlan::Text(body) => &body.content_type,
            BodyPlan::Binary(body) => &body.content_type,
            BodyPlan::Form(_) => "form",
            BodyPlan::Multipart(_) => "multipart",
            BodyPlan::None => "none",
        };
        assert_eq!(found, expected, "{types}");
    }
    let post = |body: &str| operation("3.0.3", "post", "/a", &format!("requestBody: {body}"));
    for (body, part) in [
        (
            "{required: true, content: {multipart/mixed: {}}}",
            "can only be multipart/mixed",
        ),
        ("{required: true, content: {}}", "no content type"),
        ("{$ref: '#/gone'}", "request body: `$ref`"),
        (
            "{content: {multipart/form-data: {schema: {type: array, items: {type: string}}}}}",
            "no object",
        ),
        (
            "{content: {\"application/x\\u00e4\": {}}}",
            "characters that a header",
        ),
    ] {
        let reason = refused(&post(body));
        assert!(reason.contains(part), "{body}: {reason}");
    }
    for body in [
        "{content: {}}",
        "{content: {application/json: {schema: {type: object, properties: {}}}}}",
    ] {
        assert_eq!(only(&post(body)).request.body, BodyPlan::None, "{body}");
    }
    // GET has no body, whatever the document says.
    let get = |required: bool| {
        let body = format!(
            "requestBody: {{required: {required}, content: {{application/json: {{schema: {{properties: {{q: {{}}}}}}}}}}}}"
        );
        operation("3.0.3", "get", "/a", &body)
    };
    assert_eq!(only(&get(false)).request.body, BodyPlan::None);
    assert!(refused(&get(true)).contains("GET has no body"));
}

#[test]
fn texts_and_bytes_are_one_argument() {
    let tool = body_of(
        "3.0.3",
        "requestBody: {content: {text/plain: {schema: {type: string, maxLength: 9}}}}",
    );
    assert_eq!(
        tool.input_schema["properties"],
        json!({"body": {"type": "string", "maxLength": 9, "description": "The request's body (text/plain)."}})
    );
    let tool = body_of(
        "3.0.3",
        "requestBody: {required: true, content: {application/xml: {schema: {type: object}}}}",
    );
    assert_eq!(tool.input_schema["properties"]["body"]["type"], "string");
    let tool = body_of(
        "3.1.0",
        "requestBody: {required: true, description: A picture., content: {image/png: {}}}",
    );
    assert_eq!(
        tool.input_schema["properties"]["body"],
        json!({"type": "string", "contentEncoding": "base64", "description": "A picture."})
    );
    assert!(matches!(tool.request.body, BodyPlan::Binary(_)));
}

#[test]
fn base64_that_the_document_asks_for_is_not_undone() {
    for (version, schema) in [
        ("3.0.3", "{type: string, format: byte}"),
        ("3.1.0", "{type: string, contentEncoding: base64}"),
    ] {
        let body = format!(
            "requestBody: {{required: true, content: {{image/jpeg: {{schema: {schema}}}}}}}"
        );
        let tool = body_of(version, &body);
        let argument = &tool.input_schema["properties"]["body"];
        assert_eq!(argument["contentEncoding"], "base64");
        let BodyPlan::Text(body) = &tool.request.body else {
            panic!("no text: {:?}", tool.request.body);
        };
        assert_eq!(body.content_type, "image/jpeg");
    }
}

/// The encodings of a form with one property, as `style explode content-type file`.
fn encoding(version: &str, media_type: &str, schema: &str, encoding: &str) -> String {
    let body = format!(
        "requestBody: {{required: true, content: {{{media_type}: {{schema: {{type: object, properties: {{p: {schema}}}}}, encoding: {{p: {encoding}}}}}}}}}"
    );
    let tool = body_of(version, &body);
    let (BodyPlan::Form(crate::control::spec::FormBody { encodings, .. })
    | BodyPlan::Multipart(crate::control::spec::MultipartBody { encodings, .. })) =
        &tool.request.body
    else {
        panic!("no form: {:?}", tool.request.body);
    };
    match encodings.as_slice() {
        [] => "default".into(),
        [one] => describe(one),
        _ => panic!("one property: {encodings:?}"),
    }
}

fn describe(one: &PropertyEncoding) -> String {
    let mut words = format!("{:?} {}", one.style, one.explode);
    if let Some(content_type) = &one.content_type {
        words.push_str(&format!(" {content_type}"));
    }
    if one.file {
        words.push_str(" file");
    }
    if one.allow_reserved {
        words.push_str(" reserved");
    }
    words
}

#[test]
fn members_of_forms_are_written_as_the_document_says() {
    let form = "application/x-www-form-urlencoded";
    for (schema, given, expected) in [
        ("{type: string}", "{}", "default"),
        ("{type: array, items: {}}", "{}", "default"),
        ("{type: array, items: {}}", "{explode: false}", "Form false"),
        (
            "{type: array, items: {}}",
            "{style: pipeDelimited}",
            "PipeDelimited false",
        ),
        (
            "{type: array, items: {}}",
            "{style: spaceDelimited, explode: false}",
            "SpaceDelimited false",
        ),
        (
            "{type: object}",
            "{style: deepObject, explode: true}",
            "DeepObject true",
        ),
        ("{type: object}", "{style: form}", "default"),
        ("{type: object}", "{}", "Form true application/json"),
        (
            "{type: string}",
            "{contentType: application/json}",
            "Form true application/json",
        ),
        (
            "{type: string}",
            "{allowReserved: true}",
            "Form true reserved",
        ),
    ] {
        assert_eq!(
            encoding("3.0.3", form, schema, given),
            expected,
            "{schema} {given}"
        );
    }
    let multipart = "multipart/form-data";
    for (version, schema, given, expected) in [
        ("3.0.3", "{type: string}", "{}", "default"),
        (
            "3.0.3",
            "{type: string, format: binary}",
            "{}",
            "Form true application/octet-stream file",
        ),
        (
            "3.0.3",
            "{type: array, items: {type: string, format: binary}}",
            "{}",
            "Form true application/octet-stream file",
        ),
        (
            "3.0.3",
            "{type: string, format: binary}",
            "{contentType: 'image/*, image/png'}",
            "Form true image/png file",
        ),
        (
            "3.0.3",
            "{type: string}",
            "{contentType: image/png}",
            "Form true image/png file",
        ),
        (
            "3.0.3",
            "{type: object}",
            "{contentType: application/json}",
            "Form true application/json",
        ),
        ("3.0.3", "{type: string, format: byte}", "{}", "default"),
        (
            "3.1.0",
            "{type: string, contentMediaType: image/png}",
            "{}",
            "Form true image/png file",
        ),
        (
            "3.1.0",
            "{type: string, contentMediaType: image/png, contentEncoding: base64}",
            "{}",
            "Form true image/png",
        ),
        (
            "3.1.0",
            "{}",
            "{}",
            "Form true application/octet-stream file",
        ),
        (
            "3.1.0",
            "{}",
            "{contentType: text/plain}",
            "Form true text/plain",
        ),
    ] {
        assert_eq!(
            encoding(version, multipart, schema, given),
            expected,
            "{version} {schema} {given}"
        );
    }
    let tool = body_of(
        "3.0.3",
        "requestBody: {required: true, content: {multipart/form-data: {schema: {type: object, properties: {p: {type: string, format: binary, description: A file}}}}}}",
    );
    assert_eq!(
        tool.input_schema["properties"]["p"],
        json!({"type": "string", "contentEncoding": "base64", "description": "A file (base64)"})
    );
}

#[test]
fn swagger_bodies_and_forms() {
    let post = |object: &str| only(&operation("2.0", "post", "/a", object));
    let tool = post(
        "parameters: [{name: anything, in: body, required: true, schema: {type: object, required: [a], properties: {a: {}}}}]",
    );
    assert_eq!(tool.input_schema["required"], json!(["a"]));
    assert!(
        matches!(&tool.request.body, BodyPlan::Json(body) if body.source == BodySource::WholeArguments)
    );

    let tool = post(
        "consumes: [application/xml]\nparameters: [{name: b, in: body, schema: {type: object}}]",
    );
    assert!(
        matches!(&tool.request.body, BodyPlan::Text(body) if body.content_type == "application/xml")
    );

    let tool = post(
        "parameters: [{name: a, in: formData, type: array, items: {type: string}, required: true}, {name: b, in: formData, type: array, items: {}, collectionFormat: multi}, {name: c, in: formData, type: array, items: {}, collectionFormat: tsv}, {name: q, in: query, type: string}]",
    );
    let BodyPlan::Form(form) = &tool.request.body else {
        panic!("{:?}", tool.request.body);
    };
    let texts: Vec<String> = form.encodings.iter().map(describe).collect();
    assert_eq!(texts, ["Form false"], "`a` alone: csv is the default there");
    let names: Vec<&String> = tool.input_schema["properties"]
        .as_object()
        .unwrap()
        .keys()
        .collect();
    assert_eq!(names, ["q", "a", "b", "c"]);
    assert_eq!(tool.input_schema["properties"]["c"]["type"], "string");
    assert_eq!(tool.input_schema["required"], json!(["a"]));

    let tool = post(
        "consumes: [application/x-www-form-urlencoded]\nparameters: [{name: f, in: formData, type: file}, {name: n, in: formData, type: integer}]",
    );
    let BodyPlan::Multipart(form) = &tool.request.body else {
        panic!("files need multipart: {:?}", tool.request.body);
    };
    let texts: Vec<String> = form.encodings.iter().map(describe).collect();
    assert_eq!(texts[0], "Form true application/octet-stream file");
    assert_eq!(
        tool.input_schema["properties"]["f"]["contentEncoding"],
        "base64"
    );
}
