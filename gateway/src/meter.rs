//! Metering: one event for every call on every outcome, from the worker to the disk.
//!
//! ```text
//! exchange ─ Record ─► Meter ─► ring ─► spool thread ─► segments ─► `stoa-gateway events`
//!                     (a core)  batches   (one)           (files) └─► Kafka
//! ```
//!
//! - [`record`]: what an event says; [`record::codec`] its binary form.
//! - [`cost`], [`usage`], [`identifier`]: what a call costs, running totals, event ids.
//! - [`ring`]: the way from a worker to the thread; [`spool`]: the thread; `writer` and
//!   `segment`, `scan`: its files; `sync`: bringing them to the disk; [`state`]: how it fares.
//! - `reader`, [`event`], [`events_command`]: back from the files to JSON lines.
//! - [`kafka`]: from the files to a topic, by a thread that no worker knows of.
//!
//! Not here: when a record is complete ([`crate::exchange`] knows).

use std::sync::Arc;

pub mod cost;
pub mod event;
pub mod events_command;
pub mod identifier;
pub mod kafka;
mod reader;
pub mod record;
pub mod ring;
mod scan;
mod segment;
pub mod spool;
pub mod state;
mod sync;
pub mod usage;
mod writer;

use crate::limits::{METER_FLUSH_INTERVAL_MS, METER_RECORDS_MAX};
use crate::worker::clock::Now;
use identifier::Identifiers;
use record::{Record, codec};
use ring::Ring;
use state::SpoolState;

/// Time between two ticks of a worker, at which it hands over what is buffered.
pub const WORKER_TICK_MS: u64 = 50;

// The promise about a killed process: handed over, found and written within the interval, with a
// quarter of it left for the writing itself.
const _: () = assert!(WORKER_TICK_MS + spool::SPOOL_POLL_MS <= METER_FLUSH_INTERVAL_MS * 3 / 4);

/// Records that may be on their way before calls are refused. The rest of the room is for calls that
/// are in flight at that moment: each was accepted, so its event must fit.
const ACCEPT_RECORDS_MAX: u64 = METER_RECORDS_MAX as u64 * 3 / 4;

/// One core's end of metering. Not shared: every method takes it whole.
#[derive(Debug)]
pub struct Meter {
    /// `None` where metering is off.
    ring: Option<Ring>,
    identifiers: Identifiers,
    spool: Arc<SpoolState>,
}

impl Meter {
    pub(crate) const fn new(ring: Ring, identifiers: Identifiers, spool: Arc<SpoolState>) -> Self {
        Self {
            ring: Some(ring),
            identifiers,
            spool,
        }
    }

    /// For a gateway with metering off: accepts everything, keeps nothing.
    #[must_use]
    pub fn off() -> Self {
        Self {
            ring: None,
            identifiers: Identifiers::from_system(),
            spool: Arc::new(SpoolState::new(0, false)),
        }
    }

    /// Whether the event of another call would be kept. Asked before a call is sent upstream; `false`
    /// only where the operator wants calls refused rather than events lost.
    #[must_use]
    pub fn can_accept(&self) -> bool {
        let Some(ring) = &self.ring else { return true };
        !self.spool.refuses_when_full()
            || !self.spool.is_refusing() && ring.outstanding() < ACCEPT_RECORDS_MAX
    }

    /// Takes the record of a call that ended now. Over the bound it is dropped and counted; a flood
    /// of refused calls stops at the bound for accepting, so it cannot push out billed ones.
    pub fn record(&mut self, record: &Record<'_>, now: Now) {
        let Some(ring) = &mut self.ring else { return };
        if record.status.is_refusal() && ring.outstanding() >= ACCEPT_RECORDS_MAX {
            self.spool.dropped_ring();
            return;
        }
        let event_id = self.identifiers.uuid_v7(now.unix_ms);
        let is_taken = ring.push(|out| {
            segment::put_frame(out, |out| codec::encode(record, event_id, now.unix_ms, out));
        });
        if !is_taken {
            self.spool.dropped_ring();
        }
    }

    /// Hands over what is buffered: to be called at every tick of the worker, [`WORKER_TICK_MS`].
    /// `false` where something stays behind; at the end of a drain, call again.
    pub fn flush(&mut self) -> bool {
        self.ring.as_mut().is_none_or(Ring::flush)
    }

    /// The core's source of request and span ids.
    pub const fn identifiers(&mut self) -> &mut Identifiers {
        &mut self.identifiers
    }
}

#[cfg(test)]
mod tests;
