//! Reads JSON text into a [`Document`]'s spans: one pass, no recursion, strict RFC 8259 grammar.
//! Not a tokenizer for streams: the whole text is there.

use std::borrow::Cow;

use super::{
    COUNT_MAX, COUNT_SHIFT, Document, DocumentFault, ESCAPED, Entry, INDEXED_MEMBERS_MIN, Index,
    Kind, Node,
};
use crate::limits;

/// Marks that a value has no parent.
const NO_PARENT: usize = u32::MAX as usize;

/// Bytes for which one entry is reserved. Measured: argument objects have an entry per 9 to 14 bytes.
const BYTES_PER_ENTRY: usize = 8;
/// The most entries reserved before any was read (1 MiB): one long string has a single entry.
const RESERVED_ENTRIES_MAX: usize = 64 * 1024;

pub(super) fn scan(text: &str) -> Result<Document<'_>, DocumentFault> {
    if text.len() >= NO_PARENT {
        return Err(DocumentFault::TooLarge);
    }
    let reserved = (text.len() / BYTES_PER_ENTRY + 4).min(RESERVED_ENTRIES_MAX);
    let mut scanner = Scanner {
        bytes: text.as_bytes(),
        at: 0,
        parent: NO_PARENT,
        depth: 0,
        document: Document {
            text,
            entries: Vec::with_capacity(reserved),
            indexes: Vec::new(),
        },
    };
    scanner.run()?;
    // Objects end in another order than they begin.
    scanner
        .document
        .indexes
        .sort_unstable_by_key(|index| index.object);
    Ok(scanner.document)
}

/// The value of a string's text with quotes; `None` for a lone surrogate.
pub(super) fn unescape(raw: &str) -> Option<String> {
    serde_json::from_str(raw).ok()
}

struct Scanner<'t> {
    bytes: &'t [u8],
    at: usize,
    /// Entry of the innermost open array or object.
    parent: usize,
    depth: usize,
    document: Document<'t>,
}

