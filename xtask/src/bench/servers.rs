//! What is measured: the gateway and nginx, each one process on one CPU, before the same upstream.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::{free_port, load, now, scratch, usage};
use crate::run::{Child, get, wait_until_ready};
use crate::{process, workspace};

/// Keys that the load rotates through.
const KEYS: usize = 32;
/// Load before each measurement, so that pools and caches are warm.
const WARM_UP: Duration = Duration::from_secs(1);
/// Time for a server to start.
const START_WITHIN: Duration = Duration::from_secs(30);

/// The fast upstream.
pub(super) struct Upstream {
    _child: Child,
    port: u16,
}

impl Upstream {
    pub(super) fn start() -> Result<Self> {
        let port = free_port()?;
        let mut command = Command::new("taskset");
        command
            .args(["-c", load::LOAD_CPU])
            .arg(workspace::target().join("release/upstream"));
        command.arg(format!("127.0.0.1:{port}"));
        let child = Child::start(command)?;
        wait_for_port(port)?;
        Ok(Self {
            _child: child,
            port,
        })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }
}

/// The gateway with keys, limits, metering and metrics on.
pub(super) struct Gateway {
    child: Child,
    port: u16,
    script: PathBuf,
    /// From process start to ready.
    pub(super) ready_after: Duration,
}

impl Gateway {
    /// Starts one with a catalog of YAML documents and so many workers.
    pub(super) fn start(catalog: &str, workers: usize) -> Result<Self> {
        let port = free_port()?;
        let folder = scratch(&format!("gateway-{port}"))?;
        fs::create_dir_all(folder.join("catalog"))?;
        // A file of a hundred tools each, as a person would split them.
        for (index, documents) in split(catalog, 100).into_iter().enumerate() {
            fs::write(
                folder.join(format!("catalog/tools-{index}.yaml")),
                documents,
            )?;
        }
        let binary = workspace::target().join("release/stoa-gateway");
        let keys_file = folder.join("keys.yaml");
        let keys = (0..KEYS)
            .map(|number| {
                let mut command = Command::new(&binary);
                command.args([
                    "key",
                    "create",
                    "--tenant",
                    "bench",
                    "--role",
                    "tenant-admin",
                ]);
                command.args(["--rate", "100000000/min", "--burst", "10000000", "--name"]);
                command
                    .arg(format!("agent-{number}"))
                    .arg("--keys")
                    .arg(&keys_file);
                process::capture(&mut command)
            })
            .collect::<Result<Vec<_>>>()?;
        let script = folder.join("load.lua");
        load::write_script(&script, &keys)?;
        let config = folder.join("config.yaml");
        fs::write(
            &config,
            format!(
                "host: 127.0.0.1\nport: {port}\nmetrics_port: 0\nworkers: {workers}\ncatalog: {}\nkeys: {}\nspool: {}\n\
                 upstream_allow: [127.0.0.0/8]\ntenant_limit: 100000000/min:10000000\nlog_level: warn\n",
                folder.join("catalog").display(),
                keys_file.display(),
                folder.join("spool").display(),
            ),
        )?;
        let mut command = Command::new("taskset");
        command.args(["-c", if workers == 1 { load::PROXY_CPU } else { "0,1" }]);
        command.arg(&binary).arg("--config").arg(&config);
        let begun = now();
        let mut child = Child::start(command)?;
        wait_until_ready(&mut child, port, START_WITHIN)?;
        Ok(Self {
            child,
            port,
            script,
            ready_after: begun.elapsed(),
        })
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Microseconds of CPU per call under load.
    pub(super) fn cpu_per_call(&self, connections: usize, duration: Duration) -> Result<f64> {
        load::run(self.port, &self.script, connections, WARM_UP)?;
        let successes = self.successes()?;
        let before = usage::cpu_seconds(self.id())?;
        let requests = load::run(self.port, &self.script, connections, duration)?;
        let seconds = usage::cpu_seconds(self.id())? - before;
        // A tool's error travels with status 200, so the gateway's own count has the last word.
        let succeeded = self.successes()? - successes;
        if succeeded < requests {
            bail!("{succeeded} of {requests} calls succeeded; a run with errors does not count");
        }
        Ok(seconds * 1e6 / requests as f64)
    }

    /// Calls that have succeeded so far.
    fn successes(&self) -> Result<u64> {
        let page = get(self.port, "/metrics").context("the gateway shows no /metrics")?;
        successes(&page).context("/metrics has no mcp_requests_total of tools/call")
    }
}

/// What Prometheus text counts as successful calls over MCP.
fn successes(page: &str) -> Option<u64> {
    let series =
        r#"mcp_requests_total{transport="streamable-http",method="tools/call",status="success"} "#;
    let line = page.lines().find_map(|line| line.strip_prefix(series))?;
    line.trim().parse().ok()
}

/// Whole documents in groups, so that no file is larger than a person's.
fn split(catalog: &str, documents: usize) -> Vec<String> {
    let parts: Vec<&str> = catalog
        .split("---\n")
        .filter(|part| !part.is_empty())
        .collect();
    parts
        .chunks(documents)
        .map(|group| group.iter().map(|part| format!("---\n{part}")).collect())
        .collect()
}

/// nginx as a plain proxy: keep-alive on both sides, no log, one worker process.
pub(super) struct Nginx {
    child: Child,
    port: u16,
}

impl Nginx {
    pub(super) fn start(upstream: u16) -> Result<Self> {
        let port = free_port()?;
        let folder = scratch(&format!("nginx-{port}"))?;
        let config = folder.join("nginx.conf");
        fs::write(
            &config,
            format!(
                "daemon off; master_process off; worker_processes 1; pid {0}/pid; error_log {0}/error.log warn;\n\
                 events {{ worker_connections 2048; }}\n\
                 http {{ access_log off; keepalive_requests 1000000000; client_body_temp_path {0}/body; proxy_temp_path {0}/proxy;\n\
                 fastcgi_temp_path {0}/f; uwsgi_temp_path {0}/u; scgi_temp_path {0}/s;\n\
                 upstream api {{ server 127.0.0.1:{upstream}; keepalive 512; keepalive_requests 1000000000; }}\n\
                 server {{ listen 127.0.0.1:{port}; tcp_nodelay on;\n\
                 location / {{ proxy_pass http://api; proxy_http_version 1.1; proxy_set_header connection ''; }} }} }}\n",
                folder.display()
            ),
        )?;
        let nginx = workspace::find_program("nginx")
            .context("nginx is not installed; `cargo xtask setup` brings it")?;
        let mut command = Command::new("taskset");
        command
            .args(["-c", load::PROXY_CPU])
            .arg(nginx)
            .arg("-c")
            .arg(&config)
            .arg("-e")
            .arg(folder.join("error.log"));
        let child = Child::start(command)?;
        wait_for_port(port)?;
        Ok(Self { child, port })
    }

