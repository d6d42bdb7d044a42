//! The life of a request, on one screen. The only file that knows the order of the stages.
//!
//! [`exchange`] opens the door that a request came to; each door reads its envelope, authenticates once,
//! and asks `call` for each thing that its caller wants. There is no other way to an upstream:
//! [`crate::upstream::send`] takes the [`Permit`] that only [`policy::decide`] gives, which takes the
//! admission that only [`limit::admit`] gives, which takes the principal that only
//! [`crate::auth::authenticate`] gives.

mod discovery;
mod frame;
mod own;
mod rest;
mod streamable_http;
mod visit;

use std::net::SocketAddr;

use crate::adapter;
use crate::adapter::rest::CallContext;
use crate::adapter::result::ToolResult;
use crate::answer::Answer;
use crate::auth::Principal;
use crate::builtin;
use crate::guard;
use crate::guard::arguments::{Arguments, InvalidArguments};
use crate::http::head::Head;
use crate::json::raw::Raw;
use crate::limit;
use crate::mcp;
use crate::mcp::error::Refused;
use crate::mcp::headers::Headers;
use crate::policy::{self, Permit, Target};
use crate::refusal::Refusal;
use crate::route::{self, Mount};
use crate::snapshot::operation::RestOperation;
use crate::snapshot::tool::{Backend, Tool};
use crate::tenant;
use crate::upstream::{self, Fault, Outbound};
use crate::worker::clock::Now;
use crate::worker::core::Core;

use frame::Frame;
use visit::Visit;

/// One request as it came.
pub struct Inbound<'a> {
    /// Its head.
    pub head: &'a Head<'a>,
    /// Its body, decoded.
    pub body: &'a [u8],
    /// The other end of the connection.
    pub peer: SocketAddr,
    /// When it was complete.
    pub now: Now,
}

/// What a caller wants.
pub(crate) enum Want<'a> {
    /// Something of the protocol itself.
    Protocol,
    /// The tools it may call.
    List,
    /// A tool's answer.
    Tool {
        /// As the caller wrote it.
        name: &'a str,
        /// As the caller wrote them.
        arguments: Option<Raw<'a>>,
        /// Where the revision mirrors parameters in headers.
        headers: Option<&'a Headers<'a>>,
    },
}

/// Why a call has no result.
pub(crate) enum Failure<'a> {
    /// Refused before anything was done.
    Refused(Refused<'a>),
    /// The arguments do not fit; the text is for a model.
    Arguments(InvalidArguments),
    /// The upstream gave no answer.
    Upstream(Fault),
}

/// Exchanges a request for an answer.
pub async fn exchange(core: &Core, inbound: Inbound<'_>) -> Answer {
    let frame = Frame::open(core, &inbound);
    let mut answer = match door(&frame) {
        Err(answer) => answer,
        Ok(Mount::Own(page)) => own::answer(&frame, page).await,
        Ok(Mount::Mcp) => streamable_http::answer(&frame).await,
        Ok(Mount::Facade(path)) => rest::answer(&frame, path).await,
        Ok(Mount::Nothing) => own::refuse(&frame, Refusal::NotFound),
    };
    answer.header("x-request-id", frame.request_id().as_bytes());
    answer
}

/// Looks at a head whose body is large and not read yet: `None` where it is to be read, else the refusal
/// that the request would get whatever its body says. The connection ends after it.
///
/// The checks are those that [`exchange`] makes before it looks at a body, in the same order; they are made
/// again when the body is there.
pub fn refuse_unread(core: &Core, inbound: Inbound<'_>) -> Option<Answer> {
    let frame = Frame::open(core, &inbound);
    let refused = match door(&frame) {
        Err(answer) => Some(answer),
        Ok(Mount::Mcp) => streamable_http::refuse_unread(&frame),
        Ok(Mount::Facade(path)) => rest::refuse_unread(&frame, path),
        Ok(Mount::Own(_) | Mount::Nothing) => None,
    };
    let mut answer = refused?;
    answer.header("x-request-id", frame.request_id().as_bytes());
    answer.close = true;
    Some(answer)
}

/// The door of a request's path, where there is one and it takes the method.
fn door<'a>(frame: &Frame<'a>) -> Result<Mount<'a>, Answer> {
    let mount = route::mount(frame.head.target.path);
    if mount == Mount::Nothing {
        return Err(own::refuse(frame, Refusal::NotFound));
    }
    if !route::takes(mount, frame.head.method) {
        let refused = own::refuse(frame, Refusal::MethodNotAllowed);
        return Err(refused.with("allow", route::methods(mount).as_bytes()));
    }
    Ok(mount)
}

