//! The way of records from one worker to the thread that writes them: batches over a bounded queue.
//!
//! The worker appends to a buffer of its own and hands it over when it holds [`BATCH_RECORDS`]
//! records or when its tick comes. Handing over is one `try_send`: no lock, no allocation once
//! buffers circulate, and no system call, because the other side polls and so is never asleep in
//! the queue. Not here: what a record is. Access lines travel the same way.
//!
//! Invariant: at most `records_max` records are on their way (buffered, queued or held by the other
//! side), counted by the worker alone: what it pushed less what the other side settled.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};

/// Records after which a buffer is handed over before its tick: the other side's cost per batch
/// (a system call, 2-5 µs) is then below 0.1 µs a record.
pub const BATCH_RECORDS: u32 = 64;
/// Batches that tick with few records may queue beside the full ones: a minute of ticks.
const BATCHES_EXTRA: usize = 1_200;
/// Empty buffers kept for reuse.
const BUFFERS_RECYCLED_MAX: usize = 32;
/// Bytes of a buffer that is worth keeping; a larger one was an exception.
const BUFFER_BYTES_KEPT_MAX: usize = 64 * 1024;

/// Records on their way together.
#[derive(Debug)]
pub struct Batch {
    /// Their bytes, one after the other.
    pub bytes: Vec<u8>,
    /// How many.
    pub records: u32,
}

/// A worker's end.
#[derive(Debug)]
pub struct Ring {
    pending: Batch,
    pushed: u64,
    records_max: u64,
    queue: SyncSender<Batch>,
    recycled: Receiver<Vec<u8>>,
    settled: Arc<AtomicU64>,
}

/// The end of the thread that writes.
#[derive(Debug)]
pub struct Outlet {
    queue: Receiver<Batch>,
    recycled: SyncSender<Vec<u8>>,
    settled: Arc<AtomicU64>,
}

/// The two ends of a way with room for `records_max` records.
#[must_use]
pub fn ring(records_max: usize) -> (Ring, Outlet) {
    let (queue, batches) = sync_channel(records_max / BATCH_RECORDS as usize + BATCHES_EXTRA);
    let (give_back, recycled) = sync_channel(BUFFERS_RECYCLED_MAX);
    let settled = Arc::new(AtomicU64::new(0));
    let ring = Ring {
        pending: Batch {
            bytes: Vec::new(),
            records: 0,
        },
        pushed: 0,
        records_max: records_max as u64,
        queue,
        recycled,
        settled: Arc::clone(&settled),
    };
    (
        ring,
        Outlet {
            queue: batches,
            recycled: give_back,
            settled,
        },
    )
}

// === impl Ring ===

impl Ring {
    /// Records that were pushed and are not yet settled.
    #[must_use]
    pub fn outstanding(&self) -> u64 {
        self.pushed - self.settled.load(Ordering::Acquire)
    }

    /// Whether another record would go over the bound.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.outstanding() >= self.records_max
    }

    /// Appends one record, written by `write` to the end of the buffer it is given.
    ///
    /// `false` where the bound is reached: the record is not taken, `write` is not called.
    pub fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> bool {
        if self.is_full() {
            return false;
        }
        write(&mut self.pending.bytes);
        self.pending.records += 1;
        self.pushed += 1;
        if self.pending.records >= BATCH_RECORDS {
            self.flush();
        }
        true
    }

    /// Hands over what is buffered. `false` where something stays behind, because the queue is full
    /// or nobody takes from it any more; it is kept and tried again with the next call.
    pub fn flush(&mut self) -> bool {
        if self.pending.records == 0 {
            return true;
        }
        let bytes = self.recycled.try_recv().unwrap_or_default();
        let batch = std::mem::replace(&mut self.pending, Batch { bytes, records: 0 });
        match self.queue.try_send(batch) {
            Ok(()) => true,
            Err(TrySendError::Full(batch) | TrySendError::Disconnected(batch)) => {
                self.pending = batch;
                false
            }
        }
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        self.flush();
    }
}

// === impl Outlet ===

impl Outlet {
    /// The next batch, oldest first.
    ///
    /// # Errors
    /// `Empty` where there is none now, `Disconnected` where there will be none.
    pub fn take(&self) -> Result<Batch, TryRecvError> {
        self.queue.try_recv()
    }

    /// Ends the way of a batch, stored or given up: makes room and gives its buffer back.
    pub fn settle(&self, batch: Batch) {
        self.settled
            .fetch_add(u64::from(batch.records), Ordering::Release);
        let mut bytes = batch.bytes;
        if bytes.capacity() <= BUFFER_BYTES_KEPT_MAX {
            bytes.clear();
            // A full shelf means there are enough buffers: this one is freed.
            let _ = self.recycled.try_send(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(ring: &mut Ring, byte: u8) -> bool {
        ring.push(|out| out.push(byte))
    }

    #[test]
    fn a_batch_goes_at_64_records_or_at_a_flush() {
        let (mut ring, outlet) = ring(1_000);
        for _ in 0..BATCH_RECORDS - 1 {
            assert!(push(&mut ring, 1));
        }
        assert_eq!(outlet.take().unwrap_err(), TryRecvError::Empty);
        push(&mut ring, 2);
        let batch = outlet.take().unwrap();
        assert_eq!(
            (batch.records, batch.bytes.len(), batch.bytes[63]),
            (64, 64, 2)
        );
        push(&mut ring, 3);
        assert!(ring.flush());
        assert_eq!(outlet.take().unwrap().bytes, [3]);
    }

    #[test]
    fn one_past_the_bound_is_refused_until_room_is_made() {
        let (mut ring, outlet) = ring(100);
        assert!((0..100).all(|_| push(&mut ring, 0)));
        assert!(ring.is_full());
        assert!(!ring.push(|_| panic!("not written")));
        outlet.settle(outlet.take().unwrap());
        assert_eq!(ring.outstanding(), 36);
        assert!(push(&mut ring, 0));
    }

    #[test]
    fn a_full_queue_keeps_the_records_in_order() {
        let (mut ring, outlet) = ring(10_000);
        let mut pushed = Vec::new();
        // Single-record batches fill the queue's slots; what follows waits in the buffer.
        for turn in 0..5_000_u32 {
            assert!(push(&mut ring, turn as u8));
            pushed.push(turn as u8);
            ring.flush();
        }
        assert!(!ring.flush());
        let mut taken = Vec::new();
        while !ring.flush() || taken.len() < pushed.len() {
            while let Ok(batch) = outlet.take() {
                taken.extend_from_slice(&batch.bytes);
                outlet.settle(batch);
            }
        }
        assert_eq!(taken, pushed);
        assert_eq!(ring.outstanding(), 0);
    }

    #[test]
    fn buffers_circulate_and_the_end_hands_over() {
        let (mut ring, outlet) = ring(1_000);
        push(&mut ring, 1);
        ring.flush();
        let batch = outlet.take().unwrap();
        let address = batch.bytes.as_ptr();
        outlet.settle(batch);
        push(&mut ring, 2);
        ring.flush();
        push(&mut ring, 3);
        drop(ring);
        assert_eq!(outlet.take().unwrap().bytes, [2]);
        let last = outlet.take().unwrap();
        assert_eq!(
            (last.bytes.as_ptr(), last.bytes.as_slice()),
            (address, [3].as_slice())
        );
        assert_eq!(outlet.take().unwrap_err(), TryRecvError::Disconnected);
    }
}
