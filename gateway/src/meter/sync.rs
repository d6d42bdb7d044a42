//! Bringing segments to the disk, beside the writing.
//!
//! fsync may take seconds on a busy disk. In a thread of its own it does not hold up the writing, so
//! the promise about a killed process (write within the flush interval) does not depend on the disk;
//! the fsync interval is the promise about a machine that loses power. With `every_batch` the
//! operator asked for the opposite order, and the writing waits.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use super::spool::Fsync;
use super::state::SpoolState;

/// Does what the [`Fsync`] policy says.
#[derive(Debug)]
pub(crate) struct Syncer {
    policy: Fsync,
    thread: Option<(Sender<Job>, JoinHandle<()>)>,
    /// Whether the last interval's job is still running: then another would only queue behind it.
    busy: Arc<AtomicBool>,
    dirty: bool,
    synced_at_ms: u64,
}

#[derive(Debug)]
struct Job {
    file: Arc<File>,
    /// Clears [`Syncer::busy`] when done.
    is_interval: bool,
}

impl Syncer {
    /// Begins, with a thread where the policy has an interval.
    ///
    /// # Errors
    /// Where no thread can be made.
    pub(crate) fn start(policy: Fsync, state: Arc<SpoolState>) -> io::Result<Self> {
        let busy = Arc::new(AtomicBool::new(false));
        let thread = if let Fsync::IntervalMs(_) = policy {
            let (jobs, inbox) = channel();
            let done = Arc::clone(&busy);
            let run = move || run(&inbox, &done, &state);
            Some((
                jobs,
                std::thread::Builder::new()
                    .name("stoa-spool-sync".into())
                    .spawn(run)?,
            ))
        } else {
            None
        };
        Ok(Self {
            policy,
            thread,
            busy,
            dirty: false,
            synced_at_ms: 0,
        })
    }

    /// A segment was made: its name is in the directory for good only when that is synced too.
    ///
    /// # Errors
    /// What opening or, with `every_batch`, syncing the directory fails with.
    pub(crate) fn begun(&mut self, directory: &Path) -> io::Result<()> {
        match self.policy {
            Fsync::Never => Ok(()),
            Fsync::IntervalMs(_) => {
                self.send(Arc::new(File::open(directory)?), false);
                Ok(())
            }
            Fsync::EveryBatch => File::open(directory)?.sync_all(),
        }
    }

    /// A batch was written.
    ///
    /// # Errors
    /// What syncing fails with, with `every_batch`.
    pub(crate) fn written(&mut self, file: &File) -> io::Result<()> {
        self.dirty = true;
        if self.policy == Fsync::EveryBatch {
            file.sync_data()
        } else {
            Ok(())
        }
    }

    /// Syncs where the interval is over and something was written.
    pub(crate) fn tick(&mut self, file: &Arc<File>, mono_ms: u64) {
        let Fsync::IntervalMs(interval_ms) = self.policy else {
            return;
        };
        let is_due = mono_ms.saturating_sub(self.synced_at_ms) >= interval_ms;
        if self.dirty && is_due && !self.busy.swap(true, Ordering::AcqRel) {
            self.dirty = false;
            self.synced_at_ms = mono_ms;
            self.send(Arc::clone(file), true);
        }
    }

    /// A segment will not grow any more.
    pub(crate) fn closed(&mut self, file: &Arc<File>) {
        self.dirty = false;
        // `every_batch` has synced it already, `never` does not want it.
        self.send(Arc::clone(file), false);
    }

    /// Waits for everything under way.
    pub(crate) fn finish(&mut self) {
        if let Some((jobs, thread)) = self.thread.take() {
            drop(jobs);
            // A panic of that thread was already reported by the panic hook.
            let _ = thread.join();
        }
    }

    fn send(&self, file: Arc<File>, is_interval: bool) {
        if let Some((jobs, _)) = &self.thread {
            // Fails only where the thread is gone, which the panic hook has reported.
            let _ = jobs.send(Job { file, is_interval });
        }
    }
}

fn run(inbox: &Receiver<Job>, busy: &AtomicBool, state: &SpoolState) {
    while let Ok(job) = inbox.recv() {
        match job.file.sync_data() {
            Ok(()) => state.synced(),
            Err(error) => {
                state.sync_failed();
                tracing::error!(%error, "the spool could not be synced to the disk; a power loss may lose events");
            }
        }
        if job.is_interval {
            busy.store(false, Ordering::Release);
        }
    }
}
