//! Files and commands of the quickstart, below `target/quickstart`.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::child::{self, Child};
use crate::{process, workspace};

/// Calls a minute of the agent's key: on, and beyond what a load test reaches.
const AGENT_RATE: &str = "100000000/min";
/// Its burst.
const AGENT_BURST: &str = "10000000";

/// Where everything is.
pub(super) struct Quickstart {
    folder: PathBuf,
    gateway: PathBuf,
    port: u16,
    demo_port: u16,
}

impl Quickstart {
    /// Makes the folder, the catalog and the keys. The spool of earlier runs stays.
    pub(super) fn prepare(port: u16, demo_port: u16) -> Result<Self> {
        let folder = workspace::target().join("quickstart");
        let gateway = workspace::target().join("release/stoa-gateway");
        let this = Self {
            folder,
            gateway,
            port,
            demo_port,
        };
        for taken in [port, demo_port] {
            if child::get(taken, "/").is_some() {
                bail!("port {taken} is in use; choose others with --port and --demo-port");
            }
        }
        fs::create_dir_all(this.folder.join("catalog"))?;
        this.write_catalog()?;
        this.write_config()?;
        let _ = fs::remove_file(this.keys());
        this.make_key(
            "agent",
            "tenant-admin",
            Some((AGENT_RATE, AGENT_BURST)),
            "key",
        )?;
        this.make_key("viewer", "viewer", None, "viewer-key")?;
        Ok(this)
    }

    fn keys(&self) -> PathBuf {
        self.folder.join("keys.yaml")
    }

    /// The catalog of `deploy/quickstart` with this run's port.
    fn write_catalog(&self) -> Result<()> {
        let from = workspace::root().join("deploy/quickstart/catalog/orders.yaml");
        let text =
            fs::read_to_string(&from).with_context(|| format!("cannot read {}", from.display()))?;
        let text = text.replace("127.0.0.1:3002", &format!("127.0.0.1:{}", self.demo_port));
        Ok(fs::write(self.folder.join("catalog/orders.yaml"), text)?)
    }

    fn write_config(&self) -> Result<()> {
        let text = format!(
            "# Written by `cargo xtask run`. Every setting: stoa-gateway --help\n\
             host: 127.0.0.1\nport: {}\ncatalog: {}\nkeys: {}\nspool: {}\nupstream_allow: [127.0.0.0/8]\n",
            self.port,
            self.folder.join("catalog").display(),
            self.keys().display(),
            self.folder.join("spool").display(),
        );
        Ok(fs::write(self.folder.join("config.yaml"), text)?)
    }

    fn make_key(
        &self,
        name: &str,
        role: &str,
        rate: Option<(&str, &str)>,
        file: &str,
    ) -> Result<()> {
        let mut command = Command::new(&self.gateway);
        command.args([
            "key", "create", "--tenant", "demo", "--name", name, "--role", role,
        ]);
        if let Some((rate, burst)) = rate {
            command.args(["--rate", rate, "--burst", burst]);
        }
        command.arg("--keys").arg(self.keys());
        let key = process::capture(&mut command)?;
        write_secret(&self.folder.join(file), &key)
    }

    /// The demo API's process.
    pub(super) fn demo_api(&self) -> Command {
        let mut command = Command::new(workspace::target().join("release/demo-api"));
        command.arg(format!("127.0.0.1:{}", self.demo_port));
        command
    }

    /// The gateway's process.
    pub(super) fn gateway(&self, flags: &[String]) -> Command {
        let mut command = Command::new(&self.gateway);
        command
            .arg("--config")
            .arg(self.folder.join("config.yaml"))
            .args(flags);
        command
    }

    /// Waits for the demo API.
    pub(super) fn wait_for_demo(&self, demo: &mut Child) -> Result<()> {
        for _ in 0..250 {
            demo.check_alive()?;
            if child::get(self.demo_port, "/openapi.json").is_some() {
                return Ok(());
            }
            child::pause();
        }
        bail!("the demo API does not answer on port {}", self.demo_port)
    }

    pub(super) fn write_pid(&self, pid: u32) -> Result<()> {
        Ok(fs::write(self.folder.join("pid"), format!("{pid}\n"))?)
    }

    pub(super) fn remove_pid(&self) {
        let _ = fs::remove_file(self.folder.join("pid"));
    }

    /// Tells a person what to paste.
    pub(super) fn greet(&self) -> Result<()> {
        let key = fs::read_to_string(self.folder.join("key"))?;
        let key = key.trim();
        let url = format!("http://127.0.0.1:{}/mcp", self.port);
        println!(
            "\nReady. An agent's first call, to paste into another terminal:\n\n  \
             curl -s {url} -H 'content-type: application/json' -H 'accept: application/json, text/event-stream' \\\n    \
             -H 'authorization: Bearer {key}' \\\n    \
             -H 'mcp-protocol-version: 2026-07-28' -H 'mcp-method: tools/call' -H 'mcp-name: get_order' \\\n    \
             -d '{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{{\"name\":\"get_order\",\"arguments\":{{\"order_id\":\"A-1001\"}},\
             \"_meta\":{{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientCapabilities\":{{}}}}}}}}'\n\n\
             The same as plain REST:\n\n  \
             curl -s http://127.0.0.1:{}/mcp/v1/tools/get_order/invoke -H 'authorization: Bearer {key}' \\\n    \
             -d '{{\"arguments\":{{\"order_id\":\"A-1001\"}}}}'\n\n\
             Claude Code:\n\n  \
             claude mcp add --transport http stoa {url} --header \"Authorization: Bearer {key}\"\n\n\
             In a browser: http://127.0.0.1:{}/   The viewer tier (60 a minute, to watch a 429): target/quickstart/viewer-key\n\
             Ctrl-C stops everything.\n",
            self.port, self.port,
        );
        Ok(())
    }
}

/// Writes a file that only its owner can read.
fn write_secret(path: &Path, text: &str) -> Result<()> {
    let _ = fs::remove_file(path);
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    Ok(writeln!(file, "{text}")?)
}
