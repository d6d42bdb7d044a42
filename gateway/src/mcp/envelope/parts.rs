//! The members of a message, noted where they stand in one pass, and the message they make.

use super::member::{Text, next_name, read_raw};
use super::{Fault, Id, Kind, Message, Meta, Params};
use crate::json::lexer::{self, Lexer};
use crate::json::raw::Raw;
use crate::limits::BATCH_MESSAGES_MAX;
use crate::refusal::Refusal;

/// Reads a text that is no array.
pub(super) fn read_one(text: &str) -> Result<Message<'_>, Fault<'_>> {
    let fault = |refusal| Fault { refusal, id: None };
    let mut lexer = Lexer::new(text);
    if lexer.peek_token() != b'{' {
        // JSON, but no message.
        Raw::parse(text).map_err(|broken| fault(broken.into()))?;
        return Err(fault(Refusal::InvalidRequest));
    }
    let mut parts = Parts::default();
    parts
        .read(&mut lexer)
        .map_err(|broken| fault(broken.into()))?;
    parts.into_message()
}

/// Reads a text that begins as an array, to its end even where it is too long, so that broken JSON is told
/// apart.
pub(super) fn read_batch(text: &str) -> Result<Vec<Result<Message<'_>, Fault<'_>>>, Refusal> {
    let mut lexer = Lexer::new(text);
    let mut messages = Vec::new();
    let (mut count, mut first) = (0, true);
    lexer.open_array()?;
    while lexer.next_element(&mut first)? {
        let message = lexer.value()?;
        count += 1;
        if count <= BATCH_MESSAGES_MAX {
            messages.push(read_one(message.get()));
        }
    }
    lexer.end()?;
    match count {
        0 => Err(Refusal::InvalidRequest),
        1..=BATCH_MESSAGES_MAX => Ok(messages),
        _ => Err(Refusal::BatchTooLong),
    }
}

/// The members of one message.
#[derive(Default)]
struct Parts<'a> {
    jsonrpc: Text<'a>,
    id: Option<Raw<'a>>,
    method: Text<'a>,
    params: Params<'a>,
    has_result: bool,
    has_error: bool,
    /// `params` is there and no object.
    misshapen: bool,
    /// A member that we act on stands twice in its object.
    repeated: bool,
    id_repeated: bool,
}

/// Which known members of one object were met, a bit each.
#[derive(Default)]
struct Seen(u32);

impl Seen {
    /// Whether this member was met before.
    fn again(&mut self, member: u32) -> bool {
        let bit = 1 << member;
        let again = self.0 & bit != 0;
        self.0 |= bit;
        again
    }
}

impl<'a> Parts<'a> {
    fn read(&mut self, lexer: &mut Lexer<'a>) -> Result<(), lexer::Fault> {
        let (mut seen, mut first) = (Seen::default(), true);
        lexer.open_object()?;
        while let Some(name) = next_name(lexer, &mut first)? {
            let member = match &*name {
                "jsonrpc" => {
                    self.jsonrpc = Text::read(lexer)?;
                    0
                }
                "id" => {
                    self.id_repeated = self.id.is_some();
                    self.id = Some(lexer.value()?);
                    1
                }
                "method" => {
                    self.method = Text::read(lexer)?;
                    2
                }
                "params" => {
                    self.read_params(lexer)?;
                    3
                }
                "result" => {
                    lexer.value()?;
                    self.has_result = true;
                    4
                }
                "error" => {
                    lexer.value()?;
                    self.has_error = true;
                    5
                }
                _ => {
                    lexer.value()?;
                    continue;
                }
            };
            self.repeated |= seen.again(member);
        }
        lexer.end()
    }

    fn read_params(&mut self, lexer: &mut Lexer<'a>) -> Result<(), lexer::Fault> {
        if lexer.peek_token() == b'{' {
            self.repeated |= self.params.read(lexer)?;
        } else {
            // `null` is what some serializers write for "none".
            self.misshapen |= lexer.value()?.get() != "null";
        }
        Ok(())
    }

