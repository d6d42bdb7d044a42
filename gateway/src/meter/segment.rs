//! The format of a spool segment: its name, its header, its frames. Pure functions of bytes.
//!
//! `{sequence:016x}.spool` is a header, then frames:
//!
//! ```text
//! header: "STOASPL1" | version u16 | length u16 | gateway id | crc32 u32 of all before
//! frame:  length u32 | crc32 u32 of the payload | payload
//! ```
//!
//! Numbers are little-endian. A crash leaves at most one torn frame, the last; a bad disk may flip
//! bytes anywhere. Reading finds the next whole frame after either, and never takes a frame whose
//! checksum differs.

use std::io;
use std::path::{Path, PathBuf};

use super::record::codec::{RECORD_BYTES_MAX, RECORD_BYTES_MIN};

/// First bytes of every segment.
const MAGIC: &[u8; 8] = b"STOASPL1";
/// Version of header and frames (records have their own).
const SEGMENT_VERSION: u16 = 1;
/// Bytes of a frame before its payload.
pub(crate) const FRAME_HEADER_BYTES: usize = 8;
/// Bytes of a gateway's id.
pub(crate) const GATEWAY_ID_BYTES_MAX: usize = 128;
/// The most that a header can have.
pub(crate) const HEADER_BYTES_MAX: usize = 8 + 2 + 2 + GATEWAY_ID_BYTES_MAX + 4;
/// Extension of segment files.
const EXTENSION: &str = "spool";

/// The path of a segment.
pub(crate) fn path(directory: &Path, sequence: u64) -> PathBuf {
    directory.join(format!("{sequence:016x}.{EXTENSION}"))
}

/// One segment file of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) sequence: u64,
    pub(crate) bytes: u64,
}

/// The segments of a directory, oldest first; other files are not ours and left alone.
///
/// # Errors
/// What reading the directory fails with. A file that vanishes meanwhile is left out.
pub(crate) fn list(directory: &Path) -> io::Result<Vec<Listed>> {
    let mut segments = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(sequence) = name.to_str().and_then(sequence_of) else {
            continue;
        };
        match entry.metadata() {
            Ok(metadata) => segments.push(Listed {
                sequence,
                bytes: metadata.len(),
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    segments.sort_by_key(|segment| segment.sequence);
    Ok(segments)
}

fn sequence_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(EXTENSION)?.strip_suffix('.')?;
    let is_ours = digits.len() == 16
        && digits
            .bytes()
            .all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    if is_ours {
        u64::from_str_radix(digits, 16).ok()
    } else {
        None
    }
}

/// A header for a gateway's id, cut to [`GATEWAY_ID_BYTES_MAX`].
pub(crate) fn header(gateway_id: &str) -> Vec<u8> {
    let gateway_id = &gateway_id[..gateway_id.floor_char_boundary(GATEWAY_ID_BYTES_MAX)];
    let mut out = Vec::with_capacity(HEADER_BYTES_MAX);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&SEGMENT_VERSION.to_le_bytes());
    out.extend_from_slice(&(gateway_id.len() as u16).to_le_bytes());
    out.extend_from_slice(gateway_id.as_bytes());
    let checksum = crc32fast::hash(&out);
    out.extend_from_slice(&checksum.to_le_bytes());
    out
}

/// What the first bytes of a file are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Header<'a> {
    /// Ours; frames begin at `end`.
    Whole { gateway_id: &'a str, end: usize },
    /// The beginning of one: a crash at creation, or a writer that is at it.
    Incomplete,
    /// Damaged, or of a version that this gateway does not read.
    Foreign,
}

/// Reads a header.
pub(crate) fn parse_header(bytes: &[u8]) -> Header<'_> {
    let magic_bytes = bytes.len().min(MAGIC.len());
    if bytes[..magic_bytes] != MAGIC[..magic_bytes] {
        return Header::Foreign;
    }
    let Some((fixed, rest)) = bytes.split_first_chunk::<12>() else {
        return Header::Incomplete;
    };
    let version = u16::from_le_bytes([fixed[8], fixed[9]]);
    let length = usize::from(u16::from_le_bytes([fixed[10], fixed[11]]));
    if version != SEGMENT_VERSION || length > GATEWAY_ID_BYTES_MAX {
        return Header::Foreign;
    }
    let Some((gateway_id, rest)) = rest.split_at_checked(length) else {
        return Header::Incomplete;
    };
    let Some((checksum, _)) = rest.split_first_chunk::<4>() else {
        return Header::Incomplete;
    };
    if u32::from_le_bytes(*checksum) != crc32fast::hash(&bytes[..12 + length]) {
        return Header::Foreign;
    }
    match std::str::from_utf8(gateway_id) {
        Ok(gateway_id) => Header::Whole {
            gateway_id,
            end: 16 + length,
        },
        Err(_) => Header::Foreign,
    }
}

