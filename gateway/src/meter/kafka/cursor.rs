//! Reads a spool's events from a position on, a batch at a time, beside the gateway that writes it.
//!
//! Unlike [`super::super::reader`] it knows where each event ends, and holds no more than a piece of a
//! segment. A segment that was deleted to make room is passed over: the writer has counted it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use super::position::Position;
use crate::meter::record::codec::{self, StoredRecord};
use crate::meter::segment::{self, Frame, HEADER_BYTES_MAX, Header, Listed};

/// Bytes read at a time: a batch of usual events.
const PIECE_BYTES: usize = 256 * 1024;

/// A place in a spool, and the segment that it is in.
#[derive(Debug)]
pub(super) struct Cursor {
    directory: PathBuf,
    at: Position,
    open: Option<Open>,
    piece: Vec<u8>,
}

#[derive(Debug)]
struct Open {
    sequence: u64,
    file: File,
    /// `None` while the header is not whole.
    gateway_id: Option<String>,
}

/// Whether a reader of events wants more of them.
pub(super) enum Wanted {
    Enough,
    More,
}

impl Cursor {
    pub(super) const fn new(directory: PathBuf, at: Position) -> Self {
        Self {
            directory,
            at,
            open: None,
            piece: Vec::new(),
        }
    }

    /// After the last event that was read.
    pub(super) const fn at(&self) -> Position {
        self.at
    }

    /// Passes events to `each`, oldest first, until it has enough or a piece ends; whether the
    /// cursor moved. What is damaged, or was written by a newer gateway, is passed over.
    ///
    /// # Errors
    /// What the file system says.
    pub(super) fn read(
        &mut self,
        mut each: impl FnMut(&str, &StoredRecord<'_>, Position) -> Wanted,
    ) -> io::Result<bool> {
        let began = self.at;
        let mut wanted_bytes = PIECE_BYTES;
        loop {
            // Before the reading: a segment that has a successor now does not grow any more.
            let listed = segment::list(&self.directory)?;
            if !self.open(&listed)? {
                return Ok(self.at != began);
            }
            let closed = listed
                .last()
                .is_some_and(|last| last.sequence > self.at.sequence);
            let at_end = self.fill(wanted_bytes)?;
            let before = self.at;
            self.pass(closed && at_end, &mut each);
            if self.at != before {
                return Ok(true);
            }
            if !at_end {
                // Damage that is longer than a piece.
                wanted_bytes *= 2;
            } else if closed {
                self.open = None;
                self.at = Position {
                    sequence: self.at.sequence + 1,
                    ..Position::default()
                };
            } else {
                return Ok(self.at != began);
            }
        }
    }

    /// Opens the segment of the position, or the next that is there; `false` where there is none.
    fn open(&mut self, listed: &[Listed]) -> io::Result<bool> {
        let here = |sequence| {
            listed
                .iter()
                .any(|segment: &Listed| segment.sequence == sequence)
        };
        // A file can be read on when it is deleted; but its events were counted as given up.
        let is_open = |open: &Open| open.sequence == self.at.sequence && here(open.sequence);
        if self.open.as_ref().is_some_and(is_open) {
            return Ok(true);
        }
        self.open = None;
        for candidate in listed {
            if candidate.sequence < self.at.sequence {
                continue;
            }
            let path = segment::path(&self.directory, candidate.sequence);
            let file = match File::open(path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            if candidate.sequence != self.at.sequence {
                self.at = Position {
                    sequence: candidate.sequence,
                    ..Position::default()
                };
            }
            self.open = Some(Open {
                sequence: candidate.sequence,
                file,
                gateway_id: None,
            });
            return Ok(true);
        }
        Ok(false)
    }

    /// Reads a piece from the position on; whether the file ended in it.
    fn fill(&mut self, bytes: usize) -> io::Result<bool> {
        let Some(open) = &mut self.open else {
            return Ok(true);
        };
        if open.gateway_id.is_none() {
            self.piece.resize(HEADER_BYTES_MAX, 0);
            let count = read_at(&open.file, &mut self.piece, 0)?;
            if let Header::Whole { gateway_id, end } = segment::parse_header(&self.piece[..count]) {
                open.gateway_id = Some(gateway_id.to_owned());
                self.at.offset = self.at.offset.max(end as u64);
            } else {
                self.piece.clear();
                return Ok(true);
            }
        }
        self.piece.resize(bytes, 0);
        let count = read_at(&open.file, &mut self.piece, self.at.offset)?;
        self.piece.truncate(count);
        Ok(count < bytes)
    }

    /// Passes what is whole in the piece.
    fn pass(
        &mut self,
        is_whole: bool,
        each: &mut impl FnMut(&str, &StoredRecord<'_>, Position) -> Wanted,
    ) {
        let Some(gateway_id) = self
            .open
            .as_ref()
            .and_then(|open| open.gateway_id.as_deref())
        else {
            return;
        };
        let base = self.at.offset;
        let mut at = 0;
        while let Some(frame) = segment::frame_at(&self.piece, at, is_whole) {
            let mut wanted = Wanted::More;
            match frame {
                Frame::Whole { payload, end } => {
                    at = end;
                    self.at.offset = base + end as u64;
                    self.at.records += 1;
                    if let Some(stored) = codec::decode(payload) {
                        wanted = each(gateway_id, &stored, self.at);
                    }
                }
                Frame::Damaged { end } => {
                    at = end;
                    self.at.offset = base + end as u64;
                }
                Frame::Incomplete => break,
            }
            if let Wanted::Enough = wanted {
                break;
            }
        }
    }
}

/// Fills as much of `buffer` as the file has from `offset` on.
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut count = 0;
    while count < buffer.len() {
        match file.read_at(&mut buffer[count..], offset + count as u64) {
            Ok(0) => break,
            Ok(more) => count += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(count)
}

#[cfg(test)]
mod tests;
