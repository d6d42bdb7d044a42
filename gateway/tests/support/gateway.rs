//! The built gateway as a process of its own, in a folder of its own.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::wait::{until, within};
use super::wire::{Answer, Wire};

/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_stoa-gateway");
/// How long a start may take on a loaded machine.
const START_WITHIN: Duration = Duration::from_secs(20);
/// How long an exit may take where nothing is under way.
const STOP_WITHIN: Duration = Duration::from_secs(10);
/// How often a start is tried: a free port may be taken between choosing and binding it.
const START_ATTEMPTS: usize = 4;
/// Log lines that a failed test prints.
const LOG_LINES_SHOWN: usize = 60;
/// A rate that no test reaches.
const PLENTY: [&str; 4] = ["--rate", "10000000/min", "--burst", "1000000"];

/// A gateway that is being prepared: its folder with catalog, keys and settings.
pub(crate) struct Setup {
    folder: TempDir,
    settings: BTreeMap<String, String>,
    environment: Vec<(String, String)>,
}

impl Setup {
    /// Loopback, two workers, no kernel part, upstreams on loopback allowed, an empty catalog.
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("stoa-")
            .tempdir()
            .expect("a temporary folder");
        fs::create_dir(folder.path().join("catalog")).expect("the catalog folder");
        let path = |name: &str| folder.path().join(name).display().to_string();
        let (catalog, spool) = (path("catalog"), path("spool"));
        let setup = Self {
            folder,
            settings: BTreeMap::new(),
            environment: Vec::new(),
        };
        setup
            .set("host", "127.0.0.1")
            .set("metrics_port", 0)
            .set("workers", 2)
            .set("ebpf", "\"off\"")
            .set("catalog", catalog)
            .set("spool", spool)
            .set("upstream_allow", "[127.0.0.0/8]")
    }

    /// A line of the configuration file; `value` is YAML.
    pub(crate) fn set(mut self, key: &str, value: impl Display) -> Self {
        self.settings.insert(key.to_owned(), value.to_string());
        self
    }

    /// Takes a line out again.
    pub(crate) fn unset(mut self, key: &str) -> Self {
        self.settings.remove(key);
        self
    }

    /// A variable of the gateway's environment.
    pub(crate) fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A file of the catalog.
    pub(crate) fn catalog(self, name: &str, text: &str) -> Self {
        write_atomically(&self.folder.path().join("catalog").join(name), text);
        self
    }

    /// The folder that everything is in.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Makes a key with the scopes of an agent, and limits that no test reaches.
    pub(crate) fn key(&mut self, tenant: &str, name: &str) -> String {
        self.key_with(tenant, name, &PLENTY)
    }

    /// Makes a key with further flags of `key create`.
    pub(crate) fn key_with(&mut self, tenant: &str, name: &str, flags: &[&str]) -> String {
        let keys = self.folder.path().join("keys.yaml");
        self.settings
            .insert("keys".to_owned(), keys.display().to_string());
        create_key(&keys, tenant, name, flags)
    }

    /// Starts the gateway and waits until it is ready.
    pub(crate) fn start(self) -> Gateway {
        let mut gateway = self.listen();
        gateway.wait_until_ready();
        gateway
    }

    /// Starts the gateway and waits until it listens, ready or not.
    pub(crate) fn listen(self) -> Gateway {
        let mut failure = String::new();
        for _ in 0..START_ATTEMPTS {
            match self.attempt() {
                Ok((child, port)) => {
                    return Gateway {
                        child,
                        port,
                        folder: self.folder,
                        stopping: AtomicBool::new(false),
                        ended: None,
                    };
                }
                Err(log) => failure = log,
            }
        }
        panic!("the gateway does not start:\n{failure}");
    }

    /// Runs a gateway that is expected to refuse to start, and gives what it said.
    pub(crate) fn start_refused(self) -> Output {
        self.write_settings(0);
        self.command()
            .stdin(Stdio::null())
            .output()
            .expect("the gateway's program")
    }

    fn attempt(&self) -> Result<(Child, u16), String> {
        let chosen = self.settings.get("port").and_then(|port| port.parse().ok());
        let port = chosen.unwrap_or_else(free_port);
        self.write_settings(port);
        let log = self.folder.path().join("log");
        let out = File::create(&log).expect("a log");
        let mut child = self
            .command()
            .stdin(Stdio::null())
            .stdout(out.try_clone().expect("a second handle of the log"))
            .stderr(out)
            .spawn()
            .expect("the gateway's program");
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listens = within(START_WITHIN, "the gateway to listen or to end", || {
            if std::net::TcpStream::connect(address).is_ok() {
                return Some(true);
            }
            child
                .try_wait()
                .expect("waitpid")
                .is_some()
                .then_some(false)
        });
        if listens {
            return Ok((child, port));
        }
        Err(fs::read_to_string(&log).unwrap_or_default())
    }

    fn command(&self) -> Command {
        let mut command = program();
        command
            .arg("--config")
            .arg(self.folder.path().join("config.yaml"))
            .current_dir(self.folder.path())
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    fn write_settings(&self, port: u16) {
        let mut text = String::new();
        if !self.settings.contains_key("port") {
            text.push_str(&format!("port: {port}\n"));
        }
        for (key, value) in &self.settings {
            text.push_str(&format!("{key}: {value}\n"));
        }
        fs::write(self.folder.path().join("config.yaml"), text).expect("the configuration file");
    }
}

