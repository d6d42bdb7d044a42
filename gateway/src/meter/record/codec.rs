//! The compact binary form of a record on its way from a worker to the spool and back.
//!
//! One pass over the record into the worker's buffer: no allocation for a string, no formatting.
//! Not here: where the bytes go ([`super::super::ring`]), framing and checksums
//! (`meter::segment`).
//!
//! Version 1: `version u8, flags u8, status u8, mode u8, transport u8, event_id [16]`, varints
//! `unix_ms latency_us backend_us request_bytes response_bytes cost_microunits`, where flagged
//! `tokens_in tokens_out`, `trace_id [16]`; then strings (varint length, UTF-8) `tenant consumer
//! tool action request_id`, where flagged `project user_id`; a count and that many pairs of strings.

use super::{Mode, Record, Status, Transport};

/// Version of the binary form. A reader skips what it does not know and counts it.
pub const RECORD_VERSION: u8 = 1;
/// Bytes of a tenant, consumer, project, user or request id.
pub const IDENTITY_BYTES_MAX: usize = 128;
/// Bytes of a tool's or an action's name: a caller may send any, registered ones have at most 64.
pub const NAME_BYTES_MAX: usize = 64;
/// Pairs of metadata in one record.
pub const METADATA_PAIRS_MAX: usize = 16;
/// Bytes of one metadata value.
pub const METADATA_VALUE_BYTES_MAX: usize = 256;
/// The most that one encoded record can have: 21 fixed, 8 varints, a trace id, the bounded strings
/// with two bytes of length each, and the metadata.
pub const RECORD_BYTES_MAX: usize = 21
    + 8 * 10
    + 16
    + 5 * (IDENTITY_BYTES_MAX + 2)
    + 2 * (NAME_BYTES_MAX + 2)
    + 1
    + METADATA_PAIRS_MAX * (NAME_BYTES_MAX + METADATA_VALUE_BYTES_MAX + 4);
/// The least: the fixed part, six varints of a byte, five empty strings of which `consumer` never is
/// (a byte at least), and the count of pairs.
pub const RECORD_BYTES_MIN: usize = 21 + 6 + 5 + 1 + 1;

const HAS_PROJECT: u8 = 1;
const HAS_USER: u8 = 1 << 1;
const HAS_TOKENS_IN: u8 = 1 << 2;
const HAS_TOKENS_OUT: u8 = 1 << 3;
const HAS_TRACE: u8 = 1 << 4;

/// Appends the binary form of `record` to `out`. Strings beyond their bounds are cut at a character.
/// `event_id` is made by [`crate::meter::identifier::Identifiers`], `unix_ms` is the end of the call.
pub fn encode(record: &Record<'_>, event_id: [u8; 16], unix_ms: u64, out: &mut Vec<u8>) {
    let mut flags = 0;
    flags |= if record.project.is_some() {
        HAS_PROJECT
    } else {
        0
    };
    flags |= if record.user_id.is_some() {
        HAS_USER
    } else {
        0
    };
    flags |= if record.tokens_in.is_some() {
        HAS_TOKENS_IN
    } else {
        0
    };
    flags |= if record.tokens_out.is_some() {
        HAS_TOKENS_OUT
    } else {
        0
    };
    flags |= if record.trace_id.is_some() {
        HAS_TRACE
    } else {
        0
    };
    out.extend_from_slice(&[
        RECORD_VERSION,
        flags,
        record.status.code(),
        record.mode.code(),
        record.transport.code(),
    ]);
    out.extend_from_slice(&event_id);
    for number in [
        unix_ms,
        record.latency_us,
        record.backend_us,
        record.request_bytes,
        record.response_bytes,
        record.cost_microunits,
    ] {
        put_varint(number, out);
    }
    for tokens in [record.tokens_in, record.tokens_out].into_iter().flatten() {
        put_varint(tokens, out);
    }
    if let Some(trace_id) = record.trace_id {
        out.extend_from_slice(&trace_id);
    }
    let consumer = if record.consumer.is_empty() {
        "unknown"
    } else {
        record.consumer
    };
    put_text(record.tenant, IDENTITY_BYTES_MAX, out);
    put_text(consumer, IDENTITY_BYTES_MAX, out);
    put_text(record.tool, NAME_BYTES_MAX, out);
    put_text(record.action, NAME_BYTES_MAX, out);
    put_text(record.request_id, IDENTITY_BYTES_MAX, out);
    for text in [record.project, record.user_id].into_iter().flatten() {
        put_text(text, IDENTITY_BYTES_MAX, out);
    }
    let pairs = &record.metadata[..record.metadata.len().min(METADATA_PAIRS_MAX)];
    put_varint(pairs.len() as u64, out);
    for (key, value) in pairs {
        put_text(key, NAME_BYTES_MAX, out);
        put_text(value, METADATA_VALUE_BYTES_MAX, out);
    }
}

