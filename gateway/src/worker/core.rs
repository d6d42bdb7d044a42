//! What one worker owns, and what all of them share.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use arc_swap::ArcSwap;
use rustls::ClientConfig;

use super::buffers::Buffers;
use super::census::Census;
use super::clock::Clock;
use super::deadline::Deadlines;
use super::notice::{Notice, Notices};
use super::streams::Streams;
use crate::auth::TokenCache;
use crate::http::write::Date;
use crate::limits;
use crate::mcp::origin::AllowedHosts;
use crate::mcp::seal::Sealer;
use crate::mcp::session::Sessions;
use crate::meter::Meter;
use crate::meter::cost::CostRates;
use crate::snapshot::Snapshot;
use crate::snapshot::upstream::Upstream;
use crate::telemetry::access::AccessLog;
use crate::telemetry::counter::CoreCounters;
use crate::telemetry::relay::Relay;
use crate::upstream::pool::Pools;

/// Bounds of the server; see [`crate::limits`] for their defaults.
#[derive(Clone, Copy, Debug)]
pub struct ServerLimits {
    /// Bytes of a request body.
    pub body_bytes_max: usize,
    /// Milliseconds from the first byte of a head to its end.
    pub head_timeout_ms: u64,
    /// Milliseconds from the end of a head to the end of its body.
    pub body_timeout_ms: u64,
    /// Milliseconds that a kept-alive connection may wait.
    pub idle_timeout_ms: u64,
    /// Milliseconds for writing one answer.
    pub write_timeout_ms: u64,
    /// Requests on one connection.
    pub requests_per_connection_max: u32,
    /// Milliseconds between a signal and the exit.
    pub grace_period_ms: u64,
    /// What no setting moves; shorter in tests.
    pub fixed: FixedTimes,
}

/// Times of [`crate::limits`] that are the same for every gateway, in milliseconds. Here rather than where
/// they are used, so that a test need not wait for them.
#[derive(Clone, Copy, Debug)]
pub struct FixedTimes {
    /// Silence after which an event stream is sent a comment.
    pub stream_keep_alive_ms: u64,
    /// For connecting to one address of an upstream, TLS included.
    pub upstream_connect_ms: u64,
    /// Without a byte within an upstream's answer.
    pub upstream_idle_ms: u64,
}

impl Default for FixedTimes {
    fn default() -> Self {
        Self {
            stream_keep_alive_ms: limits::STREAM_KEEP_ALIVE_MS,
            upstream_connect_ms: limits::UPSTREAM_CONNECT_TIMEOUT_MS,
            upstream_idle_ms: limits::UPSTREAM_IDLE_TIMEOUT_MS,
        }
    }
}

/// What all workers and control share. Immutable, or behind one atomic each.
pub struct Shared {
    /// The clock, counting from the start of the process.
    pub clock: Clock,
    /// What is in force; control stores, workers load.
    pub snapshot: Arc<ArcSwap<Snapshot>>,
    /// Bounds of the server.
    pub limits: ServerLimits,
    /// Whose `Host` and `Origin` are served.
    pub hosts: AllowedHosts,
    /// Seals sessions and cursors.
    pub sealer: Sealer,
    /// Legacy sessions that were ended.
    pub sessions: Sessions,
    /// What `initialize` and `server/discover` tell a model of this server.
    pub instructions: Box<str>,
    /// How an upstream's certificate is verified.
    pub upstream_tls: Arc<ClientConfig>,
    /// Open connections of all workers.
    pub census: Arc<Census>,
    /// Serving, or on the way out.
    pub phase: Phase,
    /// Answers for `/ready` and the landing page; made by control's side of the house.
    pub sight: Box<dyn Sight>,
    /// Metrics, which control renders for who asks.
    pub metrics: Arc<Relay>,
    /// What operators should read.
    pub notices: Notices,
    /// How calls are priced.
    pub cost: CostRates,
}

/// What the main port tells of the gateway itself.
pub trait Sight: Send + Sync {
    /// Whether to send traffic here, and a JSON document that says why.
    fn ready(&self) -> (bool, Vec<u8>);
    /// The landing page, for who reached us as `host`.
    fn landing(&self, host: Option<&[u8]>, form: crate::route::landing::Form) -> Vec<u8>;
}

/// Where the process is in its life; only moves forward.
#[derive(Debug, Default)]
pub struct Phase(AtomicU8);

impl Phase {
    const DRAINING: u8 = 1;

    /// From now on: `/ready` is 503, no connection is accepted, answers close theirs.
    pub fn drain(&self) {
        self.0.store(Self::DRAINING, Ordering::Release);
    }

