//! What is remembered of one call until it is recorded: once, on every outcome.
//!
//! A visit that is dropped without being closed is a caller that went away: it is recorded as cancelled.

use super::Failure;
use super::frame::Frame;
use crate::answer::Answer;
use crate::auth::Principal;
use crate::limit::{self, RateState};
use crate::meter::record::{Record, Status, Transport};
use crate::refusal::Refusal;
use crate::snapshot::tool::Tool;
use crate::telemetry::access::AccessLine;
use crate::telemetry::counter::MethodClass;
use crate::upstream::Fault;
use crate::worker::core::Core;

/// One call under way.
pub(crate) struct Visit<'a> {
    frame: &'a Frame<'a>,
    transport: Transport,
    action: &'static str,
    request_bytes: usize,
    principal: Option<Principal>,
    name: &'a str,
    tool: Option<&'a Tool>,
    limits: Option<RateState>,
    upstream_us: u64,
    reason: Option<Refusal>,
    open: bool,
}

impl<'a> Visit<'a> {
    /// Begins a call. `action` is a method's name from a bounded set.
    pub(crate) fn open(
        frame: &'a Frame<'a>,
        transport: Transport,
        action: &'static str,
        request_bytes: usize,
    ) -> Self {
        Self {
            frame,
            transport,
            action,
            request_bytes,
            principal: None,
            name: "",
            tool: None,
            limits: None,
            upstream_us: 0,
            reason: None,
            open: true,
        }
    }

    /// The caller is known.
    pub(crate) fn identified(&mut self, principal: &Principal) {
        self.principal = Some(principal.clone());
    }

    /// A tool was asked for by this name.
    pub(crate) fn named(&mut self, name: &'a str) {
        self.name = name;
    }

    /// The name means a tool that the caller may know of.
    pub(crate) fn resolved(&mut self, tool: &'a Tool) {
        self.tool = Some(tool);
    }

    /// The tightest limit so far.
    pub(crate) fn admitted(&mut self, state: Option<RateState>) {
        self.limits = state;
    }

    /// Tells the caller what is left of its tightest limit.
    pub(crate) fn tell_limits(&self, answer: &mut Answer) {
        if let Some(state) = &self.limits {
            limit::headers::write(state, &mut answer.headers);
        }
    }

    /// Time spent waiting for an upstream.
    pub(crate) fn waited(&mut self, micros: u64) {
        self.upstream_us += micros;
    }

    /// Notes why a call failed that is answered as a tool's result.
    pub(crate) fn blame(&mut self, refusal: Refusal) {
        self.reason = Some(refusal);
        count(self.frame.core, refusal);
    }

    /// [`Self::blame`] for an upstream, whose operator wants to hear of it.
    pub(crate) fn blame_upstream(&mut self, fault: Fault) {
        self.blame(fault.refusal());
        self.frame.core.counters.upstream_faults.add(fault.label());
        let tool = self.tool.map_or("", |tool| &*tool.name);
        let message = format!("an upstream gave no answer: {}", fault.label());
        self.frame
            .core
            .notify(tool, message, self.frame.request_id());
    }

    /// Ends a call that has an answer.
    pub(crate) fn close(mut self, status: Status, answer: &Answer) {
        self.record(status, answer.status, answer.body.len());
    }

    /// Ends a call that was refused or failed.
    pub(crate) fn fail(mut self, failure: &Failure<'_>, answer: &Answer) {
        let refusal = failure.refusal();
        match failure {
            Failure::Upstream(fault) => self.blame_upstream(*fault),
            Failure::Arguments(_) | Failure::Refused(_) => self.blame(refusal),
        }
        self.record(refusal.row().status, answer.status, answer.body.len());
    }

    fn record(&mut self, status: Status, http_status: u16, response_bytes: usize) {
        self.open = false;
        let (frame, core) = (self.frame, self.frame.core);
        let now = core.clock.now();
        let latency_us = now.micros_since(frame.now);
        let multiplier = self.tool.map_or(1.0, |tool| tool.cost_multiplier);
        // A call that was refused has done nothing that could be billed.
        let cost_microunits = match (self.tool, status.is_refusal() || self.reason.is_some()) {
            (Some(_), false) => core.shared.cost.cost_microunits(multiplier, latency_us),
            _ => 0,
        };
        let identity = self.principal.as_ref().map(Principal::identity);
        if let Some(tool) = self.tool {
            tool.usage.add(status, latency_us, cost_microunits);
        }
        if let Some(identity) = identity {
            identity.usage.add(status, cost_microunits, now.unix_ms);
        }
        core.counters.request(
            self.transport,
            MethodClass::of(self.action),
            status,
            latency_us,
        );
        if self.upstream_us > 0 {
            core.counters.call(
                latency_us.saturating_sub(self.upstream_us),
                self.upstream_us,
            );
        }
        let named = frame
            .head
            .x_consumer_id
            .and_then(|value| std::str::from_utf8(value).ok());
        let consumer = match identity {
            Some(identity) if identity.may_name_consumer => named.unwrap_or(&identity.consumer),
            Some(identity) => &identity.consumer,
            None => "",
        };
        let metadata = self.reason.map(|refusal| [("reason", refusal.row().label)]);
        let record = Record {
            tenant: identity.map_or("", |identity| {
                &frame.snapshot().tenant(identity.tenant).name
            }),
            consumer,
            user_id: identity.map(|identity| &*identity.subject),
            tool: self.tool.map_or(self.name, |tool| &*tool.name),
            action: self.action,
            transport: self.transport,
            status,
            latency_us,
            backend_us: self.upstream_us,
            request_bytes: self.request_bytes as u64,
            response_bytes: response_bytes as u64,
            cost_microunits,
            request_id: frame.request_id(),
            trace_id: frame.trace_id(),
            metadata: metadata.as_ref().map_or(&[], |pairs| &pairs[..]),
            ..Record::default()
        };
        core.meter.borrow_mut().record(&record, now);
        let line = AccessLine {
            remote: frame.peer.ip(),
            http_status,
            record: &record,
        };
        core.access.borrow_mut().write(&line, now.unix_ms);
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        if self.open {
            self.reason = Some(Refusal::Cancelled);
            self.record(Status::Cancelled, Refusal::Cancelled.row().http, 0);
        }
    }
}

/// Counts a refusal under its label, and under its limit where it is one.
pub(crate) fn count(core: &Core, refusal: Refusal) {
    core.counters.errors.add(refusal.row().label);
    if let Refusal::RateLimited(state) = refusal {
        core.counters.limit_refusals.add(state.scope.name());
    }
}
