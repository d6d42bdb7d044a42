//! One argument found in raw JSON by its path, without reading the rest into memory.

use std::borrow::Cow;

use crate::json::lexer::{Fault, Lexer};
use crate::json::raw::Raw;
use crate::mcp::envelope::next_name;

/// An argument's value, as far as headers can carry it.
#[derive(Debug, PartialEq)]
pub(super) enum Argument<'a> {
    /// Not there, `null`, an object or an array.
    Absent,
    /// There more than once, or inside an object that is.
    Repeated,
    /// A string.
    Text(Cow<'a, str>),
    /// The JSON text of a number or boolean.
    Literal(&'a str),
}

/// Finds the value at `path`, member names from the root.
pub(super) fn find<'a>(arguments: Option<Raw<'a>>, path: &[Box<str>]) -> Argument<'a> {
    // The envelope has read this text: only strings that no one unescaped yet can be at fault (half a
    // surrogate pair), and the schema's check will say so.
    arguments.map_or(Argument::Absent, |raw| {
        at(&mut Lexer::new(raw.get()), path).unwrap_or(Argument::Absent)
    })
}

/// Reads the value at the path below the current one. As deep as the path is long.
fn at<'a>(lexer: &mut Lexer<'a>, path: &[Box<str>]) -> Result<Argument<'a>, Fault> {
    let Some((wanted, rest)) = path.split_first() else {
        return leaf(lexer);
    };
    if lexer.peek_token() != b'{' {
        lexer.value()?;
        return Ok(Argument::Absent);
    }
    let mut found = None;
    let mut first = true;
    lexer.open_object()?;
    while let Some(name) = next_name(lexer, &mut first)? {
        if *name != **wanted {
            lexer.value()?;
            continue;
        }
        let argument = at(lexer, rest)?;
        found = Some(match found {
            None => argument,
            Some(_) => Argument::Repeated,
        });
    }
    Ok(found.unwrap_or(Argument::Absent))
}

fn leaf<'a>(lexer: &mut Lexer<'a>) -> Result<Argument<'a>, Fault> {
    if lexer.peek_token() == b'"' {
        let text = lexer.string()?.decode();
        return Ok(text.map_or(Argument::Absent, Argument::Text));
    }
    let value = lexer.value()?.get();
    Ok(match value.as_bytes().first() {
        Some(b'-' | b'0'..=b'9' | b't' | b'f') => Argument::Literal(value),
        _ => Argument::Absent,
    })
}
