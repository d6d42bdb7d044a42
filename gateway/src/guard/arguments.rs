//! The arguments of one call: the caller's bytes, and a document over them once somebody looks inside.

use std::cell::OnceCell;
use std::fmt;

use super::document::{Document, DocumentFault};
use super::explain::shown;
use crate::limits::ARGUMENT_ERROR_BYTES_MAX;

/// Arguments that passed [`super::validate`]. A JSON object, for certain.
#[derive(Debug)]
pub struct Arguments<'a> {
    raw: &'a str,
    document: OnceCell<Document<'a>>,
}

impl<'a> Arguments<'a> {
    /// `raw` is well-formed JSON: the envelope saw to that.
    ///
    /// # Errors
    /// It is not an object.
    pub(super) fn new(raw: &'a str) -> Result<Self, InvalidArguments> {
        let raw = raw.trim_ascii();
        if !raw.starts_with('{') {
            return Err(InvalidArguments::new(format!(
                "arguments must be a JSON object, not {}",
                shown(raw)
            )));
        }
        Ok(Self {
            raw,
            document: OnceCell::new(),
        })
    }

    /// The object's JSON text as it came.
    #[must_use]
    pub fn raw(&self) -> &'a str {
        self.raw
    }

    /// The object, parsed on first use.
    ///
    /// # Errors
    /// See [`Document::parse`]. Never after a schema has looked inside.
    pub fn document(&self) -> Result<&Document<'a>, InvalidArguments> {
        if let Some(document) = self.document.get() {
            return Ok(document);
        }
        let document = Document::parse(self.raw).map_err(InvalidArguments::from)?;
        Ok(self.document.get_or_init(|| document))
    }
}

/// Why arguments are refused: a text, in bounds, that a language model can act on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidArguments(Box<str>);

impl InvalidArguments {
    /// Cuts the text where it exceeds its bound.
    pub fn new(text: impl Into<String>) -> Self {
        let mut text = text.into();
        if text.len() > ARGUMENT_ERROR_BYTES_MAX {
            text.truncate(text.floor_char_boundary(ARGUMENT_ERROR_BYTES_MAX - 4));
            text.push_str(" ...");
        }
        Self(text.into())
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InvalidArguments {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for InvalidArguments {}

impl From<DocumentFault> for InvalidArguments {
    fn from(fault: DocumentFault) -> Self {
        Self::new(match fault {
            DocumentFault::DuplicateName(name) => {
                format!(
                    "the name {} stands twice in one object; give it once",
                    shown(&format!("{name:?}"))
                )
            }
            DocumentFault::LoneSurrogate => {
                "a string holds half of a \\u surrogate pair; send the character itself".to_owned()
            }
            DocumentFault::Malformed(at) => format!("arguments are not valid JSON at byte {at}"),
            DocumentFault::TooDeep => {
                format!(
                    "arguments are nested deeper than {} levels",
                    crate::limits::JSON_DEPTH_MAX
                )
            }
            DocumentFault::TooLarge => "arguments hold too many values".to_owned(),
        })
    }
}
