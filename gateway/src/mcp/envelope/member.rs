//! Members read leniently: a value of the wrong type is noted rather than ending the parse, so that the
//! rest of the message, its id above all, is still read.

use std::borrow::Cow;

use crate::json::lexer::{Fault, Lexer};
use crate::json::raw::Raw;

/// A member that should be a string.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Text<'a> {
    /// Not there, or `null`.
    #[default]
    Absent,
    /// A string, borrowed from the body unless it has escapes.
    Is(Cow<'a, str>),
    /// Some other value.
    Other,
}

impl<'a> Text<'a> {
    /// The string, where it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Is(text) => Some(text),
            Self::Absent | Self::Other => None,
        }
    }

    /// The string, where it is one.
    pub(crate) fn into_string(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Is(text) => Some(text),
            Self::Absent | Self::Other => None,
        }
    }

    /// Reads a member's value.
    ///
    /// # Errors
    /// It is no JSON, or a string that UTF-8 cannot carry.
    pub(crate) fn read(lexer: &mut Lexer<'a>) -> Result<Self, Fault> {
        if lexer.peek_token() != b'"' {
            let value = lexer.value()?;
            return Ok(if value.get() == "null" {
                Self::Absent
            } else {
                Self::Other
            });
        }
        let string = lexer.string()?;
        match string.decode() {
            Some(text) => Ok(Self::Is(text)),
            None => lexer.malformed(),
        }
    }
}

/// Reads a member that stays JSON; `null` stands for none.
pub(super) fn read_raw<'a>(lexer: &mut Lexer<'a>) -> Result<Option<Raw<'a>>, Fault> {
    let value = lexer.value()?;
    Ok((value.get() != "null").then_some(value))
}

/// The next member's decoded name, with the lexer at its value; `None` at the object's end.
pub(crate) fn next_name<'a>(
    lexer: &mut Lexer<'a>,
    first: &mut bool,
) -> Result<Option<Cow<'a, str>>, Fault> {
    let Some(name) = lexer.next_name(first)? else {
        return Ok(None);
    };
    match name.decode() {
        Some(name) => Ok(Some(name)),
        None => lexer.malformed(),
    }
}
