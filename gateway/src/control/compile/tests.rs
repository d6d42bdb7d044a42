use std::fmt::Write as _;
use std::fs;
use std::time::SystemTime;

use tempfile::TempDir;

use super::*;
use crate::control::settings::{Layers, resolve};
use crate::limit::LimitScope;
use crate::limits::TOOL_NAME_CHARS_MAX;
use crate::snapshot::tenant::TenantId;

/// A catalog of one file, compiled as control does.
struct Bench {
    root: TempDir,
    directory: Directory,
    settings: Settings,
    keyed: Keyed,
    secrets: Secrets,
}

impl Bench {
    fn new(flags: &[(&str, &str)], yaml: &str) -> Self {
        let flags = flags
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        let settings = resolve(&mut Layers::new(
            &flags,
            &std::collections::BTreeMap::new(),
            None,
        ))
        .unwrap();
        let root = tempfile::tempdir().unwrap();
        let directory = Directory::new(root.path());
        let mut bench = Self {
            root,
            directory,
            settings,
            keyed: Keyed::default(),
            secrets: Secrets::default(),
        };
        bench.write(yaml);
        bench
    }

    #[allow(clippy::disallowed_methods, reason = "a test of files")]
    fn write(&mut self, yaml: &str) {
        fs::write(self.root.path().join("c.yaml"), yaml).unwrap();
        self.directory.scan(SystemTime::now());
        let problems: Vec<_> = self.directory.problems().collect();
        assert!(problems.is_empty(), "{problems:?}");
    }

    fn compile(&mut self) -> (Snapshot, Vec<String>) {
        self.secrets.begin();
        let inputs = Inputs {
            settings: &self.settings,
            directory: Some(&self.directory),
            keys: None,
            hash_secret: None,
            issuers: None,
            generation: 1,
            now_ns: 0,
        };
        let (snapshot, problems) = compile(inputs, &mut self.keyed, &mut self.secrets).unwrap();
        self.secrets.end();
        let root = format!("{}/", self.root.path().display());
        (
            snapshot,
            problems
                .iter()
                .map(|problem| problem.to_string().replace(&root, ""))
                .collect(),
        )
    }
}

/// Tools as `namespace/object: spec` lines.
fn catalog(tools: &[&str]) -> String {
    let mut yaml = String::new();
    for tool in tools {
        let (object, spec) = tool.split_once(": ").unwrap();
        let (namespace, name) = object.split_once('/').unwrap();
        let _ = write!(
            yaml,
            "---\napiVersion: gostoa.dev/v1alpha1\nkind: Tool\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {spec}\n"
        );
    }
    yaml
}

/// Full names in the order of the snapshot.
fn names(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.tools.iter().map(|tool| &*tool.full_name).collect()
}

#[test]
fn every_table_finds_every_tool() {
    let yaml = catalog(&[
        "tenant-b/x: {endpoint: 'http://a'}",
        "a/z: {endpoint: 'http://a'}",
        "a/y: {endpoint: 'http://a', name: renamed}",
        "tenant-a/w: {endpoint: 'http://a'}",
        "stoa-system/shared: {endpoint: 'http://a'}",
    ]);
    let (snapshot, problems) = Bench::new(&[], &yaml).compile();
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(
        names(&snapshot),
        [
            "a__renamed",
            "a__w",
            "a__z",
            "b__x",
            "shared",
            "stoa_catalog",
            "stoa_usage"
        ],
        "by tenant, then by name, whatever the order of the files"
    );
    assert_eq!(&*snapshot.tenant(TenantId::PLATFORM).name, "stoa-system");
    for (id, tool) in (0..).map(ToolId).zip(&snapshot.tools) {
        let tenant = snapshot.tenant(tool.tenant);
        assert_eq!(snapshot.tools_by_full_name[&tool.full_name], id);
        assert_eq!(tenant.tools_by_name[&tool.name], id);
        assert!(tenant.tools.contains(&id));
        assert_eq!(snapshot.tenants_by_name[&*tenant.name], tool.tenant);
    }
    assert!(
        snapshot.keys.anonymous.is_some(),
        "no keys file is anonymous access"
    );
    assert_eq!(
        &*snapshot
            .tenant(snapshot.keys.anonymous.as_ref().unwrap().tenant)
            .name,
        "default"
    );
}

