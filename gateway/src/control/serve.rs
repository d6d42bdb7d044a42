//! The life of the process: start everything, wait for a signal, drain.
//!
//! The order of the start matters: the kernel part may move the process into a cgroup of its own, so it
//! comes before any socket; the first snapshot is compiled before a worker listens, so no call meets an
//! empty catalog by accident.

mod drain;
mod forward;
pub(in crate::control) mod roots;

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use arc_swap::ArcSwap;

use super::admin::{self, AdminRoutes, Patience, StatusBody};
use super::catalog::Catalog;
use super::settings::{Ebpf, Settings};
use super::sight::{Sight, kernel_sample};
use super::{memory, resolver};
use crate::kernel::{Kernel, Mode};
use crate::mcp::handshake;
use crate::mcp::origin::AllowedHosts;
use crate::mcp::seal::Sealer;
use crate::meter::Meter;
use crate::meter::spool::Spool;
use crate::snapshot::Snapshot;
use crate::telemetry::access::AccessWriter;
use crate::telemetry::log;
use crate::telemetry::relay::Relay;
use crate::telemetry::scrape::{Sample, SampleKind};
use crate::worker;
use crate::worker::census::Census;
use crate::worker::clock::Clock;
use crate::worker::core::{Ends, FixedTimes, Phase, ServerLimits, Shared};
use crate::worker::io::{Driver, usable_cpus};
use crate::worker::notice::{self, Notice};

/// Pause between two looks at the workers' notices.
const NOTICES_LOOK: Duration = Duration::from_millis(100);

/// Pause between two looks whether a worker was asked for metrics.
const METRICS_LOOK: Duration = Duration::from_millis(50);
/// Rendering for workers may take this part of control's time at most: anyone may ask.
const METRICS_SHARE: u32 = 20;

/// Serves until a signal, then drains.
///
/// # Errors
/// Whatever keeps the gateway from serving: each names the setting to change.
pub fn serve(settings: Settings, started: Instant) -> Result<()> {
    log::init(settings.logs.format, &settings.logs.level)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let tasks = tokio::task::LocalSet::new();
    tasks.block_on(&runtime, run(settings, started))
}

async fn run(settings: Settings, started: Instant) -> Result<()> {
    let mut signals = drain::Signals::listen()?;
    let mut kernel = Kernel::start(match settings.kernel.ebpf {
        Ebpf::Auto => Mode::Auto,
        Ebpf::Off => Mode::Off,
        Ebpf::Require => Mode::Require,
    })?;
    if let Some(messages) = kernel.messages() {
        tokio::task::spawn_local(messages.forward());
    }
    // Whoever shows its numbers holds it weakly: it must end with this function, whatever still refers to
    // the numbers, so that nothing of it stays in the kernel.
    let kernel = Arc::new(kernel);
    // Now, and once the catalog is read: what is made later and seldom touched (the workers' rings, spare
    // room in a snapshot's tables) would otherwise get pages that the start has touched.
    memory::give_back();
    let published = Arc::new(ArcSwap::from_pointee(Snapshot::default()));
    let catalog = Catalog::open(&settings, Clock::new(started), Arc::clone(&published))?;
    memory::give_back();
    let address = SocketAddr::new(settings.listening.host, settings.listening.port);
    let workers = settings.listening.workers.get();
    let (spool, meters) = start_spool(&settings, workers)?;
    let forwarder = forward::start(&settings.metering, spool.as_ref())?;
    let (access, access_ends) = AccessWriter::start(
        settings.logs.access,
        &settings.logs.access_destination,
        workers,
    )?;
    let sockets = bind(address, workers)?;
    let listeners = sockets.first().map(TcpListener::local_addr).transpose()?;
    let driver = Driver::probe();
    let cores: Vec<_> = (0..workers).map(|_| Arc::default()).collect();
    let sight = Arc::new(Sight {
        clock: Clock::new(started),
        snapshot: Arc::clone(&published),
        problems: catalog.problems(),
        documents: catalog.documents(),
        issuers_missing: catalog.issuers_missing(),
        listeners: listeners.iter().map(ToString::to_string).collect(),
        cores: cores.clone(),
        spool: spool.as_ref().map(|spool| Arc::clone(spool.state())),
        kafka: forwarder.state(),
        draining: AtomicBool::new(false),
        access_dropped: access.dropped(),
        needs_key: !settings.is_anonymous(),
        kernel: kernel_samples(Arc::downgrade(&kernel), driver),
    });
    let (notices, notices_out) = notice::channel();
    let shared = Arc::new(shared(&settings, started, published, &sight, notices)?);
    let ends = meters.into_iter().zip(access_ends).zip(cores);
    let cpus = usable_cpus();
    let mut threads = Vec::with_capacity(workers);
    for (index, (socket, ((meter, access), counters))) in sockets.into_iter().zip(ends).enumerate()
    {
        // With as many workers as CPUs each has its own; otherwise the kernel places them better.
        let cpu = (cpus.len() == workers).then(|| cpus[index]);
        let ends = Ends {
            meter,
            access,
            counters,
        };
        threads.push(worker::start(
            index,
            cpu,
            driver,
            socket,
            Arc::clone(&shared),
            ends,
        )?);
    }
    announce(&settings, &shared, driver, listeners, started);
    tokio::task::spawn_local(resolver::run(Arc::clone(&shared.snapshot)));
    tokio::task::spawn_local(catalog.run());
    tokio::task::spawn_local(log_notices(notices_out));
    let relay = Arc::clone(&shared.metrics);
    tokio::task::spawn_local(render_metrics(Arc::clone(&sight), relay));
    let stop_admin = start_admin(&settings, &sight).await?;
    memory::give_back();
    signals.first().await;
    drain::drain(&shared, &sight, &stop_admin, threads, signals).await;
    drop(access);
    let grace = Duration::from_millis(shared.limits.grace_period_ms);
    drain::end_spool(spool, grace);
    forwarder.end(grace);
    tracing::info!("drained");
    drop(kernel);
    Ok(())
}

