//! How the spool fares: written by its thread, read by workers, metrics and readiness.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

/// Shared gauges and counters of one spool.
#[derive(Debug)]
pub struct SpoolState {
    bytes: AtomicU64,
    bytes_max: u64,
    segments: AtomicU64,
    stored: AtomicU64,
    evicted: AtomicU64,
    dropped_full: AtomicU64,
    dropped_ring: AtomicU64,
    torn_tails: AtomicU64,
    torn_bytes: AtomicU64,
    write_faults: AtomicU64,
    sync_faults: AtomicU64,
    syncs: AtomicU64,
    health: AtomicU8,
    refuses: bool,
    refusing: AtomicBool,
    /// What is sent on and may be deleted: a segment's sequence and how many of its records, in one
    /// number, so that both are read at once.
    forwarded: AtomicU64,
}

/// Bits of [`SpoolState::forwarded`] for records: 16 million, of which a segment has 400,000 at most.
const FORWARDED_RECORDS_BITS: u32 = 24;

/// What keeps the spool from storing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpoolHealth {
    /// The file system refuses writes.
    Failing,
    /// The bound is reached and nothing may be deleted.
    Full,
    /// Nothing.
    Well,
}

impl SpoolHealth {
    /// The word in `/ready` and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failing => "failing",
            Self::Full => "full",
            Self::Well => "ok",
        }
    }
}

/// One reading of a [`SpoolState`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpoolSummary {
    /// What keeps it from storing.
    pub health: SpoolHealth,
    /// Whether calls are refused because of it.
    pub refusing: bool,
    /// Bytes of all segments.
    pub bytes: u64,
    /// The most they may have.
    pub bytes_max: u64,
    /// Segment files.
    pub segments: u64,
    /// Events stored since the start.
    pub stored: u64,
    /// Events deleted with the oldest segments to make room.
    pub evicted: u64,
    /// Events given up because the spool was full.
    pub dropped_full: u64,
    /// Events given up because too many were on their way to the spool.
    pub dropped_ring: u64,
    /// Torn ends found and cut at the start.
    pub torn_tails: u64,
    /// Bytes of them.
    pub torn_bytes: u64,
    /// Writes that the file system refused.
    pub write_faults: u64,
    /// Syncs that failed.
    pub sync_faults: u64,
    /// Syncs that were done.
    pub syncs: u64,
}

impl SpoolState {
    /// For a spool of at most `bytes_max` bytes; `refuses` says what the operator wants of a full one.
    pub(crate) const fn new(bytes_max: u64, refuses: bool) -> Self {
        Self {
            bytes: AtomicU64::new(0),
            bytes_max,
            segments: AtomicU64::new(0),
            stored: AtomicU64::new(0),
            evicted: AtomicU64::new(0),
            dropped_full: AtomicU64::new(0),
            dropped_ring: AtomicU64::new(0),
            torn_tails: AtomicU64::new(0),
            torn_bytes: AtomicU64::new(0),
            write_faults: AtomicU64::new(0),
            sync_faults: AtomicU64::new(0),
            syncs: AtomicU64::new(0),
            health: AtomicU8::new(SpoolHealth::Well as u8),
            refuses,
            refusing: AtomicBool::new(false),
            forwarded: AtomicU64::new(0),
        }
    }

    /// Everything before `records` of the segment `sequence` is sent on, and may be deleted.
    pub fn forwarded(&self, sequence: u64, records: u64) {
        let records = records.min((1 << FORWARDED_RECORDS_BITS) - 1);
        let packed = sequence << FORWARDED_RECORDS_BITS | records;
        self.forwarded.store(packed, Ordering::Release);
    }

    /// Records of a segment that are sent on; `u64::MAX` where all of them are.
    pub(crate) fn forwarded_of(&self, sequence: u64) -> u64 {
        let packed = self.forwarded.load(Ordering::Acquire);
        let at = packed >> FORWARDED_RECORDS_BITS;
        match sequence.cmp(&at) {
            std::cmp::Ordering::Less => u64::MAX,
            std::cmp::Ordering::Equal => packed & ((1 << FORWARDED_RECORDS_BITS) - 1),
            std::cmp::Ordering::Greater => 0,
        }
    }

    /// Whether a full spool refuses calls, rather than giving up events.
    #[must_use]
    pub const fn refuses_when_full(&self) -> bool {
        self.refuses
    }

    /// Whether calls are to be refused now.
    #[must_use]
    pub fn is_refusing(&self) -> bool {
        self.refusing.load(Ordering::Relaxed)
    }

    /// One reading of everything.
    #[must_use]
    pub fn summary(&self) -> SpoolSummary {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        SpoolSummary {
            health: self.health(),
            refusing: self.is_refusing(),
            bytes: read(&self.bytes),
            bytes_max: self.bytes_max,
            segments: read(&self.segments),
            stored: read(&self.stored),
            evicted: read(&self.evicted),
            dropped_full: read(&self.dropped_full),
            dropped_ring: read(&self.dropped_ring),
            torn_tails: read(&self.torn_tails),
            torn_bytes: read(&self.torn_bytes),
            write_faults: read(&self.write_faults),
            sync_faults: read(&self.sync_faults),
            syncs: read(&self.syncs),
        }
    }

    fn health(&self) -> SpoolHealth {
        match self.health.load(Ordering::Relaxed) {
            code if code == SpoolHealth::Failing as u8 => SpoolHealth::Failing,
            code if code == SpoolHealth::Full as u8 => SpoolHealth::Full,
            _ => SpoolHealth::Well,
        }
    }

    /// Sets the health; returns the one before.
    pub(crate) fn set_health(&self, health: SpoolHealth) -> SpoolHealth {
        let before = self.health();
        self.health.store(health as u8, Ordering::Relaxed);
        self.refusing.store(
            self.refuses && health != SpoolHealth::Well,
            Ordering::Relaxed,
        );
        before
    }

    pub(crate) fn measured(&self, bytes: u64, segments: u64) {
        self.bytes.store(bytes, Ordering::Relaxed);
        self.segments.store(segments, Ordering::Relaxed);
    }

    pub(crate) fn stored(&self, records: u64) {
        self.stored.fetch_add(records, Ordering::Relaxed);
    }

    pub(crate) fn evicted(&self, records: u64) {
        self.evicted.fetch_add(records, Ordering::Relaxed);
    }

    pub(crate) fn dropped_full(&self, records: u64) {
        self.dropped_full.fetch_add(records, Ordering::Relaxed);
    }

    pub(crate) fn dropped_ring(&self) {
        self.dropped_ring.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn torn(&self, bytes: u64) {
        self.torn_tails.fetch_add(1, Ordering::Relaxed);
        self.torn_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn write_failed(&self) {
        self.write_faults.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn synced(&self) {
        self.syncs.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn sync_failed(&self) {
        self.sync_faults.fetch_add(1, Ordering::Relaxed);
    }
}
