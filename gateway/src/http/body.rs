//! Where a body ends, and collecting it as it arrives.
//!
//! A body with a length stays where it is in the buffer and is never copied; a chunked one, or one
//! that ends with the connection, is gathered in a vector. Used for requests and upstreams' answers.

use super::chunked::Decoder;
use super::head::HeadFault;
use crate::refusal::Refusal;

#[cfg(test)]
mod tests;

/// How a message says where its body ends (RFC 9112 section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// There is none.
    None,
    /// So many bytes.
    Length(u64),
    /// In chunks.
    Chunked,
    /// With the connection; only in an upstream's answer.
    UntilClose,
}

/// Why a body cannot be read. After either the connection must be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFault {
    /// Its framing breaks a rule.
    Malformed(HeadFault),
    /// It has more bytes than allowed.
    TooLarge,
}

impl From<HeadFault> for BodyFault {
    fn from(fault: HeadFault) -> Self {
        Self::Malformed(fault)
    }
}

impl From<BodyFault> for Refusal {
    fn from(fault: BodyFault) -> Self {
        match fault {
            BodyFault::Malformed(fault) => Self::Malformed(fault),
            BodyFault::TooLarge => Self::BodyTooLarge,
        }
    }
}

/// How far a body has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The first `consumed` bytes that were shown are used up and must not be shown again; at least
    /// `missing` more must arrive, which is a good size for the next read.
    More {
        /// Bytes used up.
        consumed: usize,
        /// Bytes, at least 1.
        missing: usize,
    },
    /// The body is whole, [`BodyReader::bytes`] has it, and the first `consumed` bytes that were
    /// shown belong to it. What follows them is the next message.
    Done {
        /// Bytes of the body as framed.
        consumed: usize,
    },
}

/// Collects one body.
#[derive(Debug)]
pub struct BodyReader {
    kind: Kind,
    bytes_max: usize,
    gathered: Vec<u8>,
}

#[derive(Debug)]
enum Kind {
    /// In the caller's buffer, with this many bytes.
    InPlace(usize),
    Chunked(Decoder),
    UntilClose,
}

impl BodyReader {
    /// A reader for a body of at most `bytes_max` bytes.
    ///
    /// # Errors
    /// [`BodyFault::TooLarge`] where the length says so already.
    pub fn new(framing: Framing, bytes_max: usize) -> Result<Self, BodyFault> {
        let kind = match framing {
            Framing::None => Kind::InPlace(0),
            Framing::Length(bytes) => match usize::try_from(bytes) {
                Ok(bytes) if bytes <= bytes_max => Kind::InPlace(bytes),
                _ => return Err(BodyFault::TooLarge),
            },
            Framing::Chunked => Kind::Chunked(Decoder::new(bytes_max)),
            Framing::UntilClose => Kind::UntilClose,
        };
        Ok(Self {
            kind,
            bytes_max,
            gathered: Vec::new(),
        })
    }

    /// Takes in what has arrived: all bytes after the head that were not consumed before.
    ///
    /// # Errors
    /// [`BodyFault`], at the first byte that shows it.
    pub fn advance(&mut self, arrived: &[u8]) -> Result<Progress, BodyFault> {
        match &mut self.kind {
            Kind::InPlace(bytes) => Ok(match bytes.checked_sub(arrived.len()) {
                None | Some(0) => Progress::Done { consumed: *bytes },
                Some(missing) => Progress::More {
                    consumed: 0,
                    missing,
                },
            }),
            Kind::Chunked(decoder) => {
                let consumed = decoder.decode(arrived, &mut self.gathered)?;
                Ok(if decoder.is_done() {
                    Progress::Done { consumed }
                } else {
                    Progress::More {
                        consumed,
                        missing: decoder.bytes_missing(),
                    }
                })
            }
            Kind::UntilClose => {
                if arrived.len() > self.bytes_max - self.gathered.len() {
                    return Err(BodyFault::TooLarge);
                }
                self.gathered.extend_from_slice(arrived);
                Ok(Progress::More {
                    consumed: arrived.len(),
                    missing: 1,
                })
            }
        }
    }

    /// Bytes that the body has at least: as its length says, or as gathered so far.
    #[must_use]
    pub fn bytes_known(&self) -> usize {
        match self.kind {
            Kind::InPlace(bytes) => bytes,
            Kind::Chunked(_) | Kind::UntilClose => self.gathered.len(),
        }
    }

    /// Whether the body comes in chunks, so that its length is known only at its end.
    #[must_use]
    pub fn is_chunked(&self) -> bool {
        matches!(self.kind, Kind::Chunked(_))
    }

    /// Whether a body that is not done becomes whole by the sender's closing the connection.
    #[must_use]
    pub fn ends_with_connection(&self) -> bool {
        matches!(self.kind, Kind::UntilClose)
    }

    /// The body. `arrived` is what the last [`Self::advance`] was shown.
    ///
    /// Before [`Progress::Done`] it is what has been gathered so far.
    #[must_use]
    pub fn bytes<'a>(&'a self, arrived: &'a [u8]) -> &'a [u8] {
        match self.kind {
            Kind::InPlace(bytes) => &arrived[..bytes.min(arrived.len())],
            Kind::Chunked(_) | Kind::UntilClose => &self.gathered,
        }
    }

    /// The vector of a body that was not left in place, for one who wants to keep it.
    #[must_use]
    pub fn into_gathered(self) -> Vec<u8> {
        self.gathered
    }
}
