//! MCP's door: one endpoint for every revision, decided per request.
//!
//! POST carries messages, GET opens a legacy event stream, DELETE ends a legacy session. Answers are JSON
//! wherever the client takes it; a client that takes event streams only gets one event.

mod accept;
mod cors;

use super::frame::Frame;
use super::own::{add_refusal_headers, refuse};
use super::visit::{self, Visit};
use super::{Failure, Want, call};
use crate::answer::{Answer, EVENT_STREAM};
use crate::auth::{self, Principal};
use crate::http::head::Method as HttpMethod;
use crate::http::sse;
use crate::limits::TOOLS_PER_PAGE_MAX;
use crate::mcp::answer::{self, BatchAnswers};
use crate::mcp::envelope::{self, Envelope, Fault, Id, Kind, Message};
use crate::mcp::era;
use crate::mcp::error::{self, Refused};
use crate::mcp::headers::Headers;
use crate::mcp::list::{self, Listed, Page};
use crate::mcp::method::{self, Method};
use crate::mcp::session::{Binding, Session};
use crate::mcp::version::{Era, Revision};
use crate::mcp::{cursor, handshake, legacy, listen, modern, origin};
use crate::meter::record::{Status, Transport};
use crate::policy;
use crate::refusal::Refusal;
use crate::route;
use crate::worker::stream::Subscription;

/// Header that carries a session's token.
const SESSION_HEADER: &str = "mcp-session-id";

/// Answers a request to `/mcp`.
pub(super) async fn answer(frame: &Frame<'_>) -> Answer {
    if let Err(refusal) =
        origin::check(frame.head.host, frame.head.origin, &frame.core.shared.hosts)
    {
        return refuse(frame, refusal);
    }
    let headers = Headers::of(frame.head);
    let mut answer = match frame.head.method {
        HttpMethod::Options => cors::preflight(),
        HttpMethod::Get => open_stream(frame, &headers).await,
        HttpMethod::Delete => end_session(frame, &headers).await,
        _ => post(frame, &headers).await,
    };
    cors::add(&mut answer, frame.head.origin);
    answer
}

async fn post(frame: &Frame<'_>, headers: &Headers<'_>) -> Answer {
    let era = era::of_headers(headers);
    if !accept::is_json(frame.head.content_type) {
        return refused(frame, era, None, &Refusal::MediaTypeUnsupported.into());
    }
    let Some(form) = accept::form(frame.head) else {
        return refused(frame, era, None, &Refusal::NotAcceptable.into());
    };
    let mut answer = match envelope::read(frame.body) {
        Ok(Envelope::One(message)) => one(frame, headers, &message).await,
        Ok(Envelope::Batch(messages)) => batch(frame, headers, &messages).await,
        Err(fault) => unreadable(frame, era, fault),
    };
    if form == accept::Form::EventStream && answer.stream.is_none() && !answer.body.is_empty() {
        let json = std::mem::take(&mut answer.body);
        sse::message(&mut answer.body, &json);
        answer.content_type = EVENT_STREAM;
    }
    answer
}

/// What a message was answered with, and how its record ends.
struct Reply {
    answer: Answer,
    status: Status,
}

impl Reply {
    fn json(body: Vec<u8>) -> Self {
        Self {
            answer: Answer::json(200, body),
            status: Status::Success,
        }
    }
}

/// One message: a notification is acknowledged, a request answered and recorded.
async fn one(frame: &Frame<'_>, headers: &Headers<'_>, message: &Message<'_>) -> Answer {
    let era = era::of_message(message, headers);
    let Kind::Request { id, method } = &message.kind else {
        return acknowledge(frame, headers, era, message);
    };
    let mut visit = Visit::open(
        frame,
        Transport::StreamableHttp,
        Method::read(method).label(),
        frame.body.len(),
    );
    let answered = async {
        let principal =
            auth::authenticate(&frame.snapshot().keys, frame.head.authorization, frame.now)?;
        let turn = Turn {
            frame,
            headers,
            message,
            principal: &principal,
            id: *id,
        };
        match era {
            Era::Modern => turn.modern(&mut visit).await,
            Era::Legacy => turn.legacy(&mut visit).await,
        }
    };
    match answered.await {
        Ok(reply) => {
            visit.close(reply.status, &reply.answer);
            reply.answer
        }
        Err(failure) => {
            let answer = failed(frame, era, Some(*id), &failure);
            visit.fail(&failure, &answer);
            answer
        }
    }
}