    fn into_message(self) -> Result<Message<'a>, Fault<'a>> {
        let id = if self.id_repeated {
            None
        } else {
            self.id.and_then(Id::read)
        };
        let is_response = self.has_result || self.has_error;
        let sound = self.jsonrpc.as_str() == Some("2.0") && !self.misshapen && !self.repeated;
        let kind = match self.method {
            _ if !sound => None,
            Text::Is(method) if !is_response => match (self.id, id) {
                (None, _) => Some(Kind::Notification { method }),
                (Some(_), Some(id)) => Some(Kind::Request { id, method }),
                (Some(_), None) => None,
            },
            // Exactly one of the two; an error's id may be `null`, and we look at neither.
            Text::Absent if self.has_result != self.has_error => Some(Kind::Response),
            _ => None,
        };
        match kind {
            Some(kind) => Ok(Message {
                kind,
                params: self.params,
            }),
            None => Err(Fault {
                refusal: Refusal::InvalidRequest,
                id,
            }),
        }
    }
}

impl<'a> Params<'a> {
    /// Reads the object; whether a member that we act on stands twice in it.
    fn read(&mut self, lexer: &mut Lexer<'a>) -> Result<bool, lexer::Fault> {
        let (mut seen, mut first) = (Seen::default(), true);
        let mut repeated = false;
        lexer.open_object()?;
        while let Some(name) = next_name(lexer, &mut first)? {
            let member = match &*name {
                "name" => {
                    self.name = Text::read(lexer)?;
                    0
                }
                "arguments" => {
                    self.arguments = read_raw(lexer)?;
                    1
                }
                "_meta" => {
                    repeated |= self.meta.read(lexer)?;
                    2
                }
                "cursor" => {
                    self.cursor = Text::read(lexer)?;
                    3
                }
                "uri" => {
                    self.uri = Text::read(lexer)?;
                    4
                }
                "protocolVersion" => {
                    self.protocol_version = Text::read(lexer)?;
                    5
                }
                "capabilities" => {
                    self.capabilities = read_raw(lexer)?;
                    6
                }
                "clientInfo" => {
                    self.client_info = read_raw(lexer)?;
                    7
                }
                "level" => {
                    self.level = Text::read(lexer)?;
                    8
                }
                "notifications" => {
                    self.notifications = read_raw(lexer)?;
                    9
                }
                "requestId" => {
                    self.request_id = read_raw(lexer)?;
                    10
                }
                _ => {
                    lexer.value()?;
                    continue;
                }
            };
            repeated |= seen.again(member);
        }
        Ok(repeated)
    }
}

impl<'a> Meta<'a> {
    /// Reads the object, or passes over what is none; whether a member that we act on stands twice in it.
    fn read(&mut self, lexer: &mut Lexer<'a>) -> Result<bool, lexer::Fault> {
        let (mut seen, mut first) = (Seen::default(), true);
        let mut repeated = false;
        if lexer.peek_token() != b'{' {
            lexer.value()?;
            return Ok(false);
        }
        lexer.open_object()?;
        while let Some(name) = next_name(lexer, &mut first)? {
            let member = match &*name {
                "io.modelcontextprotocol/protocolVersion" => {
                    self.protocol_version = Text::read(lexer)?;
                    0
                }
                "io.modelcontextprotocol/clientCapabilities" => {
                    self.client_capabilities = read_raw(lexer)?;
                    1
                }
                "io.modelcontextprotocol/clientInfo" => {
                    self.client_info = read_raw(lexer)?;
                    2
                }
                "io.modelcontextprotocol/logLevel" => {
                    self.log_level = Text::read(lexer)?;
                    3
                }
                "progressToken" => {
                    self.progress_token = read_raw(lexer)?;
                    4
                }
                "traceparent" => {
                    self.traceparent = Text::read(lexer)?;
                    5
                }
                _ => {
                    lexer.value()?;
                    continue;
                }
            };
            repeated |= seen.again(member);
        }
        Ok(repeated)
    }
}