/// A running gateway. Dropped, it is told to stop, and must then end with exit code 0.
pub(crate) struct Gateway {
    child: Child,
    port: u16,
    folder: TempDir,
    /// A signal to stop was sent: a second one would be an order to exit at once.
    stopping: AtomicBool,
    ended: Option<ExitStatus>,
}

impl Gateway {
    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// Value for `Host`.
    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The MCP endpoint.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/mcp", self.port)
    }

    /// The folder that everything is in.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The keys file.
    pub(crate) fn keys(&self) -> PathBuf {
        self.folder.path().join("keys.yaml")
    }

    /// A new connection.
    pub(crate) fn connect(&self) -> Wire {
        Wire::connect(self.address())
    }

    /// A plain GET on a connection of its own.
    pub(crate) fn get(&self, path: &str) -> Answer {
        let mut wire = self.connect();
        wire.send(format!(
            "GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n",
            self.host()
        ));
        wire.answer()
    }

    /// Writes a file of the catalog, whole at once.
    pub(crate) fn write_catalog(&self, name: &str, text: &str) {
        write_atomically(&self.folder.path().join("catalog").join(name), text);
    }

    /// Removes a file of the catalog.
    pub(crate) fn remove_catalog(&self, name: &str) {
        fs::remove_file(self.folder.path().join("catalog").join(name)).expect("a file to remove");
    }

    /// Makes a key while the gateway runs.
    pub(crate) fn key(&self, tenant: &str, name: &str, flags: &[&str]) -> String {
        create_key(&self.keys(), tenant, name, flags)
    }

    /// Runs `key SUBCOMMAND` on the gateway's keys file and gives standard output.
    pub(crate) fn key_command(&self, arguments: &[&str]) -> String {
        let mut command = program();
        command.arg("key").args(arguments).arg("--keys");
        said(command.arg(self.keys()))
    }

    /// All metering events so far, oldest first.
    pub(crate) fn events(&self) -> Vec<Value> {
        let mut command = program();
        command.arg("events").arg("--spool");
        let text = said(command.arg(self.folder.path().join("spool")));
        let parse = |line| serde_json::from_str(line).expect("an event is a JSON line");
        text.lines().map(parse).collect()
    }

    /// Waits for an event that `wanted` takes.
    pub(crate) fn event(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        until(what, || {
            self.events().into_iter().find(|event| wanted(event))
        })
    }

    /// Waits for the event of a request id.
    pub(crate) fn event_of(&self, request_id: &str) -> Value {
        self.event(&format!("the event of {request_id}"), |event| {
            event["request_id"] == request_id
        })
    }

    /// What it said so far, on both outputs.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Sends a signal, e.g. `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        // kill(1) rather than a crate for one system call.
        let status = Command::new("kill")
            .args(["-s", name])
            .arg(self.child.id().to_string())
            .status();
        assert!(status.expect("kill(1)").success(), "cannot send SIG{name}");
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Waits for its end, after a signal.
    pub(crate) fn wait(&mut self, time: Duration) -> ExitStatus {
        if let Some(status) = self.ended {
            return status;
        }
        let child = &mut self.child;
        let status = within(time, "the gateway to end", || {
            child.try_wait().expect("waitpid")
        });
        *self.ended.insert(status)
    }

    /// Whether the process runs.
    pub(crate) fn is_running(&mut self) -> bool {
        self.ended.is_none() && self.child.try_wait().expect("waitpid").is_none()
    }

    /// Stops it and starts it again in the same folder, on the same port.
    pub(crate) fn restart(mut self) -> Self {
        self.signal("TERM");
        let status = self.wait(STOP_WITHIN);
        assert!(status.success(), "ended with {status}");
        self.start_again()
    }

    /// Replaces a line of the configuration file, for the next start.
    pub(crate) fn configure(&self, key: &str, value: impl Display) {
        let path = self.folder.path().join("config.yaml");
        let text = fs::read_to_string(&path).expect("the configuration file");
        let prefix = format!("{key}: ");
        let kept = text.lines().filter(|line| !line.starts_with(&prefix));
        let lines: Vec<&str> = kept.collect();
        fs::write(&path, format!("{}\n{prefix}{value}\n", lines.join("\n"))).expect("its place");
    }

    /// Starts it again after its end, in the same folder, on the same port.
    pub(crate) fn start_again(mut self) -> Self {
        let config = self.folder.path().join("config.yaml");
        let out = File::create(self.folder.path().join("log")).expect("a log");
        let mut command = program();
        command
            .arg("--config")
            .arg(config)
            .current_dir(self.folder.path());
        command
            .stdout(out.try_clone().expect("a second handle of the log"))
            .stderr(out);
        self.child = command
            .stdin(Stdio::null())
            .spawn()
            .expect("the gateway's program");
        self.ended = None;
        self.stopping.store(false, Ordering::Relaxed);
        let address = self.address();
        until("the gateway to listen again", || {
            std::net::TcpStream::connect(address).ok()
        });
        self.wait_until_ready();
        self
    }

    fn wait_until_ready(&mut self) {
        let mut last = String::new();
        let begun = std::time::Instant::now();
        while begun.elapsed() < START_WITHIN {
            let answer = self.get("/ready");
            if answer.status == 200 {
                return;
            }
            last = answer.text();
            super::wait::pass(Duration::from_millis(5));
        }
        panic!("the gateway is not ready: {last}");
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let shown = lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..].join("\n");
            eprintln!("--- the gateway's log ---\n{shown}\n---");
            let _ = self.child.kill();
            let _ = self.child.wait();
        } else if self.is_running() {
            if !self.stopping.load(Ordering::Relaxed) {
                self.signal("TERM");
            }
            let status = self.wait(STOP_WITHIN);
            assert!(status.success(), "ended with {status}:\n{}", self.log());
            let left = left_behind(self.child.id());
            assert_eq!(left, None, "a clean stop leaves no cgroup");
        }
    }
}