/// A message that wants no answer: 202 once it is known to be sound and whose it is.
fn acknowledge(
    frame: &Frame<'_>,
    headers: &Headers<'_>,
    era: Era,
    message: &Message<'_>,
) -> Answer {
    let sound = || -> Result<(), Failure<'_>> {
        let principal =
            auth::authenticate(&frame.snapshot().keys, frame.head.authorization, frame.now)?;
        match era {
            Era::Modern => modern::check(message, headers).map(|_| ())?,
            Era::Legacy => open_session(frame, headers, &principal).map(|_| ())?,
        }
        Ok(())
    };
    match sound() {
        Ok(()) => Answer::empty(202),
        Err(failure) => {
            visit::count(frame.core, failure.refusal());
            failed(frame, era, None, &failure)
        }
    }
}

/// An array of messages: only in sessions of 2025-03-26. Each goes through the same stages as one alone.
async fn batch(
    frame: &Frame<'_>,
    headers: &Headers<'_>,
    messages: &[Result<Message<'_>, Fault<'_>>],
) -> Answer {
    let allowed = || -> Result<(), Failure<'_>> {
        if era::of_headers(headers) == Era::Modern {
            return Err(Refusal::BatchRefused.into());
        }
        let principal =
            auth::authenticate(&frame.snapshot().keys, frame.head.authorization, frame.now)?;
        let session = match headers.session {
            crate::mcp::headers::Field::Absent => return Err(Refusal::BatchRefused.into()),
            _ => open_session(frame, headers, &principal)?,
        };
        Ok(legacy::check_batch(session.revision)?)
    };
    if let Err(failure) = allowed() {
        visit::count(frame.core, failure.refusal());
        return failed(frame, Era::Legacy, None, &failure);
    }
    let mut body = frame.core.buffers.take();
    let mut answers = BatchAnswers::default();
    for message in messages {
        let answer = match message {
            Ok(message) => match legacy::check_in_batch(message) {
                Ok(()) => one(frame, headers, message).await,
                Err(refusal) => unreadable(
                    frame,
                    Era::Legacy,
                    Fault {
                        refusal,
                        id: message.id(),
                    },
                ),
            },
            Err(fault) => unreadable(frame, Era::Legacy, *fault),
        };
        // A stream cannot be one of several answers, and nothing that opens one exists in this revision.
        if !answer.body.is_empty() {
            answers.begin_one(&mut body);
            body.extend_from_slice(&answer.body);
        }
    }
    if answers.end(&mut body) {
        Answer::json(200, body)
    } else {
        Answer::empty(202)
    }
}

/// One request of a known caller.
struct Turn<'a, 'p> {
    frame: &'a Frame<'a>,
    headers: &'a Headers<'a>,
    message: &'a Message<'a>,
    principal: &'p Principal,
    id: Id<'a>,
}