impl Scanner<'_> {
    fn run(&mut self) -> Result<(), DocumentFault> {
        loop {
            self.skip_space();
            if self.open()? {
                continue;
            }
            // A whole value was read: go on in its parent, closing what ends here.
            loop {
                if self.parent == NO_PARENT {
                    self.skip_space();
                    return if self.at == self.bytes.len() {
                        Ok(())
                    } else {
                        self.malformed()
                    };
                }
                self.skip_space();
                let kind = self.document.entries[self.parent].kind();
                match (self.peek(), kind) {
                    (b',', Kind::Array) => {
                        self.at += 1;
                        break;
                    }
                    (b',', _) => {
                        self.at += 1;
                        self.skip_space();
                        self.name()?;
                        break;
                    }
                    (b']', Kind::Array) => self.close()?,
                    (b'}', Kind::Object) => self.close()?,
                    _ => return self.malformed(),
                }
            }
        }
    }

    /// Reads one value, or the opening of a filled array or object; true when its first member is
    /// next.
    fn open(&mut self) -> Result<bool, DocumentFault> {
        self.count_member()?;
        let start = self.at;
        match self.peek() {
            b'"' => {
                let escaped = self.string()?;
                self.push(Kind::String, start, escaped);
            }
            b'{' => return self.open_container(Kind::Object, b'}'),
            b'[' => return self.open_container(Kind::Array, b']'),
            b't' => self.literal(b"true", Kind::Boolean)?,
            b'f' => self.literal(b"false", Kind::Boolean)?,
            b'n' => self.literal(b"null", Kind::Null)?,
            _ => {
                self.number()?;
                self.push(Kind::Number, start, false);
            }
        }
        Ok(false)
    }

    fn open_container(&mut self, kind: Kind, end: u8) -> Result<bool, DocumentFault> {
        self.depth += 1;
        if self.depth > limits::JSON_DEPTH_MAX {
            return Err(DocumentFault::TooDeep);
        }
        let entry = Entry::new(kind, self.at, 0, self.parent);
        self.parent = self.document.entries.len();
        self.document.entries.push(entry);
        self.at += 1;
        self.skip_space();
        if self.peek() == end {
            self.close()?;
            return Ok(false);
        }
        if kind == Kind::Object {
            self.name()?;
        }
        Ok(true)
    }

    fn close(&mut self) -> Result<(), DocumentFault> {
        self.at += 1;
        self.depth -= 1;
        let object = self.parent;
        let next = self.document.entries.len();
        let entry = &mut self.document.entries[object];
        let parent = entry.next as usize;
        // As in `Entry::new`: `scan` bounds both.
        #[allow(clippy::cast_possible_truncation, reason = "bounded by scan")]
        {
            entry.end = self.at as u32;
            entry.next = next as u32;
        }
        self.parent = parent;
        if entry.kind() == Kind::Object && entry.count() > 1 {
            self.check_names(object)?;
        }
        Ok(())
    }

    /// Reads `"name" :`.
    fn name(&mut self) -> Result<(), DocumentFault> {
        let start = self.at;
        let escaped = self.string()?;
        self.push(Kind::String, start, escaped);
        self.skip_space();
        if self.peek() != b':' {
            return self.malformed();
        }
        self.at += 1;
        Ok(())
    }

    fn count_member(&mut self) -> Result<(), DocumentFault> {
        if let Some(entry) = self.document.entries.get_mut(self.parent) {
            if entry.meta >> COUNT_SHIFT == COUNT_MAX {
                return Err(DocumentFault::TooLarge);
            }
            entry.meta += 1 << COUNT_SHIFT;
        }
        Ok(())
    }

    fn push(&mut self, kind: Kind, start: usize, escaped: bool) {
        let mut entry = Entry::new(kind, start, self.at, self.document.entries.len() + 1);
        if escaped {
            entry.meta |= ESCAPED;
        }
        self.document.entries.push(entry);
    }

    /// Reads a string with its quotes; true where it holds escapes.
    fn string(&mut self) -> Result<bool, DocumentFault> {
        if self.peek() != b'"' {
            return self.malformed();
        }
        let start = self.at;
        self.at += 1;
        let mut escaped = false;
        let mut surrogates = false;
        loop {
            self.at = plain_end(self.bytes, self.at);
            match self.bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    break;
                }
                Some(b'\\') => {
                    escaped = true;
                    surrogates |= self.escape()?;
                }
                _ => return self.malformed(),
            }
        }
        if surrogates && unescape(&self.document.text[start..self.at]).is_none() {
            return Err(DocumentFault::LoneSurrogate);
        }
        Ok(escaped)
    }

    /// Reads one escape; true where it is half of a surrogate pair.
    fn escape(&mut self) -> Result<bool, DocumentFault> {
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                Ok(false)
            }
            Some(b'u') => {
                let Some(digits) = self.bytes.get(self.at + 2..self.at + 6) else {
                    return self.malformed();
                };
                if !digits.iter().all(u8::is_ascii_hexdigit) {
                    return self.malformed();
                }
                self.at += 6;
                Ok(matches!(digits[0], b'd' | b'D')
                    && matches!(digits[1], b'8' | b'9' | b'a'..=b'f' | b'A'..=b'F'))
            }
            _ => self.malformed(),
        }
    }

    fn number(&mut self) -> Result<(), DocumentFault> {
        if self.peek() == b'-' {
            self.at += 1;
        }
        match self.peek() {
            b'0' => self.at += 1,
            b'1'..=b'9' => self.digits()?,
            _ => return self.malformed(),
        }
        if self.peek() == b'.' {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), b'e' | b'E') {
            self.at += 1;
            if matches!(self.peek(), b'+' | b'-') {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), DocumentFault> {
        if !self.peek().is_ascii_digit() {
            return self.malformed();
        }
        while self.peek().is_ascii_digit() {
            self.at += 1;
        }
        Ok(())
    }

    fn literal(&mut self, word: &[u8], kind: Kind) -> Result<(), DocumentFault> {
        let start = self.at;
        if !self.bytes[start..].starts_with(word) {
            return self.malformed();
        }
        self.at += word.len();
        self.push(kind, start, false);
        Ok(())
    }

    /// Refuses repeated names; gives big objects their index.
    fn check_names(&mut self, object: usize) -> Result<(), DocumentFault> {
        #[allow(clippy::cast_possible_truncation, reason = "bounded by scan")]
        let node = Node {
            document: &self.document,
            at: object as u32,
        };
        if node.count() >= INDEXED_MEMBERS_MIN {
            let index = sorted_names(node)?;
            self.document.indexes.push(index);
            return Ok(());
        }
        // A 64-bit sieve over length and edge bytes: names that differ there are not compared.
        let mut seen = 0_u64;
        for (position, (name, _)) in node.members().enumerate() {
            let bit = 1 << sieve(name);
            if seen & bit != 0 {
                let value = name.string().unwrap_or_default();
                if node
                    .members()
                    .take(position)
                    .any(|(other, _)| other.is_string(&value))
                {
                    return Err(DocumentFault::DuplicateName(value.into()));
                }
            }
            seen |= bit;
        }
        Ok(())
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
    }

    /// The next byte; NUL, which no rule accepts, at the end.
    fn peek(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    fn malformed<T>(&self) -> Result<T, DocumentFault> {
        Err(DocumentFault::Malformed(self.at))
    }
}

/// A number below 64 that equal names share. An escaped name may equal an unescaped one of another
/// text, so the sieve looks at the value.
fn sieve(name: Node<'_>) -> u32 {
    let entry = name.entry();
    if entry.meta & ESCAPED != 0 {
        return sieve_of(name.string().unwrap_or_default().as_bytes());
    }
    sieve_of(&name.document.text.as_bytes()[entry.start as usize + 1..entry.end as usize - 1])
}

fn sieve_of(bytes: &[u8]) -> u32 {
    let (Some(&first), Some(&last)) = (bytes.first(), bytes.last()) else {
        return 0;
    };
    let middle = bytes[bytes.len() / 2];
    #[allow(clippy::cast_possible_truncation, reason = "masked")]
    let length = (bytes.len() & 0xff) as u32;
    let mixed = u32::from(first) | u32::from(last) << 8 | u32::from(middle) << 16 | length << 24;
    // Fibonacci hashing: the top bits of a multiplication by 2^32 / phi.
    mixed.wrapping_mul(0x9e37_79b9) >> 26
}

fn sorted_names(object: Node<'_>) -> Result<Index, DocumentFault> {
    let mut names: Vec<(Cow<'_, str>, u32)> = object
        .members()
        .map(|(name, _)| (name.string().unwrap_or_default(), name.at))
        .collect();
    names.sort_unstable();
    if let Some(pair) = names.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(DocumentFault::DuplicateName(pair[0].0.as_ref().into()));
    }
    Ok(Index {
        object: object.at,
        names: names.into_iter().map(|(_, at)| at).collect(),
    })
}

/// Where the plain part of a string ends: the first quote, backslash or control character, or the
/// text's end. Eight bytes at a time; the lowest flag of each test is exact, higher ones may be
/// carries, so the lowest of all is exact.
fn plain_end(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*chunk);
        let quote = word ^ (ONES * b'"' as u64);
        let backslash = word ^ (ONES * b'\\' as u64);
        let found = (quote.wrapping_sub(ONES) & !quote
            | backslash.wrapping_sub(ONES) & !backslash
            | word.wrapping_sub(ONES * 0x20) & !word)
            & HIGHS;
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while let Some(&byte) = bytes.get(at) {
        if byte == b'"' || byte == b'\\' || byte < 0x20 {
            return at;
        }
        at += 1;
    }
    at
}
