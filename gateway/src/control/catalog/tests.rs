use std::cell::RefCell;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::rc::Rc;

use super::*;
use crate::control::settings::{Layers, resolve};
use crate::snapshot::tenant::TenantId;
use crate::snapshot::tool::Backend;

/// What the surface promises: a changed file is live within a second.
const LIVE_WITHIN: Duration = Duration::from_secs(1);

fn settings(flags: &[(&str, &str)]) -> Settings {
    let flags = flags
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    resolve(&mut Layers::new(
        &flags,
        &std::collections::BTreeMap::new(),
        None,
    ))
    .unwrap()
}

#[allow(clippy::disallowed_methods, reason = "a test of control")]
fn clock() -> Clock {
    Clock::new(Instant::now())
}

fn tool(name: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: gostoa.dev/v1alpha1\nkind: Tool\nmetadata: {{name: {name}}}\nspec: {spec}\n"
    )
}

/// A running catalog.
struct Running {
    published: Arc<ArcSwap<Snapshot>>,
    problems: Arc<ArcSwap<Vec<Problem>>>,
}

impl Running {
    fn open(settings: &Settings) -> Self {
        let published = Arc::new(ArcSwap::from_pointee(Snapshot::default()));
        let catalog = Catalog::open(settings, clock(), Arc::clone(&published)).unwrap();
        let problems = catalog.problems();
        #[allow(clippy::disallowed_methods, reason = "a test of control")]
        tokio::task::spawn_local(catalog.run());
        Self {
            published,
            problems,
        }
    }

    /// `name=description` of the tools of every tenant but the platform.
    fn tools(&self) -> String {
        let snapshot = self.published.load();
        let own = snapshot
            .tools
            .iter()
            .filter(|tool| tool.tenant != TenantId::PLATFORM);
        own.map(|tool| format!("{}={}", tool.name, tool.description))
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn problems(&self) -> Vec<String> {
        self.problems
            .load()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    /// Waits until something holds; fails where that takes longer than `within`.
    async fn until(&self, what: &str, within: Duration, holds: impl Fn(&Self) -> bool) {
        let waited = tokio::time::timeout(within, async {
            while !holds(self) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        assert!(
            waited.await.is_ok(),
            "{what}: {} {:?}",
            self.tools(),
            self.problems()
        );
    }

    async fn live(&self, tools: &str) {
        self.until(tools, LIVE_WITHIN, |running| running.tools() == tools)
            .await;
    }
}

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, test);
}

#[test]
fn changes_are_live_within_a_second_and_broken_ones_are_not() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("a.yaml");
    fs::write(&path, tool("a", "{endpoint: 'http://a', description: one}")).unwrap();
    run(async {
        let running = Running::open(&settings(&[("catalog", root.path().to_str().unwrap())]));
        assert_eq!(
            running.tools(),
            "a=one",
            "before the first worker could ask"
        );
        fs::write(&path, tool("a", "{endpoint: 'http://a', description: two}")).unwrap();
        running.live("a=two").await;
        fs::write(
            &path,
            tool("a", "{endpoint: 'http://a', descriptio: three}"),
        )
        .unwrap();
        running
            .until("a problem", LIVE_WITHIN, |running| {
                running.problems().len() == 1
            })
            .await;
        assert_eq!(running.tools(), "a=two");
        assert!(running.problems()[0].contains("a.yaml:5:30: Tool default/a: unknown field `descriptio` (did you mean `description`?)"), "{:?}", running.problems());
        fs::write(
            root.path().join("b.yaml"),
            tool("b", "{endpoint: 'http://a', description: one}"),
        )
        .unwrap();
        running.live("a=two b=one").await;
        fs::remove_file(&path).unwrap();
        running.live("b=one").await;
        assert_eq!(running.problems(), Vec::<String>::new());
    });
}

#[test]
fn no_reader_sees_half_a_catalog_and_old_ones_are_dropped_here() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("a.yaml");
    fs::write(&path, tool("a", "{endpoint: 'http://a'}")).unwrap();
    run(async {
        let settings = settings(&[("catalog", root.path().to_str().unwrap())]);
        let published = Arc::new(ArcSwap::from_pointee(Snapshot::default()));
        let mut catalog = Catalog::open(&settings, clock(), Arc::clone(&published)).unwrap();
        let held = published.load_full();
        fs::write(&path, tool("b", "{endpoint: 'http://a'}")).unwrap();
        assert!(catalog.look(now()) && catalog.compile());
        assert_eq!((held.generation, published.load().generation), (1, 2));
        catalog.publisher.reap();
        assert_eq!(
            Arc::strong_count(&held),
            2,
            "control keeps what a worker still holds"
        );
        let weak = Arc::downgrade(&held);
        drop(held);
        assert!(weak.upgrade().is_some(), "so the worker did not drop it");
        assert!(catalog.publisher.reap());
        assert!(weak.upgrade().is_none());
        assert!(!catalog.look(now()), "nothing has changed");
    });
}