/// Binds the workers' sockets, and says what to change where that fails.
fn bind(address: SocketAddr, workers: usize) -> Result<Vec<TcpListener>> {
    if worker::is_taken(address) {
        bail!("{address} is in use by another process; choose another with --port");
    }
    worker::bind(address, workers)
        .with_context(|| format!("cannot listen on {address}; see --host and --port"))
}

fn shared(
    settings: &Settings,
    started: Instant,
    snapshot: Arc<ArcSwap<Snapshot>>,
    sight: &Arc<Sight>,
    notices: notice::Notices,
) -> Result<Shared> {
    let bounds = &settings.bounds;
    let listening = &settings.listening;
    let hosts = AllowedHosts::new(
        listening.host.is_loopback(),
        listening.allowed_hosts.iter().map(String::as_str),
        listening.allowed_origins.iter().map(String::as_str),
    );
    Ok(Shared {
        clock: Clock::new(started),
        snapshot,
        limits: ServerLimits {
            body_bytes_max: bounds.body_bytes_max,
            head_timeout_ms: bounds.head_timeout_ms,
            body_timeout_ms: bounds.body_timeout_ms,
            idle_timeout_ms: bounds.idle_timeout_ms,
            write_timeout_ms: bounds.write_timeout_ms,
            requests_per_connection_max: bounds.requests_per_connection_max,
            grace_period_ms: listening.grace_period_ms,
            fixed: FixedTimes::default(),
        },
        hosts: hosts
            .map_err(|reason| anyhow::anyhow!("--allowed-hosts, --allowed-origins: {reason}"))?,
        sealer: sealer(settings)?,
        sessions: crate::mcp::session::Sessions::default(),
        instructions: handshake::INSTRUCTIONS.into(),
        upstream_tls: roots::client_config(settings.catalog.upstream_ca_file.as_deref())?,
        census: Arc::new(Census::new(
            bounds.connections_max,
            bounds.connections_per_address_max,
        )),
        phase: Phase::default(),
        sight: Box::new(SharedSight(Arc::clone(sight))),
        metrics: Arc::default(),
        notices,
        cost: settings.rates.cost,
    })
}

/// The key of sessions and cursors: the operator's, so that every node opens every token, or one of our
/// own, so that they end with the process.
fn sealer(settings: &Settings) -> Result<Sealer> {
    let sealer = match &settings.identity.session_key {
        None => Sealer::with_random_key(),
        Some(secret) => {
            // The setting may be any text; the cipher wants 32 bytes.
            let digest =
                aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, secret.expose().as_bytes());
            let mut key = [0; 32];
            key.copy_from_slice(digest.as_ref());
            Sealer::new(&key, &[])
        }
    };
    sealer.map_err(|_| anyhow::anyhow!("the cryptographic library gives no key for sessions"))
}

fn start_spool(settings: &Settings, workers: usize) -> Result<(Option<Spool>, Vec<Meter>)> {
    let metering = &settings.metering;
    if !metering.enabled {
        return Ok((None, (0..workers).map(|_| Meter::off()).collect()));
    }
    let (spool, meters) = Spool::start(&metering.spool, workers)?;
    Ok((Some(spool), meters))
}