/// A record read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecord<'a> {
    /// uuid v7.
    pub event_id: [u8; 16],
    /// Unix milliseconds of the end of the call.
    pub unix_ms: u64,
    /// The rest; its `metadata` is empty, the pairs are in [`StoredRecord::metadata`].
    pub record: Record<'a>,
    /// See [`Record::metadata`].
    pub metadata: Vec<(&'a str, &'a str)>,
}

/// Reads what [`encode`] wrote.
///
/// `None` where the bytes are no record of this version: a checksum has already vouched for them,
/// so a newer gateway wrote it.
#[must_use]
pub fn decode(bytes: &[u8]) -> Option<StoredRecord<'_>> {
    let mut input = Input(bytes);
    let [version, flags, status, mode, transport] = *input.array::<5>()?;
    if version != RECORD_VERSION {
        return None;
    }
    let has = |flag: u8| flags & flag != 0;
    let event_id = *input.array::<16>()?;
    let mut numbers = [0_u64; 6];
    for number in &mut numbers {
        *number = input.varint()?;
    }
    let [
        unix_ms,
        latency_us,
        backend_us,
        request_bytes,
        response_bytes,
        cost_microunits,
    ] = numbers;
    let tokens_in = if has(HAS_TOKENS_IN) {
        Some(input.varint()?)
    } else {
        None
    };
    let tokens_out = if has(HAS_TOKENS_OUT) {
        Some(input.varint()?)
    } else {
        None
    };
    let trace_id = if has(HAS_TRACE) {
        Some(*input.array::<16>()?)
    } else {
        None
    };
    let (tenant, consumer) = (input.text()?, input.text()?);
    let (tool, action, request_id) = (input.text()?, input.text()?, input.text()?);
    let project = if has(HAS_PROJECT) {
        Some(input.text()?)
    } else {
        None
    };
    let user_id = if has(HAS_USER) {
        Some(input.text()?)
    } else {
        None
    };
    let pairs = usize::try_from(input.varint()?)
        .ok()
        .filter(|pairs| *pairs <= METADATA_PAIRS_MAX)?;
    let mut metadata = Vec::with_capacity(pairs);
    for _ in 0..pairs {
        metadata.push((input.text()?, input.text()?));
    }
    let record = Record {
        tenant,
        project,
        consumer,
        user_id,
        tool,
        action,
        mode: Mode::from_code(mode)?,
        transport: Transport::from_code(transport)?,
        status: Status::from_code(status)?,
        latency_us,
        backend_us,
        request_bytes,
        response_bytes,
        tokens_in,
        tokens_out,
        cost_microunits,
        request_id,
        trace_id,
        metadata: &[],
    };
    Some(StoredRecord {
        event_id,
        unix_ms,
        record,
        metadata,
    })
}

/// LEB128: seven bits a byte, low ones first.
fn put_varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push((number as u8) | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// A length and the text, cut to at most `bytes_max` bytes at a character's border.
fn put_text(text: &str, bytes_max: usize, out: &mut Vec<u8>) {
    let text = &text[..text.floor_char_boundary(bytes_max)];
    put_varint(text.len() as u64, out);
    out.extend_from_slice(text.as_bytes());
}

/// What is left to read.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn array<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(head)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let [byte] = *self.array::<1>()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = usize::try_from(self.varint()?).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }
}

#[cfg(test)]
mod tests;
