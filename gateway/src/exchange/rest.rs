//! The REST facade's door.

use super::frame::Frame;
use super::own::{add_refusal_headers, refuse};
use super::visit::Visit;
use super::{Failure, Want, call};
use crate::adapter::result::ToolResult;
use crate::answer::Answer;
use crate::auth::Principal;
use crate::facade::query::ListQuery;
use crate::facade::{self, Invocation, write};
use crate::http::head::Method;
use crate::mcp::cursor;
use crate::mcp::origin;
use crate::mcp::session::Binding;
use crate::meter::record::{Status, Transport};
use crate::policy;
use crate::refusal::Refusal;
use crate::route::{self, Facade};
use crate::snapshot::tool::Tool;

/// Answers a request to `/mcp/v1/...`.
pub(super) async fn answer(frame: &Frame<'_>, path: Facade<'_>) -> Answer {
    if let Err(refusal) =
        origin::check(frame.head.host, frame.head.origin, &frame.core.shared.hosts)
    {
        return refuse(frame, refusal);
    }
    match (path, invoked(frame, path)) {
        (Facade::Information, _) => {
            Answer::json(200, write::information(env!("CARGO_PKG_VERSION")))
        }
        (_, Some(name)) => invoke(frame, name).await,
        (_, None) => look(frame, path).await,
    }
}

/// The tool that a request invokes, if any: its name is still percent-encoded.
fn invoked<'a>(frame: &Frame<'_>, path: Facade<'a>) -> Option<&'a str> {
    match path {
        Facade::Invoke(name) => Some(name),
        Facade::Tool(name) if frame.head.method == Method::Post => Some(name),
        _ => None,
    }
}

/// The refusal of a request whose body need not be read for it.
pub(super) fn refuse_unread(frame: &Frame<'_>, path: Facade<'_>) -> Option<Answer> {
    let shared = &frame.core.shared;
    if let Err(refusal) = origin::check(frame.head.host, frame.head.origin, &shared.hosts) {
        return Some(refuse(frame, refusal));
    }
    if path == Facade::Information {
        return None;
    }
    let refusal = frame.caller().err()?;
    let action = match invoked(frame, path) {
        Some(_) => "tools/call",
        None => "tools/list",
    };
    let visit = Visit::open(frame, Transport::Rest, action, 0);
    Some(refused(frame, visit, &refusal.into()))
}

/// Lists and descriptions: what a caller may see.
async fn look(frame: &Frame<'_>, path: Facade<'_>) -> Answer {
    let mut visit = Visit::open(frame, Transport::Rest, "tools/list", 0);
    let seen = async {
        let principal = frame.caller()?;
        call(frame, &principal, Want::List, &mut visit).await?;
        render(frame, &principal, path).map_err(Failure::from)
    };
    match seen.await {
        Ok(body) => finish(visit, body),
        Err(failure) => refused(frame, visit, &failure),
    }
}

fn render(frame: &Frame<'_>, principal: &Principal, path: Facade<'_>) -> Result<Vec<u8>, Refusal> {
    let snapshot = frame.snapshot();
    let visible = || {
        route::candidates(snapshot, principal)
            .filter(|tool| policy::visible(principal, snapshot, tool))
    };
    match path {
        Facade::Categories => Ok(write::counts(
            "categories",
            visible().map(|tool| tool.category.clone()),
        )),
        Facade::Tags => Ok(write::counts(
            "tags",
            visible().flat_map(|tool| tool.tags.iter().cloned()),
        )),
        Facade::Tool(name) => {
            let name = facade::tool_name(name)?;
            let tool = route::resolve(snapshot, principal, &name).ok_or(Refusal::ToolUnknown)?;
            if !policy::visible(principal, snapshot, tool) {
                return Err(Refusal::ToolUnknown);
            }
            let mut out = Vec::with_capacity(1024);
            write::tool(&mut out, route::shown_name(principal, tool), tool);
            Ok(out)
        }
        _ => {
            let query = ListQuery::read(frame.head.target.query)?;
            let wanted: Vec<&Tool> = visible().filter(|tool| query.wants(tool)).collect();
            page(frame, principal, &query, &wanted)
        }
    }
}

