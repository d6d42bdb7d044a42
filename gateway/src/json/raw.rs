//! A JSON value that stays text.

use super::lexer::{Fault, Lexer};

/// The text of one well-formed JSON value within [`crate::limits::JSON_DEPTH_MAX`], without white space
/// around it: `serde_json`'s `RawValue`, which only its own, slower parser can make.
///
/// A string in it may hold half a surrogate pair: who decodes a string finds out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raw<'t>(&'t str);

impl<'t> Raw<'t> {
    /// Reads a text that is one value.
    ///
    /// # Errors
    /// It is none, or nests too deep.
    pub fn parse(text: &'t str) -> Result<Self, Fault> {
        let mut lexer = Lexer::new(text);
        let value = lexer.value()?;
        lexer.end()?;
        Ok(value)
    }

    /// What the lexer has found well-formed.
    pub(super) fn of_well_formed(text: &'t str) -> Self {
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn get(self) -> &'t str {
        self.0
    }

    /// Whether the value is an object.
    #[must_use]
    pub fn is_object(self) -> bool {
        self.0.starts_with('{')
    }
}
