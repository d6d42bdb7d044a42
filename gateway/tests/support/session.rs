//! A caller of the revisions that have sessions (2025-03-26 to 2025-11-25).

use serde_json::{Value, json};

use super::agent::Agent;
use super::wire::Answer;

/// One session.
pub(crate) struct Session<'a> {
    agent: &'a Agent<'a>,
    id: String,
    revision: String,
}

impl<'a> Session<'a> {
    /// Opens a session and tells the gateway that it is open.
    pub(crate) fn open(agent: &'a Agent<'a>, revision: &str) -> Self {
        let parameters = json!({
            "protocolVersion": revision,
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        });
        let body = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": parameters});
        let answer = agent.send("POST", "/mcp", "", &body.to_string());
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json()["result"]["protocolVersion"], revision);
        let id = answer.header("mcp-session-id").expect("a session id");
        let session = Self {
            agent,
            id: id.to_owned(),
            revision: revision.to_owned(),
        };
        let told = session.post(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        assert_eq!(told.status, 202, "{}", told.text());
        session
    }

    /// Sends a request.
    pub(crate) fn request(&self, method: &str, parameters: Value) -> Answer {
        self.post(&json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": parameters}))
    }

    /// Sends any body.
    pub(crate) fn post(&self, body: &Value) -> Answer {
        self.agent
            .send("POST", "/mcp", &self.headers(), &body.to_string())
    }

    /// Ends the session.
    pub(crate) fn delete(&self) -> Answer {
        self.agent.send("DELETE", "/mcp", &self.headers(), "")
    }

    /// The bytes of the request for the event stream.
    pub(crate) fn stream_request(&self) -> String {
        self.agent.request("GET", "/mcp", &self.headers(), "")
    }

    /// The headers of every request in this session.
    pub(crate) fn headers(&self) -> String {
        format!(
            "mcp-session-id: {}\r\nmcp-protocol-version: {}\r\n",
            self.id, self.revision
        )
    }
}
