//! HTTP/1.1 towards callers, byte by byte over real sockets: framing, what is refused, bounds, deadlines,
//! and the end of the process.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests have no data path to block, and read the clock for deadlines"
)]

#[path = "support/harness.rs"]
mod support;

#[path = "http/bounds.rs"]
mod bounds;
#[path = "http/command.rs"]
mod command;
#[path = "http/deadlines.rs"]
mod deadlines;
#[path = "http/drain.rs"]
mod drain;
#[path = "http/framing.rs"]
mod framing;
#[path = "http/smuggling.rs"]
mod smuggling;
#[path = "http/start.rs"]
mod start;

use std::time::Duration;

use serde_json::json;

use support::tool::{self, Tool};
use support::{Agent, Api, Ending, Gateway, Reply, Setup};

/// Bytes of the answer of the tool `large`: more than all socket buffers between the two ends hold.
const LARGE_BYTES: usize = 12 * 1024 * 1024;

/// A gateway that asks for no key, before an API that answers at once, late, never, and at length.
struct World {
    gateway: Gateway,
    api: Api,
}

impl World {
    fn start() -> Self {
        Self::with(|setup| setup)
    }

    fn with(prepare: impl FnOnce(Setup) -> Setup) -> Self {
        let large = json!({"text": "x".repeat(LARGE_BYTES)});
        let api = Api::start(move |request| match request.path() {
            "/late" => Reply::json(200, &json!({"late": true})).after(Duration::from_millis(700)),
            "/silent" => Reply::none(Ending::Silence),
            "/large" => Reply::json(200, &large),
            _ => Reply::json(200, &json!({"target": request.target})),
        });
        let tool = |name: &str, path: &str| {
            Tool::new(name, "GET", &format!("{}{path}", api.url())).of("tenant-default")
        };
        let catalog = tool::file(&[
            tool("echo", "/echo"),
            tool("late", "/late"),
            tool("silent", "/silent"),
            tool("large", "/large"),
        ]);
        let setup = Setup::new()
            .set("role_tiers", "{tenant-admin: \"1000000/min:100000\"}")
            .catalog("tools.yaml", &catalog);
        Self {
            gateway: prepare(setup).start(),
            api,
        }
    }

    /// A plain GET that is answered at once.
    fn alive(&self) -> String {
        format!(
            "GET /livez HTTP/1.1\r\nhost: {}\r\n\r\n",
            self.gateway.host()
        )
    }

    /// The bytes of a tool's call.
    fn call(&self, tool: &str) -> String {
        Agent::anonymous(&self.gateway).call_request(tool, json!({}))
    }
}
