//! What each bad input is answered with, by the specification and the reference servers, as far as it
//! concerns tools: the stages in the order in which the exchange calls them, without its sockets.

use serde_json::{Value, json};

use super::envelope::{Envelope, Id, Message};
use super::error::{Refused, http_status};
use super::headers::Headers;
use super::headers::tests::headers_of;
use super::seal::Sealer;
use super::session::{Binding, Sessions};
use super::version::{Era, Revision};
use super::{
    answer, cursor, envelope, era, error, handshake, legacy, list, listen, method, modern,
    parameter,
};
use crate::refusal::Refusal;
use crate::snapshot::tool::MirroredParameter;

const NOW_MS: u64 = 1_795_000_000_000;

/// A gateway without sockets: one tool, `echo`, that mirrors `region`, `page.size` and `dry`.
struct Gateway {
    sealer: Sealer,
    sessions: Sessions,
    binding: Binding,
    mirrored: Vec<MirroredParameter>,
}

/// What a request is answered with: the case, its headers and body, the status, the code.
type Row<'a> = (&'a str, Vec<(&'a str, &'a str)>, String, u16, i64);

/// Status, JSON-RPC code (0 for a result, 1 for no body), and the whole body.
type Answer = (u16, i64, Value);

impl Gateway {
    fn new() -> Self {
        let schema = json!({"type": "object", "properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "page": {"type": "object", "properties": {"size": {"type": "integer", "x-mcp-header": "Page-Size"}}},
            "dry": {"type": "boolean", "x-mcp-header": "Dry"},
        }});
        Self {
            sealer: Sealer::with_random_key().unwrap(),
            sessions: Sessions::default(),
            binding: Binding::from([1; Binding::BYTES]),
            mirrored: parameter::declare(&schema).unwrap(),
        }
    }

    fn session(&self, revision: Revision) -> String {
        self.sessions
            .begin(
                &self.sealer,
                revision,
                Default::default(),
                &self.binding,
                NOW_MS,
            )
            .unwrap()
    }

    fn post(&self, headers: &[(&str, &str)], body: &str) -> Answer {
        let headers = headers_of(headers);
        let mut out = Vec::new();
        let status = match envelope::read(body.as_bytes()) {
            Err(fault) => refuse(
                &mut out,
                fault.id,
                era::of_headers(&headers),
                &fault.refusal.into(),
            ),
            Ok(Envelope::One(message)) => {
                let era = era::of_message(&message, &headers);
                let mut result = Vec::new();
                match self.serve(&message, &headers, era, &mut result) {
                    Ok(status) => {
                        out = result;
                        status
                    }
                    Err(refused) => refuse(&mut out, message.id(), era, &refused),
                }
            }
            Ok(Envelope::Batch(messages)) => {
                match self.serve_batch(&messages, &headers, &mut out) {
                    Ok(status) => status,
                    Err(refused) => refuse(&mut out, None, era::of_headers(&headers), &refused),
                }
            }
        };
        let body: Value = if out.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&out).unwrap()
        };
        let code = if body.is_null() {
            1
        } else {
            body["error"]["code"].as_i64().unwrap_or(0)
        };
        (status, code, body)
    }

    fn serve<'a>(
        &'a self,
        message: &'a Message<'_>,
        headers: &Headers<'_>,
        era: Era,
        out: &mut Vec<u8>,
    ) -> Result<u16, Refused<'a>> {
        match era {
            Era::Modern => match modern::check(message, headers)? {
                modern::Accepted::Notification => Ok(202),
                modern::Accepted::Request(method) => {
                    self.answer(message, headers, method, Revision::V20260728, out)
                }
            },
            Era::Legacy => match legacy::check(message) {
                Ok(legacy::Accepted::Request(method::Method::Initialize)) => {
                    let opening = handshake::read_initialize(&message.params)?;
                    handshake::write_initialize(out, message.id().unwrap(), opening.revision, "");
                    Ok(200)
                }
                accepted => {
                    let session = self.open(headers)?;
                    match accepted? {
                        legacy::Accepted::Acknowledge => Ok(202),
                        legacy::Accepted::Request(method) => {
                            self.answer(message, headers, method, session.revision, out)
                        }
                    }
                }
            },
        }
    }

    fn open(&self, headers: &Headers<'_>) -> Result<super::session::Session, Refused<'static>> {
        legacy::open_session(&self.sessions, &self.sealer, headers, &self.binding, NOW_MS)
    }

    fn serve_batch(
        &self,
        messages: &[Result<Message<'_>, envelope::Fault<'_>>],
        headers: &Headers<'_>,
        out: &mut Vec<u8>,
    ) -> Result<u16, Refused<'static>> {
        if era::of_headers(headers) == Era::Modern {
            return Err(Refusal::BatchRefused.into());
        }
        let session = self.open(headers)?;
        legacy::check_batch(session.revision)?;
        let mut answers = answer::BatchAnswers::default();
        for message in messages {
            match message {
                Ok(message) if message.id().is_none() => {}
                Ok(message) => {
                    answers.begin_one(out);
                    match legacy::check_in_batch(message) {
                        Ok(()) => answer::write_empty(out, message.id().unwrap()),
                        Err(refusal) => error::write(out, message.id(), &refusal.into()),
                    }
                }
                Err(fault) => {
                    answers.begin_one(out);
                    error::write(out, fault.id, &fault.refusal.into());
                }
            }
        }
        Ok(if answers.end(out) { 200 } else { 202 })
    }

    fn answer<'a>(
        &'a self,
        message: &'a Message<'_>,
        headers: &Headers<'_>,
        method: method::Method,
        revision: Revision,
        out: &mut Vec<u8>,
    ) -> Result<u16, Refused<'a>> {
        use method::Method;
        let (id, params) = (message.id().unwrap(), &message.params);
        match method {
            Method::ToolsCall => {
                let name = params.name.as_str().ok_or(Refusal::ParamsInvalid)?;
                if name != "echo" {
                    return Err(Refusal::ToolUnknown.into());
                }
                if revision.era() == Era::Modern {
                    parameter::check(&self.mirrored, params.arguments, headers)?;
                }
                answer::write_tool_error(out, id, revision, "called");
            }
            Method::ToolsList => {
                let scope = cursor::Scope {
                    catalog_version: 1,
                    binding: self.binding,
                };
                list::read_position(params, &scope, &self.sealer)?;
                let page = list::Page {
                    era: revision.era(),
                    size: 1,
                    scope,
                    sealer: &self.sealer,
                };
                list::write(out, id, &page, [])?;
            }
            Method::LoggingSetLevel => {
                let level = params.level.as_str().ok_or(Refusal::ParamsInvalid)?;
                if !method::is_log_level(level) {
                    return Err(Refusal::ParamsInvalid.into());
                }
                answer::write_empty(out, id);
            }
            Method::Ping => answer::write_empty(out, id),
            Method::ServerDiscover => handshake::write_discover(out, id, ""),
            Method::SubscriptionsListen => {
                let filter = listen::read_filter(params)?;
                listen::write_acknowledged(out, id, filter);
            }
            Method::Initialize | Method::Unknown => return Err(Refusal::Internal.into()),
        }
        Ok(200)
    }
}

fn refuse(out: &mut Vec<u8>, id: Option<Id<'_>>, era: Era, refused: &Refused<'_>) -> u16 {
    error::write(out, id, refused);
    http_status(refused.refusal, era)
}

const META: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"c","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}"#;

fn meta_of(version: &str) -> String {
    META.replace("2026-07-28", version)
}

fn request(id: &str, method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{{{params}}}}}"#)
}

/// A call of `echo` with every mirrored parameter.
fn call(arguments: &str) -> String {
    request(
        "7",
        "tools/call",
        &format!(r#""name":"echo","arguments":{arguments},{META}"#),
    )
}

const VERSION: (&str, &str) = ("MCP-Protocol-Version", "2026-07-28");
const LIST: (&str, &str) = ("Mcp-Method", "tools/list");
const CALL: (&str, &str) = ("Mcp-Method", "tools/call");
const ECHO: (&str, &str) = ("Mcp-Name", "echo");

mod legacy_table;
mod modern_table;
mod parameter_table;
