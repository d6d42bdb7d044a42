//! A JSON document that is looked into without being taken apart: a flat list of spans over the
//! caller's text. Not a DOM: nothing is copied, no number is converted.
//!
//! Why not `serde_json::Value` or simd-json's: arguments are validated, then forwarded, and both need
//! the bytes as they came. A converted number cannot give `12345678901234567890123` or `1.10` back,
//! a converted string loses its escapes, and simd-json destroys its input, so it also costs a copy.
//! Measured as ns of thread CPU time, medians of 11 (one shared core, release build, mimalloc, an
//! order with its items, 2026-11-21):
//!
//! | parse | 193 B | 2,052 B | 100,076 B |
//! |---|---|---|---|
//! | this document | 209 | 1,900 | 90,000 |
//! | simd-json tape, with the copy it needs | 323 | 2,310 | 109,000 |
//! | the same with its buffers reused | 243 | 2,180 | 104,000 |
//! | simd-json into `serde_json::Value`, with the copy | 934 | 8,750 | 428,000 |
//! | `serde_json::Value` | 750 | 8,020 | 384,000 |
//!
//! and with validation against the order's schema:
//!
//! | parse and validate | 193 B | 2,052 B | 100,076 B |
//! |---|---|---|---|
//! | this document | 394 | 2,680 | 120,000 |
//! | simd-json into `serde_json::Value` | 1,055 | 9,520 | 479,000 |
//! | `serde_json::Value` | 859 | 8,830 | 437,000 |
//!
//! Invariants: a document exists only for well-formed JSON within [`crate::limits::JSON_DEPTH_MAX`], with
//! every string decodable and no member name repeated in an object. Hence what was validated is what
//! is sent, whichever of two equal names an upstream would have taken.

use std::borrow::Cow;

mod scan;

#[cfg(test)]
mod tests;

/// Members above which an object gets a sorted index. Below, a scan over the spans is faster; above,
/// an object made to be slow would cost names times members.
const INDEXED_MEMBERS_MIN: usize = 32;

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// `[...]`
    Array,
    /// `true` or `false`
    Boolean,
    /// `null`
    Null,
    /// As written, of any size.
    Number,
    /// `{...}`
    Object,
    /// `"..."`
    String,
}

/// Why a text is no document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocumentFault {
    /// A member name stands twice in one object.
    DuplicateName(Box<str>),
    /// A `\ud800`-like escape without its other half: no string that UTF-8 can carry.
    LoneSurrogate,
    /// No JSON at this byte.
    Malformed(usize),
    /// Nested deeper than [`crate::limits::JSON_DEPTH_MAX`].
    TooDeep,
    /// More than 4 GiB, or an array or object with more than 16 million members.
    TooLarge,
}

/// One value (or member name): where it stands and what follows it.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// First byte of the value's text.
    start: u32,
    /// Byte after the value's text.
    end: u32,
    /// Entry after this value and everything in it. While an array or object is open: its parent.
    next: u32,
    /// Bits 0-2 the kind, bit 3 escaped, bit 4 bare, bits 8-31 the count of members.
    meta: u32,
}

/// The string holds a backslash, so its text is not its value.
const ESCAPED: u32 = 1 << 3;
/// The string's text has no quotes around it (a member name handed to `propertyNames`).
const BARE: u32 = 1 << 4;
const COUNT_SHIFT: u32 = 8;
/// The most members that [`Entry::meta`] can count.
const COUNT_MAX: u32 = (1 << 24) - 1;

impl Entry {
    fn new(kind: Kind, start: usize, end: usize, next: usize) -> Self {
        // `Document::parse` refuses texts above 4 GiB, and entries are fewer than bytes.
        #[allow(
            clippy::cast_possible_truncation,
            reason = "bounded by Document::parse"
        )]
        Self {
            start: start as u32,
            end: end as u32,
            next: next as u32,
            meta: kind as u32,
        }
    }

    fn kind(self) -> Kind {
        match self.meta & 7 {
            0 => Kind::Array,
            1 => Kind::Boolean,
            2 => Kind::Null,
            3 => Kind::Number,
            4 => Kind::Object,
            _ => Kind::String,
        }
    }

    fn count(self) -> usize {
        (self.meta >> COUNT_SHIFT) as usize
    }
}

/// Member names of one big object in order, for binary search.
#[derive(Debug)]
struct Index {
    /// The object's entry.
    object: u32,
    /// Entries of its member names, sorted by decoded name.
    names: Box<[u32]>,
}

/// A parsed JSON text. See the module's documentation.
#[derive(Debug)]
pub struct Document<'t> {
    text: &'t str,
    entries: Vec<Entry>,
    /// Sorted by object; only big objects are here.
    indexes: Vec<Index>,
}

impl<'t> Document<'t> {
    /// Reads a JSON text.
    ///
    /// # Errors
    /// Anything that breaks the module's invariants.
    pub fn parse(text: &'t str) -> Result<Self, DocumentFault> {
        scan::scan(text)
    }

    /// A document that is one string, reusing the storage of an earlier one.
    pub(super) fn of_bare_string(text: &'t str, storage: DocumentStorage) -> Self {
        let mut entries = storage.0;
        entries.clear();
        let mut entry = Entry::new(Kind::String, 0, text.len(), 1);
        entry.meta |= BARE;
        entries.push(entry);
        Self {
            text,
            entries,
            indexes: Vec::new(),
        }
    }

    /// Gives the storage back.
    pub(super) fn into_storage(self) -> DocumentStorage {
        DocumentStorage(self.entries)
    }