/// The cgroup that a gateway made for itself, where it is still there.
fn left_behind(pid: u32) -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    let mount = mounts.lines().find_map(|line| {
        let mut fields = line.split(' ');
        let place = fields.nth(1)?;
        (fields.next() == Some("cgroup2")).then(|| PathBuf::from(place))
    })?;
    Some(mount.join(format!("stoa-gateway-{pid}"))).filter(|path| path.exists())
}

/// The program in an environment of its own: a setting of the person who runs the tests, or of Cargo, must
/// not reach it.
pub(crate) fn program() -> Command {
    let mut command = Command::new(PROGRAM);
    command.env_clear();
    command.envs(std::env::vars_os().filter(|(name, _)| name == "PATH" || name == "HOME"));
    command
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("its address").port()
}

/// Replaces a file at once, as editors and deployment tools do.
fn write_atomically(path: &Path, text: &str) {
    // Beside the catalog rather than in it: a file that is being written must not be read.
    let folder = path.parent().and_then(Path::parent).expect("a folder");
    let unfinished = folder.join("unfinished");
    fs::write(&unfinished, text).expect("a file");
    fs::rename(&unfinished, path).expect("its place");
}

fn create_key(keys: &Path, tenant: &str, name: &str, flags: &[&str]) -> String {
    let mut command = program();
    command.args(["key", "create", "--tenant", tenant, "--name", name]);
    command.args(flags).arg("--keys").arg(keys);
    said(&mut command).trim().to_owned()
}

/// Standard output of a command that succeeds.
fn said(command: &mut Command) -> String {
    let output = command.output().expect("the gateway's program");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {error}");
    String::from_utf8(output.stdout).expect("UTF-8")
}