impl<'a> Turn<'a, '_> {
    async fn modern(&self, visit: &mut Visit<'a>) -> Result<Reply, Failure<'a>> {
        let modern::Accepted::Request(method) = modern::check(self.message, self.headers)? else {
            return Err(Refusal::Internal.into());
        };
        match method {
            Method::ToolsCall => {
                self.tools_call(Revision::V20260728, Some(self.headers), visit)
                    .await
            }
            Method::ToolsList => self.tools_list(Era::Modern, visit).await,
            Method::ServerDiscover => {
                call(self.frame, self.principal, Want::Protocol, visit).await?;
                let mut body = self.frame.core.buffers.take();
                handshake::write_discover(&mut body, self.id, &self.frame.core.shared.instructions);
                Ok(Reply::json(body))
            }
            Method::SubscriptionsListen => {
                let filter = listen::read_filter(&self.message.params)?;
                call(self.frame, self.principal, Want::Protocol, visit).await?;
                let stream = Subscription::listen(
                    self.frame.core,
                    self.principal,
                    self.authorization(),
                    self.id,
                    filter,
                )?;
                Ok(Reply {
                    answer: stream_answer(stream),
                    status: Status::Success,
                })
            }
            Method::Initialize | Method::Ping | Method::LoggingSetLevel | Method::Unknown => {
                Err(Refusal::MethodUnknown.into())
            }
        }
    }

    async fn legacy(&self, visit: &mut Visit<'a>) -> Result<Reply, Failure<'a>> {
        let opens =
            matches!(&self.message.kind, Kind::Request { method, .. } if method == "initialize");
        if opens {
            return self.initialize(visit).await;
        }
        let session = open_session(self.frame, self.headers, self.principal)?;
        let legacy::Accepted::Request(method) = legacy::check(self.message)? else {
            return Err(Refusal::Internal.into());
        };
        match method {
            Method::ToolsCall => self.tools_call(session.revision, None, visit).await,
            Method::ToolsList => self.tools_list(Era::Legacy, visit).await,
            Method::LoggingSetLevel if !self.names_a_log_level() => {
                Err(Refusal::ParamsInvalid.into())
            }
            Method::Ping | Method::LoggingSetLevel => {
                call(self.frame, self.principal, Want::Protocol, visit).await?;
                let mut body = self.frame.core.buffers.take();
                answer::write_empty(&mut body, self.id);
                Ok(Reply::json(body))
            }
            Method::Initialize
            | Method::ServerDiscover
            | Method::SubscriptionsListen
            | Method::Unknown => Err(Refusal::MethodUnknown.into()),
        }
    }

    async fn initialize(&self, visit: &mut Visit<'a>) -> Result<Reply, Failure<'a>> {
        let opening = handshake::read_initialize(&self.message.params)?;
        call(self.frame, self.principal, Want::Protocol, visit).await?;
        let shared = &self.frame.core.shared;
        let token = shared.sessions.begin(
            &shared.sealer,
            opening.revision,
            opening.declared,
            &Binding::from(self.principal.binding()),
            self.frame.now.unix_ms,
        )?;
        let mut body = self.frame.core.buffers.take();
        handshake::write_initialize(&mut body, self.id, opening.revision, &shared.instructions);
        let mut reply = Reply::json(body);
        reply.answer.header(SESSION_HEADER, token.as_bytes());
        Ok(reply)
    }

    async fn tools_list(&self, era: Era, visit: &mut Visit<'a>) -> Result<Reply, Failure<'a>> {
        call(self.frame, self.principal, Want::List, visit).await?;
        let (snapshot, shared) = (self.frame.snapshot(), &self.frame.core.shared);
        let scope = cursor::Scope {
            catalog_version: snapshot.catalog_version,
            binding: Binding::from(self.principal.binding()),
        };
        let start = list::read_position(&self.message.params, &scope, &shared.sealer)?;
        let listed = route::candidates(snapshot, self.principal)
            .zip(0u32..)
            .skip(start as usize)
            .filter(|(tool, _)| policy::visible(self.principal, snapshot, tool))
            .map(|(tool, position)| Listed {
                position,
                tenant: None,
                name: route::shown_name(self.principal, tool),
                definition: &tool.definition,
            });
        let page = Page {
            era,
            size: TOOLS_PER_PAGE_MAX,
            scope,
            sealer: &shared.sealer,
        };
        let mut body = self.frame.core.buffers.take();
        list::write(&mut body, self.id, &page, listed)?;
        Ok(Reply::json(body))
    }

    async fn tools_call(
        &self,
        revision: Revision,
        headers: Option<&'a Headers<'a>>,
        visit: &mut Visit<'a>,
    ) -> Result<Reply, Failure<'a>> {
        let params = &self.message.params;
        let name = params.name.as_str().ok_or(Refusal::ParamsInvalid)?;
        let want = Want::Tool {
            name,
            arguments: params.arguments,
            headers,
        };
        let mut body = self.frame.core.buffers.take();
        let status = match call(self.frame, self.principal, want, visit).await {
            Ok(result) => {
                let result = result.unwrap_or_default();
                answer::write_tool_result(&mut body, self.id, revision, &result);
                self.frame.core.buffers.give_back(result.content);
                if result.is_error {
                    Status::Error
                } else {
                    Status::Success
                }
            }
            // What a model can act on is a tool's result, not a protocol error (SEP-1303).
            Err(Failure::Arguments(invalid)) => {
                answer::write_tool_error(&mut body, self.id, revision, invalid.text());
                visit.blame(Refusal::ArgumentsInvalid);
                Status::Error
            }
            Err(Failure::Upstream(fault)) => {
                let row = fault.refusal().row();
                let text = format!("{} {}", row.message, row.suggestion);
                answer::write_tool_error(&mut body, self.id, revision, &text);
                visit.blame_upstream(fault);
                row.status
            }
            Err(failure) => return Err(failure),
        };
        Ok(Reply {
            answer: Answer::json(200, body),
            status,
        })
    }

    fn names_a_log_level(&self) -> bool {
        self.message
            .params
            .level
            .as_str()
            .is_some_and(method::is_log_level)
    }

    fn authorization(&self) -> Option<&[u8]> {
        self.frame.head.authorization
    }
}

/// GET: the event stream of a legacy session.
async fn open_stream(frame: &Frame<'_>, headers: &Headers<'_>) -> Answer {
    let mut visit = Visit::open(frame, Transport::StreamableHttp, "session/stream", 0);
    let opened = async {
        era::check_stream(headers)?;
        if !accept::takes_event_stream(frame.head) {
            return Err(Failure::from(Refusal::NotAcceptable));
        }
        let principal =
            auth::authenticate(&frame.snapshot().keys, frame.head.authorization, frame.now)?;
        open_session(frame, headers, &principal)?;
        call(frame, &principal, Want::Protocol, &mut visit).await?;
        Ok(Subscription::legacy(
            frame.core,
            &principal,
            frame.head.authorization,
        )?)
    };
    match opened.await {
        Ok(stream) => {
            let answer = stream_answer(stream);
            visit.close(Status::Success, &answer);
            answer
        }
        Err(failure) => {
            let answer = failed(frame, era::of_headers(headers), None, &failure);
            visit.fail(&failure, &answer);
            answer
        }
    }
}

/// DELETE: the end of a legacy session.
async fn end_session(frame: &Frame<'_>, headers: &Headers<'_>) -> Answer {
    let mut visit = Visit::open(frame, Transport::StreamableHttp, "session/end", 0);
    let ended = async {
        era::check_stream(headers)?;
        let principal =
            auth::authenticate(&frame.snapshot().keys, frame.head.authorization, frame.now)?;
        let session = open_session(frame, headers, &principal)?;
        call(frame, &principal, Want::Protocol, &mut visit).await?;
        frame.core.shared.sessions.end(&session, frame.now.unix_ms);
        Ok::<(), Failure<'_>>(())
    };
    match ended.await {
        Ok(()) => {
            let answer = Answer::empty(204);
            visit.close(Status::Success, &answer);
            answer
        }
        Err(failure) => {
            let answer = failed(frame, era::of_headers(headers), None, &failure);
            visit.fail(&failure, &answer);
            answer
        }
    }
}

fn open_session(
    frame: &Frame<'_>,
    headers: &Headers<'_>,
    principal: &Principal,
) -> Result<Session, Refused<'static>> {
    let shared = &frame.core.shared;
    let binding = Binding::from(principal.binding());
    legacy::open_session(
        &shared.sessions,
        &shared.sealer,
        headers,
        &binding,
        frame.now.unix_ms,
    )
}

fn stream_answer(stream: Subscription) -> Answer {
    let mut answer = Answer::of(200, EVENT_STREAM, Vec::new())
        .with("cache-control", b"no-cache, no-transform")
        .with("x-accel-buffering", b"no");
    answer.stream = Some(Box::new(stream));
    answer
}

/// A body that holds no message, or a batch's item that is none.
fn unreadable(frame: &Frame<'_>, era: Era, fault: Fault<'_>) -> Answer {
    let failure = Failure::from(fault.refusal);
    let answer = failed(frame, era, fault.id, &failure);
    Visit::open(
        frame,
        Transport::StreamableHttp,
        "unknown",
        frame.body.len(),
    )
    .fail(&failure, &answer);
    answer
}

fn refused(frame: &Frame<'_>, era: Era, id: Option<Id<'_>>, failure: &Failure<'_>) -> Answer {
    visit::count(frame.core, failure.refusal());
    failed(frame, era, id, failure)
}

/// A JSON-RPC error with its status and headers.
fn failed(frame: &Frame<'_>, era: Era, id: Option<Id<'_>>, failure: &Failure<'_>) -> Answer {
    let refusal = failure.refusal();
    let plain = Refused::from(refusal);
    let refused = match failure {
        Failure::Refused(refused) => refused,
        Failure::Arguments(_) | Failure::Upstream(_) => &plain,
    };
    let mut body = frame.core.buffers.take();
    error::write(&mut body, id, refused);
    let mut answer = Answer::json(error::http_status(refusal, era), body);
    if refusal == Refusal::MethodNotAllowed {
        answer.header("allow", b"POST, OPTIONS");
    }
    add_refusal_headers(&mut answer, refusal);
    answer
}
