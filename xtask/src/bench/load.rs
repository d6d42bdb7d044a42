//! Load by wrk, pinned away from what is measured.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::process;

/// CPU of the proxy under test.
pub(super) const PROXY_CPU: &str = "0";
/// CPU of the load generator and the upstream.
pub(super) const LOAD_CPU: &str = "1";

/// The request that both proxies get: one small `tools/call` of 2026-07-28 with a key of 60 characters.
/// The keys rotate, so that neighbouring calls are of different callers. Answers are not looked at in here:
/// a script that does so slows wrk until it measures itself (a third fewer requests at one connection).
pub(super) fn write_script(path: &Path, keys: &[String]) -> Result<()> {
    let keys: Vec<String> = keys.iter().map(|key| format!("{key:?}")).collect();
    let body = r#"{"jsonrpc":"2.0","id":17,"method":"tools/call","params":{"name":"get_order_0","arguments":{"order_id":"A-1001","expand":"items"},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}}}"#;
    let script = format!(
        "local keys = {{{}}}\nlocal turn = 0\nlocal requests = {{}}\n\
         function init(args)\n  for i, key in ipairs(keys) do\n    requests[i] = wrk.format('POST', '/mcp', {{\n\
         ['content-type'] = 'application/json', ['accept'] = 'application/json, text/event-stream',\n\
         ['authorization'] = 'Bearer ' .. key, ['mcp-protocol-version'] = '2026-07-28',\n\
         ['mcp-method'] = 'tools/call', ['mcp-name'] = 'get_order_0', ['user-agent'] = 'bench/1' }},\n\
         [==[{body}]==])\n  end\nend\n\
         function request()\n  turn = turn % #requests + 1\n  return requests[turn]\nend\n\
         function done(summary, latency, requests)\n  local e = summary.errors\n\
         io.write(string.format('RESULT %d %d\\n', summary.requests, e.status + e.connect + e.read + e.write + e.timeout))\nend\n",
        keys.join(", ")
    );
    fs::write(path, script).with_context(|| format!("cannot write {}", path.display()))
}

/// Runs wrk and returns how many requests were answered.
///
/// # Errors
/// wrk failed, or any answer had another status than 2xx: such a run measures something else.
pub(super) fn run(port: u16, script: &Path, connections: usize, duration: Duration) -> Result<u64> {
    let mut command = Command::new("taskset");
    command
        .args(["-c", LOAD_CPU, "wrk", "--threads", "1", "--timeout", "10s"])
        .args(["--connections", &connections.to_string()])
        .args(["--duration", &format!("{}s", duration.as_secs())])
        .arg("--script")
        .arg(script)
        .arg(format!("http://127.0.0.1:{port}/mcp"));
    let output = process::capture(&mut command)?;
    let (requests, errors) =
        result(&output).with_context(|| format!("wrk printed no result:\n{output}"))?;
    if errors > 0 || requests == 0 {
        bail!(
            "{errors} wrong answers of {requests} from port {port}; a run with errors does not count"
        );
    }
    Ok(requests)
}

fn result(output: &str) -> Option<(u64, u64)> {
    let line = output
        .lines()
        .find_map(|line| line.strip_prefix("RESULT "))?;
    let (requests, errors) = line.split_once(' ')?;
    Some((requests.parse().ok()?, errors.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_result_line_is_found() {
        assert_eq!(result("noise\nRESULT 12 0\n"), Some((12, 0)));
        assert_eq!(result("Requests/sec: 12"), None);
    }
}
