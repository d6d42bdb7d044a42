//! Remembers how much of a growing buffer is known to hold no end of a head.
//!
//! A head that arrives byte by byte must not be parsed once per byte: 64 KiB would cost 2 GB of
//! scanning. The first attempt goes to the parser at once, since nearly every head arrives whole;
//! after that only new bytes are searched for the empty line.

use super::head::HeadFault;

/// What earlier looks at one head have learnt. Make a new one (or let a completed parse reset it)
/// for each head.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scan {
    /// Where the head begins: after empty lines, or after interim answers of an upstream.
    pub(super) start: usize,
    /// Bytes, from the buffer's first, in which the head does not end. 0: nobody has looked.
    searched: usize,
    /// Whether the first line of the head is complete.
    pub(super) first_line_complete: bool,
}

impl Scan {
    /// Moves the start past empty lines before a request line, which RFC 9112 section 2.2 asks
    /// servers to ignore. They count as bytes of the head.
    ///
    /// # Errors
    /// A line that ends in a bare LF, or a CR that no LF follows.
    pub(super) fn skip_empty_lines(&mut self, buffer: &[u8]) -> Result<(), HeadFault> {
        loop {
            match buffer.get(self.start..) {
                Some([b'\r', b'\n', ..]) => self.start += 2,
                Some([b'\r', _, ..]) => return Err(HeadFault::BareCarriageReturn),
                Some([b'\n', ..]) => return Err(HeadFault::BareLineFeed),
                _ => return Ok(()),
            }
        }
    }

    /// Whether it is worth parsing: at the first look, and once the empty line has arrived.
    ///
    /// # Errors
    /// As [`Self::search`].
    pub(super) fn may_be_whole(&mut self, buffer: &[u8]) -> Result<bool, HeadFault> {
        if self.searched == 0 {
            return Ok(true);
        }
        self.search(buffer)
    }

    /// Searches what has arrived since the last search for the end of the head.
    ///
    /// # Errors
    /// A line that ends in a bare LF: its sender would otherwise wait for an answer until the
    /// deadline, because the empty line never comes.
    pub(super) fn search(&mut self, buffer: &[u8]) -> Result<bool, HeadFault> {
        let from = self.searched.max(self.start);
        let fresh = buffer.get(from..).unwrap_or_default();
        for position in memchr::memchr_iter(b'\n', fresh) {
            let line_feed = from + position;
            let before = &buffer[self.start..line_feed];
            if !before.ends_with(b"\r") {
                return Err(HeadFault::BareLineFeed);
            }
            self.first_line_complete = true;
            if before.ends_with(b"\r\n\r") {
                return Ok(true);
            }
        }
        self.searched = buffer.len();
        Ok(false)
    }

    /// Goes on to the head that begins at `start`.
    pub(super) fn restart(&mut self, start: usize) {
        *self = Self {
            start,
            ..Self::default()
        };
    }
}