    /// Whether the process is on its way out.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.0.load(Ordering::Acquire) == Self::DRAINING
    }
}

/// The worker's ends of what other threads read.
pub struct Ends {
    /// Usage records.
    pub meter: Meter,
    /// Access lines.
    pub access: AccessLog,
    /// Numbers for metrics.
    pub counters: Arc<CoreCounters>,
}

/// A worker's hold on what is in force. Counted by the worker alone: a count that all workers share
/// would be one contended cache line a request.
#[allow(
    clippy::redundant_allocation,
    reason = "the outer count is not shared between threads"
)]
pub type Current = Rc<Arc<Snapshot>>;

/// One worker.
pub struct Core {
    /// Which one, from 0.
    pub index: usize,
    /// What all share.
    pub shared: Arc<Shared>,
    /// This worker's view of the clock.
    pub clock: Clock,
    /// Sockets that must not wait forever.
    pub deadlines: Deadlines,
    /// Buffers for use again.
    pub buffers: Buffers,
    /// Upstream connections.
    pub pools: Pools,
    /// Event streams that wait.
    pub streams: Rc<Streams>,
    /// Usage records on their way to the spool.
    pub meter: RefCell<Meter>,
    /// Lines of the access log on their way.
    pub access: RefCell<AccessLog>,
    /// Numbers for metrics.
    pub counters: Arc<CoreCounters>,
    /// Access tokens that this worker has verified.
    pub tokens: RefCell<TokenCache>,
    /// Connections of this worker.
    pub connections: Cell<usize>,
    snapshot: RefCell<Current>,
    date: Cell<Date>,
}

impl Core {
    /// A worker's state, on its own thread.
    #[must_use]
    pub fn new(index: usize, shared: Arc<Shared>, ends: Ends) -> Self {
        let snapshot = RefCell::new(Rc::new(shared.snapshot.load_full()));
        let clock = shared.clock.again();
        let date = Cell::new(Date::from_unix(clock.now().unix_s()));
        Self {
            index,
            clock,
            deadlines: Deadlines::default(),
            buffers: Buffers::default(),
            pools: Pools::default(),
            streams: Rc::new(Streams::new(shared.limits.fixed.stream_keep_alive_ms)),
            meter: RefCell::new(ends.meter),
            access: RefCell::new(ends.access),
            counters: ends.counters,
            tokens: RefCell::default(),
            connections: Cell::new(0),
            snapshot,
            date,
            shared,
        }
    }

    /// What is in force, for the whole of one request. Asked of control's latest publication rather than of
    /// the last tick's: who has been told of a change by one worker may ask another at once, and must find it
    /// there too. (A load of an atomic and a comparison, some 10 ns.)
    #[must_use]
    pub fn snapshot(&self) -> Current {
        if self.follow_publication() {
            self.streams.published();
        }
        Rc::clone(&self.snapshot.borrow())
    }

    /// Follows control's latest publication; true when there was a new one. The old snapshot is not freed
    /// here: control holds it until no worker does.
    pub fn follow_publication(&self) -> bool {
        let published = self.shared.snapshot.load();
        if Arc::ptr_eq(&published, &self.snapshot.borrow()) {
            return false;
        }
        self.snapshot.replace(Rc::new(Arc::clone(&published)));
        true
    }

    /// Hands usage records and access lines to their threads.
    pub fn hand_over(&self) {
        self.meter.borrow_mut().flush();
        self.access.borrow_mut().flush();
    }

    /// The `Date` header's value, current to the second.
    #[must_use]
    pub fn date(&self) -> Date {
        self.date.get()
    }

    /// Follows the machine's wall clock, and renews what is derived from it.
    pub fn follow_clock(&self) {
        self.clock.resynchronise();
        self.date.set(Date::from_unix(self.clock.now().unix_s()));
    }

    /// Tells the operator (never the caller) why an upstream could not be reached.
    pub fn note_upstream_error(&self, upstream: &Upstream, address: SocketAddr, error: &io::Error) {
        self.notify(
            &upstream.key,
            format!("cannot connect to {address}: {error}"),
            "",
        );
    }

    /// Tells the operator something; what is too much is dropped.
    pub fn notify(&self, subject: &str, message: String, request_id: &str) {
        let notice = Notice {
            subject: subject.to_owned(),
            message,
            request_id: request_id.to_owned(),
        };
        // Full, or control is gone: either way there is nobody to wait for.
        let _ = self.shared.notices.try_send(notice);
    }
}