#[test]
fn a_start_that_cannot_be_meant_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("file");
    fs::write(&file, "keys: nonsense\n").unwrap();
    let (root, file) = (root.path().to_str().unwrap(), file.to_str().unwrap());
    for (flags, expected) in [
        (
            &[("catalog", "/no/such/directory")][..],
            "--catalog /no/such/directory",
        ),
        (&[("catalog", file)], "this is no directory"),
        (
            &[("catalog", root), ("keys", "/no/such/keys")],
            "the keys cannot be used:\n/no/such/keys: No such file",
        ),
        (&[("keys", file)], "the keys cannot be used:\n"),
    ] {
        let published = Arc::new(ArcSwap::from_pointee(Snapshot::default()));
        let error = Catalog::open(&settings(flags), clock(), Arc::clone(&published)).unwrap_err();
        let error = format!("{error:#}");
        assert!(error.contains(expected), "{error}\nlacks {expected}");
        assert_eq!(published.load().generation, 0, "nothing was published");
    }
}

/// A keys file with keys of these names, as `stoa-gateway key create` makes it.
fn write_keys(path: &Path, names: &[&str]) {
    use clap::Parser as _;
    #[derive(clap::Parser)]
    struct Line {
        #[command(subcommand)]
        command: crate::auth::keys_command::KeyCommand,
    }
    let fresh = path.with_extension("new");
    for name in names {
        let line = Line::parse_from(["x", "create", "--tenant", "acme", "--name", name]);
        let (mut out, mut notes) = (Vec::new(), Vec::new());
        crate::auth::keys_command::run(&line.command, &fresh, None, 0, &mut out, &mut notes)
            .unwrap();
    }
    fs::rename(fresh, path).unwrap();
}

#[test]
fn keys_are_live_and_a_broken_file_lets_nobody_new_in() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("keys.yaml");
    write_keys(&path, &["one"]);
    run(async {
        let running = Running::open(&settings(&[("keys", path.to_str().unwrap())]));
        let keys = |running: &Running| running.published.load().keys.by_id.len();
        assert_eq!(keys(&running), 1);
        assert!(
            running.published.load().keys.anonymous.is_none(),
            "with keys nobody is anonymous"
        );
        write_keys(&path, &["one", "two"]);
        running
            .until("two keys", LIVE_WITHIN, |running| keys(running) == 2)
            .await;
        fs::write(&path, "keys: nonsense\n").unwrap();
        running
            .until("a problem", LIVE_WITHIN, |running| {
                running.problems().len() == 1
            })
            .await;
        assert_eq!(keys(&running), 2);
        assert!(running.published.load().keys.anonymous.is_none());
        fs::remove_file(&path).unwrap();
        running
            .until("another problem", LIVE_WITHIN, |running| {
                running
                    .problems()
                    .iter()
                    .any(|problem| problem.contains("No such file"))
            })
            .await;
        assert_eq!(keys(&running), 2);
        write_keys(&path, &["three"]);
        running
            .until("one key", LIVE_WITHIN, |running| keys(running) == 1)
            .await;
        assert_eq!(running.problems(), Vec::<String>::new());
    });
}

/// A server whose answer a test can change.
fn server() -> (String, Arc<ArcSwap<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/openapi.json", listener.local_addr().unwrap());
    let answer = Arc::new(ArcSwap::from_pointee(String::new()));
    let answers = Arc::clone(&answer);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answers.load().as_bytes());
        }
    });
    (url, answer)
}

