//! Reads JSON text token by token, strictly by RFC 8259, without recursion and without building
//! anything: the one scanner under the envelope, arguments, and API answers.
//!
//! serde_json's visitors read the same text in three passes (UTF-8, depth, members) and skip what is not
//! wanted a byte at a time. What one pass is worth stands in `bench/README.md`.

use std::borrow::Cow;

use super::raw::Raw;
use crate::limits::JSON_DEPTH_MAX;

/// Why a text is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No JSON at this byte.
    Malformed(usize),
    /// Nested deeper than [`JSON_DEPTH_MAX`].
    TooDeep,
}

// A value's open arrays and objects are bits of one number.
const _: () = assert!(JSON_DEPTH_MAX <= u128::BITS as usize);

/// A place in a JSON text.
#[derive(Clone, Debug)]
pub struct Lexer<'t> {
    text: &'t str,
    at: usize,
    /// Objects that [`Self::open_object`] opened and [`Self::next_name`] has not seen the end of.
    depth: usize,
}

/// A string as it stands in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quoted<'t> {
    /// With its quotes.
    pub raw: &'t str,
    /// Whether the text holds backslashes, so that it is not the value.
    pub escaped: bool,
    /// Whether an escape names a surrogate, which may be half of nothing.
    pub surrogates: bool,
}

impl<'t> Quoted<'t> {
    /// The string's value; `None` where half a surrogate pair makes it one that UTF-8 cannot carry.
    #[must_use]
    pub fn decode(self) -> Option<Cow<'t, str>> {
        if self.escaped {
            return serde_json::from_str(self.raw).ok().map(Cow::Owned);
        }
        Some(Cow::Borrowed(&self.raw[1..self.raw.len() - 1]))
    }
}

impl<'t> Lexer<'t> {
    /// At the beginning of a text.
    #[must_use]
    pub fn new(text: &'t str) -> Self {
        Self {
            text,
            at: 0,
            depth: 0,
        }
    }

    /// Byte at which the lexer stands.
    #[must_use]
    pub fn position(&self) -> usize {
        self.at
    }

    /// The next byte; NUL, which no rule accepts, at the end.
    #[must_use]
    pub fn peek(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or(0)
    }

    /// Passes over one byte that [`Self::peek`] has shown.
    pub fn bump(&mut self) {
        self.at += 1;
    }

    /// Passes over white space and shows what follows.
    pub fn peek_token(&mut self) -> u8 {
        while matches!(self.peek(), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
        self.peek()
    }

    /// That nothing but white space is left.
    ///
    /// # Errors
    /// [`Fault::Malformed`].
    pub fn end(&mut self) -> Result<(), Fault> {
        self.peek_token();
        if self.at == self.text.len() {
            return Ok(());
        }
        self.malformed()
    }

    /// Passes over the `{` of an object, whose members [`Self::next_name`] then gives.
    ///
    /// # Errors
    /// [`Fault::Malformed`] for anything else, [`Fault::TooDeep`].
    pub fn open_object(&mut self) -> Result<(), Fault> {
        self.open(b'{')
    }

    /// The next member's name, with the lexer at its value; `None` at the object's end. `first` is true
    /// for the first call and set to false by it.
    ///
    /// # Errors
    /// [`Fault::Malformed`].
    pub fn next_name(&mut self, first: &mut bool) -> Result<Option<Quoted<'t>>, Fault> {
        if self.next(b'}', first)? {
            return self.name().map(Some);
        }
        Ok(None)
    }

    /// Passes over the `[` of an array, whose elements [`Self::next_element`] then finds.
    ///
    /// # Errors
    /// [`Fault::Malformed`] for anything else, [`Fault::TooDeep`].
    pub fn open_array(&mut self) -> Result<(), Fault> {
        self.open(b'[')
    }

    /// Whether another element follows, with the lexer at it. `first` as for [`Self::next_name`].
    ///
    /// # Errors
    /// [`Fault::Malformed`].
    pub fn next_element(&mut self, first: &mut bool) -> Result<bool, Fault> {
        self.next(b']', first)
    }

