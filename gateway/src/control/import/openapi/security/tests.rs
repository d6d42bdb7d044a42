use super::*;

const SCHEMES: &str = "openapi: 3.0.0\ncomponents: {securitySchemes: {\
    key: {type: apiKey, in: query, name: api_key}, head: {type: apiKey, in: header, name: X-K}, \
    cookie: {type: apiKey, in: cookie, name: sid}, id: {type: apiKey, in: header, name: X-Id}, \
    swagger: {type: apiKey, in: header, name: authorization}, basic: {type: http, scheme: Basic}, bearer: {type: http, scheme: bearer}, \
    oauth: {type: oauth2, flows: {}}, oidc: {type: openIdConnect}, \
    alias: {$ref: '#/components/securitySchemes/key'}, \
    tls: {type: mutualTLS}, digest: {type: http, scheme: digest}, odd: {type: apiKey}}}\n";

/// The credential's `Debug` text and the note of an operation with this `security`.
fn check(security: &str, configured: &str, expected: &str, note: &str) {
    let document = Document::parse(&format!("{SCHEMES}{security}")).unwrap();
    let resolver = Resolver::new(document.root(), None);
    let configured: Authentication = serde_saphyr::from_str(configured).unwrap();
    let security = Security::new(&document, &resolver, &configured).unwrap();
    let empty = Map::new();
    let operation = document.get("o").and_then(Value::as_object);
    let (credential, found) = security.credential(operation.unwrap_or(&empty));
    assert!(
        format!("{credential:?}").contains(expected),
        "{credential:?} lacks {expected}"
    );
    match (note, found) {
        ("", None) => {}
        ("", Some(found)) => panic!("unexpected note {found}"),
        (note, found) => assert!(
            found.as_deref().unwrap_or_default().contains(note),
            "{found:?} lacks {note}"
        ),
    }
}

#[test]
fn the_document_places_an_api_key() {
    let key = "{type: apiKey, secretEnv: K}";
    check(
        "security: [{key: []}]",
        key,
        "ApiKeyQuery { name: \"api_key\"",
        "",
    );
    check(
        "security: [{alias: []}]",
        key,
        "ApiKeyQuery { name: \"api_key\"",
        "",
    );
    check(
        "security: [{key: []}]\no: {security: [{head: []}]}",
        key,
        "ApiKeyHeader { name: \"X-K\"",
        "",
    );
    check(
        "security: [{bearer: []}, {cookie: []}]",
        key,
        "ApiKeyCookie { name: \"sid\"",
        "",
    );
    check(
        "security: [{key: []}]",
        "{type: apiKey, secretEnv: K, headerName: X-Mine}",
        "ApiKeyHeader { name: \"X-Mine\"",
        "",
    );
    check("", key, "ApiKeyQuery { name: \"api_key\"", "");
    check(
        "security: [{head: [], id: []}]",
        key,
        "X-K",
        "and an API key in the header `X-Id`, and one",
    );
}

#[test]
fn the_operator_decides_and_is_told() {
    let bearer = "{type: bearer, secretEnv: T}";
    for security in ["bearer", "oauth", "oidc"] {
        check(
            &format!("security: [{{{security}: []}}]"),
            bearer,
            "Bearer",
            "",
        );
    }
    check(
        "security: [{basic: []}]",
        "{type: basic, secretEnv: T}",
        "Basic",
        "",
    );
    check("", bearer, "Bearer", "");
    // One token for two schemes, and the way in which Swagger spells a bearer token.
    check("security: [{oauth: [], oidc: []}]", bearer, "Bearer", "");
    check(
        "security: [{oauth: [], oidc: []}, {bearer: []}]",
        "{}",
        "None",
        "needs a bearer token, and no",
    );
    check("security: [{swagger: []}]", bearer, "Bearer", "");
    check("security: [{}, {key: []}]", bearer, "Bearer", "");
    check("security: [{key: []}]", bearer, "Bearer", "another kind");
    check(
        "security: [{tls: []}, {digest: []}, {odd: []}, {gone: []}]",
        bearer,
        "Bearer",
        "`tls`, or `digest`, or `odd`, or `gone`",
    );
    check(
        "security: [{bearer: []}]\no: {security: []}",
        bearer,
        "None",
        "",
    );
    check(
        "security: [{bearer: []}]",
        "{}",
        "None",
        "needs a bearer token, and no credential",
    );
    check("security: [{bearer: []}, {}]", "{}", "None", "");
    check("", "{}", "None", "");
}

#[test]
fn a_credential_without_a_secret_is_an_error() {
    let document = Document::parse(SCHEMES).unwrap();
    let resolver = Resolver::new(document.root(), None);
    let configured: Authentication = serde_saphyr::from_str("{type: bearer}").unwrap();
    let error = Security::new(&document, &resolver, &configured).unwrap_err();
    assert!(error.to_string().contains("secretFile"), "{error}");
}