fn page(
    frame: &Frame<'_>,
    principal: &Principal,
    query: &ListQuery<'_>,
    wanted: &[&Tool],
) -> Result<Vec<u8>, Refusal> {
    let shared = &frame.core.shared;
    let scope = cursor::Scope {
        catalog_version: frame.snapshot().catalog_version,
        binding: Binding::from(principal.binding()),
    };
    let start = match &query.cursor {
        Some(cursor) => scope.open(&shared.sealer, cursor)? as usize,
        None => 0,
    };
    let shown = wanted.iter().skip(start).take(query.limit);
    let mut out = br#"{"tools":["#.to_vec();
    for (index, tool) in shown.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write::tool(&mut out, route::shown_name(principal, tool), tool);
    }
    out.extend_from_slice(br#"],"nextCursor":"#);
    let next = start.saturating_add(query.limit);
    if next < wanted.len() {
        let position = u32::try_from(next).map_err(|_| Refusal::Internal)?;
        crate::json::write_string(&mut out, &scope.seal(&shared.sealer, position)?);
    } else {
        out.extend_from_slice(b"null");
    }
    out.extend_from_slice(br#","totalCount":"#);
    out.extend_from_slice(itoa::Buffer::new().format(wanted.len()).as_bytes());
    out.push(b'}');
    Ok(out)
}

async fn invoke(frame: &Frame<'_>, segment: &str) -> Answer {
    let name = facade::tool_name(segment).unwrap_or_default();
    let invocation = Invocation::read(frame.body);
    let mut visit = Visit::open(frame, Transport::Rest, "tools/call", frame.body.len());
    let result = async {
        let invocation = invocation.as_ref().map_err(|refusal| *refusal)?;
        let principal = frame.caller()?;
        let want = Want::Tool {
            name: &name,
            arguments: invocation.arguments,
            headers: None,
        };
        call(frame, &principal, want, &mut visit).await
    };
    let outcome: Result<Option<ToolResult>, Failure<'_>> = result.await;
    match outcome {
        Ok(result) => {
            let result = result.unwrap_or_default();
            let given = invocation.ok().and_then(|invocation| invocation.request_id);
            let request_id = given.as_deref().unwrap_or_else(|| frame.request_id());
            let latency_ms = frame.core.clock.now().micros_since(frame.now) / 1_000;
            let invoked_at = crate::meter::event::timestamp(frame.now.unix_ms);
            let mut out = frame.core.buffers.take();
            write::invoked(
                &mut out,
                &name,
                &result,
                request_id,
                latency_ms,
                &invoked_at,
            );
            let status = if result.is_error {
                Status::Error
            } else {
                Status::Success
            };
            let mut answer = Answer::json(200, out);
            visit.tell_limits(&mut answer);
            visit.close(status, &answer);
            answer
        }
        Err(failure) => refused(frame, visit, &failure),
    }
}

fn finish(visit: Visit<'_>, body: Vec<u8>) -> Answer {
    let mut answer = Answer::json(200, body);
    visit.tell_limits(&mut answer);
    visit.close(Status::Success, &answer);
    answer
}

fn refused(frame: &Frame<'_>, visit: Visit<'_>, failure: &Failure<'_>) -> Answer {
    let refusal = failure.refusal();
    let explanation = match failure {
        Failure::Arguments(invalid) => Some(invalid.text()),
        Failure::Refused(_) | Failure::Upstream(_) => None,
    };
    let body = write::error(refusal, explanation, frame.request_id());
    let mut answer = Answer::json(refusal.row().http, body);
    add_refusal_headers(frame, &mut answer, refusal);
    visit.fail(failure, &answer);
    answer
}