    fn open(&mut self, bracket: u8) -> Result<(), Fault> {
        if self.peek_token() != bracket {
            return self.malformed();
        }
        if self.depth == JSON_DEPTH_MAX {
            return Err(Fault::TooDeep);
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    /// Passes over the comma before the next member, or over the end.
    fn next(&mut self, end: u8, first: &mut bool) -> Result<bool, Fault> {
        let was_first = std::mem::replace(first, false);
        match self.peek_token() {
            byte if byte == end => {
                self.at += 1;
                self.depth -= 1;
                Ok(false)
            }
            b',' if !was_first => {
                self.at += 1;
                self.peek_token();
                Ok(true)
            }
            _ if was_first => Ok(true),
            _ => self.malformed(),
        }
    }

    /// Reads `"name" :`.
    ///
    /// # Errors
    /// [`Fault::Malformed`].
    pub fn name(&mut self) -> Result<Quoted<'t>, Fault> {
        let name = self.string()?;
        if self.peek_token() != b':' {
            return self.malformed();
        }
        self.at += 1;
        Ok(name)
    }

    /// Reads a value of any kind and size, which must nest no deeper than [`JSON_DEPTH_MAX`] in all.
    ///
    /// # Errors
    /// [`Fault::Malformed`], [`Fault::TooDeep`].
    pub fn value(&mut self) -> Result<Raw<'t>, Fault> {
        self.peek_token();
        let start = self.at;
        // A bit for each open level, the innermost lowest: 1 where it is an object.
        let mut objects = 0_u128;
        let mut open = 0;
        loop {
            match self.peek_token() {
                byte @ (b'{' | b'[') => {
                    if self.depth + open == JSON_DEPTH_MAX {
                        return Err(Fault::TooDeep);
                    }
                    let is_object = byte == b'{';
                    self.at += 1;
                    if self.peek_token() == byte + 2 {
                        // `]` and `}` stand two after `[` and `{`.
                        self.at += 1;
                    } else {
                        open += 1;
                        objects = objects << 1 | u128::from(is_object);
                        if is_object {
                            self.name()?;
                        }
                        continue;
                    }
                }
                _ => self.scalar()?,
            }
            // A value has ended: go on behind it, closing what ends with it.
            loop {
                if open == 0 {
                    return Ok(Raw::of_well_formed(&self.text[start..self.at]));
                }
                let is_object = objects & 1 == 1;
                match (self.peek_token(), is_object) {
                    (b',', _) => {
                        self.at += 1;
                        if is_object {
                            self.peek_token();
                            self.name()?;
                        }
                        break;
                    }
                    (b']', false) | (b'}', true) => {
                        self.at += 1;
                        open -= 1;
                        objects >>= 1;
                    }
                    _ => return self.malformed(),
                }
            }
        }
    }

    /// Reads a string, number or literal.
    fn scalar(&mut self) -> Result<(), Fault> {
        match self.peek() {
            b'"' => self.string().map(|_| ()),
            b't' => self.literal(b"true"),
            b'f' => self.literal(b"false"),
            b'n' => self.literal(b"null"),
            _ => self.number(),
        }
    }

    /// Reads a string.
    ///
    /// # Errors
    /// [`Fault::Malformed`].
    pub fn string(&mut self) -> Result<Quoted<'t>, Fault> {
        let bytes = self.text.as_bytes();
        if self.peek() != b'"' {
            return self.malformed();
        }
        let start = self.at;
        self.at += 1;
        let (mut escaped, mut surrogates) = (false, false);
        loop {
            self.at = plain_end(bytes, self.at);
            match bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Quoted {
                        raw: &self.text[start..self.at],
                        escaped,
                        surrogates,
                    });
                }
                Some(b'\\') => {
                    escaped = true;
                    surrogates |= self.escape()?;
                }
                _ => return self.malformed(),
            }
        }
    }

    /// Reads one escape; true where it is half of a surrogate pair.
    fn escape(&mut self) -> Result<bool, Fault> {
        let bytes = self.text.as_bytes();
        match bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                Ok(false)
            }
            Some(b'u') => {
                let Some(digits) = bytes.get(self.at + 2..self.at + 6) else {
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

    /// Reads a number of any size.
    ///
    /// # Errors
    /// [`Fault::Malformed`].
    pub fn number(&mut self) -> Result<(), Fault> {
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

    fn digits(&mut self) -> Result<(), Fault> {
        if !self.peek().is_ascii_digit() {
            return self.malformed();
        }
        while self.peek().is_ascii_digit() {
            self.at += 1;
        }
        Ok(())
    }

    /// Reads `true`, `false` or `null`.
    ///
    /// # Errors
    /// [`Fault::Malformed`].
    pub fn literal(&mut self, word: &[u8]) -> Result<(), Fault> {
        if !self.text.as_bytes()[self.at..].starts_with(word) {
            return self.malformed();
        }
        self.at += word.len();
        Ok(())
    }

    /// The fault of this place.
    ///
    /// # Errors
    /// Always.
    pub fn malformed<T>(&self) -> Result<T, Fault> {
        Err(Fault::Malformed(self.at))
    }
}

/// Where the plain part of a string ends: the first quote, backslash or control character, or the
/// text's end. Eight bytes at a time; the lowest flag of each test is exact, higher ones may be
/// carries, so the lowest of all is exact.
fn plain_end(bytes: &[u8], at: usize) -> usize {
    let (words, tail) = bytes[at..].as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let found = super::special_bytes(u64::from_le_bytes(*word));
        if found != 0 {
            return at + index * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    let plain = tail
        .iter()
        .take_while(|&&byte| byte >= 0x20 && byte != b'"' && byte != b'\\');
    bytes.len() - tail.len() + plain.count()
}

#[cfg(test)]
mod tests;
