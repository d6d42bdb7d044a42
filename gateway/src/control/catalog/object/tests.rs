use super::*;

const HEAD: &str = "apiVersion: gostoa.dev/v1alpha1\nkind: Tool\n";

fn file(text: &str) -> ParsedFile {
    parse(Path::new("c/a.yaml"), text)
}

/// What is in the file: objects, then problems.
fn outcome(text: &str) -> String {
    let file = file(text);
    let objects = file.objects.iter().map(|(id, object)| {
        let names: Vec<_> = object.tools().map(|tool| tool.name.as_str()).collect();
        format!("{id} of {} [{}]", object.tenant, names.join(" "))
    });
    let problems = file.problems.iter().map(ToString::to_string);
    objects.chain(problems).collect::<Vec<_>>().join("\n")
}

#[test]
fn objects_are_read_and_named() {
    for (rest, expected) in [
        (
            "metadata: {name: a}\nspec: {endpoint: 'http://a'}",
            "Tool default/a of default [a]",
        ),
        (
            "metadata: {name: get-it, namespace: tenant-acme, labels: {x: y}, uid: u}\nspec: {name: fetch, endpoint: 'http://a'}\nstatus: {phase: Registered}",
            "Tool tenant-acme/get-it of acme [fetch]",
        ),
        (
            "metadata: {name: a}\nspec: {endpoint: 'http://a', enabled: false}",
            "Tool default/a of default []",
        ),
        (
            "metadata: {name: stoa_x, namespace: stoa-system}\nspec: {endpoint: 'http://a'}",
            "Tool stoa-system/stoa_x of stoa-system [stoa_x]",
        ),
        (
            "metadata: {name: get.it}\nspec: {endpoint: 'http://a'}",
            "Tool default/get.it of default [get_it]",
        ),
    ] {
        assert_eq!(outcome(&format!("{HEAD}{rest}")), expected);
    }
    let note = &file(&format!(
        "{HEAD}metadata: {{name: get.it}}\nspec: {{endpoint: 'http://a'}}"
    ))
    .notes[0];
    assert!(
        note.to_string()
            .starts_with("c/a.yaml:4:7: Tool default/get.it: agents see this tool as `get_it`"),
        "{note}"
    );
}

#[test]
fn documents_of_other_kinds_are_no_objects() {
    for text in [
        "openapi: 3.0.0\ninfo: {}\n",
        "{\"swagger\": \"2.0\"}",
        "",
        "# nothing\n---\n",
    ] {
        assert_eq!(outcome(text), "", "{text}");
    }
}

#[test]
fn a_broken_object_costs_no_other() {
    let good = |name| format!("{HEAD}metadata: {{name: {name}}}\nspec: {{endpoint: 'http://a'}}\n");
    let text = format!(
        "{}---\n{HEAD}metadata: {{name: bad}}\nspec: {{endpont: x}}\n---\n: [no yaml\n---\n{}",
        good("a"),
        good("b")
    );
    let file = file(&text);
    assert_eq!(file.objects.len(), 2);
    assert_eq!(
        file.failed,
        [ObjectId {
            kind: Kind::Tool,
            namespace: "default".into(),
            name: "bad".into()
        }]
    );
    assert!(file.has_unknown);
    let places: Vec<_> = file.problems.iter().map(|problem| problem.line).collect();
    assert_eq!(places, [9, 11], "{:?}", file.problems);
}

