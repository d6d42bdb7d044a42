//! Checks what a caller sends before it travels: today the arguments against the tool's schema.
//! Not who may call (that is `policy`), and not how arguments become a request (that is `adapter`).

pub mod arguments;
pub mod document;
mod explain;
mod instance;
pub mod schema;

#[cfg(test)]
mod tests;

use arguments::{Arguments, InvalidArguments};
use document::Kind;
use schema::ArgumentSchema;

use crate::json::raw::Raw;

/// Checks the arguments of a call. Missing arguments are an empty object.
///
/// Where the schema accepts any object, the text is not even parsed: the envelope has already been
/// found well-formed, and [`Arguments`] parses it when somebody asks.
///
/// # Errors
/// Arguments that are no object, that a document refuses (depth, repeated names, lone surrogates), or
/// that do not fit the schema; with a text that tells a model what to change.
pub fn validate<'a>(
    schema: &ArgumentSchema,
    raw: Option<Raw<'a>>,
) -> Result<Arguments<'a>, InvalidArguments> {
    let arguments = Arguments::new(raw.map_or("{}", Raw::get))?;
    if schema.accepts_any_object() {
        return Ok(arguments);
    }
    let document = arguments.document()?;
    if schema.is_valid(document) {
        return Ok(arguments);
    }
    debug_assert_eq!(document.root().kind(), Kind::Object);
    Err(explain::explain(schema, document))
}