#[test]
fn names_that_collide_are_told_apart_and_reported() {
    let yaml = catalog(&[
        "tenant-a/second: {endpoint: 'http://a', name: same}",
        "tenant-a/first: {endpoint: 'http://a', name: same}",
        "a/first: {endpoint: 'http://a', name: same}",
        "tenant-b/first: {endpoint: 'http://a', name: same}",
        "stoa-system/x: {endpoint: 'http://a', name: stoa_catalog}",
    ]);
    let (snapshot, problems) = Bench::new(&[], &yaml).compile();
    assert_eq!(problems.len(), 3, "{problems:?}");
    assert!(problems[0].starts_with("c.yaml:22:1: Tool stoa-system/x: the name `stoa_catalog` is taken in the tenant `stoa-system`"), "{problems:?}");
    let renamed = snapshot
        .tools
        .iter()
        .filter(|tool| tool.name.starts_with("same-"))
        .count();
    assert_eq!((snapshot.tools.len(), renamed), (7, 2));
    assert!(matches!(
        snapshot
            .tool(snapshot.tools_by_full_name["stoa_catalog"])
            .backend,
        Backend::Catalog
    ));
    // What one object is called does not depend on the order, nor on others that come later.
    let parts: Vec<_> = yaml
        .split("---\n")
        .filter(|part| !part.is_empty())
        .collect();
    let reversed: String = parts
        .iter()
        .rev()
        .map(|part| format!("---\n{part}"))
        .collect();
    let (other, _) = Bench::new(&[], &reversed).compile();
    assert_eq!(names(&other), names(&snapshot));
    assert_eq!(other.catalog_version, snapshot.catalog_version);
}

#[test]
fn full_names_are_cut_and_stay_unique() {
    let long = "n".repeat(TOOL_NAME_CHARS_MAX);
    let yaml = catalog(&[
        &format!("tenant-a/{long}: {{endpoint: 'http://a'}}"),
        &format!("tenant-b/{long}: {{endpoint: 'http://a'}}"),
    ]);
    let (snapshot, problems) = Bench::new(&[], &yaml).compile();
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(snapshot.tools_by_full_name.len(), 4);
    assert!(
        snapshot
            .tools
            .iter()
            .all(|tool| tool.full_name.len() <= TOOL_NAME_CHARS_MAX)
    );
    assert_eq!(&*snapshot.tools[0].name, long);
}

#[test]
fn an_object_of_two_files_counts_once() {
    let mut bench = Bench::new(
        &[],
        &catalog(&["a/x: {endpoint: 'http://a', description: first}"]),
    );
    fs::write(
        bench.root.path().join("d.yaml"),
        catalog(&["a/x: {endpoint: 'http://a', description: second}"]),
    )
    .unwrap();
    bench.write(&catalog(&[
        "a/x: {endpoint: 'http://a', description: first}",
    ]));
    let (snapshot, problems) = bench.compile();
    assert_eq!(
        &*snapshot
            .tool(snapshot.tools_by_full_name["a__x"])
            .description,
        "first"
    );
    assert_eq!(problems.len(), 1);
    assert!(
        problems[0].starts_with("d.yaml:2:1: Tool a/x: is declared in ")
            && problems[0].contains("c.yaml:2, too"),
        "{problems:?}"
    );
}

#[test]
fn upstreams_are_shared_by_origin_and_permission() {
    let yaml = catalog(&[
        "a/a: {endpoint: 'http://host/one'}",
        "a/b: {endpoint: 'http://HOST:80/two'}",
        "a/c: {endpoint: 'https://host/'}",
        "a/d: {endpoint: 'http://host:81/'}",
        "a/e: {endpoint: 'http://host/', upstreamAllow: [10.0.0.0/8]}",
        "b/f: {endpoint: 'http://host/', upstreamAllow: [10.0.0.0/8, 127.0.0.0/8]}",
        "b/g: {endpoint: 'http://host/', upstreamAllow: [127.0.0.0/8]}",
        "b/h: {endpoint: 'http://127.0.0.1:1/'}",
    ]);
    let (snapshot, _) = Bench::new(&[("upstream_allow", "127.0.0.0/8")], &yaml).compile();
    let upstreams: Vec<_> = snapshot
        .upstreams
        .iter()
        .map(|upstream| format!("{} allow {:?}", upstream.key, upstream.allow))
        .collect();
    assert_eq!(
        upstreams,
        [
            "http://host:80 allow [127.0.0.0/8]",
            "https://host:443 allow [127.0.0.0/8]",
            "http://host:81 allow [127.0.0.0/8]",
            "http://host:80 10.0.0.0/8 allow [127.0.0.0/8, 10.0.0.0/8]",
            "http://127.0.0.1:1 allow [127.0.0.0/8]",
        ],
        "who may reach a private range shares no connection with who may not"
    );
    let [plain, .., wide, literal] = &snapshot.upstreams[..] else {
        panic!()
    };
    assert!(
        Arc::ptr_eq(&plain.addresses, &wide.addresses),
        "the name is looked up once"
    );
    assert_eq!(
        literal.addresses.load().len(),
        1,
        "an address needs no lookup"
    );
    assert_eq!(
        (&*plain.authority, &*snapshot.upstreams[2].authority),
        ("host", "host:81")
    );
}

