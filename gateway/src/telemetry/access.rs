//! The access log: one JSON line a request, off, sampled or full by choice.
//!
//! The worker builds the line in a buffer of its own and hands it over in batches, as it does with
//! metering; a thread writes them. A slow reader of the log costs lines, which are counted, never a
//! call. No arguments, no query, no credentials: only what [`AccessLine`] names.

use std::io::{self, Write};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::limits::ACCESS_LINES_MAX;
use crate::meter::event::{quote, timestamp};
use crate::meter::record::Record;
use crate::meter::ring::{Outlet, Ring, ring};

/// Time between two looks into the queues.
const POLL: Duration = Duration::from_millis(50);

/// Which requests have a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AccessMode {
    /// Every one.
    Full,
    /// None.
    #[default]
    Off,
    /// One in so many, whatever their outcome.
    Sampled(NonZeroU32),
}

impl std::str::FromStr for AccessMode {
    type Err = String;

    /// `off`, `full`, or `1/N`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "full" => Ok(Self::Full),
            "off" => Ok(Self::Off),
            sampled => sampled
                .strip_prefix("1/")
                .and_then(|count| count.parse().ok())
                .map(Self::Sampled)
                .ok_or_else(|| {
                    format!("access log {text:?}: use off, full, or a sample such as 1/100")
                }),
        }
    }
}

/// Where lines go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AccessDestination {
    /// Appended to a file, which may be moved away only by copying and truncating.
    File(PathBuf),
    /// Standard output.
    #[default]
    StandardOutput,
}

/// What a line says beside the record.
#[derive(Clone, Copy, Debug)]
pub struct AccessLine<'a> {
    /// The caller's address.
    pub remote: IpAddr,
    /// Status of the answer.
    pub http_status: u16,
    /// The rest.
    pub record: &'a Record<'a>,
}

/// One core's end of the access log.
#[derive(Debug)]
pub struct AccessLog {
    mode: AccessMode,
    /// `None` where the log is off.
    ring: Option<Ring>,
    turn: u32,
    dropped: Arc<AtomicU64>,
}

impl AccessLog {
    /// Writes nothing.
    #[must_use]
    pub fn off() -> Self {
        Self {
            mode: AccessMode::Off,
            ring: None,
            turn: 0,
            dropped: Arc::default(),
        }
    }

    /// Takes the line of a request that ended at `unix_ms`, where the mode wants it.
    pub fn write(&mut self, line: &AccessLine<'_>, unix_ms: u64) {
        let Some(ring) = &mut self.ring else { return };
        if let AccessMode::Sampled(count) = self.mode {
            self.turn += 1;
            if self.turn < count.get() {
                return;
            }
            self.turn = 0;
        }
        if !ring.push(|out| render(line, unix_ms, out)) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Hands over what is buffered: to be called at every tick of the worker.
    pub fn flush(&mut self) -> bool {
        self.ring.as_mut().is_none_or(Ring::flush)
    }
}

/// The thread that writes lines. Dropping it writes what the workers have handed over, and ends.
#[derive(Debug)]
pub struct AccessWriter {
    stop: Arc<AtomicBool>,
    dropped: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl AccessWriter {
    /// Starts the thread (none where the mode is off), with a log for each of `cores` workers.
    ///
    /// # Errors
    /// Where the file cannot be opened or no thread can be made.
    pub fn start(
        mode: AccessMode,
        destination: &AccessDestination,
        cores: usize,
    ) -> io::Result<(Self, Vec<AccessLog>)> {
        let output: Box<dyn Write + Send> = match destination {
            _ if mode == AccessMode::Off => Box::new(io::sink()),
            AccessDestination::File(path) => Box::new(
                std::fs::OpenOptions::new()
                    .append(true)
                    .create(true)
                    .open(path)?,
            ),
            AccessDestination::StandardOutput => Box::new(io::stdout()),
        };
        Self::start_with(mode, output, cores)
    }

    /// As [`AccessWriter::start`], to any output.
    ///
    /// # Errors
    /// Where no thread can be made.
    pub fn start_with(
        mode: AccessMode,
        output: Box<dyn Write + Send>,
        cores: usize,
    ) -> io::Result<(Self, Vec<AccessLog>)> {
        let (stop, dropped) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicU64::new(0)),
        );
        if mode == AccessMode::Off {
            let logs = (0..cores).map(|_| AccessLog::off()).collect();
            return Ok((
                Self {
                    stop,
                    dropped,
                    thread: None,
                },
                logs,
            ));
        }
        let (rings, outlets): (Vec<_>, Vec<_>) = (0..cores).map(|_| ring(ACCESS_LINES_MAX)).unzip();
        let (stopping, losing) = (Arc::clone(&stop), Arc::clone(&dropped));
        let run = move || run(output, &outlets, &stopping, &losing);
        let thread = Some(
            std::thread::Builder::new()
                .name("stoa-access".into())
                .spawn(run)?,
        );
        let log = |ring| AccessLog {
            mode,
            ring: Some(ring),
            turn: 0,
            dropped: Arc::clone(&dropped),
        };
        let logs = rings.into_iter().map(log).collect();
        Ok((
            Self {
                stop,
                dropped,
                thread,
            },
            logs,
        ))
    }

