//! A worker's state for tests, without control.

use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwap;
use rustls::{ClientConfig, RootCertStore};

use super::census::Census;
use super::clock::Clock;
use super::core::{Core, Ends, FixedTimes, Phase, ServerLimits, Shared, Sight};
use super::notice;
use crate::limits;
use crate::mcp::origin::AllowedHosts;
use crate::mcp::seal::Sealer;
use crate::meter::Meter;
use crate::snapshot::Snapshot;
use crate::telemetry::access::AccessLog;

struct Blind;

impl Sight for Blind {
    fn ready(&self) -> (bool, Vec<u8>) {
        (true, b"{}".to_vec())
    }

    fn landing(&self, _: Option<&[u8]>, _: crate::route::landing::Form) -> Vec<u8> {
        Vec::new()
    }
}

/// What a worker of a test shares with nobody; upstreams speak TLS with the authorities in `roots`.
pub(crate) fn shared(snapshot: Snapshot, roots: RootCertStore) -> Arc<Shared> {
    shared_with(snapshot, roots, FixedTimes::default())
}

/// [`shared`] with shorter times.
#[allow(clippy::disallowed_methods, reason = "a test has a clock of its own")]
pub(crate) fn shared_with(
    snapshot: Snapshot,
    roots: RootCertStore,
    fixed: FixedTimes,
) -> Arc<Shared> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let tls = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(Shared {
        clock: Clock::new(Instant::now()),
        snapshot: Arc::new(ArcSwap::from_pointee(snapshot)),
        limits: ServerLimits {
            body_bytes_max: limits::BODY_BYTES_MAX_DEFAULT,
            head_timeout_ms: limits::HEAD_TIMEOUT_MS_DEFAULT,
            body_timeout_ms: limits::BODY_TIMEOUT_MS_DEFAULT,
            idle_timeout_ms: limits::IDLE_TIMEOUT_MS_DEFAULT,
            write_timeout_ms: limits::WRITE_TIMEOUT_MS_DEFAULT,
            requests_per_connection_max: limits::REQUESTS_PER_CONNECTION_MAX_DEFAULT,
            grace_period_ms: 1_000,
            fixed,
        },
        hosts: AllowedHosts::new(true, [], []).unwrap(),
        sealer: Sealer::with_random_key().unwrap(),
        sessions: crate::mcp::session::Sessions::default(),
        instructions: "".into(),
        upstream_tls: Arc::new(tls),
        census: Arc::new(Census::new(100, 100)),
        phase: Phase::default(),
        sight: Box::new(Blind),
        metrics: Arc::default(),
        notices: notice::channel().0,
        cost: crate::meter::cost::CostRates::default(),
    })
}

/// One worker of it.
pub(crate) fn core(shared: Arc<Shared>) -> Core {
    let ends = Ends {
        meter: Meter::off(),
        access: AccessLog::off(),
        counters: Arc::default(),
    };
    Core::new(0, shared, ends)
}
