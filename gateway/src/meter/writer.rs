//! The files of the spool: appends batches to segments, keeps the bound, survives a full disk.
//!
//! Synchronous and without a thread or a clock of its own; [`super::spool`] drives it. Nothing is
//! ever overwritten: a segment grows, is closed, and one day is deleted whole. A write that failed
//! half-way is cut back, so that the file ends with a whole frame; where even that fails, the
//! segment is left as it is (readers step over its torn end) and another is begun.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::scan::{Scan, scan};
use super::segment;
use super::spool::{SpoolConfig, SpoolError, SpoolFull};
use super::state::SpoolState;
use super::sync::Syncer;

/// Name of the file whose lock says that a gateway writes here.
const LOCK_NAME: &str = "lock";

/// The directory of one gateway, open for appending.
#[derive(Debug)]
pub(crate) struct Writer {
    directory: PathBuf,
    gateway_id: String,
    bytes_max: u64,
    segment_bytes_max: u64,
    full: SpoolFull,
    current: Option<Current>,
    /// Closed segments, oldest first.
    closed: VecDeque<Closed>,
    closed_bytes: u64,
    next_sequence: u64,
    syncer: Syncer,
    state: Arc<SpoolState>,
    /// Held as long as the writer lives; the operating system gives it up with the process.
    _lock: File,
}

#[derive(Debug)]
struct Current {
    file: Arc<File>,
    sequence: u64,
    bytes: u64,
    records: u64,
}

#[derive(Debug)]
struct Closed {
    sequence: u64,
    bytes: u64,
    /// Unknown for segments of an earlier process until somebody needs it.
    records: Option<u64>,
}

/// Why a batch was not stored.
#[derive(Debug)]
pub(crate) enum AppendFault {
    /// The spool's bound is reached and nothing may be deleted.
    Full,
    /// The file system refused: no space, no permission, a failing disk.
    Io(io::Error),
}

