//! The end: stop accepting, finish, tell streams, flush, exit.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::control::sight::Sight;
use crate::meter::spool::Spool;
use crate::worker::core::Shared;

/// Pause between two looks whether the workers have ended.
const LOOK: Duration = Duration::from_millis(10);
/// What a process that was told twice exits with: the shell's code for SIGINT.
const EXIT_AT_ONCE: i32 = 130;
/// Time beyond the grace period for workers to notice that it is over.
const WORKER_MARGIN: Duration = Duration::from_millis(500);

/// SIGTERM and SIGINT.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// From now on neither signal ends the process by itself.
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for either.
    pub(super) async fn first(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

type Worker = JoinHandle<io::Result<()>>;

/// Waits for the workers to finish what is under way, at most for the grace period; a second signal ends
/// the process at once.
pub(super) async fn drain(
    shared: &Arc<Shared>,
    sight: &Arc<Sight>,
    stop_admin: &tokio::sync::watch::Sender<bool>,
    workers: Vec<Worker>,
    mut signals: Signals,
) {
    tracing::info!(
        connections = shared.census.open(),
        "draining; a second signal exits at once"
    );
    // First, so that a load balancer that looks sees it before connections are refused.
    sight.draining.store(true, Ordering::Relaxed);
    shared.phase.drain();
    let grace = Duration::from_millis(shared.limits.grace_period_ms) + WORKER_MARGIN;
    let ended = async {
        while !workers.iter().all(Worker::is_finished) {
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::select! {
        _ = tokio::time::timeout(grace, ended) => {}
        () = signals.first() => std::process::exit(EXIT_AT_ONCE),
    }
    let _ = stop_admin.send(true);
    for worker in workers.into_iter().filter(Worker::is_finished) {
        match worker.join() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "a worker ended with an error"),
            Err(_) => tracing::error!("a worker panicked"),
        }
    }
}

/// Writes what the workers handed over.
pub(super) fn end_spool(spool: Option<Spool>, within: Duration) {
    let Some(spool) = spool else { return };
    let report = spool.drain(within);
    if report.timed_out {
        tracing::error!("the spool's disk did not answer in time: the last events may be lost");
    } else if report.lost > 0 {
        tracing::error!(events = report.lost, "events could not be stored");
    }
}
