//! Foreign MCP clients: where `cargo xtask setup` puts what runs them, and scripts that report as JSON lines.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value;

/// How long one step of a script may take; starting Python and Node.js is the slowest.
const STEP_WITHIN: Duration = Duration::from_secs(30);

/// A program that runs scripts.
#[derive(Clone, Debug)]
pub(crate) struct Runtime {
    program: PathBuf,
    /// `node_modules`, for Node.js.
    pub(crate) modules: PathBuf,
}

/// Python with the MCP client.
pub(crate) fn python(test: &str) -> Option<Runtime> {
    let program = tools().join("python/bin/python");
    find(test, "the Python MCP client", program, PathBuf::new())
}

/// Python with packages of these names.
pub(crate) fn python_with(test: &str, packages: &[&str]) -> Option<Runtime> {
    let python = python(test)?;
    let script =
        format!("import importlib.metadata as m; [m.version(name) for name in {packages:?}]");
    let found = python.command().args(["-c", &script]).output();
    if found.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    let reason = format!("Python has not all of {packages:?}; `cargo xtask setup` installs them");
    skip(test, &reason);
    None
}

/// Node.js with the MCP clients.
pub(crate) fn node(test: &str) -> Option<Runtime> {
    let modules = tools().join("node_modules");
    let client = modules.join("@modelcontextprotocol/client/package.json");
    let program = if client.is_file() {
        tools().join("node")
    } else {
        client
    };
    find(test, "Node.js with the MCP clients", program, modules)
}

fn find(test: &str, what: &str, program: PathBuf, modules: PathBuf) -> Option<Runtime> {
    if program.is_file() {
        return Some(Runtime { program, modules });
    }
    skip(
        test,
        &format!(
            "{what} is missing ({}); `cargo xtask setup` installs it",
            program.display()
        ),
    );
    None
}

/// Says that a test cannot run here. In CI that is a failure: nobody would read the line.
pub(crate) fn skip(test: &str, reason: &str) {
    assert!(
        std::env::var_os("CI").is_none_or(|value| value != "true"),
        "{test} must not be skipped in CI: {reason}"
    );
    // Past libtest's capture, because a passing test's output is not shown.
    let _ = writeln!(std::io::stdout(), "skipped: {test}: {reason}");
}

fn tools() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools")
}

impl Runtime {
    /// A command that runs a script of `tests/clients`.
    pub(crate) fn script(&self, name: &str) -> Command {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/clients")
            .join(name);
        let mut command = self.command();
        command.arg(path);
        command
    }

    /// A command without arguments.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env("NODE_MODULES", &self.modules);
        command
    }
}

/// A running script. It tells each step it has done as a line of JSON: `{"step": NAME, ...}`.
pub(crate) struct Script {
    child: Child,
    lines: Receiver<String>,
    errors: Option<std::thread::JoinHandle<String>>,
}

impl Script {
    /// Starts it.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let (sender, lines) = channel();
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let mut pipe = child.stderr.take().expect("a pipe");
        let errors = std::thread::spawn(move || {
            let mut text = Vec::new();
            let _ = std::io::Read::read_to_end(&mut pipe, &mut text);
            String::from_utf8_lossy(&text).into_owned()
        });
        Self {
            child,
            lines,
            errors: Some(errors),
        }
    }

    /// Waits for the next step, which must be `name`.
    pub(crate) fn step(&mut self, name: &str) -> Value {
        let Ok(line) = self.lines.recv_timeout(STEP_WITHIN) else {
            panic!("no step {name:?}; {}", self.explain());
        };
        let Ok(report) = serde_json::from_str::<Value>(&line) else {
            panic!("step {name:?} expected, got {line:?}; {}", self.explain());
        };
        if report["step"] != name {
            panic!("step {name:?} expected, got {report}; {}", self.explain());
        }
        report
    }

    /// Waits for its end, which must be a success without further steps.
    pub(crate) fn finish(mut self) {
        if let Ok(line) = self.lines.recv_timeout(STEP_WITHIN) {
            panic!("an unexpected step {line:?}; {}", self.explain());
        }
        let status = self.child.wait().expect("waitpid");
        assert!(status.success(), "ended with {status}; {}", self.explain());
    }

    fn explain(&mut self) -> String {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let errors = self.errors.take().map(std::thread::JoinHandle::join);
        match errors {
            Some(Ok(text)) => format!("it said:\n{text}"),
            _ => "it said nothing".to_owned(),
        }
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