    /// Microseconds of CPU per request under the same load as `gateway` gets.
    pub(super) fn cpu_per_call(
        &self,
        gateway: &Gateway,
        connections: usize,
        duration: Duration,
    ) -> Result<f64> {
        load::run(self.port, &gateway.script, connections, WARM_UP)?;
        let before = usage::cpu_seconds(self.child.id())?;
        let requests = load::run(self.port, &gateway.script, connections, duration)?;
        Ok((usage::cpu_seconds(self.child.id())? - before) * 1e6 / requests as f64)
    }
}

fn wait_for_port(port: u16) -> Result<()> {
    let begun = now();
    while begun.elapsed() < START_WITHIN {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Ok(());
        }
        crate::run::pause();
    }
    bail!(
        "nothing listens on port {port} after {} s",
        START_WITHIN.as_secs()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn successes_are_found_among_other_series() {
        let page = "# TYPE mcp_requests counter\n\
            mcp_requests_total{transport=\"rest\",method=\"tools/call\",status=\"success\"} 7\n\
            mcp_requests_total{transport=\"streamable-http\",method=\"tools/call\",status=\"error\"} 8\n\
            mcp_requests_total{transport=\"streamable-http\",method=\"tools/call\",status=\"success\"} 9\n";
        assert_eq!(successes(page), Some(9));
        assert_eq!(successes("nothing"), None);
    }
}
