//! Reads a spool's events in the order they were written, across segments, also while a gateway
//! writes. Reads only: nothing is locked, moved or marked.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use super::record::codec::{self, StoredRecord};
use super::segment::{self, Frame, Header};

/// Reads one spool.
#[derive(Debug)]
pub(crate) struct Reader {
    directory: PathBuf,
    /// Segments whose last write is older hold nothing that is wanted.
    since_unix_ms: u64,
    current: Option<Current>,
    /// Sequence of the last segment that was read to its end.
    finished: Option<u64>,
    /// Runs of bytes that were no frame.
    pub(crate) damaged: u64,
    /// Records that a newer gateway wrote.
    pub(crate) unknown: u64,
}

#[derive(Debug)]
struct Current {
    sequence: u64,
    file: File,
    gateway_id: Option<String>,
    /// What was read and not yet consumed.
    unread: Vec<u8>,
}

impl Reader {
    /// For a directory; events before `since_unix_ms` may be left out, whole segments at a time.
    pub(crate) const fn new(directory: PathBuf, since_unix_ms: u64) -> Self {
        Self {
            directory,
            since_unix_ms,
            current: None,
            finished: None,
            damaged: 0,
            unknown: 0,
        }
    }

    /// Passes every event that is there and was not passed before to `each`, with its gateway's id.
    ///
    /// # Errors
    /// What reading fails with, or `each`.
    pub(crate) fn read(
        &mut self,
        mut each: impl FnMut(&str, &StoredRecord<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        loop {
            if self.current.is_none() && !self.open_next()? {
                return Ok(());
            }
            let Some(mut current) = self.current.take() else {
                return Ok(());
            };
            // Asked before the reading: a segment that has a successor now does not grow any more.
            let closed = self.has_successor(current.sequence)?;
            current.file.read_to_end(&mut current.unread)?;
            self.consume(&mut current, closed, &mut each)?;
            if !closed {
                self.current = Some(current);
                return Ok(());
            }
            self.finished = Some(current.sequence);
        }
    }

    /// Bytes at the end of the last segment that are no whole frame: a record that is being written,
    /// or the torn end of a gateway that was killed.
    pub(crate) fn unread_bytes(&self) -> usize {
        self.current
            .as_ref()
            .map_or(0, |current| current.unread.len())
    }

    fn consume(
        &mut self,
        current: &mut Current,
        closed: bool,
        each: &mut impl FnMut(&str, &StoredRecord<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut at = 0;
        let gateway_id = match &current.gateway_id {
            Some(gateway_id) => gateway_id.clone(),
            None => match segment::parse_header(&current.unread) {
                Header::Whole { gateway_id, end } => {
                    at = end;
                    gateway_id.to_owned()
                }
                Header::Incomplete if !closed => return Ok(()),
                Header::Incomplete | Header::Foreign => {
                    self.damaged += u64::from(!current.unread.is_empty() && closed);
                    return Ok(());
                }
            },
        };
        while let Some(frame) = segment::frame_at(&current.unread, at, closed) {
            match frame {
                Frame::Whole { payload, end } => {
                    match codec::decode(payload) {
                        Some(stored) => each(&gateway_id, &stored)?,
                        None => self.unknown += 1,
                    }
                    at = end;
                }
                Frame::Damaged { end } => {
                    self.damaged += 1;
                    at = end;
                }
                Frame::Incomplete => break,
            }
        }
        current.unread.drain(..at);
        current.gateway_id = Some(gateway_id);
        Ok(())
    }

    /// Opens the segment after the last finished one; `false` where there is none.
    fn open_next(&mut self) -> io::Result<bool> {
        let listed = segment::list(&self.directory)?;
        let last = listed.last().map(|last| last.sequence);
        for candidate in listed {
            if self
                .finished
                .is_some_and(|finished| candidate.sequence <= finished)
            {
                continue;
            }
            let path = segment::path(&self.directory, candidate.sequence);
            let file = match File::open(&path) {
                Ok(file) => file,
                // Deleted to make room between the listing and now.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            if Some(candidate.sequence) != last && self.is_too_old(&file)? {
                self.finished = Some(candidate.sequence);
                continue;
            }
            self.current = Some(Current {
                sequence: candidate.sequence,
                file,
                gateway_id: None,
                unread: Vec::new(),
            });
            return Ok(true);
        }
        Ok(false)
    }

    fn is_too_old(&self, file: &File) -> io::Result<bool> {
        let since = UNIX_EPOCH + Duration::from_millis(self.since_unix_ms);
        Ok(self.since_unix_ms > 0 && file.metadata()?.modified()? < since)
    }

    fn has_successor(&self, sequence: u64) -> io::Result<bool> {
        Ok(segment::list(&self.directory)?
            .last()
            .is_some_and(|last| last.sequence > sequence))
    }
}
