//! Arguments in the query, and in urlencoded bodies' neighbour: only the query's own separators are
//! here, values are `style`'s.

use super::style::{self, Place};
use crate::guard::arguments::InvalidArguments;
use crate::guard::document::Node;
use crate::snapshot::operation::{Parameter, RestOperation};

/// Appends the query with its `?`, where there is one; `taken` counts the arguments used.
pub(super) fn write(
    operation: &RestOperation,
    arguments: Node<'_>,
    taken: &mut usize,
    out: &mut Vec<u8>,
) -> Result<(), InvalidArguments> {
    let mut lead = b"?";
    for parameter in &operation.query {
        let Some(value) = find(parameter, arguments, taken)? else {
            continue;
        };
        if style::write_parameter(out, Place::Query, lead, parameter, value) {
            lead = b"&";
        }
    }
    // Last, so that a log cut short by a proxy loses the credential first.
    if !operation.fixed_query.0.is_empty() {
        out.extend_from_slice(lead);
        out.extend_from_slice(&operation.fixed_query.0);
    }
    Ok(())
}

/// The value of a parameter, where the caller gave one; counts it.
pub(super) fn find<'d>(
    parameter: &Parameter,
    arguments: Node<'d>,
    taken: &mut usize,
) -> Result<Option<Node<'d>>, InvalidArguments> {
    let value = arguments.get(&parameter.argument);
    match value {
        Some(_) => *taken += 1,
        None if parameter.required => {
            return Err(InvalidArguments::new(format!(
                "missing required property {:?}",
                parameter.argument
            )));
        }
        None => {}
    }
    Ok(value)
}