/// The stages, in order, for one thing that an authenticated caller wants. `None` for what the door
/// itself answers (the protocol, lists): then it is permitted.
pub(crate) async fn call<'a>(
    frame: &'a Frame<'a>,
    principal: &Principal,
    want: Want<'a>,
    visit: &mut Visit<'a>,
) -> Result<Option<ToolResult>, Failure<'a>> {
    let (snapshot, now) = (frame.snapshot(), frame.now);
    visit.identified(principal);
    // Before the limits: an event of a refused call says what was refused.
    if let Want::Tool { name, .. } = &want {
        visit.named(name);
    }
    let (_, tenant) = tenant::identify(snapshot, principal)?;
    let admission = limit::admit(principal, tenant, now)?;
    visit.admitted(admission.state());
    let (admission, target) = match &want {
        Want::Protocol => (admission, Target::Protocol),
        Want::List => (admission, Target::List),
        Want::Tool { name, .. } => {
            let tool = route::resolve(snapshot, principal, name).ok_or(Refusal::ToolUnknown)?;
            let known = policy::find(principal, snapshot, tool)?;
            visit.resolved(tool);
            (admission.for_tool(known, now)?, Target::Tool(known))
        }
    };
    visit.admitted(admission.state());
    let permit = policy::decide(principal, admission, target)?;
    let (
        Want::Tool {
            arguments, headers, ..
        },
        Some(tool),
    ) = (want, permit.tool())
    else {
        return Ok(None);
    };
    if let Some(headers) = headers {
        mcp::parameter::check(&tool.mirrored, arguments, headers)?;
    }
    let arguments = guard::validate(&tool.arguments, arguments)?;
    let result = match &tool.backend {
        Backend::Catalog => builtin::catalog::call(snapshot, principal, arguments.raw()),
        Backend::Usage => builtin::usage::call(principal, tenant, now),
        Backend::Rest(operation) => {
            rest_call(frame, permit, tool, operation, &arguments, visit).await?
        }
    };
    Ok(Some(result))
}

/// Guarded arguments, encoded for an API, sent, and its answer decoded.
async fn rest_call<'a>(
    frame: &Frame<'a>,
    permit: Permit<'_>,
    tool: &Tool,
    operation: &RestOperation,
    arguments: &Arguments<'_>,
    visit: &mut Visit<'a>,
) -> Result<ToolResult, Failure<'a>> {
    let core = frame.core;
    if !core.meter.borrow().can_accept() {
        return Err(Refusal::MeteringFull.into());
    }
    let upstream = frame.snapshot().upstream(operation.upstream);
    let mut bytes = core.buffers.take();
    let context = CallContext {
        request_id: frame.request_id(),
        traceparent: frame.traceparent(),
    };
    adapter::rest::encode(operation, upstream, arguments, &context, &mut bytes)?;
    let sent = core.clock.now();
    let outbound = Outbound {
        upstream,
        operation,
        bytes,
        timeout_ms: tool.timeout_ms,
        now: sent,
    };
    let received = upstream::send(core, permit, outbound).await;
    let answered = core.clock.now();
    visit.waited(answered.micros_since(sent));
    let received = received.map_err(Failure::Upstream)?;
    let mut result = ToolResult {
        content: core.buffers.take(),
        ..ToolResult::default()
    };
    adapter::rest::decode(&received.reply(), &mut result);
    received.finish(answered);
    Ok(result)
}

/// The answer to bytes that are no request, or that came too late. The connection ends after it.
pub fn refuse_framing(core: &Core, refusal: Refusal) -> Answer {
    visit::count(core, refusal);
    own::plain_refusal(refusal, "")
}

/// The answer to a connection that is one too many.
#[must_use]
pub fn refuse_connection(refusal: Refusal) -> Answer {
    own::plain_refusal(refusal, "")
}

impl From<Refusal> for Failure<'_> {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal.into())
    }
}

impl<'a> From<Refused<'a>> for Failure<'a> {
    fn from(refused: Refused<'a>) -> Self {
        Self::Refused(refused)
    }
}

impl From<InvalidArguments> for Failure<'_> {
    fn from(invalid: InvalidArguments) -> Self {
        Self::Arguments(invalid)
    }
}

impl Failure<'_> {
    /// The cause, as the table of refusals knows it.
    pub(crate) fn refusal(&self) -> Refusal {
        match self {
            Self::Refused(refused) => refused.refusal,
            Self::Arguments(_) => Refusal::ArgumentsInvalid,
            Self::Upstream(fault) => fault.refusal(),
        }
    }
}
