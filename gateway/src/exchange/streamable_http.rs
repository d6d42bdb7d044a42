//! MCP's door: one endpoint for every revision, decided per request.
//!
//! POST carries messages, GET opens a legacy event stream, DELETE ends a legacy session. Answers are JSON
//! wherever the client takes it; a client that takes event streams only gets one event.

mod accept;
mod cors;
mod turn;

use super::frame::Frame;
use super::own::{add_refusal_headers, refuse};
use super::visit::{self, Visit};
use super::{Failure, Want, call};
use crate::answer::{Answer, EVENT_STREAM};
use crate::auth::Principal;
use crate::http::head::Method as HttpMethod;
use crate::http::sse;
use crate::mcp::answer::BatchAnswers;
use crate::mcp::envelope::{self, Envelope, Fault, Id, Kind, Message};
use crate::mcp::era;
use crate::mcp::error::{self, Refused};
use crate::mcp::headers::Headers;
use crate::mcp::method::Method;
use crate::mcp::session::{Binding, Session};
use crate::mcp::version::Era;
use crate::mcp::{legacy, modern, origin};
use crate::meter::record::{Status, Transport};
use crate::refusal::Refusal;
use crate::worker::stream::Subscription;

use accept::Form;
use turn::Turn;

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

/// The refusal of a request whose body need not be read for it.
pub(super) fn refuse_unread(frame: &Frame<'_>) -> Option<Answer> {
    let shared = &frame.core.shared;
    if let Err(refusal) = origin::check(frame.head.host, frame.head.origin, &shared.hosts) {
        return Some(refuse(frame, refusal));
    }
    if frame.head.method == HttpMethod::Options {
        return None;
    }
    let era = era::of_headers(&Headers::of(frame.head));
    let mut answer = match (frame.head.method, form_of_post(frame)) {
        (HttpMethod::Options, _) => return None,
        (HttpMethod::Post, Err(refusal)) => refused(frame, era, None, &refusal.into()),
        (_, form) => {
            let refusal = frame.caller().err()?;
            let mut answer = unreadable(frame, era, Fault { refusal, id: None });
            shape(&mut answer, form.unwrap_or(Form::Json));
            answer
        }
    };
    cors::add(&mut answer, frame.head.origin);
    Some(answer)
}

async fn post(frame: &Frame<'_>, headers: &Headers<'_>) -> Answer {
    let era = era::of_headers(headers);
    let form = match form_of_post(frame) {
        Ok(form) => form,
        Err(refusal) => return refused(frame, era, None, &refusal.into()),
    };
    let mut answer = match envelope::read(frame.body) {
        Ok(Envelope::One(message)) => one(frame, headers, &message).await,
        Ok(Envelope::Batch(messages)) => batch(frame, headers, &messages).await,
        Err(fault) => unreadable(frame, era, fault),
    };
    shape(&mut answer, form);
    answer
}

/// What a POST sends and takes, by its head.
fn form_of_post(frame: &Frame<'_>) -> Result<Form, Refusal> {
    if !accept::is_json(frame.head.content_type) {
        return Err(Refusal::MediaTypeUnsupported);
    }
    accept::form(frame.head).ok_or(Refusal::NotAcceptable)
}

/// Makes one event of a JSON answer, for who takes nothing else.
fn shape(answer: &mut Answer, form: Form) {
    if form == Form::EventStream && answer.stream.is_none() && !answer.body.is_empty() {
        let json = std::mem::take(&mut answer.body);
        sse::message(&mut answer.body, &json);
        answer.content_type = EVENT_STREAM;
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
        let principal = frame.caller()?;
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
        Ok(mut reply) => {
            visit.tell_limits(&mut reply.answer);
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
        let principal = frame.caller()?;
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
        let principal = frame.caller()?;
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
    let mut lines = Vec::new();
    for message in messages {
        let answer = match message {
            Ok(message) => in_batch(frame, headers, message, body.len()).await,
            Err(fault) => unreadable(frame, Era::Legacy, *fault),
        };
        // A stream cannot be one of several answers, and nothing that opens one exists in this revision.
        if !answer.body.is_empty() {
            answers.begin_one(&mut body);
            body.extend_from_slice(&answer.body);
        }
        // What is left of the limits after the last that was served; a refusal's headers are its own.
        if answer.status == 200 && !answer.headers.is_empty() {
            lines = answer.headers;
        }
    }
    if answers.end(&mut body) {
        let mut answer = Answer::json(200, body);
        answer.headers = lines;
        answer
    } else {
        Answer::empty(202)
    }
}

/// One message of a batch, whose answers so far have `gathered` bytes.
async fn in_batch(
    frame: &Frame<'_>,
    headers: &Headers<'_>,
    message: &Message<'_>,
    gathered: usize,
) -> Answer {
    let id = message.id();
    if let Err(refusal) = legacy::check_in_batch(message) {
        return unreadable(frame, Era::Legacy, Fault { refusal, id });
    }
    let answer = one(frame, headers, message).await;
    if answer.body.is_empty() || BatchAnswers::fits(gathered, answer.body.len()) {
        return answer;
    }
    // It was made and recorded; only its answer is too much.
    let refusal = Refusal::BatchAnswerTooLarge;
    refused(frame, Era::Legacy, id, &refusal.into())
}

/// GET: the event stream of a legacy session.
async fn open_stream(frame: &Frame<'_>, headers: &Headers<'_>) -> Answer {
    let mut visit = Visit::open(frame, Transport::StreamableHttp, "session/stream", 0);
    let opened = async {
        era::check_stream(headers)?;
        if !accept::takes_event_stream(frame.head) {
            return Err(Failure::from(Refusal::NotAcceptable));
        }
        let principal = frame.caller()?;
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
        let principal = frame.caller()?;
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
    add_refusal_headers(frame, &mut answer, refusal);
    answer
}