#[test]
fn state_outlives_a_snapshot() {
    let yaml = |rate| {
        catalog(&[&format!(
            "a/x: {{endpoint: 'http://host', rateLimit: '{rate}'}}"
        )])
    };
    let mut bench = Bench::new(&[("tenant_limits", "a=60/min:1")], &yaml("60/min:2"));
    let (first, _) = bench.compile();
    let tool = |snapshot: &Snapshot| {
        Arc::clone(
            snapshot
                .tool(snapshot.tools_by_full_name["a__x"])
                .bucket
                .as_ref()
                .unwrap(),
        )
    };
    tool(&first).take(0, LimitScope::Tool).unwrap();
    tool(&first).take(0, LimitScope::Tool).unwrap();
    bench.write(&yaml("60/min:3"));
    let (second, _) = bench.compile();
    tool(&second).take(0, LimitScope::Tool).unwrap();
    tool(&second).take(0, LimitScope::Tool).unwrap_err();
    let tenant = |snapshot: &Snapshot| {
        Arc::clone(
            snapshot
                .tenant(snapshot.tenants_by_name["a"])
                .bucket
                .as_ref()
                .unwrap(),
        )
    };
    assert!(Arc::ptr_eq(&tenant(&first), &tenant(&second)));
    assert!(Arc::ptr_eq(&first.tools[0].usage, &second.tools[0].usage));
    assert!(
        Arc::ptr_eq(&first.tools[0].arguments, &second.tools[0].arguments)
            || first.tools[0].bucket.is_some()
    );
    drop((first, second));
    bench.write("");
    let (third, _) = bench.compile();
    bench.keyed.sweep();
    drop(third);
    bench.write(&yaml("60/min:2"));
    let (fourth, _) = bench.compile();
    tool(&fourth).take(0, LimitScope::Tool).unwrap();
}

#[test]
fn versions_change_when_and_only_when_a_list_does() {
    let version = |tools: &[&str]| {
        let (snapshot, _) = Bench::new(&[], &catalog(tools)).compile();
        let tenant = |name| {
            snapshot
                .tenants_by_name
                .get(name)
                .map_or(0, |id| snapshot.tenant(*id).catalog_version)
        };
        (snapshot.catalog_version, tenant("a"), tenant("b"))
    };
    let base = version(&["a/x: {endpoint: 'http://a'}", "b/y: {endpoint: 'http://a'}"]);
    assert_eq!(
        base,
        version(&[
            "b/y: {endpoint: 'http://other'}",
            "a/x: {endpoint: 'http://a', rateLimit: 1/min}"
        ])
    );
    let described = version(&[
        "a/x: {endpoint: 'http://a', description: d}",
        "b/y: {endpoint: 'http://a'}",
    ]);
    assert!(described.0 != base.0 && described.1 != base.1 && described.2 == base.2);
    let renamed = version(&["a/z: {endpoint: 'http://a'}", "b/y: {endpoint: 'http://a'}"]);
    assert!(renamed.0 != base.0 && renamed.1 != base.1 && renamed.2 == base.2);
    let moved = version(&["b/x: {endpoint: 'http://a'}", "a/y: {endpoint: 'http://a'}"]);
    assert!(moved.0 != base.0);
}