/// Appends a frame whose payload is what `write` appends. Its checksum is left open: [`seal`] fills
/// it in on the thread that writes, so that a worker does not pay for it.
pub(crate) fn put_frame(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.extend_from_slice(&[0; FRAME_HEADER_BYTES]);
    write(out);
    let length = (out.len() - at - FRAME_HEADER_BYTES) as u32;
    out[at..at + 4].copy_from_slice(&length.to_le_bytes());
}

/// Fills in the checksums of frames that [`put_frame`] made.
pub(crate) fn seal(frames: &mut [u8]) {
    let mut at = 0;
    while let Some(length) = length_at(frames, at) {
        let payload = at + FRAME_HEADER_BYTES..at + FRAME_HEADER_BYTES + length;
        let checksum = crc32fast::hash(&frames[payload.clone()]);
        frames[at + 4..at + FRAME_HEADER_BYTES].copy_from_slice(&checksum.to_le_bytes());
        at = payload.end;
    }
}

/// How many bytes and frames of `frames` fit into `room` bytes; at least one frame.
pub(crate) fn fitting(frames: &[u8], room: u64) -> (usize, u32) {
    let (mut end, mut count) = (0, 0);
    while let Some(length) = length_at(frames, end) {
        let next = end + FRAME_HEADER_BYTES + length;
        if next as u64 > room && count > 0 {
            break;
        }
        (end, count) = (next, count + 1);
    }
    (end, count)
}

/// What stands at a position of a segment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame<'a> {
    /// A whole frame; the next begins at `end`.
    Whole { payload: &'a [u8], end: usize },
    /// Bytes that are no frame, up to `end`.
    Damaged { end: usize },
    /// The beginning of a frame whose rest may still come.
    Incomplete,
}

/// The frame at `at`, or `None` at the end. `closed` says that no byte will be added: then the
/// beginning of a frame is a torn one.
pub(crate) fn frame_at(bytes: &[u8], at: usize, closed: bool) -> Option<Frame<'_>> {
    if at >= bytes.len() {
        return None;
    }
    if let Some((payload, end)) = whole_at(bytes, at) {
        return Some(Frame::Whole { payload, end });
    }
    if !closed && may_grow(bytes, at) {
        return Some(Frame::Incomplete);
    }
    // A flipped payload leaves its length whole, so the next frame is where it should be.
    if let Some(next) = plausible_end(bytes, at)
        && (next == bytes.len()
            || next < bytes.len()
                && (whole_at(bytes, next).is_some() || !closed && may_grow(bytes, next)))
    {
        return Some(Frame::Damaged { end: next });
    }
    // A flipped length does not: look for the next frame byte by byte.
    match (at + 1..bytes.len()).find(|position| whole_at(bytes, *position).is_some()) {
        Some(end) => Some(Frame::Damaged { end }),
        None if closed => Some(Frame::Damaged { end: bytes.len() }),
        None => Some(Frame::Incomplete),
    }
}

/// Where the last whole frame ends, and how many there are, of the frames from `at`.
#[cfg(test)]
pub(crate) fn whole_frames(bytes: &[u8], mut at: usize) -> (usize, u64) {
    let (mut valid_end, mut count) = (at, 0);
    while let Some(frame) = frame_at(bytes, at, true) {
        match frame {
            Frame::Whole { end, .. } => {
                (at, valid_end) = (end, end);
                count += 1;
            }
            Frame::Damaged { end } => at = end,
            Frame::Incomplete => break,
        }
    }
    (valid_end, count)
}

fn length_at(bytes: &[u8], at: usize) -> Option<usize> {
    let length = bytes.get(at..)?.first_chunk::<4>()?;
    Some(u32::from_le_bytes(*length) as usize)
}

/// Where the frame at `at` ends by its own account, which may be beyond the bytes.
fn plausible_end(bytes: &[u8], at: usize) -> Option<usize> {
    length_at(bytes, at)
        .filter(|length| (RECORD_BYTES_MIN..=RECORD_BYTES_MAX).contains(length))
        .map(|length| at + FRAME_HEADER_BYTES + length)
}

fn whole_at(bytes: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let end = plausible_end(bytes, at)?;
    let checksum = bytes.get(at + 4..)?.first_chunk::<4>()?;
    let payload = bytes.get(at + FRAME_HEADER_BYTES..end)?;
    (crc32fast::hash(payload) == u32::from_le_bytes(*checksum)).then_some((payload, end))
}

/// Whether the bytes at `at` may be the beginning of a frame that is being written.
fn may_grow(bytes: &[u8], at: usize) -> bool {
    bytes.len() - at < FRAME_HEADER_BYTES
        || plausible_end(bytes, at).is_some_and(|end| end > bytes.len())
}

#[cfg(test)]
mod tests;
