//! Decodes the chunked transfer coding (RFC 9112 section 7.1), as the bytes come.
//!
//! A state for each place in the grammar, so any split of the input gives the same result. Data is
//! copied in runs; sizes, extensions and trailers, a few bytes each, go byte by byte. Trailers are
//! checked and dropped: nothing reads them, and merging them into headers is an attack of its own.

use super::body::BodyFault;
use super::field::is_token_byte;
use super::head::HeadFault;
use crate::limits::{CHUNK_EXTENSION_BYTES_MAX, TRAILER_BYTES_MAX};

#[cfg(test)]
mod tests;

/// Digits of a chunk size: 64 bits.
const SIZE_DIGITS_MAX: u8 = 16;
/// What must follow the data of a chunk at least: its CRLF and the last chunk.
const AFTER_DATA_BYTES_MIN: usize = b"\r\n0\r\n\r\n".len();

/// Decodes one chunked body.
#[derive(Debug)]
pub struct Decoder {
    state: State,
    body_bytes_max: usize,
    extension_bytes: usize,
    trailer_bytes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In a chunk's size.
    Size {
        digits: u8,
        size: u64,
    },
    /// After `;`, up to the CR.
    Extension {
        size: u64,
    },
    /// The LF of a size line comes next.
    SizeEnd {
        size: u64,
    },
    /// In a chunk's data.
    Data {
        left: usize,
    },
    /// The CR after the data comes next.
    DataEnd,
    /// The LF after the data comes next.
    DataEndLineFeed,
    /// At the start of a trailer, or of the empty line that ends the body.
    TrailerStart,
    TrailerName,
    TrailerValue,
    /// The LF of a trailer comes next.
    TrailerEnd,
    /// The LF of the empty line comes next.
    End,
    Done,
}

impl Decoder {
    /// A decoder for a body of at most `body_bytes_max` bytes after decoding.
    #[must_use]
    pub fn new(body_bytes_max: usize) -> Self {
        Self {
            state: State::Size { digits: 0, size: 0 },
            body_bytes_max,
            extension_bytes: 0,
            trailer_bytes: 0,
        }
    }

    /// Whether the empty line that ends the body has been read.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Bytes that must still arrive, at least; 0 once done.
    #[must_use]
    pub fn bytes_missing(&self) -> usize {
        match self.state {
            State::Data { left } => left + AFTER_DATA_BYTES_MIN,
            State::Done => 0,
            _ => 1,
        }
    }

    /// Decodes `input`, appends the data to `body`, and tells how many bytes of `input` were used:
    /// all, or up to the end of the body.
    ///
    /// # Errors
    /// [`BodyFault::TooLarge`] as soon as a chunk's size says so; [`BodyFault::Malformed`] at the
    /// first byte that breaks the grammar or a limit. The decoder must not be used after an error.
    pub fn decode(&mut self, input: &[u8], body: &mut Vec<u8>) -> Result<usize, BodyFault> {
        let mut used = 0;
        while used < input.len() && self.state != State::Done {
            if let State::Data { left } = self.state {
                let run = left.min(input.len() - used);
                body.extend_from_slice(&input[used..used + run]);
                used += run;
                self.state = match left - run {
                    0 => State::DataEnd,
                    left => State::Data { left },
                };
            } else {
                self.state = self.step(input[used], body.len())?;
                used += 1;
            }
        }
        Ok(used)
    }

    /// The state after one byte outside a chunk's data.
    fn step(&mut self, byte: u8, body_bytes: usize) -> Result<State, BodyFault> {
        match (self.state, byte) {
            (State::Size { digits, size }, _) => self.step_size(digits, size, byte),
            (State::Extension { size }, b'\r') => Ok(State::SizeEnd { size }),
            (State::Extension { .. }, _) => self.step_extension(byte),
            (State::SizeEnd { size: 0 }, b'\n') => Ok(State::TrailerStart),
            (State::SizeEnd { size }, b'\n') => {
                let left = usize::try_from(size).map_err(|_| BodyFault::TooLarge)?;
                if left > self.body_bytes_max - body_bytes {
                    return Err(BodyFault::TooLarge);
                }
                Ok(State::Data { left })
            }
            (State::SizeEnd { .. }, _) => Err(HeadFault::BareCarriageReturn.into()),
            (State::DataEnd, b'\r') => Ok(State::DataEndLineFeed),
            (State::DataEndLineFeed, b'\n') => Ok(State::Size { digits: 0, size: 0 }),
            (State::DataEnd | State::DataEndLineFeed, _) => Err(HeadFault::ChunkData.into()),
            (State::TrailerStart, b'\r') => Ok(State::End),
            (State::End, b'\n') => Ok(State::Done),
            (State::End | State::TrailerEnd, _) if byte != b'\n' => {
                Err(HeadFault::BareCarriageReturn.into())
            }
            _ => self.step_trailer(byte),
        }
    }

    fn step_size(&mut self, digits: u8, size: u64, byte: u8) -> Result<State, BodyFault> {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            b'A'..=b'F' => byte - b'A' + 10,
            b'\r' if digits > 0 => return Ok(State::SizeEnd { size }),
            b';' if digits > 0 => {
                // The semicolon counts, or a million empty extensions would be free.
                self.count_extension_byte()?;
                return Ok(State::Extension { size });
            }
            b'\n' => return Err(HeadFault::BareLineFeed.into()),
            // No white space either: RFC 9112 allows it only before an extension, and parsers
            // differ in what they make of it.
            _ => return Err(HeadFault::ChunkSize.into()),
        };
        if digits == SIZE_DIGITS_MAX {
            return Err(HeadFault::ChunkSize.into());
        }
        Ok(State::Size {
            digits: digits + 1,
            size: size << 4 | u64::from(digit),
        })
    }

    /// Extensions are not parsed, only held to what cannot be mistaken for a line end.
    fn step_extension(&mut self, byte: u8) -> Result<State, BodyFault> {
        match byte {
            b'\n' => Err(HeadFault::BareLineFeed.into()),
            b'\t' | b' '..=b'~' | 0x80.. => {
                self.count_extension_byte()?;
                Ok(self.state)
            }
            _ => Err(HeadFault::ChunkExtension.into()),
        }
    }

    fn count_extension_byte(&mut self) -> Result<(), BodyFault> {
        self.extension_bytes += 1;
        if self.extension_bytes > CHUNK_EXTENSION_BYTES_MAX {
            return Err(HeadFault::ChunkExtension.into());
        }
        Ok(())
    }

    fn step_trailer(&mut self, byte: u8) -> Result<State, BodyFault> {
        self.trailer_bytes += 1;
        if self.trailer_bytes > TRAILER_BYTES_MAX {
            return Err(HeadFault::TrailerBytes.into());
        }
        match (self.state, byte) {
            (_, b'\n') if self.state != State::TrailerEnd => Err(HeadFault::BareLineFeed.into()),
            (State::TrailerEnd, b'\n') => Ok(State::TrailerStart),
            (State::TrailerName, b':') => Ok(State::TrailerValue),
            (State::TrailerStart | State::TrailerName, _) if is_token_byte(byte) => {
                Ok(State::TrailerName)
            }
            (State::TrailerStart, b' ' | b'\t') => Err(HeadFault::ObsoleteFold.into()),
            (State::TrailerValue, b'\r') => Ok(State::TrailerEnd),
            (State::TrailerValue, b'\t' | b' '..=b'~' | 0x80..) => Ok(State::TrailerValue),
            _ => Err(HeadFault::Trailer.into()),
        }
    }
}
