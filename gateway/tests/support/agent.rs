//! A caller with a key: MCP of 2026-07-28 and the REST facade, on one kept-alive connection.

use std::cell::RefCell;

use serde_json::{Value, json};

use super::gateway::Gateway;
use super::wire::{Answer, Wire};

/// The revision that has no sessions.
pub(crate) const MODERN: &str = "2026-07-28";

/// One caller.
pub(crate) struct Agent<'a> {
    gateway: &'a Gateway,
    key: Option<String>,
    wire: RefCell<Option<Wire>>,
    headers: RefCell<Vec<String>>,
}

impl<'a> Agent<'a> {
    /// A caller with a key.
    pub(crate) fn new(gateway: &'a Gateway, key: &str) -> Self {
        Self {
            key: Some(key.to_owned()),
            ..Self::anonymous(gateway)
        }
    }

    /// A caller without credentials.
    pub(crate) fn anonymous(gateway: &'a Gateway) -> Self {
        Self {
            gateway,
            key: None,
            wire: RefCell::new(None),
            headers: RefCell::default(),
        }
    }

    /// Sends a header with each further request.
    pub(crate) fn with(self, name: &str, value: &str) -> Self {
        self.headers
            .borrow_mut()
            .push(format!("{name}: {value}\r\n"));
        self
    }

    /// Calls a tool and gives the whole answer.
    pub(crate) fn call(&self, tool: &str, arguments: Value) -> Answer {
        self.mcp("tools/call", json!({"name": tool, "arguments": arguments}))
    }

    /// Calls a tool that has a result.
    pub(crate) fn result(&self, tool: &str, arguments: Value) -> Value {
        let answer = self.call(tool, arguments);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let document = answer.json();
        assert!(document["error"].is_null(), "{document}");
        document["result"].clone()
    }

    /// Names of the tools that this caller sees.
    pub(crate) fn tools(&self) -> Vec<String> {
        let answer = self.mcp("tools/list", json!({}));
        assert_eq!(answer.status, 200, "{}", answer.text());
        let document = answer.json();
        let tools = document["result"]["tools"].as_array().expect("a list");
        let name = |tool: &Value| tool["name"].as_str().expect("a name").to_owned();
        tools.iter().map(name).collect()
    }

    /// Sends a request of MCP.
    pub(crate) fn mcp(&self, method: &str, parameters: Value) -> Answer {
        let (headers, body) = message(method, parameters);
        self.send("POST", "/mcp", &headers, &body)
    }

    /// Invokes a tool by REST.
    pub(crate) fn invoke(&self, tool: &str, arguments: Value) -> Answer {
        let body = json!({"arguments": arguments}).to_string();
        let path = format!("/mcp/v1/tools/{tool}/invoke");
        self.send("POST", &path, "", &body)
    }

    /// A plain GET.
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "", "")
    }

    /// Sends any request; `headers` are whole lines.
    pub(crate) fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let request = self.request(method, path, headers, body);
        let mut held = self.wire.borrow_mut();
        let wire = held.get_or_insert_with(|| self.gateway.connect());
        wire.send(request);
        let answer = wire.answer();
        if answer.closes() {
            *held = None;
        }
        answer
    }

    /// A request's bytes.
    pub(crate) fn request(&self, method: &str, path: &str, headers: &str, body: &str) -> String {
        let key = self.key.as_ref();
        let authorization = key.map_or(String::new(), |key| {
            format!("authorization: Bearer {key}\r\n")
        });
        let content = match method {
            "POST" => format!(
                "content-type: application/json\r\ncontent-length: {}\r\n",
                body.len()
            ),
            _ => String::new(),
        };
        format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\naccept: application/json, text/event-stream\r\n\
             {authorization}{}{headers}{content}\r\n{body}",
            self.gateway.host(),
            self.headers.borrow().concat(),
        )
    }

    /// The bytes of a tool's call.
    pub(crate) fn call_request(&self, tool: &str, arguments: Value) -> String {
        let parameters = json!({"name": tool, "arguments": arguments});
        let (headers, body) = message("tools/call", parameters);
        self.request("POST", "/mcp", &headers, &body)
    }
}

/// Headers and body of a message of 2026-07-28. One request is under way at a time, so one id serves all,
/// and answers can be compared.
fn message(method: &str, mut parameters: Value) -> (String, String) {
    let mut headers = format!("mcp-protocol-version: {MODERN}\r\nmcp-method: {method}\r\n");
    if let Some(name) = parameters["name"].as_str() {
        headers.push_str(&format!("mcp-name: {name}\r\n"));
    }
    parameters["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters});
    (headers, body.to_string())
}