    /// The outermost value.
    #[must_use]
    pub fn root(&self) -> Node<'_> {
        Node {
            document: self,
            at: 0,
        }
    }

    /// Values and member names: what work on the document is proportional to.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.entries.len()
    }
}

/// Storage that one-string documents hand on.
#[derive(Debug, Default)]
pub(super) struct DocumentStorage(Vec<Entry>);

/// One value of a document. Copying it copies two words.
#[derive(Clone, Copy, Debug)]
pub struct Node<'d> {
    document: &'d Document<'d>,
    at: u32,
}

impl<'d> Node<'d> {
    fn entry(self) -> &'d Entry {
        &self.document.entries[self.at as usize]
    }

    fn sibling(self, at: u32) -> Self {
        Self {
            document: self.document,
            at,
        }
    }

    /// What the value is.
    #[must_use]
    pub fn kind(self) -> Kind {
        self.entry().kind()
    }

    /// The value's JSON text exactly as it came.
    #[must_use]
    pub fn raw(self) -> &'d str {
        let entry = self.entry();
        &self.document.text[entry.start as usize..entry.end as usize]
    }

    /// Members of an object or elements of an array; 0 for anything else.
    #[must_use]
    pub fn count(self) -> usize {
        self.entry().count()
    }

    /// A string's value, borrowed unless the text holds escapes.
    #[must_use]
    pub fn string(self) -> Option<Cow<'d, str>> {
        let entry = self.entry();
        if entry.kind() != Kind::String {
            return None;
        }
        if entry.meta & BARE != 0 {
            return Some(Cow::Borrowed(self.raw()));
        }
        let raw = self.raw();
        if entry.meta & ESCAPED != 0 {
            // `scan` has proven that it decodes; the empty default is never taken.
            return Some(Cow::Owned(scan::unescape(raw).unwrap_or_default()));
        }
        Some(Cow::Borrowed(&raw[1..raw.len() - 1]))
    }

    /// The text of a string, number, boolean as a person would write it; `None` for arrays, objects
    /// and `null`.
    #[must_use]
    pub fn scalar(self) -> Option<Cow<'d, str>> {
        match self.kind() {
            Kind::String => self.string(),
            Kind::Boolean | Kind::Number => Some(Cow::Borrowed(self.raw())),
            Kind::Array | Kind::Null | Kind::Object => None,
        }
    }

    /// [`Self::scalar`], or the JSON text of what is none.
    #[must_use]
    pub fn text(self) -> Cow<'d, str> {
        self.scalar().unwrap_or_else(|| Cow::Borrowed(self.raw()))
    }

    /// Names and values of an object, in order; nothing for anything else.
    #[must_use]
    pub fn members(self) -> Members<'d> {
        let left = if self.kind() == Kind::Object {
            self.count()
        } else {
            0
        };
        Members {
            document: self.document,
            at: self.at + 1,
            left,
        }
    }

    /// Elements of an array, in order; nothing for anything else.
    #[must_use]
    pub fn elements(self) -> Elements<'d> {
        let left = if self.kind() == Kind::Array {
            self.count()
        } else {
            0
        };
        Elements {
            document: self.document,
            at: self.at + 1,
            left,
        }
    }

    /// The member of that name, where this is an object that has one.
    #[must_use]
    pub fn get(self, name: &str) -> Option<Self> {
        if self.count() >= INDEXED_MEMBERS_MIN && self.kind() == Kind::Object {
            return self.get_indexed(name);
        }
        self.members()
            .find(|(member, _)| member.is_string(name))
            .map(|(_, value)| value)
    }

    fn get_indexed(self, name: &str) -> Option<Self> {
        let indexes = &self.document.indexes;
        let index = indexes
            .binary_search_by_key(&self.at, |index| index.object)
            .ok()?;
        let index = &indexes[index];
        let found = index
            .names
            .binary_search_by(|&at| {
                self.sibling(at)
                    .string()
                    .as_deref()
                    .unwrap_or_default()
                    .cmp(name)
            })
            .ok()?;
        Some(self.sibling(index.names[found] + 1))
    }

    /// Whether this is the string `expected`.
    #[must_use]
    pub fn is_string(self, expected: &str) -> bool {
        let entry = self.entry();
        if entry.meta & (ESCAPED | BARE) == 0 && entry.kind() == Kind::String {
            let text = self.document.text.as_bytes();
            return &text[entry.start as usize + 1..entry.end as usize - 1] == expected.as_bytes();
        }
        self.string().is_some_and(|value| value == expected)
    }

    /// An address that no other node of a living document has.
    pub(super) fn address(self) -> usize {
        std::ptr::from_ref(self.entry()) as usize
    }
}

/// See [`Node::members`].
#[derive(Debug)]
pub struct Members<'d> {
    document: &'d Document<'d>,
    at: u32,
    left: usize,
}

impl<'d> Iterator for Members<'d> {
    type Item = (Node<'d>, Node<'d>);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let name = Node {
            document: self.document,
            at: self.at,
        };
        let value = Node {
            document: self.document,
            at: self.at + 1,
        };
        self.at = value.entry().next;
        Some((name, value))
    }
}

/// See [`Node::elements`].
#[derive(Debug)]
pub struct Elements<'d> {
    document: &'d Document<'d>,
    at: u32,
    left: usize,
}

impl<'d> Iterator for Elements<'d> {
    type Item = Node<'d>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let value = Node {
            document: self.document,
            at: self.at,
        };
        self.at = value.entry().next;
        Some(value)
    }
}
