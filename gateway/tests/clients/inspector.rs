//! The MCP Inspector's command line: one process for each step, as people use it in scripts.

use std::process::Command;

use serde_json::Value;

use crate::support::peer::{self, Runtime};
use crate::{World, expect_invalid, expect_missing, expect_order, expect_tools};

/// What one run of the Inspector gave.
struct Run {
    exit_code: Option<i32>,
    out: String,
    err: String,
}

impl Run {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("{error}: {}{}", self.out, self.err))
    }
}

fn inspect(node: &Runtime, world: &World, arguments: &[&str]) -> Run {
    let program = "@modelcontextprotocol/inspector/clients/launcher/build/index.js";
    let mut command: Command = node.command();
    let home = world.gateway.folder().join("home");
    std::fs::create_dir_all(&home).expect("a folder");
    let output = command
        .arg(node.modules.join(program))
        .arg("--cli")
        .arg(world.gateway.url())
        .args(["--transport", "http", "--header"])
        .arg(format!("Authorization: Bearer {}", world.key))
        .args(arguments)
        // It keeps a catalog of servers in the home folder; ours is nobody's.
        .env("HOME", home)
        .output()
        .expect("Node.js");
    Run {
        exit_code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn tools(run: &Run) -> Value {
    let document = run.json();
    let tools = document["tools"].as_array().expect("a list");
    tools.iter().map(|tool| tool["name"].clone()).collect()
}

/// The result in the form that the other clients' scripts report.
fn told(run: &Run) -> Value {
    let result = run.json();
    serde_json::json!({
        "is_error": result["isError"].as_bool().unwrap_or(false),
        "structured": result["structuredContent"],
        "text": result["content"][0]["text"],
    })
}

#[test]
fn inspector_command_line() {
    let Some(node) = peer::node("inspector_command_line") else {
        return;
    };
    let world = World::start();
    let list = || tools(&inspect(&node, &world, &["--method", "tools/list"]));
    let call = |name: &str, argument: &str| {
        let arguments = [
            "--method",
            "tools/call",
            "--tool-name",
            name,
            "--tool-arg",
            argument,
        ];
        inspect(&node, &world, &arguments)
    };
    expect_tools(&list(), &["get_order", "stoa_catalog", "stoa_usage"]);
    expect_order(&told(&call("get_order", "order_id=A-1001")));
    expect_invalid(&told(&call("get_order", "order_id=7")));
    expect_missing(&told(&call("get_order", "order_id=A-9999")));
    let unknown = call("no_such_tool", "a=b");
    assert_ne!(unknown.exit_code, Some(0), "{}", unknown.out);
    assert!(
        unknown.err.contains("no_such_tool"),
        "the error names the tool: {}",
        unknown.err
    );
    world.change_list();
    let changed = ["get_order", "list_payments", "stoa_catalog", "stoa_usage"];
    crate::support::until("the new list", || {
        (list().as_array().map(Vec::len) == Some(changed.len())).then_some(())
    });
    expect_tools(&list(), &changed);
}