    /// Lines given up so far; for the scrape, which outlives this borrow.
    #[must_use]
    pub fn dropped(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.dropped)
    }
}

impl Drop for AccessWriter {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A panic of that thread was already reported by the panic hook.
            let _ = thread.join();
        }
    }
}

fn run(
    mut output: Box<dyn Write + Send>,
    outlets: &[Outlet],
    stop: &AtomicBool,
    dropped: &AtomicU64,
) {
    let mut is_failing = false;
    loop {
        let stopping = stop.load(Ordering::Acquire);
        for outlet in outlets {
            while let Ok(batch) = outlet.take() {
                match output.write_all(&batch.bytes).and_then(|()| output.flush()) {
                    Ok(()) => is_failing = false,
                    Err(error) => {
                        dropped.fetch_add(u64::from(batch.records), Ordering::Relaxed);
                        if !std::mem::replace(&mut is_failing, true) {
                            tracing::error!(%error, "the access log cannot be written; its lines are dropped and counted");
                        }
                    }
                }
                outlet.settle(batch);
            }
        }
        if stopping {
            return;
        }
        std::thread::park_timeout(POLL);
    }
}

fn render(line: &AccessLine<'_>, unix_ms: u64, out: &mut Vec<u8>) {
    let record = line.record;
    // Writing to memory does not fail.
    let _ = write!(
        out,
        "{{\"time\":\"{}\",\"remote\":\"{}\"",
        timestamp(unix_ms),
        line.remote
    );
    let texts = [
        ("request_id", record.request_id),
        ("tenant", record.tenant),
        ("consumer", record.consumer),
        ("transport", record.transport.as_str()),
        ("action", record.action),
        ("tool", record.tool),
        ("status", record.status.as_str()),
    ];
    for (name, text) in texts {
        let _ = write!(out, ",\"{name}\":");
        // A caller's text is bounded here as it is in its event.
        quote(
            out,
            &text[..text.floor_char_boundary(crate::meter::record::codec::IDENTITY_BYTES_MAX)],
        );
    }
    if let Some(trace_id) = record.trace_id {
        let _ = write!(
            out,
            ",\"trace_id\":\"{:032x}\"",
            u128::from_be_bytes(trace_id)
        );
    }
    let numbers = [
        ("http_status", u64::from(line.http_status)),
        ("latency_us", record.latency_us),
        ("backend_us", record.backend_us),
        ("request_bytes", record.request_bytes),
        ("response_bytes", record.response_bytes),
    ];
    for (name, number) in numbers {
        let _ = write!(out, ",\"{name}\":{number}");
    }
    out.extend_from_slice(b"}\n");
}

#[cfg(test)]
mod tests;
