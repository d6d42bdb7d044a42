//! Commands beside serving: they find what the gateway finds, and end quietly where nobody reads on.

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::support::Setup;
use crate::support::gateway::program;

fn key(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = program();
    command.arg("key").args(arguments).current_dir(folder);
    command.envs(environment.iter().copied());
    command.output().expect("the gateway's program")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn key_commands_find_the_keys_where_the_gateway_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).display().to_string();
    let (config, from_file) = (at("stoa.yaml"), at("from-file.yaml"));
    let secret = "0123456789abcdef0123456789abcdef";
    // A setting that no key command needs may be wrong: it is for the gateway's start to refuse.
    let written = format!("keys: {from_file}\nkey_hash_secret: {secret}\nport: nonsense\n");
    fs::write(&config, written).expect("a file");
    let create = ["create", "--tenant", "acme", "--name"];
    let by = |name: &str, rest: &[&str], environment: &[(&str, &str)]| {
        let arguments = [&create[..], &[name], rest].concat();
        let output = key(folder.path(), &arguments, environment);
        assert!(output.status.success(), "{name}: {}", text(&output.stderr));
    };
    let (from_variable, from_flag) = (at("from-variable.yaml"), at("from-flag.yaml"));
    let variable = [("STOA_KEYS", from_variable.as_str())];
    by("one", &["--config", &config], &[]);
    by("two", &[], &[("STOA_CONFIG", &config)]);
    by("three", &["--config", &config], &variable);
    by(
        "four",
        &["--config", &config, "--keys", &from_flag],
        &variable,
    );
    for (path, names) in [
        (&from_file, &["one", "two"][..]),
        (&from_variable, &["three"]),
        (&from_flag, &["four"]),
    ] {
        let listed = text(&key(folder.path(), &["list", "--keys", path], &[]).stdout);
        let found: Vec<&str> = listed
            .lines()
            .skip(1)
            .filter_map(|line| line.split_whitespace().nth(2))
            .collect();
        assert_eq!(found, names, "{path}");
        let file = fs::read_to_string(path).expect("a keys file");
        assert!(
            !file.contains("hash_key:"),
            "the secret is the operator's: {file}"
        );
    }
}

#[test]
fn a_key_command_without_a_file_teaches_where_to_name_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = key(folder.path(), &["list"], &[]);
    assert!(!output.status.success());
    let said = text(&output.stderr);
    for spelling in ["--keys", "STOA_KEYS", "--config"] {
        assert!(said.contains(spelling), "{spelling} in {said}");
    }
}

/// Runs a command whose reader goes before the first byte, and gives what it said on standard error.
fn unread(command: &mut Command) -> String {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the gateway's program");
    drop(child.stdout.take());
    let mut said = String::new();
    let errors = child.stderr.as_mut().expect("a pipe");
    errors.read_to_string(&mut said).expect("UTF-8");
    child.wait().expect("waitpid");
    said
}

#[test]
fn commands_end_quietly_where_nobody_reads_on() {
    let mut setup = Setup::new();
    setup.key("acme", "agent");
    let gateway = setup.start();
    assert_eq!(gateway.get("/mcp/v1/tools").status, 401);
    gateway.event("the event of that", |_| true);
    let (keys, config) = (gateway.keys(), gateway.folder().join("config.yaml"));
    let spool = gateway.folder().join("spool");
    let path = |path: &Path| path.display().to_string();
    for line in [
        vec!["--help".to_owned()],
        vec!["key".to_owned(), "--help".to_owned()],
        vec!["key".into(), "list".into(), "--keys".into(), path(&keys)],
        vec!["check".into(), "--config".into(), path(&config)],
        vec!["--print-config".into(), "--config".into(), path(&config)],
        vec!["doctor".into(), "--config".into(), path(&config)],
        vec!["events".into(), "--spool".into(), path(&spool)],
    ] {
        let said = unread(program().args(&line));
        assert_eq!(said, "", "{line:?}");
    }
}
