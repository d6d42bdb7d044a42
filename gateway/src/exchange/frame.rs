//! What every door needs of a request: who may be asked for it, its ids, and the snapshot it is served by.

use std::net::SocketAddr;

use super::Inbound;
use crate::auth::{self, Principal};
use crate::http::head::Head;
use crate::refusal::Refusal;
use crate::snapshot::Snapshot;
use crate::telemetry::trace::{RequestId, TraceContext};
use crate::worker::clock::Now;
use crate::worker::core::Core;
use crate::worker::core::Current;

/// One request and what it is served with.
pub(crate) struct Frame<'a> {
    /// The worker.
    pub(crate) core: &'a Core,
    /// The request's head.
    pub(crate) head: &'a Head<'a>,
    /// The request's body.
    pub(crate) body: &'a [u8],
    /// When it was complete.
    pub(crate) now: Now,
    /// The caller's address.
    pub(crate) peer: SocketAddr,
    /// Held for the whole request, so that all stages see the same world.
    snapshot: Current,
    request_id: RequestId,
    trace: Option<Trace>,
}

/// The caller's trace, with our span in it.
struct Trace {
    id: [u8; 16],
    header: [u8; 55],
}

impl<'a> Frame<'a> {
    /// Takes what a request says of itself; makes a correlation id where it brings none.
    pub(crate) fn open(core: &'a Core, inbound: &Inbound<'a>) -> Self {
        let head = inbound.head;
        let mut meter = core.meter.borrow_mut();
        let identifiers = meter.identifiers();
        let request_id =
            RequestId::accept_or_make(head.x_request_id, identifiers, inbound.now.unix_ms);
        let trace = head
            .traceparent
            .and_then(TraceContext::parse)
            .map(|parent| Trace {
                id: parent.trace_id,
                header: parent.child(identifiers),
            });
        Self {
            core,
            head,
            body: inbound.body,
            now: inbound.now,
            peer: inbound.peer,
            snapshot: core.snapshot(),
            request_id,
            trace,
        }
    }

    /// What is in force for this request.
    pub(crate) fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Who calls.
    ///
    /// # Errors
    /// Those of [`auth::authenticate`].
    pub(crate) fn caller(&self) -> Result<Principal, Refusal> {
        let mut tokens = self.core.tokens.borrow_mut();
        auth::authenticate(
            &self.snapshot,
            &mut tokens,
            self.head.authorization,
            self.now,
        )
    }

    /// The correlation id: returned, passed on, and in the event.
    pub(crate) fn request_id(&self) -> &str {
        self.request_id.as_str()
    }

    /// The header for the upstream, where the caller traces.
    pub(crate) fn traceparent(&self) -> Option<&[u8]> {
        self.trace.as_ref().map(|trace| &trace.header[..])
    }

    /// The trace id, for the event.
    pub(crate) fn trace_id(&self) -> Option<[u8; 16]> {
        self.trace.as_ref().map(|trace| trace.id)
    }
}