/// Samples of the kernel part, and of the runtime's driver, for each scrape.
fn kernel_samples(
    kernel: Weak<Kernel>,
    driver: Driver,
) -> Box<dyn Fn() -> Vec<Sample> + Send + Sync> {
    Box::new(move || {
        let Some(kernel) = kernel.upgrade() else {
            return Vec::new();
        };
        let mut samples: Vec<Sample> = kernel
            .features()
            .into_iter()
            .map(|feature| Sample {
                name: "stoa_kernel_feature",
                help: "Kernel features, 1 where attached",
                labels: vec![("name", feature.name.to_owned())],
                value: u64::from(feature.on),
                kind: SampleKind::Gauge,
            })
            .collect();
        samples.extend(kernel.counters().iter().map(kernel_sample));
        samples.push(Sample {
            name: "stoa_worker_driver",
            help: "What the workers' reads and writes run on",
            labels: vec![("driver", driver.name().to_owned())],
            value: 1,
            kind: SampleKind::Gauge,
        });
        samples
    })
}

/// One line that says what is served, on what, and what an operator should know.
fn announce(
    settings: &Settings,
    shared: &Shared,
    driver: Driver,
    listeners: Option<SocketAddr>,
    started: Instant,
) {
    let snapshot = shared.snapshot.load();
    tracing::info!(
        address = listeners.map(tracing::field::display),
        workers = settings.listening.workers.get(),
        driver = driver.name(),
        tools = snapshot.tools.len(),
        start_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        "serving"
    );
    if driver == Driver::Epoll {
        tracing::warn!(
            "io_uring is refused on this machine: the workers use epoll, at up to a fifth more CPU a call"
        );
    }
    if settings.is_anonymous() {
        tracing::warn!(
            tenant = %settings.identity.anonymous_tenant,
            "no keys file (--keys): everyone who reaches this address is tenant-admin of this tenant and may call every tool of it, so it should stay on loopback"
        );
    }
}

async fn log_notices(notices: std::sync::mpsc::Receiver<Notice>) {
    loop {
        for notice in notices.try_iter() {
            tracing::warn!(
                subject = notice.subject,
                request_id = notice.request_id,
                "{}",
                notice.message
            );
        }
        tokio::time::sleep(NOTICES_LOOK).await;
    }
}

/// Renders metrics for the workers' port, for as long as it is polled.
#[allow(clippy::disallowed_methods, reason = "control's own pace")]
async fn render_metrics(sight: Arc<Sight>, relay: Arc<Relay>) {
    loop {
        let began = Instant::now();
        relay.answer(|| sight.metrics());
        tokio::time::sleep((began.elapsed() * METRICS_SHARE).max(METRICS_LOOK)).await;
    }
}

/// The metrics port; its task ends when the sender says so.
async fn start_admin(
    settings: &Settings,
    sight: &Arc<Sight>,
) -> Result<tokio::sync::watch::Sender<bool>> {
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let Some(port) = settings.listening.metrics_port else {
        return Ok(stop);
    };
    let address = SocketAddr::new(settings.listening.host, port);
    let listener = match tokio::net::TcpListener::bind(address).await {
        Ok(listener) => listener,
        // The same numbers are on the main port, so a second gateway on one machine still starts.
        Err(error) => {
            tracing::warn!(%address, %error, "no metrics port: choose another with --metrics-port, or 0 for none");
            return Ok(stop);
        }
    };
    let (metrics, ready) = (Arc::clone(sight), Arc::clone(sight));
    let routes = AdminRoutes {
        metrics: Box::new(move || metrics.metrics()),
        ready: Box::new(move || {
            let readiness = ready.readiness();
            StatusBody {
                http_status: readiness.http_status(),
                body: readiness.body(),
            }
        }),
        live: Box::new(|| StatusBody {
            http_status: 200,
            body: br#"{"status":"ok"}"#.to_vec(),
        }),
    };
    tokio::task::spawn_local(admin::serve(
        listener,
        Arc::new(routes),
        Patience::default(),
        stopped,
    ));
    Ok(stop)
}

/// The workers' share of the sight.
struct SharedSight(Arc<Sight>);

impl worker::core::Sight for SharedSight {
    fn ready(&self) -> (bool, Vec<u8>) {
        self.0.ready()
    }

    fn landing(&self, host: Option<&[u8]>, form: crate::route::landing::Form) -> Vec<u8> {
        self.0.landing(host, form)
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests have clocks of their own")]
mod tests;
