//! How far sending is: the position on the disk, and what still waits.

use std::time::{Duration, Instant};

use super::Runner;
use crate::meter::kafka::cursor::{Cursor, Wanted};
use crate::meter::kafka::position;

#[allow(
    clippy::disallowed_methods,
    reason = "a thread of its own with a clock of its own; not the data path"
)]
impl Runner {
    /// Brings the position to the disk where it moved and the interval is over, and lets the spool
    /// delete what is before it.
    pub(super) fn store_when_due(&mut self, interval_ms: u64) {
        let (position, at) = self.stored;
        if position == self.done || at.elapsed() < Duration::from_millis(interval_ms) {
            return;
        }
        match position::store(&self.directory, self.done) {
            Ok(()) => {
                self.stored = (self.done, Instant::now());
                self.has_said_store = false;
                self.spool.forwarded(self.done.sequence, self.done.records);
            }
            Err(error) => {
                self.stored.1 = Instant::now();
                if !self.has_said_store {
                    self.has_said_store = true;
                    tracing::error!(%error, "the position in the spool cannot be stored; after a restart events are sent to Kafka again");
                }
            }
        }
    }

    /// Counts the events that earlier processes left, of segments as they were at the start.
    pub(super) fn count_backlog(&mut self) {
        let left = std::mem::take(&mut self.left);
        let Some(last) = left.last() else { return };
        let end = (last.sequence, last.bytes);
        let mut cursor = Cursor::new(self.directory.clone(), self.done);
        let mut count = 0;
        let mut is_over = false;
        while !is_over {
            let moved = cursor.read(|_, _, at| {
                is_over = (at.sequence, at.offset) > end;
                if is_over {
                    return Wanted::Enough;
                }
                count += 1;
                Wanted::More
            });
            // What cannot be read now is told by the reading that sends.
            is_over |= !matches!(moved, Ok(true));
        }
        self.backlog = count;
    }

    /// Events in the spool that are not acknowledged.
    pub(super) fn lag(&self) -> u64 {
        let spool = self.spool.summary();
        (self.backlog + spool.stored).saturating_sub(self.passed + spool.evicted)
    }

    pub(super) fn measure(&self) {
        let oldest = self.batch.first().map_or(0, |event| event.unix_ms);
        self.state.measured(self.lag(), oldest);
    }
}