fn document(operation: &str) -> String {
    let body = format!(
        r#"{{"openapi": "3.0.0", "info": {{"title": "t", "version": "1"}}, "paths": {{"/": {{"get": {{"operationId": "{operation}", "responses": {{}}}}}}}}}}"#
    );
    format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn a_document_behind_a_url_is_fetched_refreshed_and_kept() {
    let (url, answer) = server();
    let root = tempfile::tempdir().unwrap();
    let set = |more: &str| {
        format!(
            "apiVersion: gostoa.dev/v1alpha1\nkind: ToolSet\nmetadata: {{name: s}}\nspec:\n  openAPISpec: {{url: '{url}', refreshInterval: 1s}}\n{more}"
        )
    };
    let path = root.path().join("s.yaml");
    fs::write(&path, set("")).unwrap();
    let within = Duration::from_secs(4);
    run(async {
        let running = Running::open(&settings(&[("catalog", root.path().to_str().unwrap())]));
        running
            .until("refused", within, |running| {
                running
                    .problems()
                    .iter()
                    .any(|problem| problem.contains("no public address"))
            })
            .await;
        assert!(
            running.problems()[0].contains(
                "s.yaml:5:16: ToolSet default/s: the document of `openAPISpec.url` cannot be had"
            ),
            "{:?}",
            running.problems()
        );
        answer.store(Arc::new(document("one")));
        // The object itself may permit the address; it is asked again at once.
        fs::write(&path, set("  upstreamAllow: [127.0.0.0/8]\n")).unwrap();
        running
            .until("fetched", within, |running| running.tools() == "one=GET /")
            .await;
        running
            .until("no problem", within, |running| {
                running.problems().is_empty()
            })
            .await;
        answer.store(Arc::new(document("two")));
        running
            .until("refreshed", within, |running| {
                running.tools() == "two=GET /"
            })
            .await;
        for broken in [
            "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{",
        ] {
            answer.store(Arc::new(broken.to_owned()));
            running
                .until("a problem", within, |running| running.problems().len() == 1)
                .await;
            assert_eq!(running.tools(), "two=GET /", "the last good one stays");
            answer.store(Arc::new(document("two")));
            running
                .until("solved", within, |running| running.problems().is_empty())
                .await;
        }
        // Other wishes for the same document are in force without the document changing.
        fs::write(
            &path,
            set("  upstreamAllow: [127.0.0.0/8]\n  naming: {prefix: p_}\n"),
        )
        .unwrap();
        running
            .until("renamed", within, |running| {
                running.tools() == "p_two=GET /"
            })
            .await;
        fs::remove_file(&path).unwrap();
        running
            .until("gone", within, |running| running.tools().is_empty())
            .await;
    });
}

#[test]
fn a_secret_that_is_rotated_is_in_force_within_a_second() {
    let root = tempfile::tempdir().unwrap();
    let token = root.path().join("token");
    fs::write(&token, "first-secret\n").unwrap();
    fs::write(
        root.path().join("a.yaml"),
        tool(
            "a",
            "{endpoint: 'http://a', authentication: {type: bearer, secretFile: token}}",
        ),
    )
    .unwrap();
    run(async {
        let running = Running::open(&settings(&[("catalog", root.path().to_str().unwrap())]));
        let generations = Rc::new(RefCell::new(running.published.load().generation));
        let operation = |running: &Running| match &running.published.load().tools[0].backend {
            Backend::Rest(operation) => format!("{operation:?}"),
            _ => String::new(),
        };
        assert!(
            !operation(&running).contains("first-secret"),
            "no formatter shows it"
        );
        fs::write(&token, "second-secret\n").unwrap();
        running
            .until("a new snapshot", LIVE_WITHIN, |running| {
                running.published.load().generation > *generations.borrow()
            })
            .await;
    });
}

#[test]
fn a_check_finds_everything_at_once() {
    let (url, answer) = server();
    answer.store(Arc::new(document("one")));
    let root = tempfile::tempdir().unwrap();
    let files = root.path().join("c");
    fs::create_dir(&files).unwrap();
    let keys = root.path().join("keys.yaml");
    write_keys(&keys, &["one", "two"]);
    fs::write(
        files.join("a.yaml"),
        tool("a", "{endpoint: 'http://a'}") + &tool("get.b", "{endpoint: 'http://a'}"),
    )
    .unwrap();
    fs::write(
        files.join("s.yaml"),
        format!("apiVersion: gostoa.dev/v1alpha1\nkind: ToolSet\nmetadata: {{name: s}}\nspec: {{openAPISpec: {{url: '{url}'}}}}\n"),
    )
    .unwrap();
    let (catalog, keys) = (files.to_str().unwrap(), keys.to_str().unwrap());
    let fine = check(&settings(&[
        ("catalog", catalog),
        ("keys", keys),
        ("upstream_allow", "127.0.0.0/8"),
    ]));
    assert_eq!(fine.problems, []);
    assert_eq!(
        (fine.tools, fine.tenants, fine.keys, fine.notes.len()),
        (5, 2, 2, 1),
        "{:?}",
        fine.notes
    );
    fs::write(
        files.join("b.yaml"),
        tool("b", "{endpoint: 1, method: x}") + "---\nnonsense\n",
    )
    .unwrap();
    fs::write(keys, "nonsense").unwrap();
    let found = check(&settings(&[("catalog", catalog), ("keys", keys)]));
    assert_eq!(found.problems.len(), 4, "{:?}", found.problems);
    let missing = check(&settings(&[("catalog", "/no/such/directory")]));
    assert!(
        missing.problems[0]
            .to_string()
            .starts_with("/no/such/directory: cannot list the directory"),
        "{:?}",
        missing.problems
    );
}