#[test]
fn every_mistake_is_told_with_file_line_and_hint() {
    let metadata = "metadata: {name: a}\n";
    for (text, expected) in [
        (
            "kind: Tool\n".to_owned(),
            "c/a.yaml:1:1: `apiVersion` is missing (add `apiVersion: gostoa.dev/v1alpha1`)",
        ),
        (
            "# first\napiVersion: v1\nkind: Tool\n".into(),
            "c/a.yaml:2:13: `v1` is not known here (write `gostoa.dev/v1alpha1`)",
        ),
        (
            "apiVersion: gostoa.dev/v1alpha1\n".into(),
            "c/a.yaml:1:1: `kind` is missing",
        ),
        (
            "apiVersion: gostoa.dev/v1alpha1\nkind: Tol\n".into(),
            "c/a.yaml:2:7: `Tol` is no kind (did you mean `Tool`?)",
        ),
        (
            "apiVersion: gostoa.dev/v1alpha1\nkind: Zebra\n".into(),
            "c/a.yaml:2:7: `Zebra` is no kind (one of: Tool, ToolSet)",
        ),
        (
            "apiVersion: gostoa.dev/v1alpha1\nkind: Skill\n".into(),
            "c/a.yaml:2:7: this version does not have the kind `Skill`",
        ),
        (
            "apiVersion: gostoa.dev/v1alpha1\nkind: GuardrailPolicy\n".into(),
            "c/a.yaml:2:7: this version does not have the kind `GuardrailPolicy`",
        ),
        (HEAD.into(), "c/a.yaml:1:1: `metadata.name` is missing"),
        (
            format!("{HEAD}metadata: {{name: ''}}\n"),
            "c/a.yaml:3:18: a name has 1 to 253 characters",
        ),
        (
            format!("{HEAD}metadata: {{name: a, namespace: A}}\n"),
            "c/a.yaml:3:32: `A` is no namespace",
        ),
        (
            format!("{HEAD}metadata: {{name: a, label: {{}}}}\nspec: {{endpoint: 'http://a'}}\n"),
            "c/a.yaml:3:21: Tool default/a: unknown field `label` (did you mean `labels`?)",
        ),
        (
            format!("{HEAD}{metadata}"),
            "Tool default/a: `spec` is missing (add `spec: ...`)",
        ),
        (
            format!("{HEAD}{metadata}spce: {{}}\n"),
            "c/a.yaml:4:1: Tool default/a: unknown field `spce` (did you mean `spec`?)",
        ),
        (
            format!("{HEAD}{metadata}spec: {{endpoint: 'http://a', method: POTS}}\n"),
            "c/a.yaml:4:38: Tool default/a: `POTS` is no method",
        ),
        (
            format!(
                "# one\n---\n# three\n{HEAD}{metadata}spec:\n  endpoint: http://a\n  timout: 1s\n"
            ),
            "c/a.yaml:9:3: Tool default/a: unknown field `timout` (did you mean `timeout`?)",
        ),
        (
            format!(
                "{HEAD}{metadata}spec:\n  endpoint: http://a\n  inputSchema: {{properties: {{a: {{type: strin}}}}}}\n"
            ),
            "c/a.yaml:5:3: Tool default/a: `inputSchema` is no JSON Schema",
        ),
        (
            format!("{HEAD}{metadata}spec:\n  endpoint: http://a/{{id\n"),
            "c/a.yaml:5:3: Tool default/a: ",
        ),
        (
            format!("{HEAD}metadata: {{name: stoa_a}}\nspec: {{endpoint: 'http://a'}}\n"),
            "c/a.yaml:4:7: Tool default/stoa_a: the name `stoa_a` begins with `stoa_`, which belongs to the platform",
        ),
        (
            format!("{HEAD}{metadata}spec: {{name: stoa_b, endpoint: 'http://a'}}\n"),
            "c/a.yaml:4:14: Tool default/a: the name `stoa_b` begins with",
        ),
        ("a: b: c\n".into(), "c/a.yaml:1:"),
        ("\tkind: Tool\n".into(), "c/a.yaml:1:"),
    ] {
        let file = file(&text);
        let found = outcome(&text);
        assert_eq!(
            (file.problems.len(), file.objects.len()),
            (1, 0),
            "{text}\n{found}"
        );
        assert!(found.contains(expected), "{found}\nlacks {expected}");
    }
}

#[test]
fn an_object_is_declared_once() {
    let one = format!("{HEAD}metadata: {{name: a}}\nspec: {{endpoint: 'http://a'}}\n");
    let file = file(&format!("{one}---\n{one}"));
    assert_eq!(file.objects.len(), 1);
    assert_eq!(
        file.problems[0].to_string(),
        "c/a.yaml:6:1: Tool default/a: is declared twice in this file (rename or remove one of them)"
    );
}