#[test]
fn a_secret_that_cannot_be_read_costs_its_tool_alone() {
    let yaml = catalog(&[
        "a/x: {endpoint: 'http://a', authentication: {type: bearer, secretFile: token}}",
        "a/y: {endpoint: 'http://a', authentication: {type: bearer, secretEnv: NO_SUCH_VARIABLE_ANYWHERE}}",
        "a/z: {endpoint: 'http://a'}",
    ]);
    let mut bench = Bench::new(&[], &yaml);
    let (snapshot, problems) = bench.compile();
    assert_eq!(names(&snapshot), ["a__z", "stoa_catalog", "stoa_usage"]);
    assert!(
        problems[0].starts_with("c.yaml:2:1: Tool a/x: tool `x`: cannot read the secret in "),
        "{problems:?}"
    );
    assert!(problems[1].contains("tool `y`: the variable NO_SUCH_VARIABLE_ANYWHERE, which should hold the secret, is not set"), "{problems:?}");
    let token = bench.root.path().join("token");
    fs::write(&token, "hunter2\n").unwrap();
    #[allow(clippy::disallowed_methods, reason = "a test of files")]
    let now = SystemTime::now();
    assert!(
        bench.secrets.refresh(now),
        "a file that was missing has come"
    );
    let (snapshot, problems) = bench.compile();
    assert_eq!((snapshot.tools.len(), problems.len()), (4, 1));
    assert!(!format!("{snapshot:?}").contains("hunter2"));
    assert!(!bench.secrets.refresh(now));
    // What was good once stays in force, and is reported.
    fs::remove_file(&token).unwrap();
    assert!(bench.secrets.refresh(now));
    let (snapshot, _) = bench.compile();
    assert_eq!(snapshot.tools.len(), 4);
    let stale: Vec<_> = bench.secrets.problems().collect();
    assert!(
        stale.len() == 1 && stale[0].ends_with("its last value stays in force"),
        "{stale:?}"
    );
    fs::write(&token, "hunter3\n").unwrap();
    assert!(bench.secrets.refresh(now));
    assert_eq!(bench.secrets.problems().count(), 0);
    // A secret that tells more than one header line is refused without being shown.
    fs::write(&token, "hunter4\nx: y").unwrap();
    assert!(bench.secrets.refresh(now));
    let (snapshot, problems) = bench.compile();
    assert_eq!(snapshot.tools.len(), 3);
    assert!(
        !problems.iter().any(|problem| problem.contains("hunter4")),
        "{problems:?}"
    );
}

#[test]
fn one_past_the_tools_is_left_out() {
    let yaml = catalog(&["a/x: {endpoint: 'http://a'}", "a/y: {endpoint: 'http://a'}"]);
    let bench = Bench::new(&[], &yaml);
    for (tools_max, expected, left_out) in [(4, 4, 0), (3, 3, 1)] {
        let mut problems = Vec::new();
        let claims = claim_names(Some(&bench.directory), tools_max, &mut problems);
        assert_eq!((claims.len(), problems.len()), (expected, left_out));
    }
}

#[test]
fn limits_and_prices_come_from_tool_and_settings() {
    let yaml = catalog(&[
        "a/a: {endpoint: 'http://a', method: DELETE}",
        "a/b: {endpoint: 'http://a', method: GET, timeout: 5s, costMultiplier: 7}",
        "a/c: {endpoint: 'http://a', tags: [one, two], category: three}",
        "a/d: {endpoint: 'http://a', tags: [One, two], displayName: Title, description: 'Some Words'}",
    ]);
    let (snapshot, _) = Bench::new(
        &[
            ("cost_destructive_multiplier", "3"),
            ("upstream_timeout_ms", "1000"),
        ],
        &yaml,
    )
    .compile();
    let [a, b, c, d, ..] = &snapshot.tools[..] else {
        panic!()
    };
    assert_eq!(
        (a.cost_multiplier, b.cost_multiplier, c.cost_multiplier),
        (3.0, 7.0, 1.0)
    );
    assert_eq!((a.timeout_ms, b.timeout_ms), (1_000, 5_000));
    assert_eq!(
        (&*b.category, &*c.category, &*d.category),
        ("general", "three", "One")
    );
    assert_eq!(&*d.search_text, "d\ntitle\nsome words\none\ntwo");
    assert!(a.annotations.destructive && b.annotations.read_only && !c.annotations.destructive);
}
