//! Reads JSON text into a [`Document`]'s spans: one pass of the lexer, no recursion.
//! Not a tokenizer for streams: the whole text is there.

use std::borrow::Cow;

use super::{
    COUNT_MAX, COUNT_SHIFT, Document, DocumentFault, ESCAPED, Entry, INDEXED_MEMBERS_MIN, Index,
    Kind, Node,
};
use crate::json::lexer::{self, Lexer, Quoted};
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
        lexer: Lexer::new(text),
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
    lexer: Lexer<'t>,
    /// Entry of the innermost open array or object.
    parent: usize,
    depth: usize,
    document: Document<'t>,
}

impl Scanner<'_> {
    fn run(&mut self) -> Result<(), DocumentFault> {
        loop {
            if self.open()? {
                continue;
            }
            // A whole value was read: go on in its parent, closing what ends here.
            loop {
                if self.parent == NO_PARENT {
                    return Ok(self.lexer.end()?);
                }
                let kind = self.document.entries[self.parent].kind();
                match (self.lexer.peek_token(), kind) {
                    (b',', Kind::Array) => {
                        self.lexer.bump();
                        break;
                    }
                    (b',', _) => {
                        self.lexer.bump();
                        self.name()?;
                        break;
                    }
                    (b']', Kind::Array) => self.close()?,
                    (b'}', Kind::Object) => self.close()?,
                    _ => return Ok(self.lexer.malformed()?),
                }
            }
        }
    }

    /// Reads one value, or the opening of a filled array or object; true when its first member is
    /// next.
    fn open(&mut self) -> Result<bool, DocumentFault> {
        self.count_member()?;
        let token = self.lexer.peek_token();
        let start = self.lexer.position();
        match token {
            b'"' => {
                let string = self.lexer.string()?;
                self.push_string(start, string)?;
            }
            b'{' => return self.open_container(Kind::Object, b'}'),
            b'[' => return self.open_container(Kind::Array, b']'),
            b't' => self.literal(b"true", Kind::Boolean)?,
            b'f' => self.literal(b"false", Kind::Boolean)?,
            b'n' => self.literal(b"null", Kind::Null)?,
            _ => {
                self.lexer.number()?;
                self.push(Kind::Number, start);
            }
        }
        Ok(false)
    }

    fn open_container(&mut self, kind: Kind, end: u8) -> Result<bool, DocumentFault> {
        self.depth += 1;
        if self.depth > limits::JSON_DEPTH_MAX {
            return Err(DocumentFault::TooDeep);
        }
        let entry = Entry::new(kind, self.lexer.position(), 0, self.parent);
        self.parent = self.document.entries.len();
        self.document.entries.push(entry);
        self.lexer.bump();
        if self.lexer.peek_token() == end {
            self.close()?;
            return Ok(false);
        }
        if kind == Kind::Object {
            self.name()?;
        }
        Ok(true)
    }

    fn close(&mut self) -> Result<(), DocumentFault> {
        self.lexer.bump();
        self.depth -= 1;
        let object = self.parent;
        let next = self.document.entries.len();
        let entry = &mut self.document.entries[object];
        let parent = entry.next as usize;
        // As in `Entry::new`: `scan` bounds both.
        #[allow(clippy::cast_possible_truncation, reason = "bounded by scan")]
        {
            entry.end = self.lexer.position() as u32;
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
        self.lexer.peek_token();
        let start = self.lexer.position();
        let name = self.lexer.name()?;
        self.push_string(start, name)
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

    fn push_string(&mut self, start: usize, string: Quoted<'_>) -> Result<(), DocumentFault> {
        if string.surrogates && string.decode().is_none() {
            return Err(DocumentFault::LoneSurrogate);
        }
        let end = start + string.raw.len();
        let mut entry = Entry::new(Kind::String, start, end, self.document.entries.len() + 1);
        if string.escaped {
            entry.meta |= ESCAPED;
        }
        self.document.entries.push(entry);
        Ok(())
    }

    fn push(&mut self, kind: Kind, start: usize) {
        let end = self.lexer.position();
        let next = self.document.entries.len() + 1;
        self.document
            .entries
            .push(Entry::new(kind, start, end, next));
    }

    fn literal(&mut self, word: &[u8], kind: Kind) -> Result<(), DocumentFault> {
        let start = self.lexer.position();
        self.lexer.literal(word)?;
        self.push(kind, start);
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
}

impl From<lexer::Fault> for DocumentFault {
    fn from(fault: lexer::Fault) -> Self {
        match fault {
            lexer::Fault::Malformed(at) => Self::Malformed(at),
            lexer::Fault::TooDeep => Self::TooDeep,
        }
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