#[test]
fn mistakes_of_tool_sets_are_told() {
    let head = "apiVersion: gostoa.dev/v1alpha1\nkind: ToolSet\nmetadata: {name: a}\nspec:\n";
    for (spec, expected) in [
        ("  tools: []", "`openAPISpec` is missing"),
        (
            "  upstream: {url: 'http://a'}",
            "5:13: ToolSet default/a: this version does not have `upstream`",
        ),
        (
            "  openAPISpec: {}",
            "5:16: ToolSet default/a: needs exactly one of `url`, `file` and `inline`",
        ),
        (
            "  openAPISpec: {url: 'http://a', inline: x}",
            "needs exactly one of",
        ),
        (
            "  openAPISpec: {configMapRef: {name: x}}",
            "5:31: ToolSet default/a: names a ConfigMap of a cluster",
        ),
        (
            "  openAPISpec: {secretRef: {name: x}}",
            "names a Secret of a cluster",
        ),
        (
            "  openAPISpec: {url: 'ftp://a'}",
            "5:22: ToolSet default/a: the scheme `ftp` is not http or https",
        ),
        (
            "  openAPISpec: {url: ./missing.json}",
            "5:22: ToolSet default/a: cannot read c/./missing.json",
        ),
        (
            "  openAPISpec: {file: missing.json}",
            "5:23: ToolSet default/a: cannot read c/missing.json",
        ),
        (
            "  openAPISpec: {url: 'http://a', refreshInterval: 1ms}",
            "5:51: ToolSet default/a: must be at least 1000ms",
        ),
        (
            "  openAPISpec: {url: 'http://a', refreshInterval: often}",
            "`often` is no duration",
        ),
        (
            "  openAPISpec: {inline: 'x: y'}",
            "5:16: ToolSet default/a: ",
        ),
        (
            "  openAPISpec: {inline: 1}",
            "`inline` is neither text nor a mapping",
        ),
        (
            "  openAPISpec: {url: 'http://a'}\n  baseURL: nowhere",
            "6:12: ToolSet default/a: the URL has no scheme",
        ),
        (
            "  openAPISpec: {url: 'http://a'}\n  naming: {prefix: a}\n  prefix: b",
            "7:11: ToolSet default/a: `prefix` and `naming.prefix` say different things",
        ),
        (
            "  openAPISpec: {url: 'http://a'}\n  toolDefaults: {timeout: 1h}",
            "6:27: ToolSet default/a: `1h` is not within",
        ),
        (
            "  openAPISpec: {url: 'http://a'}\n  toolDefaults: {authentication: {type: oauth2, secretEnv: T}}",
            "`oauth2` is not in this version",
        ),
        (
            "  openAPISpec: {url: 'http://a'}\n  selectr: {}",
            "6:3: ToolSet default/a: unknown field `selectr` (did you mean `selector`?)",
        ),
    ] {
        let found = outcome(&format!("{head}{spec}\n"));
        assert!(found.contains(expected), "{found}\nlacks {expected}");
    }
}

#[test]
fn a_tool_set_brings_the_tools_of_its_document() {
    let text = "apiVersion: gostoa.dev/v1alpha1\nkind: ToolSet\nmetadata: {name: a, namespace: tenant-acme}\nspec:\n  \
        naming: {prefix: shop_}\n  tools: [shop_one]\n  openAPISpec:\n    inline:\n      openapi: 3.0.0\n      info: {title: t, version: '1'}\n      \
        servers: [{url: 'https://api.example.com'}]\n      paths:\n        /one: {get: {operationId: one, responses: {'200': {description: d}}}}\n        \
        /two: {get: {operationId: two, responses: {'200': {description: d}}}}\n";
    assert_eq!(outcome(text), "ToolSet tenant-acme/a of acme [shop_one]");
    assert_eq!(
        outcome(&text.replace("  tools: [shop_one]\n", "")),
        "ToolSet tenant-acme/a of acme [shop_one shop_two]"
    );
    let found = outcome(&text.replace("shop_one]", "shop_on]"));
    assert!(found.contains("c/a.yaml:6:11: ToolSet tenant-acme/a: the document gives no tool `shop_on` (did you mean `shop_one`?)"), "{found}");
    let platform = file(
        &text
            .replace("prefix: shop_", "prefix: stoa_")
            .replace("  tools: [shop_one]\n", ""),
    );
    assert_eq!(platform.objects.values().next().unwrap().tools().count(), 0);
    assert!(
        platform.notes[0]
            .message
            .starts_with("left out: stoa_one: the name `stoa_one` begins with"),
        "{:?}",
        platform.notes
    );
}
