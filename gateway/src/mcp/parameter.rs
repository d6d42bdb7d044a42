//! `Mcp-Param-*`: arguments that a modern client repeats in headers, against the arguments themselves.
//!
//! Which arguments those are a tool's schema says, see [`declare()`]; the check needs the tool, so it
//! comes after it was resolved. Headers that the tool does not declare are none of our business.

mod declare;
mod lookup;

use std::borrow::Cow;

use super::error::{Detail, HeaderFault, Refused};
use super::headers::{Field, Headers, decode};
use super::modern::single;
use crate::json::raw::Raw;
use crate::refusal::{MirroredHeader, Refusal};
use crate::snapshot::tool::MirroredParameter;

pub use declare::declare;
use lookup::{Argument, find};

/// The largest integer that a mirrored parameter may have: what JavaScript can tell from its
/// neighbours.
const INTEGER_MAX: i64 = (1 << 53) - 1;

/// Checks the mirrored parameters of one call.
///
/// # Errors
/// [`Refusal::HeaderMismatch`] for a value in the arguments without its header, a header without a
/// value, one that differs, comes twice or is malformed; and for an argument that stands twice in its
/// object, as then it has no one value.
pub fn check<'t>(
    mirrored: &'t [MirroredParameter],
    arguments: Option<Raw<'_>>,
    headers: &Headers<'_>,
) -> Result<(), Refused<'t>> {
    for parameter in mirrored {
        let argument = find(arguments, &parameter.path);
        check_one(&argument, headers.parameter(&parameter.header)).map_err(|fault| Refused {
            refusal: Refusal::HeaderMismatch(MirroredHeader::Parameter),
            detail: Detail::Header {
                parameter: Some(&parameter.header),
                fault,
            },
        })?;
    }
    Ok(())
}

fn check_one(argument: &Argument<'_>, field: Field<'_>) -> Result<(), HeaderFault> {
    let expected: Cow<'_, str> = match argument {
        Argument::Absent => {
            // `null` and nothing are not mirrored, nor is what only the schema's check can refuse.
            return if field == Field::Absent {
                Ok(())
            } else {
                Err(HeaderFault::Different)
            };
        }
        Argument::Repeated => return Err(HeaderFault::Different),
        Argument::Text(text) => Cow::Borrowed(text),
        Argument::Literal(text) => Cow::Borrowed(text),
    };
    let value = decode(single(field)?).map_err(|_| HeaderFault::Malformed)?;
    let equal = *value == *expected.as_bytes()
        || matches!(argument, Argument::Literal(_)) && is_same_integer(&value, &expected);
    if equal {
        Ok(())
    } else {
        Err(HeaderFault::Different)
    }
}

/// Whether both are the same integer, `42.0` and `42` for example.
fn is_same_integer(header: &[u8], body: &str) -> bool {
    let header = std::str::from_utf8(header).ok().and_then(integer);
    header.is_some() && header == integer(body)
}

/// The value of a JSON number that is an integer within the range of exact doubles.
fn integer(text: &str) -> Option<i64> {
    let number: serde_json::Number = serde_json::from_str(text).ok()?;
    let value = number.as_i64().or_else(|| {
        let value = number.as_f64()?;
        let exact = value.fract() == 0.0 && value.abs() <= INTEGER_MAX as f64;
        exact.then_some(value as i64)
    })?;
    (value.unsigned_abs() <= INTEGER_MAX.unsigned_abs()).then_some(value)
}