impl From<io::Error> for AppendFault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Writer {
    /// Takes the directory (made where it is missing, readable by its owner alone), recovers the
    /// last segment and counts the others.
    ///
    /// # Errors
    /// Where another process holds the directory, or the file system refuses.
    pub(crate) fn open(config: &SpoolConfig, state: Arc<SpoolState>) -> Result<Self, SpoolError> {
        let directory = config.directory.clone();
        let failed = |source| SpoolError::Io {
            directory: config.directory.clone(),
            source,
        };
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&directory)
            .map_err(failed)?;
        let lock = lock(&directory)?;
        let syncer = Syncer::start(config.fsync, Arc::clone(&state)).map_err(failed)?;
        let mut writer = Self {
            directory,
            gateway_id: config.gateway_id.clone(),
            bytes_max: config.bytes_max,
            segment_bytes_max: config.segment_bytes_max,
            full: config.full,
            current: None,
            closed: VecDeque::new(),
            closed_bytes: 0,
            next_sequence: 1,
            syncer,
            state,
            _lock: lock,
        };
        writer.recover().map_err(failed)?;
        writer.publish();
        Ok(writer)
    }

    /// Stores sealed frames.
    ///
    /// # Errors
    /// [`AppendFault`]; then the first `stored` of them are stored and the rest is not.
    pub(crate) fn append(&mut self, mut frames: &[u8]) -> Result<(), (usize, AppendFault)> {
        let whole = frames.len();
        while !frames.is_empty() {
            match self.append_some(frames) {
                Ok(taken) => frames = &frames[taken..],
                Err(fault) => {
                    self.publish();
                    return Err((whole - frames.len(), fault));
                }
            }
        }
        self.publish();
        Ok(())
    }

    /// Brings what was written to the disk where the policy's interval is over.
    pub(crate) fn tick(&mut self, mono_ms: u64) {
        if let Some(current) = &self.current {
            self.syncer.tick(&current.file, mono_ms);
        }
    }

    /// Looks at the directory again: somebody may have taken segments away to make room.
    pub(crate) fn recount(&mut self) {
        let Ok(listed) = segment::list(&self.directory) else {
            return;
        };
        self.closed.retain(|closed| {
            listed
                .iter()
                .any(|listed| listed.sequence == closed.sequence)
        });
        self.closed_bytes = self.closed.iter().map(|closed| closed.bytes).sum();
        self.publish();
    }

    /// Ends the writing: everything is on the disk afterwards, unless the policy is `never`.
    pub(crate) fn close(mut self) {
        self.close_current();
        self.syncer.finish();
    }

    /// Appends as many frames as go into one segment; returns their bytes.
    fn append_some(&mut self, frames: &[u8]) -> Result<usize, AppendFault> {
        let room = self.current.as_ref().map_or(0, |current| {
            self.segment_bytes_max.saturating_sub(current.bytes)
        });
        let (mut taken, mut count) = segment::fitting(frames, room);
        if taken as u64 > room {
            self.close_current();
            (taken, count) = segment::fitting(
                frames,
                self.segment_bytes_max - segment::HEADER_BYTES_MAX as u64,
            );
        }
        self.make_room(taken as u64)?;
        let current = match &mut self.current {
            Some(current) => current,
            None => {
                let begun = self.begin()?;
                self.current.insert(begun)
            }
        };
        if let Err(error) = (&*current.file).write_all(&frames[..taken]) {
            if current.file.set_len(current.bytes).is_err() {
                self.close_current();
            }
            return Err(error.into());
        }
        current.bytes += taken as u64;
        current.records += u64::from(count);
        if let Err(error) = self.syncer.written(&current.file) {
            // What a failed sync has left on the disk is unknown, also after one that succeeds later:
            // the frames go into another segment as well. Readers know them by their event id.
            self.close_current();
            return Err(error.into());
        }
        self.state.stored(u64::from(count));
        Ok(taken)
    }

    /// Deletes the oldest segments where they may be and `bytes` more need it.
    fn make_room(&mut self, bytes: u64) -> Result<(), AppendFault> {
        let header = if self.current.is_some() {
            0
        } else {
            segment::HEADER_BYTES_MAX as u64
        };
        while self.bytes() + bytes + header > self.bytes_max {
            if !self.may_evict() || !self.evict()? {
                return Err(AppendFault::Full);
            }
        }
        Ok(())
    }

    /// Whether the oldest closed segment may be deleted: the operator chose that, or all of it was
    /// sent on.
    pub(crate) fn may_evict(&self) -> bool {
        let is_forwarded = |oldest: &Closed| {
            let forwarded = self.state.forwarded_of(oldest.sequence);
            oldest
                .records
                .map_or(forwarded == u64::MAX, |records| forwarded >= records)
        };
        self.full == SpoolFull::DropOldest || self.closed.front().is_some_and(is_forwarded)
    }

    /// Deletes the oldest closed segment and counts what of it was not sent on; `false` where there
    /// is none.
    ///
    /// # Errors
    /// Where the file system refuses.
    pub(crate) fn evict(&mut self) -> io::Result<bool> {
        let Some(oldest) = self.closed.front() else {
            return Ok(false);
        };
        let path = segment::path(&self.directory, oldest.sequence);
        let forwarded = self.state.forwarded_of(oldest.sequence);
        let records = match oldest.records {
            Some(records) => Ok(records),
            None if forwarded == u64::MAX => Ok(0),
            None => count_records(&path),
        };
        match records.and_then(|records| std::fs::remove_file(&path).map(|()| records)) {
            Ok(records) => self.state.evicted(records.saturating_sub(forwarded)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        self.closed_bytes -= oldest.bytes;
        self.closed.pop_front();
        Ok(true)
    }

    /// Begins a segment.
    fn begin(&mut self) -> io::Result<Current> {
        let sequence = self.next_sequence;
        let path = segment::path(&self.directory, sequence);
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        let header = segment::header(&self.gateway_id);
        if let Err(error) = (&file).write_all(&header) {
            // Without a header it holds nothing; on a full disk it may not even be deleted.
            if std::fs::remove_file(&path).is_err() {
                self.next_sequence += 1;
            }
            return Err(error);
        }
        self.next_sequence += 1;
        self.syncer.begun(&self.directory)?;
        Ok(Current {
            file: Arc::new(file),
            sequence,
            bytes: header.len() as u64,
            records: 0,
        })
    }

    fn close_current(&mut self) {
        if let Some(current) = self.current.take() {
            self.syncer.closed(&current.file);
            self.closed_bytes += current.bytes;
            self.closed.push_back(Closed {
                sequence: current.sequence,
                bytes: current.bytes,
                records: Some(current.records),
            });
        }
    }

    /// Takes up what an earlier process left: the last segment is cut after its last whole frame and
    /// continued, where it is this gateway's.
    fn recover(&mut self) -> io::Result<()> {
        let mut listed = segment::list(&self.directory)?;
        self.next_sequence = listed.last().map_or(1, |last| last.sequence + 1);
        let last = listed.pop();
        for segment in listed {
            self.closed_bytes += segment.bytes;
            self.closed.push_back(Closed {
                sequence: segment.sequence,
                bytes: segment.bytes,
                records: None,
            });
        }
        let Some(last) = last else { return Ok(()) };
        let path = segment::path(&self.directory, last.sequence);
        match scan(&path)? {
            Scan::Whole {
                gateway_id,
                valid_end,
                records,
            } => {
                let file = OpenOptions::new().append(true).open(&path)?;
                if valid_end < last.bytes {
                    file.set_len(valid_end)?;
                    self.state.torn(last.bytes - valid_end);
                }
                let file = Arc::new(file);
                self.current = Some(Current {
                    file,
                    sequence: last.sequence,
                    bytes: valid_end,
                    records,
                });
                if gateway_id != self.gateway_id || valid_end >= self.segment_bytes_max {
                    self.close_current();
                }
            }
            Scan::Incomplete => {
                std::fs::remove_file(&path)?;
                self.state.torn(last.bytes);
            }
            Scan::Foreign => {
                self.closed_bytes += last.bytes;
                self.closed.push_back(Closed {
                    sequence: last.sequence,
                    bytes: last.bytes,
                    records: None,
                });
            }
        }
        Ok(())
    }

    /// Bytes of all segments.
    fn bytes(&self) -> u64 {
        self.closed_bytes + self.current.as_ref().map_or(0, |current| current.bytes)
    }

    fn publish(&self) {
        let segments = self.closed.len() + usize::from(self.current.is_some());
        self.state.measured(self.bytes(), segments as u64);
    }
}

/// Takes the directory's lock, which one process at a time can hold.
fn lock(directory: &Path) -> Result<File, SpoolError> {
    let failed = |source| SpoolError::Io {
        directory: directory.to_owned(),
        source,
    };
    let path = directory.join(LOCK_NAME);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // Best effort: the number is for the message only.
            let _ = (&file).take(20).read_to_string(&mut holder);
            return Err(SpoolError::Taken {
                directory: directory.to_owned(),
                process: holder.trim().to_owned(),
            });
        }
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    }
    file.set_len(0).map_err(failed)?;
    writeln!(file, "{}", std::process::id()).map_err(failed)?;
    Ok(file)
}

/// Whole records of a segment that an earlier process wrote.
fn count_records(path: &Path) -> io::Result<u64> {
    match scan(path)? {
        Scan::Whole { records, .. } => Ok(records),
        Scan::Incomplete | Scan::Foreign => Ok(0),
    }
}

#[cfg(test)]
mod tests;
